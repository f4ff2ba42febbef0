package engineio

import (
	"context"
	"net/http"
	"slices"
	"time"
)

const (
	farewellTime = 30 * time.Second       // for which a closed session waits to say so to the next GET
	noopEvery    = 100 * time.Millisecond // how long a GET is held while the session is moving to a WebSocket
)

// polling is the HTTP long-polling transport. It has no goroutine: packets leave on the GET's
// and arrive on the POST's. Everything in it is guarded by the session's lock.
type polling struct {
	session *Session
	get     *poll   // the GET that waits or is being answered
	queued  bool    // another GET waits for that answer to be written
	post    *post   // the request on which the handler is being called
	probe   *socket // the WebSocket that the session may move to
	probed  bool    // it has answered: GETs are to end soon

	// How the session ends.
	last     PacketType // ends the last response
	flush    bool       // what is queued is sent before
	farewell bool       // the next GET still gets it
}

// poll is a GET.
type poll struct {
	ready   chan struct{} // told when there may be something to answer
	done    chan struct{} // closed when it is answered
	control *http.ResponseController
	writing bool
	taken   bool // packets of the queue are in the answer
	final   bool // the answer ends the session
}

func newPoll(w http.ResponseWriter) *poll {
	return &poll{
		ready: make(chan struct{}, 1), done: make(chan struct{}),
		control: http.NewResponseController(w),
	}
}

func (g *poll) signal() {
	select {
	case g.ready <- struct{}{}:
	default:
	}
}

func (p *polling) name() string       { return "polling" }
func (p *polling) upgrades() []string { return []string{"websocket"} }

func (p *polling) pending() {
	if p.get != nil {
		p.get.signal()
	}
}

// wake decides what a client is told of the end. Who broke the rules or is silent gets a goodbye
// only on a GET that waits.
func (p *polling) wake() {
	s := p.session
	waits := p.get != nil && !p.get.writing
	p.last = Close
	switch s.reason {
	case TransportClose:
		// The GET that was sent before the goodbye may arrive after it.
		p.last, p.farewell = Noop, !waits
	case PingTimeout, TransportError, ParseError, SlowConsumer:
	default:
		p.flush, p.farewell = true, true
		s.server.wheel.set(&s.timer, farewellTime, (*deadline)(s))
	}
	switch {
	case waits:
		p.get.signal()
	case !p.farewell:
		p.finish()
	}
	if p.probe != nil {
		_ = p.probe.conn.SetReadDeadline(past)
	}
	if p.post == nil {
		go p.end()
	} else {
		p.post.interrupt()
	}
}

func (p *polling) abort(bool) {
	if p.get != nil && p.get.writing {
		_ = p.get.control.SetWriteDeadline(past)
	}
	p.finish()
}

var past = time.Unix(1, 0)

// end tells the application, after the last message.
func (p *polling) end() {
	s := p.session
	defer s.server.readers.Done()
	s.mu.Lock()
	s.server.leave(s, s.state == closing)
	s.mu.Unlock()
	s.server.guard(s, func() { s.handler.Closed(s.closedBy()) })
}

// finish forgets the session: there is nobody to say anything to.
func (p *polling) finish() {
	s := p.session
	p.farewell = false
	s.state = closed
	s.Settle()
	s.server.wheel.cancel(&s.timer)
	s.server.forget(s)
	if s.out != nil && (p.get == nil || !p.get.taken) {
		s.discard()
	}
}

// servePoll answers a GET when there is something to answer.
func (p *polling) servePoll(w http.ResponseWriter, r *http.Request) {
	g := newPoll(w)
	if refused := p.begin(r.Context(), g); refused != nil {
		refuse(w, refused, p.session.server.cfg.RetryAfter)
		return
	}
	p.answer(w, r, g)
}

func (p *polling) answer(w http.ResponseWriter, r *http.Request, g *poll) {
	frames, last, ok := p.await(r.Context(), g)
	if !ok {
		return
	}
	var body []byte
	for _, f := range frames {
		body = appendPayload(body, f)
	}
	if last != Open {
		body = append(separate(body), '0'+byte(last))
	}
	p.session.server.counts.write(len(body))
	p.answered(g, writePayload(w, r, body, &p.session.server.cfg))
}

// begin makes g the session's GET, of which there is one.
func (p *polling) begin(ctx context.Context, g *poll) *refusal {
	for {
		before, refused := p.enter(g)
		if before == nil {
			return refused
		}
		// The client may have its answer before this end knows that it is written.
		select {
		case <-before.done:
		case <-ctx.Done():
			p.session.shut(TransportError, closeNone)
			return errRequest
		}
	}
}

// enter returns the GET to wait for, if its answer is just being written.
func (p *polling) enter(g *poll) (before *poll, refused *refusal) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.tr != p:
		return nil, errRequest
	case s.state == closed, s.state == closing && !p.farewell:
		return nil, errSession
	case s.state == open && s.overdue():
		s.shutLocked(PingTimeout, closeNone)
		return nil, errSession
	case p.get == nil:
		p.get, p.queued = g, false
		if s.out != nil || s.state != open || p.probed {
			g.signal()
		}
		return nil, nil
	case p.get.writing && !p.queued:
		p.queued = true
		return p.get, nil
	default:
		s.shutLocked(TransportError, closeNone)
		return nil, errRequest
	}
}

// await returns what to answer. A client that has gone meanwhile has broken its session.
func (p *polling) await(ctx context.Context, g *poll) (frames []*Frame, last PacketType, ok bool) {
	var noop <-chan time.Time
	for {
		idle := false
		select {
		case <-g.ready:
		case <-noop:
			idle = true
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			p.cancelled(g)
			return nil, 0, false
		}
		if frames, last, ok = p.collect(g, idle); ok {
			return frames, last, true
		}
		if noop == nil && p.isProbed() {
			noop = time.After(noopEvery)
		}
	}
}

func (p *polling) isProbed() bool {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	return p.probed
}

func (p *polling) cancelled(g *poll) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	p.get = nil
	close(g.done)
	switch {
	case s.tr != p:
	case s.state == open:
		s.shutLocked(TransportError, closeNone)
	case s.state == closing && !p.farewell:
		p.finish()
	}
}

// collect takes what g is to answer. idle asks for a noop if there is nothing else.
func (p *polling) collect(g *poll, idle bool) (frames []*Frame, last PacketType, ok bool) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tr != p { // moved away: what is queued goes there
		g.writing = true
		return nil, Noop, true
	}
	count := 0
	if s.out != nil && (s.state == open || p.flush && s.state == closing) {
		frames, count = s.takePoll()
		g.taken = len(frames) > 0
	}
	switch {
	case s.state != open && (!p.flush || count < maxPollPackets && len(s.waiting()) == 0):
		last, g.final = p.last, true
	case len(frames) == 0 && idle:
		last = Noop
	case len(frames) == 0:
		return nil, 0, false
	}
	g.writing = true
	return frames, last, true
}

// answered settles what became of g's answer. Packets that could not be written are the next
// GET's.
func (p *polling) answered(g *poll, err error) {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	p.get = nil
	close(g.done)
	if s.tr != p {
		return
	}
	if g.taken {
		s.settlePoll(err == nil)
	}
	switch {
	case s.state == closing && (!p.farewell || g.final && err == nil):
		p.finish()
	case s.state == closed && s.out != nil:
		s.discard()
	}
}

// takePoll moves frames with up to maxPollPackets packets from waiting to taken. Frames for
// WebSockets alone are passed over.
func (s *Session) takePoll() (frames []*Frame, packets int) {
	o := s.out
	n := 0
	for n < len(o.waiting) && packets < maxPollPackets {
		f := o.waiting[n]
		if room := maxPollPackets - packets; f.packets > room {
			first, rest := f.split(room)
			o.taken, o.waiting[n] = append(o.taken, first), rest
			packets += room
			break
		}
		n++
		packets += f.packets
		if f.packets == 0 {
			s.settle([]*Frame{f})
		} else {
			o.taken = append(o.taken, f)
		}
	}
	o.waiting = slices.Delete(o.waiting, 0, n)
	frames = o.taken
	if len(frames)+len(o.waiting) == 0 {
		s.quiet()
	}
	return frames, packets
}

// settlePoll ends what takePoll began.
func (s *Session) settlePoll(written bool) {
	o := s.out
	if written {
		s.settle(o.taken)
	} else {
		o.waiting = slices.Insert(o.waiting, 0, o.taken...)
	}
	clear(o.taken)
	o.taken = o.taken[:0]
	if len(o.waiting) == 0 {
		s.quiet()
	}
}

func (s *Session) waiting() []*Frame {
	if s.out == nil {
		return nil
	}
	return s.out.waiting
}
