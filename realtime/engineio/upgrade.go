package engineio

import (
	"net"
	"time"
)

var (
	probeAnswer = newPacket(Pong, "probe")
	emptyClose  = newControl(opClose, nil)
)

// probe lets a client that polls try a WebSocket, and moves the session there when the client says
// so. Whatever goes wrong before, only that WebSocket is closed.
func (s *Session) probe(conn net.Conn, base64 bool, window uint8) {
	if !s.server.visit() {
		_ = conn.Close()
		return
	}
	t := newSocket(s, conn, window)
	t.probing = true
	go func() {
		defer s.server.readers.Done()
		if t.upgrade(base64) {
			t.read()
			return
		}
		_ = t.writeBytes(emptyClose.wire)
		t.part()
	}()
}

// upgrade goes through the steps of the protocol: 2probe, 3probe, 5.
func (t *socket) upgrade(base64 bool) bool {
	until := time.Now().Add(t.session.server.cfg.UpgradeTimeout)
	p := t.session.polls()
	if p == nil || t.conn.SetReadDeadline(until) != nil || !p.beginProbe(t) {
		return false
	}
	ok := t.hears("2probe") && t.writeBytes(probeAnswer.wire) == nil && p.answeredProbe() &&
		t.hears("5") && p.handOver(t, base64, until)
	if !ok {
		p.endProbe()
	}
	return ok
}

// hears says whether the next message is the one expected.
func (t *socket) hears(want string) bool {
	op, data, err := t.readMessage()
	return err == nil && op == opText && string(data) == want
}

func (p *polling) beginProbe(t *socket) bool {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open || s.tr != p || p.probe != nil {
		return false
	}
	p.probe = t
	return true
}

// answeredProbe makes GETs end soon: the client waits for that before it moves.
func (p *polling) answeredProbe() bool {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	p.probed = true
	if p.get != nil {
		p.get.signal()
	}
	return s.state == open
}

func (p *polling) endProbe() {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	p.probe, p.probed = nil, false
}

// handOver makes t the session's transport, between the requests that are being served: what they
// bring comes before what t brings, and what an answer could not take t takes.
func (p *polling) handOver(t *socket, base64 bool, until time.Time) bool {
	timeout := time.NewTimer(time.Until(until))
	defer timeout.Stop()
	for {
		busy, moved := p.tryHandOver(t, base64)
		if busy == nil {
			return moved
		}
		select {
		case <-busy:
		case <-p.session.Done():
			return false
		case <-timeout.C:
			return false
		}
	}
}

// tryHandOver returns what to wait for if it is too early.
func (p *polling) tryHandOver(t *socket, base64 bool) (busy <-chan struct{}, moved bool) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != open:
		return nil, false
	case p.post != nil:
		return p.post.done, false
	case p.get != nil && p.get.writing:
		return p.get.done, false
	case t.conn.SetReadDeadline(time.Time{}) != nil:
		return nil, false
	}
	p.probe, p.probed, t.probing = nil, false, false
	s.tr, s.base64 = t, base64
	s.server.counts.upgraded.Add(1)
	s.awaitPing()
	if s.out != nil {
		t.pending()
	}
	if p.get != nil {
		p.get.signal()
	}
	return nil, true
}
