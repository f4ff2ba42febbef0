package engineio

import (
	"sync"
	"sync/atomic"
	"time"
)

// Message is one message from the peer. Data belongs to the receiver.
type Message struct {
	Binary bool
	Data   []byte
}

// Handler receives what happens to one session.
type Handler interface {
	// Message is called for each message, in order, one at a time, on the
	// session's reader goroutine, which for polling is the POST's. While it runs nothing more is read.
	Message(m Message)
	// Closed is called exactly once, after the last Message.
	Closed(reason Reason)
}

type state uint8

const (
	open    state = iota
	closing       // nothing more is accepted; the queue is being written
	closed
)

// awaited is what the session's timer stands for.
type awaited uint8

const (
	pingTime  awaited = iota // time to send a ping
	pongTime                 // the pong is overdue
	graceTime                // closing took too long
)

// Session is one client's connection.
type Session struct {
	server  *Server
	id      string
	remote  string
	opened  time.Time
	handler Handler
	base64  bool                    // the client wants binary messages as text
	arrival atomic.Pointer[arrival] // nil when it has settled

	mu       sync.Mutex
	timer    Timer
	awaits   awaited
	beat     time.Duration // when the wait for the next ping began, since the server's start
	extended bool          // the pong's time was extended, which is done once
	state    state
	reason   Reason
	tr       transport
	out      *outbox // nil when nothing is queued
	bytes    int     // queued or being written
	frames   int
	done     chan struct{} // closed when state is no longer open; made on demand
	idle     chan struct{} // closed when out becomes nil; made on demand
}

// ID is the session's secret id of 128 random bits: who knows it owns the
// session. Never log or show it.
func (s *Session) ID() string { return s.id }

// RemoteAddr is the peer's network address as net/http reported it.
func (s *Session) RemoteAddr() string { return s.remote }

// OpenedAt is when the session was opened.
func (s *Session) OpenedAt() time.Time { return s.opened }

// Server is the server that the session belongs to.
func (s *Session) Server() *Server { return s.server }

// Transport is the name of the session's present transport, "websocket" or "polling".
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tr.name()
}

// Done returns a channel that is closed when the session begins to close.
func (s *Session) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = make(chan struct{})
		if s.state != open {
			close(s.done)
		}
	}
	return s.done
}

// Close ends the session. What is queued is still written, then the connection
// is closed; after Config.CloseGrace at the latest. Only the first call counts.
func (s *Session) Close(reason Reason) { s.shut(reason, s.server.closeCode(reason)) }

// shut begins to close the session. A code other than closeNone is sent to the
// peer in a close frame behind what is queued.
func (s *Session) shut(reason Reason, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shutLocked(reason, code)
}

func (s *Session) shutLocked(reason Reason, code int) { s.end(reason, code, "") }

// end is shutLocked with a text for the close frame.
func (s *Session) end(reason Reason, code int, text string) {
	if s.state != open {
		return
	}
	s.state, s.reason = closing, reason
	s.server.counts.close(reason)
	if s.done != nil {
		close(s.done)
	}
	if reason == SlowConsumer && s.server.plain {
		s.dropWaiting()
		code, text = closeTryAgain, string(reason)
	}
	if code != closeNone {
		s.push(newFarewell(code, text))
	}
	s.awaits = graceTime
	s.server.wheel.set(&s.timer, s.server.cfg.CloseGrace, (*deadline)(s))
	s.tr.wake()
	if reason == SlowConsumer && !s.server.plain {
		s.tr.abort(true)
	}
}

// isOpen says whether the session takes and delivers messages.
func (s *Session) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == open
}

// closedBy is the reason for which the session is closing.
func (s *Session) closedBy() Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// gone is the end: the connection is closed and nothing will be written.
func (s *Session) gone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = closed
	s.server.wheel.cancel(&s.timer)
	s.Settle()
}

// receive acts on one packet. It returns false when the session is to be read
// no further.
func (s *Session) receive(p Packet) bool {
	switch p.Type {
	case Msg:
		s.heard()
		s.handler.Message(Message{Binary: p.Binary, Data: p.Data})
	case Pong:
		s.ponged()
	case Ping: // only servers ping in this revision
		s.shut(TransportError, closeProtocolError)
	case Close:
		s.shut(TransportClose, closeNormal)
	case Open, Upgrade, Noop:
		s.heard()
	}
	return s.isOpen()
}
