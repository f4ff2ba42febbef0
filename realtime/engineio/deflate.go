package engineio

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// Messages are compressed as RFC 7692 says (permessage-deflate), each by itself: neither side keeps a
// window from one message to the next. So an idle connection costs nothing more, and what was
// compressed for one is good for all.

const (
	rsv1       = 0x40     // the message is compressed
	maxWindow  = 15       // bits: what compress/flate looks back and any peer understands
	keepBuffer = 64 << 10 // larger buffers are not kept for reuse
)

const (
	flushed = "\x00\x00\xff\xff"     // ends what Flush writes; it is left out on the wire
	final   = "\x01\x00\x00\xff\xff" // an empty last block
)

var errDeflate = &fault{TransportError, closeInvalidData}

// deflate returns wire with those messages compressed that are longer than above and gain an eighth by
// it, and the length of the longest of them; nil if there is none.
func deflate(wire []byte, above int) (out []byte, longest int) {
	z, _ := deflaters.Get().(*deflater)
	defer z.free()
	done := 0 // of wire is in out
	for at := 0; at < len(wire); {
		op, head, size := parseHeader(wire[at:])
		end := at + head + size
		if op <= opBinary && size > above {
			if packed := z.pack(wire[at+head : end]); len(packed) <= size-size/8 {
				out = append(out, wire[done:at]...)
				out = append(appendHeader(out, rsv1|op, len(packed)), packed...)
				done, longest = end, max(longest, size)
			}
		}
		at = end
	}
	if out == nil {
		return nil, 0
	}
	return bytes.Clone(append(out, wire[done:]...)), longest
}

// deflater compresses messages. It is large, 1.2 MB, and there are as few as compress at a time. Level 1
// halves a chat message of 1 KB in 20 µs; level 6 takes twice as long for another 3%.
type deflater struct {
	w   *flate.Writer
	buf []byte
}

var deflaters = sync.Pool{New: func() any {
	z := &deflater{}
	z.w, _ = flate.NewWriter(z, flate.BestSpeed) // fails for unknown levels alone
	return z
}}

// Write implements io.Writer.
func (z *deflater) Write(p []byte) (int, error) {
	z.buf = append(z.buf, p...)
	return len(p), nil
}

// pack returns the compressed form of a message, which is valid until the next call.
func (z *deflater) pack(message []byte) []byte {
	z.buf = z.buf[:0]
	z.w.Reset(z)
	_, _ = z.w.Write(message) // Write takes everything
	_ = z.w.Flush()
	return bytes.TrimSuffix(z.buf, []byte(flushed))
}

func (z *deflater) free() {
	if cap(z.buf) > keepBuffer {
		z.buf = nil
	}
	deflaters.Put(z)
}

// inflate returns the message whose compressed form is data, if it has no more than most bytes: what
// it costs is bounded by that and by the length of data, whatever data says.
func inflate(data []byte, most int) ([]byte, error) {
	z, _ := inflaters.Get().(*inflater)
	defer z.free()
	z.data, z.at = data, 0
	if err := z.r.Reset(z, nil); err != nil {
		return nil, err
	}
	for {
		if len(z.buf) == cap(z.buf) {
			z.grow(most + 1)
		}
		n, err := z.r.Read(z.buf[len(z.buf):cap(z.buf)])
		z.buf = z.buf[:len(z.buf)+n]
		switch {
		case len(z.buf) > most:
			return nil, errTooLarge
		case errors.Is(err, io.EOF) && z.ended():
			return bytes.Clone(z.buf), nil
		case err != nil:
			return nil, errDeflate
		}
	}
}

// inflater reads compressed messages. It is the source of its own reader: the data, and behind them
// what was left out on the wire.
type inflater struct {
	r interface {
		io.Reader
		flate.Resetter
	}
	buf  []byte
	data []byte
	at   int // of data, flushed and final together
}

var inflaters = sync.Pool{New: func() any {
	z := &inflater{}
	z.r, _ = flate.NewReader(z).(interface { // documented
		io.Reader
		flate.Resetter
	})
	return z
}}

// ReadByte implements io.ByteReader, so that nothing is read ahead.
func (z *inflater) ReadByte() (byte, error) {
	i := z.at
	if i < len(z.data) {
		z.at++
		return z.data[i], nil
	}
	if i -= len(z.data); i < len(flushed+final) {
		z.at++
		return (flushed + final)[i], nil
	}
	return 0, io.EOF
}

// Read implements io.Reader; it is asked for the contents of blocks that are not compressed.
func (z *inflater) Read(p []byte) (int, error) {
	if z.at < len(z.data) {
		n := copy(p, z.data[z.at:])
		z.at += n
		return n, nil
	}
	n := copy(p, (flushed + final)[z.at-len(z.data):])
	z.at += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// ended says whether the block that called itself the last was that. A peer may end its message with one
// and the first byte of the empty block that others end it with.
func (z *inflater) ended() bool {
	rest := z.data[min(z.at, len(z.data)):]
	return len(rest) == 0 || len(rest) == 1 && rest[0] == 0
}

// grow makes room for more, for at most most bytes together.
func (z *inflater) grow(most int) {
	room := min(max(firstRoom, 2*cap(z.buf), 4*len(z.data)), most)
	z.buf = append(make([]byte, 0, room), z.buf...)
}

func (z *inflater) free() {
	z.data, z.buf = nil, z.buf[:0]
	if cap(z.buf) > keepBuffer {
		z.buf = nil
	}
	inflaters.Put(z)
}
