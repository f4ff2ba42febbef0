package engineio

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// socket is the WebSocket transport. Gorilla shakes hands; reading and writing are done
// here, so that an idle connection keeps neither buffers nor a deep stack, and frames that
// are encoded beforehand go out as they are.
type socket struct {
	session *Session
	conn    net.Conn
	window  uint8 // of the peer, for what it gets compressed; 0 if that was not agreed on
	probing bool  // the session is not here yet; used by the reader alone
	in      input // used by the reader alone

	expires time.Time // write deadline of conn; used by the writer alone
	lost    atomic.Bool

	pings  int // in the second that began at pinged; used by the reader alone
	pinged int64
}

func newSocket(s *Session, conn net.Conn, window uint8) *socket {
	t := &socket{session: s, conn: conn, window: window}
	t.in.open(conn)
	return t
}

func (t *socket) name() string       { return "websocket" }
func (t *socket) upgrades() []string { return []string{} }

// pending starts a writer for this burst. Writing from within Send instead, without
// blocking, saves a fifth of the time of a lone frame (5.4 for 6.6 µs), but makes
// a broadcast the work of one core and joins nothing: 8 frames to each of 1,000
// sessions went out ten times slower.
func (t *socket) pending(o *outbox) {
	o.socket = t
	if o.run == nil {
		o.run = func() { o.socket.write() }
	}
	go o.run()
}

func (t *socket) wake() { _ = t.conn.SetReadDeadline(past) }

// abort with reset is what happens to slow consumers, in the middle of somebody's Send: closing
// would wait there until reader and writer have let go of the connection, which takes
// 0.2 ms and, with busy processors, a thousand times that. So they are only told to.
func (t *socket) abort(reset bool) {
	if !reset {
		_ = t.conn.Close()
		return
	}
	if tcp, ok := t.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	t.lost.Store(true)
	_ = t.conn.SetDeadline(past)
}

// ping answers a WebSocket ping. A peer has no need for many.
func (t *socket) ping(payload []byte) error {
	if now := time.Now().Unix(); now != t.pinged {
		t.pings, t.pinged = 0, now
	}
	if t.pings++; t.pings > t.session.server.cfg.MaxPings {
		return errTooMany
	}
	pong := newControl(opPong, payload)
	if t.probing {
		return t.writeBytes(pong.wire)
	}
	return t.session.Send(pong)
}

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
	if len(o.taken) == 1 {
		return t.writeBytes(t.form(o.taken[0]))
	}
	if o.buf == nil {
		o.buf = make([]byte, 0, joinBytes)
	}
	buf := o.buf[:0]
	for _, f := range o.taken {
		b := t.form(f)
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

// form is f as the peer understands it.
func (t *socket) form(f *Frame) []byte {
	switch {
	case t.session.base64 && f.binary:
		return f.bytes(true)
	case t.window == 0:
		return f.wire
	default:
		return f.deflated(t.session.server.cfg.CompressAbove, t.window)
	}
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
		if t.lost.Load() { // and its deadline, that of abort, is gone
			return errLost
		}
	}
	t.session.server.counts.write(len(b))
	_, err := t.conn.Write(b)
	return err
}

var errLost = errors.New("engineio: connection given up")

// read is the reader goroutine and the owner of the session's end.
func (t *socket) read() {
	defer t.session.server.readers.Done()
	t.readAll()
	t.session.server.leave(t.session, false)
	t.session.server.guard(t.session, func() { t.session.handler.Closed(t.session.closedBy()) })
	t.linger()
	t.session.gone()
}

// readAll returns when the session is no longer open.
func (t *socket) readAll() {
	ok := t.session.server.guard(t.session, func() {
		for t.readOne() {
		}
	})
	if !ok {
		t.session.shut(ForcedClose, closeInternalError)
	}
}

func (t *socket) readOne() bool {
	s := t.session
	op, data, err := t.readMessage()
	if err != nil {
		f := faultOf(err)
		s.shut(f.reason, f.code)
		return false
	}
	switch {
	case !s.isOpen():
		return false
	case s.server.plain:
		return t.receivePlain(op, data)
	case op == opBinary:
		return s.receive(Packet{Type: Msg, Binary: true, Data: data})
	case !utf8.Valid(data):
		s.shut(errNotUTF8.reason, errNotUTF8.code)
		return false
	}
	p, err := ParsePacket(data)
	if err != nil {
		s.shut(ParseError, closeProtocolError)
		return false
	}
	return s.receive(p)
}

// linger lets the last frames reach the peer: closing a connection that still
// has unread input would destroy them. The session's timer bounds it.
func (t *socket) linger() {
	<-t.session.whenIdle()
	t.part()
}

// part closes the connection when the peer has read everything, or CloseGrace is over.
func (t *socket) part() {
	defer t.conn.Close()
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
