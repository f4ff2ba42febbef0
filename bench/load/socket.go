package load

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// socket is a WebSocket connection of a loop, whose goroutine alone may use it.
type socket struct {
	loop *loop
	user receiver

	handle   handle // the poller's
	upgraded bool
	closed   bool
	rest     []byte // what has come of a frame, or of the answer to the upgrade
	backlog  []byte // what could not be written yet
}

// receiver is told what a socket hears.
type receiver interface {
	// connected says that the WebSocket stands.
	connected()
	// packet is a text message, which came at the time now and is valid until it returns.
	packet(text []byte, now int64)
	// disconnected is the last call.
	disconnected(err error)
}

var errClosed = errors.New("the server has closed the connection")

// Every client says the same key, so the answer is known.
const (
	upgradeKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	upgradeAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

	maxUpgrade = 16 << 10 // bytes of the answer
)

// upgradeRequest is the request that opens a WebSocket.
func upgradeRequest(base *url.URL, path string) []byte {
	return fmt.Appendf(nil, "GET %s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", strings.TrimSuffix(base.Path, "/"), path, base.Host, upgradeKey)
}

// open takes a connection over and asks for the upgrade. The receiver is told what comes of it.
func (l *loop) open(conn *net.TCPConn, user receiver, request []byte) (*socket, error) {
	s := &socket{loop: l, user: user}
	if err := l.poll.add(s, conn); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("take a connection over: %w", err)
	}
	s.write(request)
	return s, nil
}

// input is told what was read.
func (s *socket) input(data []byte) {
	if len(s.rest) > 0 {
		s.rest = append(s.rest, data...)
		data = s.rest
	}
	if !s.upgraded {
		var ok bool
		if data, ok = s.upgrade(data); !ok {
			return
		}
	}
	data = s.frames(data)
	if s.closed {
		return
	}
	if s.rest = append(s.rest[:0], data...); len(data) == 0 && cap(s.rest) > maxKept {
		s.rest = nil
	}
}

// maxKept is how much memory a socket keeps for what comes in parts: there are many sockets.
const maxKept = 4 << 10

// upgrade reads the answer to the upgrade, and returns what follows it.
func (s *socket) upgrade(data []byte) (frames []byte, ok bool) {
	head, frames, complete := bytes.Cut(data, []byte("\r\n\r\n"))
	switch {
	case !complete && len(data) > maxUpgrade:
		s.fail(errors.New("the server's answer to the upgrade is too long"))
	case !complete:
		s.rest = append(s.rest[:0], data...)
	case !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")):
		status, _, _ := bytes.Cut(head, []byte("\r\n"))
		s.fail(fmt.Errorf("the server does not upgrade to WebSocket: %s %.200s", status, frames))
	case !bytes.Contains(head, []byte(upgradeAccept)):
		s.fail(errors.New("the server's Sec-WebSocket-Accept is wrong"))
	default:
		s.upgraded = true
		s.user.connected()
		return frames, !s.closed
	}
	return nil, false
}

// frames takes all complete frames, and returns what is left.
func (s *socket) frames(data []byte) []byte {
	now := s.loop.now()
	for !s.closed {
		op, payload, rest, ok, err := nextFrame(data)
		if err != nil {
			s.fail(err)
		}
		if !ok {
			break
		}
		data = rest
		switch op {
		case opText:
			s.user.packet(payload, now)
		case opPing:
			frame, _ := newFrame(opPong, payload)
			s.write(frame)
		case opClose:
			s.fail(errClosed)
		}
	}
	return data
}

// text sends a text message.
func (s *socket) text(message string) {
	frame, _ := newFrame(opText, []byte(message))
	s.write(frame)
}

// write sends a frame, and copies what has to wait.
func (s *socket) write(frame []byte) {
	if s.closed {
		return
	}
	if len(s.backlog) > 0 {
		s.backlog = append(s.backlog, frame...)
		return
	}
	n, err := s.loop.poll.write(s, frame)
	if err == nil && n < len(frame) {
		s.backlog = append(s.backlog, frame[n:]...)
		err = s.loop.poll.await(s, true)
	}
	if err != nil {
		s.fail(err)
	}
}

// writable goes on with what had to wait.
func (s *socket) writable() {
	n, err := s.loop.poll.write(s, s.backlog)
	s.backlog = s.backlog[n:]
	if err == nil && len(s.backlog) == 0 {
		s.backlog = nil
		err = s.loop.poll.await(s, false)
	}
	if err != nil {
		s.fail(err)
	}
}

// fail closes the connection and tells the receiver why.
func (s *socket) fail(err error) {
	if s.closed {
		return
	}
	s.close()
	s.user.disconnected(err)
}

// close closes the connection, as one does that is gone: without a word.
func (s *socket) close() {
	if !s.closed {
		s.closed = true
		s.loop.poll.remove(s)
		s.rest, s.backlog = nil, nil
	}
}
