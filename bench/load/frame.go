package load

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// WebSocket frames, as far as a client of a chat needs them: one frame is one message.
const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA

	finBit  = 0x80
	maskBit = 0x80

	maxHeader = 14       // of a masked frame: 2 bytes, up to 8 of length, 4 of the key
	maxFrame  = 16 << 20 // bytes of one that the server may send
)

var (
	errFragmented = errors.New("the server sends fragmented or compressed messages, which were not agreed on")
	errFrameSize  = fmt.Errorf("the server sends a message of more than %d bytes", maxFrame)
)

// nextFrame takes the first frame from data. ok is false if it is not there completely.
func nextFrame(data []byte) (op byte, payload, rest []byte, ok bool, err error) {
	if len(data) < 2 {
		return 0, nil, data, false, nil
	}
	if data[0]&0xF0 != finBit || data[0] == finBit {
		return 0, nil, data, false, errFragmented
	}
	head, size := 2, int(data[1])
	switch size {
	case 126:
		if head = 4; len(data) < head {
			return 0, nil, data, false, nil
		}
		size = int(binary.BigEndian.Uint16(data[2:]))
	case 127:
		if head = 10; len(data) < head {
			return 0, nil, data, false, nil
		}
		long := binary.BigEndian.Uint64(data[2:])
		if long > maxFrame {
			return 0, nil, data, false, errFrameSize
		}
		size = int(long)
	}
	if len(data) < head+size {
		return 0, nil, data, false, nil
	}
	return data[0] &^ finBit, data[head : head+size], data[head+size:], true, nil
}

// maskKey hides what a client sends. It is always the same, so that frames can be prepared, and has no zeros, so
// that no server is spared the work of unmasking.
var maskKey = [4]byte{0x9d, 0x37, 0xe1, 0x5b}

// newFrame makes a masked frame, and says where its payload begins.
func newFrame(op byte, payload []byte) (frame []byte, body int) {
	dst := make([]byte, 0, maxHeader+len(payload))
	switch size := len(payload); {
	case size < 126:
		dst = append(dst, finBit|op, maskBit|byte(size))
	case size < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, finBit|op, maskBit|126), uint16(size))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, finBit|op, maskBit|127), uint64(size))
	}
	dst = append(dst, maskKey[:]...)
	body = len(dst)
	for i, b := range payload {
		dst = append(dst, b^maskKey[i&3])
	}
	return dst, body
}
