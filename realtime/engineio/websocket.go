package engineio

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// socket is the WebSocket transport. Gorilla shakes hands, reads and unmasks;
// writing goes past it, since server frames are encoded beforehand.
type socket struct {
	session *Session
	ws      *websocket.Conn
	conn    net.Conn

	expires time.Time // write deadline of conn; used by the writer alone

	pings  int // in the second that began at pinged; used by the reader alone
	pinged int64
}

func newSocket(s *Session, ws *websocket.Conn) *socket {
	t := &socket{session: s, ws: ws, conn: ws.NetConn()}
	ws.SetReadLimit(int64(s.server.cfg.MaxPayload))
	ws.SetPingHandler(t.ping)
	ws.SetCloseHandler(func(int, string) error { return nil }) // read answers it
	return t
}

func (t *socket) name() string { return "websocket" }

// pending starts a writer for this burst. Writing from within Send instead, without
// blocking, saves a fifth of the time of a lone frame (5.4 for 6.6 µs), but makes
// a broadcast the work of one core and joins nothing: 8 frames to each of 1,000
// sessions went out ten times slower.
func (t *socket) pending() { go t.write() }

func (t *socket) wake() { _ = t.conn.SetReadDeadline(time.Unix(1, 0)) }

func (t *socket) abort(reset bool) {
	if tcp, ok := t.conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = t.conn.Close()
}

// ping answers a WebSocket ping. A peer has no need for many.
func (t *socket) ping(payload string) error {
	if now := time.Now().Unix(); now != t.pinged {
		t.pings, t.pinged = 0, now
	}
	if t.pings++; t.pings > t.session.server.cfg.MaxPings {
		t.session.shut(TransportError, closePolicy)
		return errTooManyPings
	}
	return t.session.Send(newControl(opPong, []byte(payload)))
}

var errTooManyPings = errors.New("engineio: too many pings")

// write is the writer goroutine: it ends when the queue is empty.
func (t *socket) write() {
	for {
		o := t.session.take()
		if o == nil {
			return
		}
		if err := t.writeAll(o); err != nil {
			t.abort(false)
			t.session.drop()
			return
		}
	}
}

// writeAll writes o.taken in as few system calls as its sizes allow.
func (t *socket) writeAll(o *outbox) error {
	b64 := t.session.base64
	if len(o.taken) == 1 {
		return t.writeBytes(o.taken[0].bytes(b64))
	}
	if o.buf == nil {
		o.buf = make([]byte, 0, joinBytes)
	}
	buf := o.buf[:0]
	for _, f := range o.taken {
		b := f.bytes(b64)
		if len(buf)+len(b) <= joinBytes {
			buf = append(buf, b...)
			continue
		}
		if err := t.writeBytes(buf); err != nil {
			return err
		}
		buf = buf[:0]
		if len(b) < joinBytes {
			buf = append(buf, b...)
		} else if err := t.writeBytes(b); err != nil {
			return err
		}
	}
	return t.writeBytes(buf)
}

func (t *socket) writeBytes(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	// Setting a deadline costs, so it is set for half as long again and only
	// when it has become too short.
	timeout := t.session.server.cfg.WriteTimeout
	if now := time.Now(); t.expires.Sub(now) < timeout {
		t.expires = now.Add(timeout + timeout/2)
		if err := t.conn.SetWriteDeadline(t.expires); err != nil {
			return err
		}
	}
	_, err := t.conn.Write(b)
	return err
}

// read is the reader goroutine and the owner of the session's end.
func (t *socket) read() {
	defer t.session.server.readers.Done()
	t.readAll()
	t.session.server.leave(t.session)
	t.session.server.guard(t.session, func() { t.session.handler.Closed(t.session.closedBy()) })
	t.linger()
	t.session.gone()
}

// readAll returns when the session is no longer open.
func (t *socket) readAll() {
	s := t.session
	for {
		more := false
		ok := s.server.guard(s, func() { more = t.readOne() })
		if !ok {
			s.shut(ForcedClose, closeInternalError)
		}
		if !ok || !more {
			return
		}
	}
}

func (t *socket) readOne() bool {
	s := t.session
	kind, r, err := t.ws.NextReader()
	if err != nil {
		s.shut(readFailure(err))
		return false
	}
	data, err := readMessage(r)
	switch {
	case err != nil:
		s.shut(readFailure(err))
		return false
	case !s.isOpen():
		return false
	case kind == websocket.BinaryMessage:
		return s.receive(Packet{Type: Msg, Binary: true, Data: data})
	case !utf8.Valid(data):
		s.shut(ParseError, closeInvalidData)
		return false
	}
	p, err := ParsePacket(data)
	if err != nil {
		s.shut(ParseError, closeProtocolError)
		return false
	}
	return s.receive(p)
}

// readFailure names what a failed read means, and the close code to send.
func readFailure(err error) (Reason, int) {
	var closed *websocket.CloseError
	switch {
	case errors.As(err, &closed):
		if closed.Code == websocket.CloseNoStatusReceived {
			return TransportClose, closeNormal
		}
		return TransportClose, closed.Code
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return TransportClose, closeNone
	default: // gorilla has sent 1002 or 1009 by itself if it was the peer's fault
		return TransportError, closeNone
	}
}

// linger lets the last frames reach the peer: closing a connection that still
// has unread input would destroy them. The session's timer bounds it.
func (t *socket) linger() {
	defer t.conn.Close()
	<-t.session.whenIdle()
	if tcp, ok := t.conn.(interface{ CloseWrite() error }); ok {
		if tcp.CloseWrite() != nil {
			return
		}
	}
	_ = t.conn.SetReadDeadline(time.Now().Add(t.session.server.cfg.CloseGrace))
	_, _ = io.Copy(io.Discard, onlyReader{t.conn})
}

// onlyReader hides WriteTo, which would splice the input to nowhere slowly.
type onlyReader struct{ io.Reader }

var scratch = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const keepScratch = 64 << 10

// readMessage reads a message into a slice of exactly its size: what is handed
// on may live long and should not carry spare room.
func readMessage(r io.Reader) ([]byte, error) {
	buf := scratch.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= keepScratch {
			buf.Reset()
			scratch.Put(buf)
		}
	}()
	if _, err := buf.ReadFrom(r); err != nil {
		return nil, err
	}
	return bytes.Clone(buf.Bytes()), nil
}
