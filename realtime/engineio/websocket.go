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
	in      input // used by the reader alone, but for its raw connection
	begun   int   // how many of the first messages there were; used by the reader alone
	renew   bool  // the reader is to go on as another goroutine; used by the reader alone
	writer  *writer
	lost    atomic.Bool

	pings  int // in the second that began at pinged; used by the reader alone
	pinged int64
}

func newSocket(s *Session, conn net.Conn, window uint8) *socket {
	t := &socket{session: s, conn: conn, window: window, writer: s.server.writers.next()}
	t.in.open(conn)
	return t
}

func (t *socket) name() string       { return "websocket" }
func (t *socket) upgrades() []string { return []string{} }

func (t *socket) pending() {
	if t.in.raw != nil {
		t.writer.add(t)
	} else {
		go t.write(nil, nil)
	}
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

// write is a goroutine for a connection that may have to be waited for. It begins with what is left of what was taken, and
// ends when the queue is empty.
func (t *socket) write(left []byte, rest []*Frame) {
	var buf []byte
	err := t.writeBytes(left)
	for {
		for err == nil && len(rest) > 0 {
			if buf == nil && len(rest) > 1 {
				buf = make([]byte, 0, joinBytes)
			}
			b, n := t.join(buf, rest)
			rest, err = rest[n:], t.writeBytes(b)
		}
		if err != nil {
			t.fail()
			return
		}
		o := t.session.take()
		if o == nil {
			return
		}
		rest = o.taken
	}
}

// fail ends a session that cannot be written to.
func (t *socket) fail() {
	t.abort(false)
	t.session.drop()
}

// join is what one system call should write of frames, and how many of them that is: those that fit into the room of buf,
// or the first one as it is.
func (t *socket) join(buf []byte, frames []*Frame) (b []byte, n int) {
	for len(frames) > 1 && n < len(frames) {
		next := t.form(frames[n])
		if len(buf)+len(next) > cap(buf) {
			break
		}
		buf = append(buf, next...)
		n++
	}
	if n == 0 {
		return t.form(frames[0]), 1
	}
	return buf, n
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

// writeBytes waits until the connection has taken b.
func (t *socket) writeBytes(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	t.session.server.counts.write(len(b))
	err := t.setWriteDeadline(time.Now().Add(t.session.server.cfg.WriteTimeout))
	if err == nil {
		_, err = t.conn.Write(b)
	}
	if err == nil {
		err = t.setWriteDeadline(time.Time{}) // or it would end a write long after this one
	}
	return err
}

// setWriteDeadline fails if the deadline of abort is gone by it.
func (t *socket) setWriteDeadline(at time.Time) error {
	if err := t.conn.SetWriteDeadline(at); err != nil {
		return err
	}
	if t.lost.Load() {
		return errLost
	}
	return nil
}

var errLost = errors.New("engineio: connection given up")

// read is the reader goroutine and the owner of the session's end.
//
// It waits for input here, and not where that is read, so that the stack of who waits has few frames. And a stack that has grown with
// what a message took does not get small again: after each of the first messages, which let somebody in and say what is to be heard,
// and with every heartbeat another goroutine goes on in its place.
func (t *socket) read() {
	for more := true; more; {
		t.in.await()
		if more = t.readBuffered(); more && t.renew {
			t.renew = false
			go t.read()
			return
		}
	}
	defer t.session.server.readers.Done()
	t.session.server.leave(t.session, false)
	t.session.server.guard(t.session, func() { t.session.handler.Closed(t.session.closedBy()) })
	t.linger()
	t.session.gone()
}

// readBuffered acts on what has arrived. It returns false when the session is to be read no further.
func (t *socket) readBuffered() (more bool) {
	ok := t.session.server.guard(t.session, func() {
		for more = t.readOne(); more && t.in.buffered(); {
			more = t.readOne()
		}
	})
	if !ok {
		t.session.shut(ForcedClose, closeInternalError)
	}
	return ok && more
}

func (t *socket) readOne() bool {
	s := t.session
	op, data, err := t.readNext()
	if err != nil {
		f := faultOf(err)
		s.shut(f.reason, f.code)
		return false
	}
	switch {
	case !s.isOpen():
		return false
	case op >= opClose:
		t.renew = t.renew || op == opPong
		return true
	case s.server.plain:
		t.begin()
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
	t.begin()
	t.renew = t.renew || p.Type == Pong
	return s.receive(p)
}

// firstMessages are those after each of which a client may have nothing more to say for long.
const firstMessages = 8

// begin notes the first messages.
func (t *socket) begin() {
	if t.begun < firstMessages {
		t.begun++
		t.renew = true
	}
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
