// Package presence knows on which nodes users have connections, and tells the log when that
// changes for a user as a whole.
//
//	gateway ──► Tracker.Opened / closed ──► a set of users for each node, in Redis
//	                     │                       ▲
//	                     ▼                       │ is the user anywhere?
//	     commands: ComeOnline, GoOffline ◄── grace is over · a node is gone · a look at everybody
//
// A node has a lease in Redis, which it renews; its set of users counts as long as the lease lasts. So a user costs
// a write when the first socket on a node opens and one when the last has been closed for long enough, and
// nothing in between. How a user wants to be seen is in the log alone.
//
// # Promises
//
// Truth. Within a lease and a look (Config.Lease, Config.Look) of any crash the log says of each user whether
// there is a connection. Whoever notices writes: commands are decided under the version of the user's
// stream, so several nodes that notice the same make one event.
//
// Grace. A user goes offline Config.Grace after the last socket anywhere has closed. A shorter absence leaves no
// trace in the log, also when the client comes back to another node, or the node was killed.
//
// Doubt. Nobody is judged to be gone while it is not known who is where: when Redis is away, and for a lease after
// it knew of no node that lives, as when it was emptied or comes back; by then every node has written its users
// anew. Nodes that are added raise no doubt. A judgement that is wrong all the same is taken back by the node that has the user, as soon as it has told
// Redis: it reads it in the log.
//
// Waiting. Opened and what it returns never wait. Writes to Redis are pipelined, many users at a time.
//
// Limits. Memory is some 200 bytes for each user of this node. All keys are in one slot of a Redis cluster.
package presence
