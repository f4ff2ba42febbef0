// Package engineio is a server for Engine.IO protocol revision 4: long-lived
// sessions that carry text and binary messages both ways, with a heartbeat.
// It knows nothing of what the messages mean. NewPlainServer makes the same of WebSockets without the protocol.
//
// # Packets
//
// A text packet is a digit and a payload; a binary message has no digit. Over a WebSocket one
// packet is one WebSocket message. Over HTTP long-polling a body holds packets with 0x1e between
// them, binary messages as "b" and base64; a response holds at most 16.
//
//	type  name     who sends it  what happens here
//	0     open     server        first packet of a session: {"sid","upgrades","pingInterval","pingTimeout","maxPayload"};
//	                             from a client it is ignored
//	1     close    client        the session ends with TransportClose
//	2     ping     server        every PingInterval; from a client it ends the session with TransportError
//	3     pong     client        answers a ping, within PingTimeout; anything after the digit is ignored
//	4     message  both          its payload goes to Handler.Message
//	5     upgrade  client        moves a polling session to the WebSocket that sent it; else ignored
//	6     noop     both          ends a GET that has nothing to bring; from a client it is ignored
//	b…    message  both          a binary message in base64, in a text frame; sent to clients that asked for b64=1
//	                             and accepted from all
//
// Anything else, an empty text packet included, ends the session with ParseError.
//
// # A session
//
//	           open packet queued
//	request ──────────────► open ──────────────────────────► closing ──────────► closed
//	   │                     │ ▲                               ▲  │ WebSocket: queue and close frame written,
//	   │ bad: 400 {code,     │ │ PingInterval: send 2          │  │ then the peer closed, or CloseGrace;
//	   │  message}, 403, 503 │ │ 3 received: wait again        │  │ polling: the client was told, if it
//	   ▼                     ▼ │                               │  ▼ is owed that, or did not ask in time
//	refused               waiting for 3 ─ PingTimeout ─────────┘
//
// Config.Arrivals bounds how many handshakes are taken in a second and how many sessions there may be that
// have not settled (Session.Settle), in all and for each address. One too many gets 503, code 7, and
// a Retry-After that differs from client to client.
//
// Every way out of "open" has a Reason, the first one wins. Handler.Closed is
// called on the way into "closing", as soon as the last Handler.Message has returned.
//
// # Long-polling
//
// Packets leave on GETs, of which one waits at a time, and arrive on POSTs, of which one is served
// at a time. Of the requests of a session
//
//	a second GET or POST               ends it: TransportError, 400; the GET that waited gets 1
//	a GET that its client cancels      ends it: TransportError
//	a POST of what is no packet        ends it: ParseError, 400; packets in front of it were acted on
//	a POST above MaxPayload            ends it: TransportError, 413
//	a POST of application/octet-stream ends it: TransportError, 400
//	a POST of 1                        ends it: TransportClose; the GET that waits, or else the next one within CloseGrace, gets 6
//	Close by the server                lets GETs fetch what is queued and then 1, for 30 s
//	anything later                     400, code 1
//
// # Moving to a WebSocket
//
//	client, on a WebSocket with the session's id    server
//	2probe                                          3probe; from now on GETs that wait get 6 after 100 ms
//	5, when its requests are answered               the WebSocket is the transport: it takes what is queued, GETs and POSTs get 400
//
// The hand-over waits for a POST and for an answer that are being served. Anything else on that
// WebSocket, a second one, or UpgradeTimeout closes that WebSocket alone.
//
// # Compression
//
// Config.CompressAbove turns it on. Poll responses are gzip for clients that accept it. On a WebSocket
// permessage-deflate (RFC 7692) is agreed on with clients that offer it, always without context takeover:
// idle connections keep no window, and a Frame is compressed once, by the first who writes it, for all that
// agreed. Messages up to the threshold, those that gain less than an eighth, and control frames go out as
// they are. A compressed message that comes in ends the session with
//
//	1009  when it has more than MaxPayload bytes, as soon as that many are read
//	1007  when it is not in RFC 7692's form
//	1002  when compression was not agreed on, or the mark is on anything but the first frame of a message
//
// # Promises
//
//   - Order: messages reach the Handler in the order sent, one at a time, on the
//     session's reader goroutine (polling: that of the POST). Frames leave in the order in which Send took
//     them; SendAll and Batch keep their frames together.
//   - Concurrency: every method of Session, Server and Frame may be called from any
//     goroutine. Send never waits for the network.
//   - Loss: an accepted frame is written to the connection or the session ends.
//     What a dead connection has swallowed is lost; the protocol has no receipts. Packets of
//     a poll response that could not be written come with the next one.
//   - Limits: MaxPayload for one incoming message, QueueBytes and QueueFrames for
//     what waits to be written (exceeding them ends the session with SlowConsumer),
//     MaxPackets for one POST, MaxPings for WebSocket pings per second.
//   - Goroutines: over a WebSocket a session has one reader, whose stack is the smallest while it waits; a few writers serve all sessions and are there only while
//     something is queued, and a connection that has to be waited for gets its own meanwhile. Over polling a session has those of
//     its requests alone. All deadlines of all sessions hang on one timer wheel, which
//     Server.Run turns. Run returns when every goroutine is gone.
package engineio
