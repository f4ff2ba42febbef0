// Package hub knows which sockets of this node hear which rooms, and hands them what
// happened.
//
//	           Dispatch: facts in position order, one caller
//	               │
//	   ┌───────────┼───────────┐
//	   ▼           ▼           ▼
//	 lane 0      lane 1      lane n      a lane owns its sockets, their rooms and users,
//	   │           │           │         and a lock
//	   ▼           ▼           ▼
//	sockets     sockets     sockets      Sink.Deliver: queue the shared bytes, never wait
//
// A socket belongs to one lane for life. Lanes are a division by socket and not by room,
// because a client keeps one cursor for all of its rooms: every socket must get its
// pushes in position order over all rooms, or a connection that breaks between two of
// them would lose one. Lanes work side by side when a batch concerns many sockets.
//
// # Promises
//
// Order. A socket gets pushes in ascending position, over all rooms.
//
// Cut. Subscribe and Attach return a position P and pause the socket: every push that
// it got before is at or below P, and what happens later is kept until Release. What
// Release sends first (the ack that tells P) therefore stands in the socket's stream
// exactly where P is: nothing above P is missing after it, nothing is repeated.
//
// Watches. A socket may also hear of users, whom it names all at once and anew each time (Watch). They
// count against no limit of rooms, need no evidence, and end with the socket.
//
// Once. A socket that is addressed by room and by user, or by user twice, gets a push
// once.
//
// Removal. When a fact ends a membership, its own pushes still reach the user's sockets,
// and nothing later does: they are unsubscribed in the same step. Who subscribes brings
// evidence, a position at which the user was seen to be a member, and that comes from another
// reader of the log, which may be behind the hub or ahead of it:
//
//   - Behind: if the room has lost a member since the evidence, as far as this node
//     has dispatched, it is refused with ErrStale, and the caller looks again.
//   - Ahead: the hub must have reached the evidence (Await), else ErrAhead. A socket that
//     heard a room from before its user came in would hear what was said without him.
//
// So whoever hears a room was a member where he began to, and is one until the hub says
// otherwise. The same holds for accounts that are shut out.
//
// Concurrency. Every method may be called from any goroutine, but for Dispatch, which
// has one caller. No lock is held while something could wait: sinks must not block and must
// not call the hub.
//
// Loss. The hub stores nothing. What a closed socket did not get it reads from the log.
//
// Limits. Rooms of one socket (Config.MaxRooms), and what a paused socket may pile up
// (Config.MaxHeld), beyond which its sink is told to close.
package hub
