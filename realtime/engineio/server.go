package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// AcceptFunc is called for each new session, when the open packet is queued and
// before anything is read. It returns the session's Handler, or nil to close
// the session at once. The request must not be kept: take from it what is needed.
type AcceptFunc func(s *Session, r *http.Request) Handler

// Server keeps the sessions. It is an http.Handler for the Engine.IO endpoint,
// whatever path it is mounted at.
type Server struct {
	cfg      Config
	accept   AcceptFunc
	plain    bool // the sessions are no Engine.IO sessions: see NewPlainServer
	upgrader websocket.Upgrader
	wheel    *wheel
	readers  sync.WaitGroup
	writers  *writers
	counts   counts

	mu       sync.Mutex
	sessions map[string]*Session
	leaving  map[string]*Session // have ended, and still have to tell a polling client
	draining bool
	stopped  bool
	empty    chan struct{} // closed when draining has left no session
}

// NewServer returns a server. Nothing times out until Run is called.
func NewServer(cfg Config, accept AcceptFunc) *Server {
	cfg = cfg.WithDefaults()
	return &Server{
		cfg:    cfg,
		accept: accept,
		upgrader: websocket.Upgrader{
			HandshakeTimeout: cfg.WriteTimeout,
			CheckOrigin:      func(*http.Request) bool { return true }, // checked before
			Error: func(w http.ResponseWriter, _ *http.Request, _ int, _ error) {
				refuse(w, errRequest, cfg.RetryAfter)
			},
		},
		wheel:    newWheel(cfg.tick()),
		writers:  newWriters(),
		sessions: make(map[string]*Session),
		leaving:  make(map[string]*Session),
	}
}

// Run turns the timer wheel until ctx ends, then closes all sessions and returns
// when everything is gone. It is called once.
func (s *Server) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.cfg.tick())
	defer ticker.Stop()
	stop := ctx.Done()
	var gone chan struct{}
	for {
		select {
		case <-ticker.C:
			s.wheel.advance(s.expire)
		case <-stop:
			stop, gone = nil, make(chan struct{})
			s.shutdown()
			go func() {
				s.readers.Wait()
				s.writers.running.Wait() // what they wrote last
				close(gone)
			}()
		case <-gone:
			return nil
		}
	}
}

func (s *Server) shutdown() {
	s.mu.Lock()
	s.draining, s.stopped = true, true
	s.mu.Unlock()
	for _, session := range s.snapshot() {
		session.Close(ServerShuttingDown)
	}
}

// Drain refuses new sessions with 503 and Retry-After, closes the transports of
// those that exist, evenly spread over the given time (zero: at once), and waits
// until all are gone. When ctx ends first, the rest is closed without spreading
// and its error is returned. Clients take a closed transport for an accident and
// come back.
func (s *Server) Drain(ctx context.Context, spread time.Duration) error {
	empty := s.refuseMore()
	rest := s.snapshot()
	for i, session := range rest {
		session.Close(ServerShuttingDown)
		if !pause(ctx, spread/time.Duration(len(rest))) {
			for _, session := range rest[i+1:] {
				session.Close(ServerShuttingDown)
			}
			break
		}
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) refuseMore() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	if len(s.sessions) == 0 {
		return closedChan
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	return s.empty
}

// Count is the number of open sessions.
func (s *Server) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Schedule makes t call target after d, rounded up to the wheel's tick: 1/64 of
// PingInterval, within 10 to 250 ms. A timer that was set is set anew.
func (s *Server) Schedule(t *Timer, d time.Duration, target Expirer) { s.wheel.set(t, d, target) }

// Cancel unsets t.
func (s *Server) Cancel(t *Timer) { s.wheel.cancel(t) }

func (s *Server) snapshot() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		all = append(all, session)
	}
	return all
}

// join adds a session, unless the server no longer takes any.
func (s *Server) join(session *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.sessions[session.id] = session
	s.counts.opened.Add(1)
	s.readers.Add(1)
	return true
}

// leave takes away a session that has ended. farewell keeps it where lookup finds it.
func (s *Server) leave(session *Session, farewell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session.id)
	if farewell {
		s.leaving[session.id] = session
	}
	if s.draining && len(s.sessions) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// forget ends what leave kept.
func (s *Server) forget(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.leaving, session.id)
}

func (s *Server) lookup(id string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session := s.sessions[id]; session != nil {
		return session
	}
	return s.leaving[id]
}

// visit lets Run wait for a goroutine that belongs to no session, until it calls readers.Done.
// It returns false when it is too late.
func (s *Server) visit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.readers.Add(1)
	return true
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// guard calls f and reports whether it returned. A panic is logged and ends
// that session alone.
func (s *Server) guard(session *Session, f func()) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Logger.Error("handler panicked", slog.Any("panic", v),
				slog.String("remote_addr", session.remote), slog.String("stack", string(debug.Stack())))
		}
	}()
	f()
	return true
}

func (s *Server) expire(e Expirer) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Logger.Error("timer panicked", slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
		}
	}()
	e.Expire()
}

// newID returns 128 random bits in 22 URL-safe characters.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
