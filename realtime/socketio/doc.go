// Package socketio is a server for Socket.IO protocol revision 5 on top of
// package engineio: namespaces, events, acknowledgements both ways, binary
// attachments. It knows nothing of what the events mean.
//
// # Packets
//
// A packet is the payload of one Engine.IO text message:
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
//
//	type  name           JSON                          what happens here when a client sends it
//	0     CONNECT        none or an object (auth)      Namespace.Connect; reply 0{"sid"} or 4{"message","data"}
//	1     DISCONNECT     none                          Events.Disconnected, no reply
//	2     EVENT          ["name", args…]               Events.Event
//	3     ACK            [args…]                       the callback of EmitAck; unknown ids are ignored
//	4     CONNECT_ERROR  {"message","data"}            closes: only servers send it
//	5     BINARY_EVENT   as 2, with placeholders       collected with its attachments, then as 2
//	6     BINARY_ACK     as 3, with placeholders       collected with its attachments, then as 3
//
// The namespace is left out for "/", and ends at the first comma. An
// attachment is the binary message that follows; {"_placeholder":true,"num":i}
// marks its place. A binary packet's attachments follow it at once, 1 to
// MaxAttachments of them.
//
// # What closes the connection
//
// Everything that is not a packet as above: bad JSON or JSON too deep, too many
// arguments, an event name that is no string, too long or reserved (connect,
// connect_error, disconnect, disconnecting, newListener, removeListener), an
// ack id of anything but 1 to 18 digits, a placeholder without attachment, text
// between attachments, attachments that nobody announced, that are too large
// together or that do not arrive in time. Further an event, an ack or a
// DISCONNECT for a namespace that is not connected, a second CONNECT for one
// that is, too many CONNECTs, and a connection that belongs to no namespace for
// ConnectTimeout. Packets for a namespace that the server has just ended are
// dropped: the client could not know.
//
// # Promises
//
//   - Order: events of a socket reach Events.Event in the order sent, one at a
//     time, on the connection's reader goroutine; Disconnected comes last, exactly
//     once for every Connect that was accepted. Frames leave in the order in which
//     Send took them. Nothing is sent to a socket before its CONNECT reply: what is
//     sent from within Connect is held and follows the reply directly.
//   - Atomicity: a binary packet and its attachments are one frame, nothing comes
//     between them.
//   - Concurrency: all methods of Socket, Server and Event may be called from any
//     goroutine; none waits for the network except Call.
//   - Loss: as in engineio. A frame accepted by Send may be lost with the connection.
//   - Acknowledgements: an ack to the client is sent at most once. A callback of
//     EmitAck runs exactly once: with the reply, or with an error after its timeout
//     or when the socket is gone.
//   - Failure: a panic in Connect, Event or Disconnected is logged and closes that
//     connection only.
package socketio
