// Package history shows rooms as they were: at a position of the log, or at a time, which is the last position that was
// recorded by then. It reads the log, which has it all; the views show the present alone.
//
//	when.go      what a moment is called
//	message.go   a message from the events about it
//	page.go      what had been said
//	room.go      what a room was like, and who was in it
//	receipts.go  who had read and received what
//	unread.go    what somebody had left to read
//
// # Promises
//
// What was fetched once the views had reached a position, and what is shown as of this position ever after, are the same, but for
// what was deleted or erased since:
//
// Deleted messages. The right to delete wins over the right to look back: what was deleted after the moment is a
// tombstone, with the time of its deletion, as if it had been deleted then. Those who may see what deleted messages have
// said (their author, moderators, admins: the rule of the revisions) see the message as it was. What was deleted before the moment is
// a tombstone to everybody. What was erased is gone from the log, and so from here.
//
// Access. Whether the caller may see the room is not asked here. It is a question of today: who is out of a room sees nothing of
// its past, and who is in sees all of it, as of its messages.
//
// Before a room was created nothing had been said and nobody was in it: lists are empty, and there is no such room. A
// moment that is yet to come is the present.
//
// # Cost
//
// A page of messages costs what it shows: some short statements, whose number does not depend on the size or the age
// of the room. It waits for the view of messages, since that knows the answers to each message. Everything else is
// folded. Members are folded from the room's own stream up to the moment, receipts from all that happened in the room,
// unread counts from the streams of the rooms and from what was said behind the cursors: at most about a second of a processor for
// 200,000 events. More than Config.MaxEvents are refused (INVALID_PAYLOAD, field at), and few are folded at a time.
package history
