package engineio

import (
	"context"
	"sync"
)

// outbox is what waits to be written to a session. Idle sessions have none.
type outbox struct {
	waiting []*Frame
	taken   []*Frame // being written

	burstBytes, burstFrames int // what waited after the last SendBurst since the queue was empty
}

const (
	keepFrames  = 256 // an outbox with longer slices is not kept for reuse
	outboxFirst = 8
)

var outboxes sync.Pool // of *outbox

func takeOutbox() *outbox {
	if o, ok := outboxes.Get().(*outbox); ok {
		return o
	}
	return &outbox{waiting: make([]*Frame, 0, outboxFirst), taken: make([]*Frame, 0, outboxFirst)}
}

func (o *outbox) free() {
	if cap(o.waiting) > keepFrames || cap(o.taken) > keepFrames {
		return
	}
	o.burstBytes, o.burstFrames = 0, 0
	outboxes.Put(o)
}

// Send queues f and returns at once. It returns ErrClosed when the session is
// closing, and ErrSlowConsumer when the queue is full: the session is then closed.
func (s *Session) Send(f *Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enqueue(f)
}

// SendAll queues all frames, with nothing between them, or none.
func (s *Session) SendAll(frames ...*Frame) error {
	if len(frames) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enqueue(frames...)
}

// SendVolatile queues f only if the queue is less than half full, and says
// whether it did.
func (s *Session) SendVolatile(f *Frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	maxBytes, maxFrames := s.limits()
	if 2*s.bytes > maxBytes || 2*s.frames > maxFrames {
		s.server.counts.dropped.Add(1)
		return false
	}
	return s.enqueue(f) == nil
}

// SendBurst is SendAll for what a client has asked for and what is bounded already: it is taken
// whatever the queue's limits, which until the queue is empty are for what comes on top of it. But a client that
// leaves more than the limits allow of one burst to the next one is a slow consumer.
func (s *Session) SendBurst(frames ...*Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != open:
		return ErrClosed
	case len(frames) == 0:
		return nil
	case s.bytes > s.server.cfg.QueueBytes || s.frames > s.server.cfg.QueueFrames:
		s.shutLocked(SlowConsumer, closeNone)
		return ErrSlowConsumer
	}
	s.push(frames...)
	s.out.burstBytes, s.out.burstFrames = s.bytes, s.frames
	return nil
}

// limits are what may be queued now.
func (s *Session) limits() (bytes, frames int) {
	bytes, frames = s.server.cfg.QueueBytes, s.server.cfg.QueueFrames
	if s.out != nil {
		bytes, frames = bytes+s.out.burstBytes, frames+s.out.burstFrames
	}
	return bytes, frames
}

// Queued is what was accepted but not yet given to the kernel.
func (s *Session) Queued() (bytes, frames int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes, s.frames
}

// Flush waits until the queue is empty. It returns ErrClosed when the session
// was closed before, and the context's error when that ends first.
func (s *Session) Flush(ctx context.Context) error {
	idle := s.whenIdle()
	select {
	case <-idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !s.isOpen() {
		return ErrClosed
	}
	return nil
}

var closedChan = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// whenIdle returns a channel that is closed when nothing is left to be written.
func (s *Session) whenIdle() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		return closedChan
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	return s.idle
}

func (s *Session) enqueue(frames ...*Frame) error {
	if s.state != open {
		return ErrClosed
	}
	bytes, count := 0, 0
	for _, f := range frames {
		bytes += len(f.wire)
		count += f.packets
	}
	// What is larger than the whole queue still passes through an empty one.
	maxBytes, maxFrames := s.limits()
	if s.bytes > 0 && (s.bytes+bytes > maxBytes || s.frames+count > maxFrames) {
		s.shutLocked(SlowConsumer, closeNone)
		return ErrSlowConsumer
	}
	s.push(frames...)
	return nil
}

// push queues frames whatever the limits say.
func (s *Session) push(frames ...*Frame) {
	for _, f := range frames {
		s.bytes += len(f.wire)
		s.frames += f.packets
	}
	if s.out != nil {
		s.out.waiting = append(s.out.waiting, frames...)
		return
	}
	s.out = takeOutbox()
	s.out.waiting = append(s.out.waiting, frames...)
	s.tr.pending()
}

// take gives the writer what waits, after it has written what it took before.
// It returns nil when nothing waits: the writer then has to end.
func (s *Session) take() *outbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.out
	s.settle(o.taken)
	clear(o.taken)
	o.taken, o.waiting = o.waiting, o.taken[:0]
	if len(o.taken) > 0 {
		return o
	}
	s.quiet()
	return nil
}

// wrote ends what take began, and reports whether more waits.
func (s *Session) wrote() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.out
	s.settle(o.taken)
	clear(o.taken)
	o.taken = o.taken[:0]
	if len(o.waiting) > 0 {
		return true
	}
	s.quiet()
	return false
}

// drop throws the queue away, because writing failed.
func (s *Session) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shutLocked(TransportError, closeNone)
	s.discard()
}

// discard empties the queue.
func (s *Session) discard() {
	o := s.out
	s.bytes, s.frames = 0, 0
	clear(o.taken)
	clear(o.waiting)
	o.taken, o.waiting = o.taken[:0], o.waiting[:0]
	s.quiet()
}

func (s *Session) settle(written []*Frame) {
	for _, f := range written {
		s.bytes -= len(f.wire)
		s.frames -= f.packets
	}
}

func (s *Session) quiet() {
	o := s.out
	s.out = nil
	if s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
	o.free()
}
