package engineio

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
)

// input reads a connection. While nothing arrives it holds no buffer: it waits for the
// connection to become readable and only then takes one, from a pool, until it has been
// read empty. A hundred thousand quiet connections share the buffers of the few that talk.
type input struct {
	conn net.Conn
	raw  syscall.RawConn // nil if conn is no plain socket: then a buffer is kept
	poll func(fd uintptr) bool

	buf      *[inputSize]byte // nil while nothing is buffered
	from, to int              // what is buffered
	ended    error            // why nothing more comes

	// One read of raw: where to, and what came of it.
	into []byte
	n    int
	err  error
}

const inputSize = 4 << 10

var inputs = sync.Pool{New: func() any { return new([inputSize]byte) }}

func (in *input) open(conn net.Conn) {
	in.conn = conn
	if c, ok := conn.(syscall.Conn); ok && canPoll {
		if raw, err := c.SyscallConn(); err == nil {
			in.raw, in.poll = raw, in.readable
		}
	}
}

func (in *input) buffered() bool { return in.to > in.from }

// await waits until something is buffered, or will never be, unless it cannot be told.
func (in *input) await() {
	if in.raw != nil && !in.buffered() {
		in.to, in.ended = in.receive(nil)
	}
}

// read is what is buffered, or else one read of the connection. p is not empty.
func (in *input) read(p []byte) (int, error) {
	if in.from == in.to {
		if len(p) >= inputSize {
			return in.receive(p)
		}
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, in.buf[in.from:in.to])
	in.skip(n)
	return n, nil
}

// peek returns the next n bytes, at most inputSize, without passing over them. The error is io.EOF
// only if there are none at all.
func (in *input) peek(n int) ([]byte, error) {
	for in.to-in.from < n {
		if err := in.fill(); err != nil {
			if in.to > in.from && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return in.buf[in.from : in.from+n], nil
}

// skip passes over n buffered bytes. What peek returned is invalid afterwards.
func (in *input) skip(n int) {
	in.from += n
	if in.from == in.to {
		in.from, in.to = 0, 0
		in.release()
	}
}

// release gives the buffer back, unless reading needs it while it waits.
func (in *input) release() {
	if in.raw != nil && in.buf != nil {
		inputs.Put(in.buf)
		in.buf = nil
	}
}

// fill waits for more bytes behind those that are buffered.
func (in *input) fill() error {
	if in.ended != nil {
		return in.ended
	}
	if in.buf == nil && in.raw != nil {
		n, err := in.receive(nil)
		in.to = n
		return err
	}
	if in.buf == nil {
		in.buf, _ = inputs.Get().(*[inputSize]byte)
	}
	in.to, in.from = copy(in.buf[:], in.buf[in.from:in.to]), 0
	n, err := in.receive(in.buf[in.to:])
	in.to += n
	return err
}

// receive reads the connection once, into a buffer of its own if p is nil.
func (in *input) receive(p []byte) (int, error) {
	if in.raw == nil {
		return in.conn.Read(p)
	}
	in.into, in.n, in.err = p, 0, nil
	err := in.raw.Read(in.poll)
	in.into = nil
	switch {
	case err != nil:
		return 0, err
	case in.err != nil:
		in.release()
		return 0, in.err
	case in.n == 0:
		in.release()
		return 0, io.EOF
	}
	return in.n, nil
}

// readable reads once. It returns false to be called again when there is something to read.
func (in *input) readable(fd uintptr) bool {
	p, taken := in.into, in.into == nil
	if taken {
		in.buf, _ = inputs.Get().(*[inputSize]byte)
		p = in.buf[:]
	}
	n, err := readFD(fd, p)
	if errors.Is(err, syscall.EAGAIN) {
		if taken {
			in.release()
		}
		return false
	}
	in.n, in.err = max(n, 0), err
	return true
}
