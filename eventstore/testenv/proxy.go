package testenv

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy passes TCP connections on to a target and can misbehave as networks do.
// Its methods may be called from several goroutines at once.
type Proxy struct {
	// Addr is its own address, host:port.
	Addr string

	listener net.Listener
	workers  sync.WaitGroup

	mu      sync.Mutex
	target  string
	cut     bool
	closed  bool
	delay   time.Duration
	flowing chan struct{} // closed while bytes may pass
	links   map[*link]struct{}
}

// TCPProxy starts a proxy to target, host:port. It is gone when the test ends.
func TCPProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("start a proxy: %v", err)
	}
	p := &Proxy{
		Addr: listener.Addr().String(), target: target, listener: listener,
		flowing: make(chan struct{}), links: map[*link]struct{}{},
	}
	close(p.flowing)
	p.workers.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

// Cut resets all connections and each new one as soon as it is opened, until Heal.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	p.breakLinks()
}

// Blackhole lets no byte through, in both directions, until Heal. Connections
// stay open and new ones are accepted; nothing is lost, as on a line that
// stalls: what was sent meanwhile arrives after Heal.
func (p *Proxy) Blackhole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
		p.flowing = make(chan struct{})
	default: // it is one already
	}
}

// Heal ends Cut, Blackhole and Delay.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.delay = false, 0
	p.open()
}

// Delay holds what is sent from now on back for d, in each direction.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Redirect lets connections that are opened from now on end at another target. Those that are
// open stay where they are: Cut and Heal make their clients come back at the new one.
func (p *Proxy) Redirect(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Connections returns how many pass through it now.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.breakLinks()
	p.open()
	p.mu.Unlock()
	p.workers.Wait()
}

// open lets bytes pass. Call with mu held.
func (p *Proxy) open() {
	select {
	case <-p.flowing:
	default:
		close(p.flowing)
	}
}

// breakLinks resets all connections. Call with mu held.
func (p *Proxy) breakLinks() {
	for l := range p.links {
		l.reset()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.workers.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	l := &link{client: client.(*net.TCPConn), broken: make(chan struct{})}
	if !p.add(l) {
		return
	}
	defer p.remove(l)
	server, err := net.Dial("tcp", p.currentTarget())
	if err != nil || !l.connected(server.(*net.TCPConn)) {
		l.reset()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(l, l.client, l.server) })
	both.Go(func() { p.pass(l, l.server, l.client) })
	both.Wait()
	l.reset()
}

func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut || p.closed {
		l.reset()
		return false
	}
	p.links[l] = struct{}{}
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// chunk is what one read yielded.
type chunk struct {
	bytes []byte
	err   error // how the stream ended, else nil
	due   time.Time
}

// pass moves one direction. Reading runs ahead of writing, so that a delay
// costs latency and not throughput.
func (p *Proxy) pass(l *link, from, to *net.TCPConn) {
	chunks := make(chan chunk, 256)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(chunks)
		for {
			buffer := make([]byte, 16<<10)
			n, err := from.Read(buffer)
			select {
			case chunks <- chunk{bytes: buffer[:n], err: err, due: time.Now().Add(p.currentDelay())}:
			case <-l.broken:
				return
			}
			if err != nil {
				return
			}
		}
	})
	defer reader.Wait()
	for c := range chunks {
		if !p.hold(l, c.due) {
			return
		}
		if !l.deliver(to, c) {
			l.reset()
			return
		}
	}
}

// hold waits until a chunk may pass. It is false when the connection broke.
func (p *Proxy) hold(l *link, due time.Time) bool {
	if wait := time.Until(due); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.broken:
			return false
		}
	}
	p.mu.Lock()
	flowing := p.flowing
	p.mu.Unlock()
	select {
	case <-flowing:
		return true
	case <-l.broken:
		return false
	}
}

func (p *Proxy) currentTarget() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

func (p *Proxy) currentDelay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

// link is one connection through the proxy.
type link struct {
	client *net.TCPConn
	broken chan struct{}

	mu     sync.Mutex
	server *net.TCPConn // nil until dialled
	down   bool
}

// connected hands the link its other end. It is false when the link broke meanwhile.
func (l *link) connected(server *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		_ = server.Close()
		return false
	}
	l.server = server
	return true
}

// deliver writes a chunk. It is false when the connection has ended other than by a half-close.
func (l *link) deliver(to *net.TCPConn, c chunk) bool {
	if _, err := to.Write(c.bytes); err != nil {
		return false
	}
	switch {
	case c.err == nil:
		return true
	case errors.Is(c.err, io.EOF):
		return to.CloseWrite() == nil
	default:
		return false
	}
}

// reset closes both ends without a farewell, once.
func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return
	}
	l.down = true
	close(l.broken)
	for _, end := range []*net.TCPConn{l.client, l.server} {
		if end != nil {
			_ = end.SetLinger(0)
			_ = end.Close()
		}
	}
}
