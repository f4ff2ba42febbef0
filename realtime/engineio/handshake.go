package engineio

import (
	"encoding/json"
	"net"
	"net/http"
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
	errDraining  = &refusal{6, "Server is shutting down", http.StatusServiceUnavailable}
)

const maxQuery = 8 << 10 // bytes of query string

// ServeHTTP answers a handshake. It returns when the connection is upgraded, so
// that net/http's stack and buffers are freed; the session lives on.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refused := s.check(r); refused != nil {
		refuse(w, refused, s.cfg.RetryAfter)
		return
	}
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	s.open(ws.NetConn(), r)
}

// check goes through the rules in the protocol's order.
func (s *Server) check(r *http.Request) *refusal {
	if len(r.URL.RawQuery) > maxQuery {
		return errRequest
	}
	query := r.URL.Query()
	switch {
	case query.Get("transport") != "websocket":
		return errTransport
	case !s.cfg.CheckOrigin(r):
		return errForbidden
	case query.Has("sid"):
		if s.lookup(query.Get("sid")) == nil {
			return errSession
		}
		return errRequest // the session already has its WebSocket
	case r.Method != http.MethodGet:
		return errMethod
	case !websocket.IsWebSocketUpgrade(r):
		return errRequest
	case query.Get("EIO") != "4":
		return errProtocol
	case s.isDraining():
		return errDraining
	}
	if err := s.cfg.Authorize(r); err != nil {
		return &refusal{errForbidden.Code, err.Error(), errForbidden.status}
	}
	return nil
}

func refuse(w http.ResponseWriter, refused *refusal, retryAfter time.Duration) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if refused == errDraining {
		h.Set("Retry-After", strconv.Itoa(int(max(retryAfter/time.Second, 1))))
	}
	body, _ := json.Marshal(refused) // cannot fail
	w.WriteHeader(refused.status)
	_, _ = w.Write(body)
}

// open makes the session of an upgraded connection.
func (s *Server) open(conn net.Conn, r *http.Request) {
	session := &Session{
		server: s,
		id:     newID(),
		remote: r.RemoteAddr,
		opened: time.Now(),
		base64: r.URL.Query().Get("b64") == "1",
	}
	t := newSocket(session, conn)
	session.tr = t
	if !s.join(session) {
		t.abort(false)
		return
	}
	session.start(s.openPacket(session))
	session.handler = ignore{}
	ok := s.guard(session, func() {
		if h := s.accept(session, r); h != nil {
			session.handler = h
		} else {
			session.Close(ForcedClose)
		}
	})
	if !ok {
		session.shut(ForcedClose, closeInternalError)
	}
	go t.read()
}

func (s *Session) start(openPacket *Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open { // the server is shutting down
		return
	}
	s.push(openPacket)
	s.awaitPing()
}

func (s *Server) openPacket(session *Session) *Frame {
	body, _ := json.Marshal(struct { // cannot fail
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{session.id, []string{}, s.cfg.PingInterval.Milliseconds(), s.cfg.PingTimeout.Milliseconds(), s.cfg.MaxPayload})
	return newPacket(Open, body)
}

// ignore is the handler of a session that was not accepted.
type ignore struct{}

func (ignore) Message(Message) {}
func (ignore) Closed(Reason)   {}
