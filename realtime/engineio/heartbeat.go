package engineio

import "time"

var pingFrame = newPacket(Ping, "")

// deadline is a Session as its timer sees it.
type deadline Session

// Expire implements Expirer.
func (d *deadline) Expire() {
	s := (*Session)(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server.wheel.isSet(&s.timer) {
		return // set anew after it had fired
	}
	switch {
	case s.state == closed:
	case s.awaits == graceTime:
		s.tr.abort(s.reason == SlowConsumer)
	case s.state != open:
	case s.awaits == pingTime:
		if s.enqueue(s.server.pingFrame()) == nil {
			s.awaitPong()
		}
	case s.awaits == pongTime:
		s.shutLocked(PingTimeout, s.server.closeCode(PingTimeout))
	}
}

func (s *Session) awaitPing() {
	s.awaits, s.beat = pingTime, time.Since(s.server.wheel.start)
	s.server.wheel.set(&s.timer, s.server.cfg.PingInterval, (*deadline)(s))
}

func (s *Session) awaitPong() {
	s.awaits, s.extended = pongTime, false
	s.server.wheel.set(&s.timer, s.server.cfg.PingTimeout, (*deadline)(s))
}

// overdue says that a pong did not come in time to a ping that nobody has fetched. The wheel,
// which is a tick or two late, is about to say so, too, but clients count on the moment.
func (s *Session) overdue() bool {
	cfg := &s.server.cfg
	return s.awaits == pongTime && !s.extended && s.out != nil &&
		time.Since(s.server.wheel.start)-s.beat > cfg.PingInterval+cfg.PingTimeout-cfg.tick()
}

// ponged notes a pong. One that was not asked for means nothing.
func (s *Session) ponged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == open && s.awaits == pongTime {
		s.awaitPing()
	}
}

// heard notes a sign of life other than a pong: the pong may be stuck behind a
// large message, so it gets its time once more, but only once.
func (s *Session) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == open && s.awaits == pongTime && !s.extended {
		s.extended = true
		s.server.wheel.set(&s.timer, s.server.cfg.PingTimeout, (*deadline)(s))
	}
}
