package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// poller waits for all sockets of a loop with one epoll: a wake-up costs one system call for all that are readable
// and one for each of them. Only wake is for other goroutines.
type poller struct {
	epoll, waker, timer int
	due                 int64 // what timer is set to, 0 if it is not
	events              [256]unix.EpollEvent
	sockets             []*socket // by file descriptor
	buf                 []byte
}

// handle is the poller's part of a socket.
type handle struct{ fd int }

// readSize is how much is read at once.
const readSize = 256 << 10

func newPoller() (p *poller, err error) {
	p = &poller{epoll: -1, waker: -1, timer: -1, buf: make([]byte, readSize)}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	if p.waker, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make a timerfd: %w", err)
	}
	for _, fd := range []int{p.waker, p.timer} {
		if err = p.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *poller) close() {
	for _, s := range p.sockets {
		if s != nil {
			p.remove(s)
		}
	}
	for _, fd := range []int{p.epoll, p.waker, p.timer} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

func (p *poller) control(op, fd int, events uint32) error {
	return unix.EpollCtl(p.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// wake ends a wait that is under way, or the next one.
func (p *poller) wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(p.waker, one[:]) // it fails only if it is awake already
}

// add takes a connection over: it is taken from Go's own poller, which would be woken by it as well.
func (p *poller) add(s *socket, conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		s.handle.fd, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	_ = conn.Close() // its descriptor: the connection goes on
	if err := p.control(unix.EPOLL_CTL_ADD, s.handle.fd, unix.EPOLLIN); err != nil {
		_ = unix.Close(s.handle.fd)
		return err
	}
	for len(p.sockets) <= s.handle.fd {
		p.sockets = append(p.sockets, nil)
	}
	p.sockets[s.handle.fd] = s
	return nil
}

// remove closes the connection.
func (p *poller) remove(s *socket) {
	p.sockets[s.handle.fd] = nil
	_ = unix.Close(s.handle.fd)
}

// write writes what can be written now.
func (p *poller) write(s *socket, data []byte) (int, error) {
	n, err := unix.Write(s.handle.fd, data)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return 0, nil
	}
	return max(n, 0), err
}

// await says whether s.writable is to be called as soon as more can be written.
func (p *poller) await(s *socket, writable bool) error {
	events := uint32(unix.EPOLLIN)
	if writable {
		events |= unix.EPOLLOUT
	}
	return p.control(unix.EPOLL_CTL_MOD, s.handle.fd, events)
}

// wait waits until sockets are ready and serves them, until it is woken, or until the time due, by now. Without due (0)
// it may wait for ever.
func (p *poller) wait(due int64, now func() int64) error {
	if err := p.arm(due, now); err != nil {
		return err
	}
	n, err := unix.EpollWait(p.epoll, p.events[:], -1)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for sockets: %w", err)
	}
	for _, e := range p.events[:max(n, 0)] {
		switch fd := int(e.Fd); fd {
		case p.waker:
			p.drain(fd)
		case p.timer:
			p.drain(fd)
			p.due = 0
		default:
			p.serve(p.sockets[fd], e.Events)
		}
	}
	return nil
}

func (p *poller) drain(fd int) {
	var count [8]byte
	_, _ = unix.Read(fd, count[:])
}

// arm sets the timer, which is finer than the timeout of epoll.
func (p *poller) arm(due int64, now func() int64) error {
	if due == p.due {
		return nil
	}
	p.due = due
	var spec unix.ItimerSpec
	if due != 0 {
		spec.Value = unix.NsecToTimespec(max(due-now(), int64(time.Microsecond)))
	}
	return unix.TimerfdSettime(p.timer, 0, &spec, nil)
}

func (p *poller) serve(s *socket, events uint32) {
	if s == nil { // it was closed by what came before it
		return
	}
	if events&unix.EPOLLOUT != 0 {
		s.writable()
	}
	if events&^unix.EPOLLOUT == 0 || s.closed {
		return
	}
	n, err := unix.Read(s.handle.fd, p.buf)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
	case err != nil:
		s.fail(err)
	case n == 0:
		s.fail(errClosed)
	default:
		s.input(p.buf[:n])
	}
}
