// Package realtime is what sockets hear and say. It has two directions:
//
//	commands ◄── gateway ◄── socketio ◄── engineio ◄── client     what a client asks
//	log ──► Projector ──► hub ──► socketio ──► engineio ──► client   what has happened
//
//	engineio   connections: transports, heartbeat, queues. Knows no chat
//	socketio   Socket.IO packets: namespaces, events, acks. Knows no chat
//	hub        who hears which room on this node, and in which order
//	gateway    one session for each connection: who it is, what it may hear, its commands
//	Projector  (here) turns recorded events into pushes and hands them to the hub
//
// # Promises of the Projector
//
// Order. Facts reach the hub in position order, each once, gapless from the head of the log
// at start.
//
// Loss. It stores nothing. A node that starts begins at the head; what its clients missed
// they read from the log by their cursors.
//
// Unread. Who speaks has read what was said before: the user's devices hear unread-changed then, also those that do not
// listen to the room, unless the projector knows that there was nothing left.
//
// Waiting. It never waits for a socket: a slow one is closed by its own bounded queue.
package realtime
