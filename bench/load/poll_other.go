//go:build !linux

package load

import (
	"net"
	"sync"
	"time"
)

// poller has a goroutine for each socket, which reads while the loop does not look: slower than what Linux offers,
// and good enough to try things out. Only wake is for other goroutines.
type poller struct {
	ready   chan chunk
	woken   chan struct{}
	ended   chan struct{}
	readers sync.WaitGroup
	sockets map[*socket]struct{}
}

// chunk is what a reader has read. It reads on when it was taken.
type chunk struct {
	socket *socket
	data   []byte
	err    error
}

// handle is the poller's part of a socket.
type handle struct {
	conn  *net.TCPConn
	taken chan struct{}
}

const (
	readSize    = 16 << 10
	writeWithin = 10 * time.Second
)

func newPoller() (*poller, error) {
	return &poller{
		ready: make(chan chunk), woken: make(chan struct{}, 1), ended: make(chan struct{}), sockets: map[*socket]struct{}{},
	}, nil
}

func (p *poller) close() {
	close(p.ended)
	for s := range p.sockets {
		p.remove(s)
	}
	p.readers.Wait()
}

func (p *poller) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (p *poller) add(s *socket, conn *net.TCPConn) error {
	s.handle = handle{conn, make(chan struct{}, 1)}
	p.sockets[s] = struct{}{}
	h := s.handle
	p.readers.Go(func() { p.read(s, h) })
	return nil
}

func (p *poller) read(s *socket, h handle) {
	buf := make([]byte, readSize)
	for {
		n, err := h.conn.Read(buf)
		select {
		case p.ready <- chunk{s, buf[:n], err}:
		case <-p.ended:
			return
		}
		if err != nil {
			return
		}
		select {
		case <-h.taken:
		case <-p.ended:
			return
		}
	}
}

func (p *poller) remove(s *socket) {
	delete(p.sockets, s)
	_ = s.handle.conn.Close()
}

func (p *poller) write(s *socket, data []byte) (int, error) {
	_ = s.handle.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	return s.handle.conn.Write(data)
}

// await does nothing: write writes all.
func (p *poller) await(*socket, bool) error { return nil }

func (p *poller) wait(due int64, now func() int64) error {
	var timer <-chan time.Time
	if due != 0 {
		timer = time.After(time.Duration(max(due-now(), 0)))
	}
	select {
	case c := <-p.ready:
		c.serve()
	case <-p.woken:
	case <-timer:
	}
	return nil
}

func (c chunk) serve() {
	s := c.socket
	if len(c.data) > 0 && !s.closed {
		s.input(c.data)
	}
	if c.err != nil && !s.closed {
		s.fail(c.err)
	}
	s.handle.taken <- struct{}{}
}
