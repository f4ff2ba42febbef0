// Package replay plays the log to analysts: all of it or a selection, from the past to live, as lines, server-sent
// events or Parquet.
//
//	request.go   what can be asked for, in the words of the query string
//	player.go    Play: pages of the past
//	live.go      what is new
//	share.go     of those who follow the same, one encodes it for all
//	batch.go     what is read is encoded; what is encoded is written meanwhile
//	lines.go     NDJSON and server-sent events
//	parquet.go   Parquet, a row group at a time
//	pace.go      as fast as it happened, or so many times as fast
//
// # Promises
//
// Every event of the selection, once, in the order of positions. A replay ends at the head that the log had when it
// began, so it ends however fast the log grows; one that follows does not end, and passes from the past to live
// without a gap and without a repetition. What it plays depends on the log alone: broken off after any event and taken
// up behind it, both parts together are the bytes of the whole (not so Parquet, whose index stands at its end).
//
// Lines hold data and metadata as they are stored, byte for byte. What is asked for in a wrong way is refused before
// the first byte.
//
// # Bounds
//
// The log is read in short statements: none is open while something is written, so that a slow reader holds no
// snapshot. Two batches of Config.BatchBytes are in memory, one being read and one being written; for Parquet a row
// group as well. What followers share is eight batches for all of them together, and at least one for all who follow the same.
// Config.Reads bounds the statements of all replays together. A read that fails is tried again for a while;
// when that does not help, Play fails in the middle, and its caller has to make that visible.
package replay
