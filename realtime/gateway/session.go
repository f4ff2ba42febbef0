package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/realtime/hub"
)

// Session is one authenticated connection. Gateway.Open makes one.
type Session struct {
	gateway   *Gateway
	peer      Peer
	principal atomic.Pointer[domain.Principal] // refresh-token replaces it
	userID    string
	activeAt  event.Position // where the user was seen to be active
	opened    time.Time
	release   func() // gives the address's place back
	gone      func() // tells presence that the connection has ended

	place *hub.Socket // set once attached; the reader alone uses it
	pid   string      // names the session if the client may come back to it; the reader alone uses it

	typing map[string]bool // rooms in which it said so; the reader alone uses it

	bucket bucket // reader only
	serial uint64 // of the last command; reader only
	// batch is closed when the last batch-update is answered; nil before the first. Reader only.
	batch <-chan struct{}

	slots   chan struct{} // one for each command in flight
	closing atomic.Bool   // no more commands are taken
	expired atomic.Bool   // nor are they any more: its token is over

	lifetime lifetime // guarded by gateway.expiry
}

// Deliver implements hub.Sink.
func (s *Session) Deliver(p *hub.Push) { s.peer.Deliver(p) }

// End implements hub.Sink.
func (s *Session) End(why hub.Ending) {
	switch why {
	case hub.EndShut:
		s.peer.Remove()
	case hub.EndOverrun:
		s.peer.Close(CloseOverrun)
	}
}

// Principal is who the connection acts for.
func (s *Session) Principal() domain.Principal { return *s.principal.Load() }

// Reply sends the answer to one command. It must not block, and may be called from any
// goroutine.
type Reply func(Answer)

// Handle runs one command. The connection's reader calls it with one event after the
// other. reply is nil when the client wants no answer; a failure then becomes an
// event error. It returns at once for commands that are pipelined, and when the
// command is done for others.
func (s *Session) Handle(event string, payload json.RawMessage, reply Reply) {
	c := s.newCall(event, reply)
	defer func() {
		if v := recover(); v != nil {
			c.done(nil, fmt.Errorf("panic: %v", v))
			panic(v) // the connection is closed, and the stack is logged, where it is read
		}
	}()
	known, ok := s.gateway.table[event]
	if ok {
		c.name = known.name
	}
	if err := s.refuse(c, ok); err != nil {
		c.done(nil, err)
		return
	}
	if s.enter(c) {
		known.run(context.Background(), c, payload)
	}
}

// refuse says why a command is not even looked at.
func (s *Session) refuse(c *call, known bool) error {
	if err := s.bucket.take(c.started); err != nil {
		if s.bucket.abused() {
			s.peer.Close(CloseAbuse)
		}
		return err
	}
	switch {
	case s.expired.Load():
		return errExpired()
	case !known:
		return domain.Errorf(domain.CodeUnknownEvent, "unknown event %q", c.event)
	case s.closing.Load():
		return domain.Unavailable(errDraining)
	default:
		return nil
	}
}

// enter waits for a free slot. It returns false when the connection closes meanwhile.
func (s *Session) enter(c *call) bool {
	select {
	case s.slots <- struct{}{}:
	default:
		select {
		case s.slots <- struct{}{}:
		case <-s.peer.Done():
			return false
		}
	}
	c.entered = true
	return true
}

// settle waits until no command is in flight, and takes no more.
func (s *Session) settle(ctx context.Context) {
	s.closing.Store(true)
	for range cap(s.slots) {
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}

// Closed has to be called once, when the connection has ended.
func (s *Session) Closed() {
	s.gateway.expiry.forget(s)
	s.stopTypingAnywhere()
	s.place.Detach()
	s.drop()
	s.forget()
	s.gone()
	s.release()
}

// abandon is for a session that did not come in.
func (s *Session) abandon() {
	if s.place != nil {
		s.place.Detach()
	}
	s.drop()
	s.release()
}

func (s *Session) newCall(event string, reply Reply) *call {
	s.serial++
	return &call{
		session: s, event: event, name: unknownName, reply: reply, started: s.gateway.cfg.Now(),
		correlation: s.peer.ID() + "-" + strconv.FormatUint(s.serial, 10),
		verbose:     s.gateway.cfg.Logger.Enabled(context.Background(), slog.LevelDebug),
	}
}

func (s *Session) actor(c *call) commands.Actor {
	return commands.Actor{Principal: s.Principal(), Order: s.peer.ID(), CorrelationID: c.correlation}
}
