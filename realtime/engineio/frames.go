package engineio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"
)

const (
	opContinuation = 0x0
	opPing         = 0x9
	reservedBits   = 0x70
	maskBit        = 0x80
	maxControl     = 125 // bytes in a control frame
	firstRoom      = 4 << 10
)

// fault is what the peer did wrong, or that it has gone: why reading ended, and the close
// code to answer with.
type fault struct {
	reason Reason
	code   int
}

func (f *fault) Error() string { return "engineio: " + string(f.reason) }

var (
	errRules    = &fault{TransportError, closeProtocolError}
	errTooLarge = &fault{TransportError, closeTooLarge}
	errTooMany  = &fault{TransportError, closePolicy}
	errNotUTF8  = &fault{ParseError, closeInvalidData}
)

// faultOf names what a failed read means.
func faultOf(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &fault{TransportClose, closeNone}
	}
	return &fault{TransportError, closeNone}
}

// header is that of a frame from a client (RFC 6455, 5.2).
type header struct {
	fin    bool
	packed bool // the message that begins here is compressed
	op     byte
	size   int
	mask   [4]byte
}

func (h header) control() bool { return h.op&0x8 != 0 }

// readHeader reads the next frame's header and refuses what no frame may look like.
func (t *socket) readHeader() (header, error) {
	b, err := t.in.peek(2)
	if err != nil {
		return header{}, err
	}
	h := header{fin: b[0]&finBit != 0, op: b[0] & 0xf}
	reserved := b[0] & reservedBits
	if t.window != 0 && (h.op == opText || h.op == opBinary) { // only there, and only if agreed
		h.packed, reserved = reserved&rsv1 != 0, reserved&^rsv1
	}
	size, extra := uint64(b[1]&^maskBit), 0
	switch {
	case reserved != 0, b[1]&maskBit == 0, h.op > opPong, h.op > opBinary && h.op < opClose:
		return h, errRules
	case h.control() && (!h.fin || size > maxControl):
		return h, errRules
	case size == 126:
		extra = 2
	case size == 127:
		extra = 8
	}
	if b, err = t.in.peek(2 + extra + len(h.mask)); err != nil {
		return h, err
	}
	switch extra {
	case 2:
		size = uint64(binary.BigEndian.Uint16(b[2:]))
	case 8:
		size = binary.BigEndian.Uint64(b[2:])
	}
	copy(h.mask[:], b[2+extra:])
	t.in.skip(2 + extra + len(h.mask))
	if size > uint64(t.most(true)) && !h.control() {
		return h, errTooLarge
	}
	h.size = int(size)
	return h, nil
}

// most is how many bytes a message may have. What does not compress grows by a little when somebody tries.
func (t *socket) most(packed bool) int {
	most := t.session.server.cfg.MaxPayload
	if packed && t.window != 0 {
		most += most/256 + 64
	}
	return most
}

// readPayload appends a frame's payload to dst. Room for it is made as it arrives: a peer
// that announces much and sends little costs little.
func (t *socket) readPayload(dst []byte, h header) ([]byte, error) {
	from := len(dst)
	for left := h.size; left > 0; {
		if len(dst) == cap(dst) {
			more := min(left, max(firstRoom, len(dst)))
			if from > 0 { // many small frames must not be copied for each of them
				more = max(more, len(dst))
			}
			dst = append(make([]byte, 0, len(dst)+more), dst...)
		}
		n, err := t.in.read(dst[len(dst):min(cap(dst), len(dst)+left)])
		if err != nil {
			return dst, err
		}
		dst = dst[:len(dst)+n]
		left -= n
	}
	unmask(dst[from:], h.mask)
	return dst, nil
}

// readMessage reads the next message and acts on the control frames before and within it.
func (t *socket) readMessage() (op byte, data []byte, err error) {
	for {
		if op, data, err = t.readNext(); err != nil || op < opClose {
			return op, data, err
		}
	}
}

// readNext is readMessage up to the first control frame before the message, on which it has acted.
// The slice has no spare room worth mentioning: what is handed on may live long.
func (t *socket) readNext() (op byte, data []byte, err error) {
	packed := false
	for {
		h, err := t.readHeader()
		switch {
		case err != nil:
			return 0, nil, err
		case h.control():
			if err := t.control(h); err != nil || op == 0 {
				return h.op, nil, err
			}
			continue
		case (h.op == opContinuation) == (op == 0): // nothing to continue, or a message within a message
			return 0, nil, errRules
		}
		single := op == 0 && h.fin
		if op == 0 {
			op, packed = h.op, h.packed
		}
		if len(data)+h.size > t.most(packed) {
			return 0, nil, errTooLarge
		}
		if data, err = t.readPayload(data, h); err != nil {
			return 0, nil, err
		}
		switch {
		case packed && h.fin:
			data, err = inflate(data, t.most(false))
			return op, data, err
		case single:
			return op, data, nil
		case h.fin:
			return op, bytes.Clone(data), nil
		}
	}
}

// control reads the rest of a control frame and acts on it. A close frame ends reading.
func (t *socket) control(h header) error {
	var room [maxControl]byte
	payload, err := t.readPayload(room[:0], h)
	if err != nil {
		return err
	}
	switch h.op {
	case opPing:
		return t.ping(payload)
	case opClose:
		return closedBy(payload)
	case opPong:
		t.pong()
		return nil
	default:
		return nil
	}
}

// closedBy says what a close frame means: it is answered with its own code.
func closedBy(payload []byte) error {
	switch {
	case len(payload) == 0:
		return &fault{TransportClose, closeNormal}
	case len(payload) == 1:
		return errRules
	}
	code := int(binary.BigEndian.Uint16(payload))
	switch {
	case !sendable(code):
		return errRules
	case !utf8.Valid(payload[2:]):
		return errNotUTF8
	default:
		return &fault{TransportClose, code}
	}
}

// sendable says whether a close code may stand in a close frame.
func sendable(code int) bool {
	switch code {
	case 1004, 1005, 1006:
		return false
	default:
		return code >= 1000 && code <= 1014 || code >= 3000 && code <= 4999
	}
}

func unmask(b []byte, mask [4]byte) {
	key := uint64(binary.LittleEndian.Uint32(mask[:]))
	key |= key << 32
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^key)
	}
	for i := range b {
		b[i] ^= mask[i&3]
	}
}
