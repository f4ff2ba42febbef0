package engineio

import (
	"encoding/binary"
	"net/http"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// NewPlainServer returns a server of plain WebSocket sessions: a message is a text message as it
// stands, without packets, and nothing but WebSocket's own frames is added. What a Session promises
// holds as well, with these differences:
//
//   - Frames are made by NewPlain and NewPlainFunc. Those of Engine.IO must not be sent.
//   - A session begins with nothing: there is no open packet, and no upgrade.
//   - A binary message ends it with close code 1003.
//   - The heartbeat is WebSocket's: a ping frame every PingInterval, which is to be answered with a pong
//     frame within PingTimeout, else 1001.
//   - A slow consumer loses what waits and is told 1013; it is cut off after
//     CloseGrace if it does not even take that.
//
// Handshakes are refused as those of Engine.IO, what is no WebSocket handshake with 426.
func NewPlainServer(cfg Config, accept AcceptFunc) *Server {
	s := NewServer(cfg, accept)
	s.plain = true
	return s
}

var (
	errUpgrade = &refusal{errRequest.Code, "WebSocket required", http.StatusUpgradeRequired}

	plainPing = newControl(opPing, nil)
)

// servePlain answers a handshake.
func (s *Server) servePlain(w http.ResponseWriter, r *http.Request) {
	refused := s.checkPlain(r)
	if refused == nil {
		s.serveWebSocket(w, r, nil)
		return
	}
	if refused == errUpgrade {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
	}
	refuse(w, refused, s.cfg.RetryAfter)
}

// checkPlain is check without what is Engine.IO's.
func (s *Server) checkPlain(r *http.Request) *refusal {
	switch {
	case len(r.URL.RawQuery) > maxQuery:
		return errRequest
	case !s.cfg.CheckOrigin(r):
		return errForbidden
	case r.Method != http.MethodGet:
		return errMethod
	case !websocket.IsWebSocketUpgrade(r):
		return errUpgrade
	case s.isDraining():
		return errDraining
	}
	if err := s.cfg.Authorize(r); err != nil {
		return &refusal{errForbidden.Code, err.Error(), errForbidden.status}
	}
	return nil
}

// NewPlain makes a text message for sessions of a plain server. The payload, valid UTF-8, is copied.
func NewPlain(payload []byte) *Frame {
	wire := appendHeader(make([]byte, 0, maxHeader+len(payload)), opText, len(payload))
	return &Frame{wire: append(wire, payload...), packets: 1}
}

// NewPlainFunc is NewPlain for a payload that build appends to dst and returns; see NewTextFunc.
func NewPlainFunc(size int, build func(dst []byte) []byte) *Frame {
	buf := build(make([]byte, maxHeader, maxHeader+size))
	return &Frame{wire: prependHeader(buf, opText), packets: 1}
}

// CloseWith is Close with a close code for the peer and a reason of at most 123 bytes.
func (s *Session) CloseWith(reason Reason, code int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(reason, code, text)
}

// receivePlain acts on one message. It returns false when the session is to be read no further.
func (t *socket) receivePlain(op byte, data []byte) bool {
	s := t.session
	switch {
	case op == opBinary:
		s.shut(TransportError, closeUnsupported)
	case !utf8.Valid(data):
		s.shut(errNotUTF8.reason, errNotUTF8.code)
	default:
		s.receive(Packet{Type: Msg, Data: data})
	}
	return s.isOpen()
}

// pong acts on a pong frame, which only plain sessions are asked for.
func (t *socket) pong() {
	if t.session.server.plain {
		t.session.ponged()
	}
}

// newFarewell is a close frame with a text, which may be "".
func newFarewell(code int, text string) *Frame {
	if text == "" {
		return newCloseFrame(code)
	}
	return newControl(opClose, append(binary.BigEndian.AppendUint16(nil, uint16(code)), text...))
}

func (s *Server) pingFrame() *Frame {
	if s.plain {
		return plainPing
	}
	return pingFrame
}

// closeCode is what the peer of a session reads as the reason of its end. Programs that speak plain
// WebSocket take 1000 for a wish to part.
func (s *Server) closeCode(r Reason) int {
	if s.plain && r == PingTimeout {
		return closeGoingAway
	}
	return r.closeCode()
}

// dropWaiting takes back what nobody has begun to write.
func (s *Session) dropWaiting() {
	if s.out == nil {
		return
	}
	s.settle(s.out.waiting)
	clear(s.out.waiting)
	s.out.waiting = s.out.waiting[:0]
}
