// Package trace remembers for a while what became of events after they were stored: when they were published, when the
// views showed them, when they were handed to sockets. None of that is in the log.
//
//	marks.go    what this node has done, by ranges of positions
//	arrivals.go when commands came
//	chunk.go    the marks of a second, in bytes
//	trace.go    telling the other nodes, and answering
//
// # Promises
//
// Cost. A mark is for a whole batch, never for a message or a socket: a few numbers in a ring that was made at the start.
// Each second a node writes what it has marked into Redis, in one call, if there was anything: at most some KB, however much
// has happened, since neighbours are put together. No command, view or socket waits for any of it.
//
// Loss. Everything here may be lost, and is after a while: the ring holds the last Config.Keep marks, Redis the last
// Config.Chunks seconds in which a node has done something, and nothing for longer than Config.TTL. What is not remembered
// is absent from the answer. While Redis is away a node knows of itself alone, and says so.
//
// Accuracy. Times are those of each node's own clock, when the work was done. What was put together has the time of its
// last part: under load that may be a tenth of a second late. Of what was done twice the first time counts.
package trace
