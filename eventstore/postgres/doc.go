// Package postgres keeps the log in one Postgres table, log.events.
//
//	store.go    the door: New, Run, Append, Submit
//	queue.go    what waits: bounds, order of keys, deadlines
//	appender.go takes what is queued and answers it, a commit for many appends
//	batch.go    which appends of a batch pass, and the rows they become (no I/O)
//	memory.go   what need not be looked up
//	repeats.go  what repetitions are answered with
//	session.go  the appender's own connection: lock, look up, insert, commit
//	clock.go    the server's time, carried forward
//	encode.go   Postgres' binary arrays
//	digest.go   what of the chain is computed before the appender's turn
//	read.go     the Reader
//	prove.go    computes the chain of hashes again
//	erase.go    blanks what is of a person
//	stats.go    what it tells of itself
//
// # Order
//
// Every append of every node takes one advisory lock, held until its commit. Under it the
// tail of the log is read and positions are given out, so position order is commit order and
// there are no gaps. The lock is FIFO: no node starves.
//
// # Chain
//
// Each row has a hash of itself and of the row before, computed here before the rows are sent; see package chain. Most of it, the
// digests, is computed by whoever appends: what the appender computes, all others wait for. So that a
// commit needs no question first, the time of its events is the server's as of its last reading, not older than a second, carried forward by this
// machine's clock: at most a moment ahead, never before the append was asked for, never before the last event. The inserting statement
// compares it with the server's clock and stores nothing if they disagree; the long way then asks.
//
// # Group commit
//
// One goroutine takes whatever is queued, without waiting for more, looks up under the lock all that
// the appends depend on (one round trip), decides in memory which of them pass, and inserts
// those and commits (a second round trip). While a commit is flushed the next batch gathers
// by itself: the busier the node, the larger its commits.
//
// When no other node has written in between, what this one remembers of its own commits is
// still so, and the two become one: lock, insert on condition that the log ends where it did, and
// commit. A node that finds somebody else's events there goes the long way, and tries the short one again later.
//
// An append that conflicts gets its own answer; others in its batch are not touched. If
// the insert itself fails on somebody's data, the batch is halved and tried again until the
// culprit is alone. Answers are given after COMMIT has returned, never before.
//
// # Deciding again
//
// An append that conflicts and has Again leaves the batch, is decided again in a goroutine of its
// own, and goes first in a next batch. Appends with the same Order key that came after it wait
// behind it.
//
// # Bounds and faults
//
// An append is answered within Config.Timeout, whatever Postgres does: beyond it the answer is
// UNAVAILABLE, though the commit may still happen. The queue is bounded in number and bytes; when
// full, the answer is UNAVAILABLE at once.
//
// When the connection breaks, the batch is tried once more on a new one. That is safe even if it broke
// during COMMIT: the new attempt waits for the lock, which the old transaction holds until it has
// ended, and then finds the ids of what was stored; such appends are answered as stored.
// This is tried until Config.Timeout. If the connection broke at another moment and the second
// attempt fails as well, all are answered UNAVAILABLE.
//
// A frozen node cannot hold the lock for long: idle_in_transaction_session_timeout ends
// its transaction after half of Config.Timeout. A server that may lose what it has acknowledged (fsync, full_page_writes or
// synchronous_commit off) is refused, unless Config.AllowUnsafe.
package postgres
