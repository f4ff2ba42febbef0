package socketio

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"parley/realtime/engineio"
)

// Namespace decides who may connect to it.
type Namespace interface {
	// Connect is called for each CONNECT, on the connection's reader goroutine:
	// it blocks that connection and no other. auth is the client's JSON object, or
	// nil. ctx ends after Config.ConnectTimeout and when the connection closes.
	//
	// What is sent to s during Connect is held, and queued directly behind the
	// CONNECT reply. A *ConnectError refuses and is sent to the client, which may try
	// again on the same connection; any other error is logged and refuses without details.
	Connect(ctx context.Context, s *Socket, auth json.RawMessage) (Events, error)
}

// Events receives what happens to one connected socket.
type Events interface {
	// Event is called for each event, in order, on the connection's reader
	// goroutine: while it runs nothing more is read from that client.
	Event(e Event)
	// Disconnected is called exactly once, after the last Event.
	Disconnected(reason Reason)
}

// Server keeps the connections. It is an http.Handler for the Socket.IO
// endpoint, whatever path it is mounted at.
type Server struct {
	cfg        Config
	limits     Limits
	engine     *engineio.Server
	namespaces map[string]Namespace
}

// NewServer returns a server without namespaces.
func NewServer(cfg Config) *Server {
	cfg = cfg.withDefaults()
	s := &Server{cfg: cfg, limits: cfg.limits(), namespaces: make(map[string]Namespace)}
	s.engine = engineio.NewServer(cfg.Engine, s.accept)
	return s
}

// Handle registers a namespace, which begins with "/". It must be called before
// the first request is served.
func (s *Server) Handle(namespace string, n Namespace) { s.namespaces[namespace] = n }

// ServeHTTP answers a handshake; see engineio.Server.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Run keeps the timers of all connections until ctx ends, then closes the
// connections and returns when everything is gone. It is called once.
func (s *Server) Run(ctx context.Context) error { return s.engine.Run(ctx) }

// Drain refuses new connections and closes the transports of the others, evenly
// spread over the given time, without DISCONNECT packets: clients come back by
// themselves. See engineio.Server.Drain.
func (s *Server) Drain(ctx context.Context, spread time.Duration) error {
	return s.engine.Drain(ctx, spread)
}

// Stats is how the connections are doing.
func (s *Server) Stats() engineio.Stats { return s.engine.Stats() }

// Count is the number of open connections.
func (s *Server) Count() int { return s.engine.Count() }

func (s *Server) accept(session *engineio.Session, r *http.Request) engineio.Handler {
	c := &conn{server: s, session: session, handshake: s.cfg.Handshake(r)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaitConnect()
	return c
}
