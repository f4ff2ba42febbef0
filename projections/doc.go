// Package projections keeps the views that REST reads: tables in Postgres, made from the
// log alone, that can be dropped and built again.
//
//	projections           Runner: who writes a view, and how far it is
//	projections/users     accounts: by id, search
//	projections/rooms     rooms and their members: mine, public, members
//	projections/messages  what was said: pages by seq, reactions, pins, threads, revisions
//	projections/receipts  who has read what, and what is left to read
//	projections/verify    proves them from the log
//	projections/search    the words that were said, and how they are found
//
// Each view has its writes (Projector) and its queries (Queries) side by side. The queries
// need no Runner: they work on any node and on a replica.
//
// # Promises
//
// Exactly once. A batch of events and the checkpoint move in one transaction, and the
// checkpoint moves by compare-and-set: an event is applied once, whatever is killed when.
//
// One writer. A view is written by the node that holds its advisory lock; the others stand by
// and ask for the lock once a second. The writer applies batches on the very connection that
// holds the lock: when that is lost the lock and the open transaction go with it. The
// compare-and-set fences also a writer who got past the lock.
//
// Order. Each view applies the log in order of position. Different views are at different positions.
//
// Snapshots. A query answers with the view's position, read in the same statement: its rows show
// every event up to that position and none after it. (rooms.Queries.Mine reads three views and
// answers with the least position.)
//
// Read your writes. Runner.WaitFor waits until views have reached a position.
//
// Gathering. A view makes at most 20 transactions a second (Config.Gather) while little comes at a time, and is late by as
// much, unless somebody on its node waits for it. The views of a node then take turns, so that they do not crowd out appends.
//
// Loss. The transactions of views do not wait for the disk: after a crash of Postgres a view may be
// back at an earlier position, consistent, and goes on from there. The log is never behind its views.
// Until the writer notices (a second), WaitFor may still answer by the position from before the crash; the
// position that a query answers with is always that of its rows.
//
// Failures. While Postgres is away a view waits and tries again. An event that cannot be
// applied stops its view just below it: the state is failed, the error is in Status, the
// attempt is repeated slowly. The other views go on. Events of unknown types are skipped.
//
// Limits. The lock belongs to a session, so the Runner needs a direct connection (or a
// pooler in session mode). Each view holds one connection on each node.
package projections
