// Package engineio is a server for Engine.IO protocol revision 4: long-lived
// sessions that carry text and binary messages both ways, with a heartbeat.
// It knows nothing of what the messages mean.
//
// # Packets
//
// One packet is one WebSocket message. A text packet is a digit and a payload;
// a binary message has no digit.
//
//	type  name     who sends it  what happens here
//	0     open     server        first packet of a session: {"sid","upgrades","pingInterval","pingTimeout","maxPayload"};
//	                             from a client it is ignored
//	1     close    client        the session ends with TransportClose
//	2     ping     server        every PingInterval; from a client it ends the session with TransportError
//	3     pong     client        answers a ping, within PingTimeout; anything after the digit is ignored
//	4     message  both          its payload goes to Handler.Message
//	5     upgrade  client        ignored on an established session
//	6     noop     client        ignored
//	b…    message  both          a binary message in base64, in a text frame; sent to clients that asked for b64=1
//	                             and accepted from all
//
// Anything else, an empty text packet included, ends the session with ParseError.
//
// # A session
//
//	           upgrade done, open packet queued
//	request ──────────────► open ──────────────────────────► closing ──────────► closed
//	   │                     │ ▲                               ▲  │ queue and close frame written,
//	   │ bad: 400 {code,     │ │ PingInterval: send 2          │  │ then the peer closed, or CloseGrace
//	   │  message}, 403, 503 │ │ 3 received: wait again        │  ▼
//	   ▼                     ▼ │                               │  connection closed, nothing is left
//	refused               waiting for 3 ─ PingTimeout ─────────┘
//
// Every way out of "open" has a Reason, the first one wins. Handler.Closed is
// called on the way into "closing", as soon as the reader has returned from
// the last Handler.Message.
//
// # Promises
//
//   - Order: messages reach the Handler in the order sent, one at a time, on the
//     session's reader goroutine. Frames leave in the order in which Send took
//     them; SendAll and Batch keep their frames together.
//   - Concurrency: every method of Session, Server and Frame may be called from any
//     goroutine. Send never waits for the network.
//   - Loss: an accepted frame is written to the connection or the session ends.
//     What a dead connection has swallowed is lost; the protocol has no receipts.
//   - Limits: MaxPayload for one incoming message, QueueBytes and QueueFrames for
//     what waits to be written (exceeding them ends the session with SlowConsumer),
//     MaxPings for WebSocket pings per second.
//   - Goroutines: a session has one reader, and a writer only while something is
//     queued. All deadlines of all sessions hang on one timer wheel, which
//     Server.Run turns. Run returns when every goroutine is gone.
package engineio
