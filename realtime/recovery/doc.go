// Package recovery answers what a client has missed: from memory when it was away for a moment,
// from the log otherwise.
//
//	Ring      the newest facts of this node, by room and by user
//	Past      what a user's rooms have told since a position: the ring, else the log
//	Sessions  which rooms a client heard that comes back with its pid, on whatever node
//
// # Promises
//
// Completeness. Past.Missed gives every durable push that a socket which hears the rooms would have got
// between two positions, in order, each once: what was told to the rooms, and what made the user a
// member of another room. It does not depend on Redis, nor on which node told it live.
//
// Rights. Membership is decided by what is read: of a room that the user left, or was removed
// from, nothing is given, and of one that the user came into meanwhile nothing from before. The
// caller checks the memberships at the end of the span; see package hub for how they stay true.
//
// Deletion. What a message has said is not told once it was deleted: it is told as a tombstone, and then that it was
// deleted.
//
// Cost. The ring costs what was missed. The log costs a look at the end of each room's streams, and a
// search in those that have something new; what else was recorded meanwhile costs nothing. Facts in the
// ring are shared with live delivery: a thousand clients that missed the same event get the same bytes.
//
// Limits. How many events, and of what age, one may catch up on (Config); how many read the log at once, so that
// a storm of reconnects leaves the database to others; how much the ring keeps.
//
// Sessions is a convenience: without it, or with a Redis that has forgotten, a client gets all rooms that
// its user is a member of, which is at least what it heard.
package recovery
