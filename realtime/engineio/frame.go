package engineio

import (
	"encoding/base64"
	"encoding/binary"
	"sync"
	"sync/atomic"
)

const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPong   = 0xA
	finBit   = 0x80

	maxHeader = 10 // server frames are not masked: 2 bytes and up to 8 of length
)

// Frame is one or more encoded packets, ready to be written to any number of
// sessions. It is immutable; sending it copies and allocates nothing.
//
// The WebSocket form is made at once, since almost every session uses it.
// Other forms are made on first use and kept.
type Frame struct {
	wire    []byte // complete WebSocket frames, unmasked
	packets int
	binary  bool // at least one packet is binary

	made atomic.Pointer[forms] // nil until one is needed
}

// forms are the other ways to write a frame. Who first needs one makes it, and who needs it meanwhile waits.
type forms struct {
	encode sync.Once
	base64 []byte // wire with binary packets as "b…" text

	deflate sync.Once
	packed  []byte // wire with its longer messages compressed; nil if nothing is gained
	longest int    // bytes of the longest message that is compressed
}

func (f *Frame) forms() *forms {
	if made := f.made.Load(); made != nil {
		return made
	}
	f.made.CompareAndSwap(nil, new(forms))
	return f.made.Load()
}

// NewText makes a message packet with a text payload, which must be valid UTF-8.
// The payload is copied.
func NewText(payload []byte) *Frame { return newPacket(Msg, payload) }

// NewTextString is NewText for a string.
func NewTextString(payload string) *Frame { return newPacket(Msg, payload) }

// NewBinary makes a binary message packet. The payload is copied.
func NewBinary(payload []byte) *Frame {
	wire := appendHeader(make([]byte, 0, maxHeader+len(payload)), opBinary, len(payload))
	return &Frame{wire: append(wire, payload...), packets: 1, binary: true}
}

// NewTextFunc makes a text message packet whose payload is written by build
// straight into the frame: build appends to dst and returns it. size is a guess
// at the payload's length; a wrong guess costs a copy, nothing else.
func NewTextFunc(size int, build func(dst []byte) ([]byte, error)) (*Frame, error) {
	buf := append(make([]byte, maxHeader, maxHeader+1+size), '0'+byte(Msg))
	buf, err := build(buf)
	if err != nil {
		return nil, err
	}
	return &Frame{wire: prependHeader(buf, opText), packets: 1}, nil
}

// Batch joins frames into one that is queued, counted and written as a whole,
// in the order given. It copies them once, for all sessions.
func Batch(frames ...*Frame) *Frame {
	if len(frames) == 1 {
		return frames[0]
	}
	joined := &Frame{}
	size := 0
	for _, f := range frames {
		size += len(f.wire)
	}
	joined.wire = make([]byte, 0, size)
	for _, f := range frames {
		joined.wire = append(joined.wire, f.wire...)
		joined.packets += f.packets
		joined.binary = joined.binary || f.binary
	}
	return joined
}

// Size is the number of bytes of the frame on a WebSocket connection.
func (f *Frame) Size() int { return len(f.wire) }

// Packets is the number of packets in the frame.
func (f *Frame) Packets() int { return f.packets }

// bytes returns what to write to a WebSocket connection.
func (f *Frame) bytes(b64 bool) []byte {
	if !b64 || !f.binary {
		return f.wire
	}
	form := f.forms()
	form.encode.Do(func() { form.base64 = f.encodeBase64() })
	return form.base64
}

// deflated is bytes for a peer that takes messages compressed and looks back window bits. Messages longer
// than above are compressed. Whose above comes first decides for all.
func (f *Frame) deflated(above int, window uint8) []byte {
	if len(f.wire) <= above {
		return f.wire
	}
	form := f.forms()
	form.deflate.Do(func() { form.packed, form.longest = deflate(f.wire, above) })
	if form.packed == nil || window < maxWindow && form.longest > 1<<window {
		return f.wire
	}
	return form.packed
}

func (f *Frame) encodeBase64() []byte {
	var out []byte
	for rest := f.wire; len(rest) > 0; {
		op, head, size := parseHeader(rest)
		payload := rest[head : head+size]
		if op == opBinary {
			out = appendHeader(out, opText, 1+base64.StdEncoding.EncodedLen(size))
			out = Packet{Type: Msg, Binary: true, Data: payload}.AppendText(out)
		} else {
			out = append(out, rest[:head+size]...)
		}
		rest = rest[head+size:]
	}
	return out
}

func newPacket[T []byte | string](t PacketType, payload T) *Frame {
	wire := appendHeader(make([]byte, 0, maxHeader+1+len(payload)), opText, 1+len(payload))
	wire = append(wire, '0'+byte(t))
	return &Frame{wire: append(wire, payload...), packets: 1}
}

func newControl(op byte, payload []byte) *Frame {
	wire := appendHeader(make([]byte, 0, 2+len(payload)), op, len(payload))
	return &Frame{wire: append(wire, payload...)}
}

func newCloseFrame(code int) *Frame {
	return newControl(opClose, binary.BigEndian.AppendUint16(nil, uint16(code)))
}

func appendHeader(dst []byte, op byte, size int) []byte {
	switch {
	case size < 126:
		return append(dst, finBit|op, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, finBit|op, 126), uint16(size))
	default:
		return binary.BigEndian.AppendUint64(append(dst, finBit|op, 127), uint64(size))
	}
}

// prependHeader puts the header in front of the payload that begins at
// buf[maxHeader].
func prependHeader(buf []byte, op byte) []byte {
	var head [maxHeader]byte
	h := appendHeader(head[:0], op, len(buf)-maxHeader)
	buf = buf[maxHeader-len(h):]
	copy(buf, h)
	return buf
}

// parseHeader reads a header that appendHeader wrote.
func parseHeader(wire []byte) (op byte, head, size int) {
	op = wire[0] &^ finBit
	switch size = int(wire[1]); size {
	case 126:
		return op, 4, int(binary.BigEndian.Uint16(wire[2:]))
	case 127:
		return op, 10, int(binary.BigEndian.Uint64(wire[2:]))
	default:
		return op, 2, size
	}
}
