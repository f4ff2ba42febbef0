// Package load loads chat servers with many clients and measures them. It speaks Socket.IO over WebSocket, or Parley's
// plain door, to any server that has the events create-room, join-room and send-message, each with an ack, and pushes
// new-message: see `parley bench --help`.
//
//	Run ─► fleet ─► loop (epoll) ─► socket ─► client ─► stream, heard, tally
//
// # Promises
//
// Out of the way. The generator shares the machine with what it measures, so a delivery costs it one read of the socket, shared by all
// that have come with it, a look at the first bytes, a search for its mark, and no allocation. Messages are encoded and masked once and
// then only numbered. A loop is one goroutine that owns its clients and what they count: nothing is locked.
//
// Honest latencies. What is sent at a rate is sent at even intervals, however slow the server is, and latency counts from
// when it was meant to be sent: what a server keeps waiting is not forgotten (no coordinated omission). A latency belongs to the
// stretch in which its message was meant to be sent, a delivery or ack to that in which it came.
//
// Honest books. Each message names its stream and its number there. What every receiver has heard of every stream is kept, with its
// gaps: a delivery is repeated if the number was heard before, reordered if a higher one was; lost is what was acknowledged and not
// heard by a member until the end. A fingerprint of all that a receiver has heard, in its order, tells whether receivers agree.
//
// Closed loops. In fanout a sender waits until a message has reached every member, in the others until it is acknowledged: the rate
// that comes of it is what the server sustains, not how fast it fills its queues. What does not come back within five
// seconds holds nobody up.
//
// Setup is not measured, and made so that nobody waits long: who enters a large room is not told to those who are there.
package load
