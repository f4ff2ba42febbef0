// Package consumers lets others read the log at their own pace: named readers whose position is kept for them.
//
//	consumers.go  the menu: make, list, read, acknowledge, rewind, delete
//	row.go        how one is stored
//	request.go    what may be asked for
//	feed.go       parts of the log for many readers, each at a place of its own
//	scan.go       reading what memory does not reach back to
//
// # Promises
//
// At least once, in order. A consumer is told what follows the position that it has acknowledged, ascending, and the
// same again until it acknowledges more; reading moves nothing. Two readers of one consumer get the same. An
// acknowledgement never goes back: one that comes late, or twice, changes nothing. Rewind is what goes
// back, and forward past what nobody wants to see.
//
// Durable. An acknowledgement that was answered is in Postgres. Nothing else is needed to go on, on any node.
//
// Nothing is skipped. Positions are commit order, so what is below an acknowledged position cannot appear later. What a
// consumer does not want is acknowledged for it, once it has been looked at and nothing wanted lies before it.
//
// Cost. One who waits costs a goroutine and nothing else: one follower of the log for each node wakes all, and what is
// recent is read from memory. What is older is read in statements that look at a bounded number of rows,
// and a page is bounded in number and bytes.
//
// History. Positions are kept in the database that holds the log: a backup restores both as they were together. What was
// told meanwhile may then be told again, or, if it was of a past that is gone, have been told in vain.
package consumers
