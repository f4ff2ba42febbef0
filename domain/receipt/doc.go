// Package receipt decides how far somebody has read and received a room, and counts what is left.
//
// A State is the room, the user's two cursors in it, and what there is to read. The rules are in the Decide
// method of each command, as in parley/domain/message.
//
// # Rules
//
//   - Members have cursors, their own only, also in a room that is archived: nothing is added to it.
//   - A cursor goes forward. Who has read a message has received it. Marking what is behind the cursor
//     is no error and no event.
//   - Who sends a message has read the room up to it.
//   - Unread are the messages beyond the cursor that were not deleted. One's own are never among them, since
//     they have moved it.
package receipt
