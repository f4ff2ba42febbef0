// Package verify proves the views from the log: it folds what happened by the rules of the domain, which the
// projectors do not use, and compares what the queries show.
//
// A Thing is compared at a time: a room with all that is in it, a user, or somebody's presence. It is seen in one snapshot, in which
// each view is at a position of its own, and the log is folded up to that. So verifying disturbs nobody and needs no pause,
// and its memory is that of the largest room.
//
// Compared are: users; rooms, their members and last numbers; messages with reactions, pins and threads; which text
// search has of each message; the cursors of members and their unread counts; presence.
// Not compared is the history of receipts.
package verify
