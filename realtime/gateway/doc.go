// Package gateway turns what a client says into commands, and answers.
//
//	door (Socket.IO, plain WebSocket) ─► Gateway.Open ─► Session
//	event, payload ─► Session.Handle ─► table ─► decode ─► commands.UseCase ─► Answer
//
// A door knows a protocol and no chat; a Session knows chat and no protocol. Between them are
// two small types: Peer is what a session needs of its connection, Answer is what a command
// is answered with. SocketIO is the door for the namespace "/", Plain that for plain WebSockets.
//
// # Promises
//
// Order. The commands of one session are decided in the order they came. Messages are
// pipelined: sending, editing and deleting do not wait for one another, are stored in
// order, and their answers follow as they are stored. Commands that change rooms or
// what the session hears are waited for before the next event is read.
//
// Positions. The session event and the answers to join-room and join-rooms carry a
// position P and stand in the client's stream exactly there: every push of a joined room
// before it is at or below P, and every one above P follows it, once. P is not below the
// event that made the user a member: a join waits until this node has dispatched it.
// See package hub.
//
// Batches. A client that asks for them gets batch:<event> with an array instead of single pushes: a
// stretch of consecutive pushes of one event, whatever their rooms, so that positions ascend
// within and between batches, and a connection that breaks between two of them has lost nothing
// below what its client has seen. Everything else stands where it would without batches, but
// that answers which carry no P may overtake pushes that wait; so they may anyway.
//
// Rights. A session hears a room only on evidence of membership that is newer than any
// removal which this node has dispatched. It is closed when its account is deactivated.
//
// Tokens. A session ends with its token, after what is in flight is answered, and is told a minute
// ahead; refresh-token lets it go on with another one of the same user, whose roles count from the next
// command on. Expel ends those whose token was revoked. Either way the client is told not to
// come back by itself. Run has to go on for all that.
//
// Lists. The commands of a batch-update are decided as if each had come alone, and answered when
// all of them are: what an answer within it says of a position holds for where it was decided.
//
// Failure. An answer of code UNAVAILABLE may be repeated. What is nobody's fault but
// ours is logged once with a correlation id, and the client reads only INTERNAL. While the
// log or the directory is away, connections are closed rather than refused, because
// clients come back to a closed connection by themselves.
//
// Limits. Commands in flight of one session (then nothing more is read from it), commands
// per second (RATE_LIMITED, and closed when it goes on), rooms per session, connections per
// address, and a time for each command that is waited for. A batch-update is one command in flight
// with up to 100 others, and there is one of its kind in flight at a time.
package gateway
