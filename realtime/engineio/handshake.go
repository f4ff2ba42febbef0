package engineio

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// refusal is the body of a refused request. The codes are the protocol's.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`

	status int
}

var (
	errTransport = &refusal{0, "Transport unknown", http.StatusBadRequest}
	errSession   = &refusal{1, "Session ID unknown", http.StatusBadRequest}
	errMethod    = &refusal{2, "Bad handshake method", http.StatusBadRequest}
	errRequest   = &refusal{3, "Bad request", http.StatusBadRequest}
	errForbidden = &refusal{4, "Forbidden", http.StatusForbidden}
	errProtocol  = &refusal{5, "Unsupported protocol version", http.StatusBadRequest}
	errTooBig    = &refusal{3, "Payload too large", http.StatusRequestEntityTooLarge}
	errDraining  = &refusal{6, "Server is shutting down", http.StatusServiceUnavailable}
	errBusy      = &refusal{7, "Too many handshakes", http.StatusServiceUnavailable}
)

const maxQuery = 8 << 10 // bytes of query string

// ServeHTTP answers a handshake or the requests of a polling session. It returns when the
// connection is upgraded, so that net/http's stack and buffers are freed; the session lives on.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.plain {
		s.servePlain(w, r)
		return
	}
	s.allowOrigin(w.Header(), r)
	if r.Method == http.MethodOptions {
		s.preflight(w, r)
		return
	}
	session, refused := s.check(r)
	switch {
	case refused != nil:
		refuse(w, refused, s.cfg.RetryAfter)
	case r.URL.Query().Get("transport") == "websocket":
		s.serveWebSocket(w, r, session)
	case session == nil:
		s.openPolling(w, r)
	default:
		session.servePolling(w, r)
	}
}

// check goes through the rules in the protocol's order. It returns the session that the request
// names, nil for a handshake.
func (s *Server) check(r *http.Request) (*Session, *refusal) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, errRequest
	}
	query := r.URL.Query()
	name := query.Get("transport")
	switch {
	case name != "websocket" && name != "polling":
		return nil, errTransport
	case !s.cfg.CheckOrigin(r):
		return nil, errForbidden
	case query.Has("sid"):
		return s.checkSession(r, query)
	case r.Method != http.MethodGet:
		return nil, errMethod
	case name == "websocket" && !websocket.IsWebSocketUpgrade(r):
		return nil, errRequest
	case query.Get("EIO") != "4":
		return nil, errProtocol
	case s.isDraining():
		return nil, errDraining
	}
	if err := s.cfg.Authorize(r); err != nil {
		return nil, &refusal{errForbidden.Code, err.Error(), errForbidden.status}
	}
	return nil, nil
}

// checkSession goes through the rules for requests with a session id.
func (s *Server) checkSession(r *http.Request, query url.Values) (*Session, *refusal) {
	session := s.lookup(query.Get("sid"))
	switch {
	case session == nil:
		return nil, errSession
	case query.Get("EIO") != "4",
		query.Get("transport") == "websocket" && !websocket.IsWebSocketUpgrade(r),
		r.Method != http.MethodGet && r.Method != http.MethodPost:
		return nil, errRequest
	}
	return session, nil
}

func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, session *Session) {
	var from *arrival
	if session == nil {
		var ok bool
		if from, ok = s.receive(w, r); !ok {
			return
		}
	}
	var e extension
	if s.cfg.CompressAbove > 0 {
		e = agree(r.Header)
	}
	ws, err := s.upgrader.Upgrade(w, r, e.header())
	switch {
	case err != nil: // Upgrade has answered
		from.leave()
	case session != nil:
		session.probe(ws.NetConn(), wantsBase64(r), e.window)
	default:
		s.open(ws.NetConn(), r, e.window, from)
	}
}

// wantsBase64 is true for clients that cannot take binary messages over WebSocket.
func wantsBase64(r *http.Request) bool { return r.URL.Query().Get("b64") == "1" }

func refuse(w http.ResponseWriter, refused *refusal, retryAfter time.Duration) {
	seconds := int(max(retryAfter/time.Second, 1))
	switch refused {
	case errDraining:
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	case errBusy: // those who came together are not to come back together
		//nolint:gosec // G404: it spreads them, and guards nothing
		w.Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(2*seconds)))
	}
	body, _ := json.Marshal(refused) // cannot fail
	writeHead(w, refused.status, "application/json", len(body))
	_, _ = w.Write(body)
}

func (s *Server) newSession(r *http.Request, from *arrival) *Session {
	session := &Session{server: s, id: newID(), remote: r.RemoteAddr, opened: time.Now(), handler: ignore{}}
	session.arrival.Store(from)
	return session
}

// receive counts a handshake; when it returns false it has refused it.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (*arrival, bool) {
	from, ok := s.cfg.Arrivals.enter(r)
	if !ok {
		s.counts.busy.Add(1)
		refuse(w, errBusy, s.cfg.RetryAfter)
	}
	return from, ok
}

// open makes the session of an upgraded connection.
func (s *Server) open(conn net.Conn, r *http.Request, window uint8, from *arrival) {
	session := s.newSession(r, from)
	session.base64 = wantsBase64(r)
	t := newSocket(session, conn, window)
	session.tr = t
	if !s.join(session) {
		session.Settle()
		t.abort(false)
		return
	}
	session.start(r)
	go t.read()
}

// openPolling makes a polling session and answers with its open packet.
func (s *Server) openPolling(w http.ResponseWriter, r *http.Request) {
	from, ok := s.receive(w, r)
	if !ok {
		return
	}
	session := s.newSession(r, from)
	g := newPoll(w)
	p := &polling{session: session, get: g, post: newPost(nil)}
	session.tr = p
	if !s.join(session) {
		session.Settle()
		refuse(w, errDraining, s.cfg.RetryAfter)
		return
	}
	session.start(r)
	p.endPost()
	p.answer(w, r, g)
}

// start queues the open packet and asks for the session's handler.
func (s *Session) start(r *http.Request) {
	s.greet()
	ok := s.server.guard(s, func() {
		if h := s.server.accept(s, r); h != nil {
			s.handler = h
		} else {
			s.Close(ForcedClose)
		}
	})
	if !ok {
		s.shut(ForcedClose, closeInternalError)
	}
}

func (s *Session) greet() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open { // the server is shutting down
		return
	}
	if !s.server.plain {
		s.push(s.openPacket())
	}
	s.awaitPing()
}

func (s *Session) openPacket() *Frame {
	cfg := &s.server.cfg
	body, _ := json.Marshal(struct { // cannot fail
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{s.id, s.tr.upgrades(), cfg.PingInterval.Milliseconds(), cfg.PingTimeout.Milliseconds(), cfg.MaxPayload})
	return newPacket(Open, body)
}

// ignore is the handler of a session that was not accepted.
type ignore struct{}

func (ignore) Message(Message) {}
func (ignore) Closed(Reason)   {}
