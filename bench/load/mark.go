package load

import "bytes"

// mark is what the generator writes into the content of a message, to know it again when it is delivered.
type mark struct {
	stream uint32 // who says it in which room: see stream
	number uint32 // of the stream's messages, from 0
	at     int64  // when it was to be sent, in nanoseconds since the run began
}

// A mark as text: "~pb" and three numbers in hexadecimal, of fixed width. Nothing in it is escaped in JSON.
const (
	markPrefix = "~pb"
	markStream = len(markPrefix)
	markNumber = markStream + 8
	markAt     = markNumber + 8
	markSize   = markAt + 16
)

var markStart = []byte(markPrefix)

// findMark finds the first mark in a packet.
func findMark(packet []byte) (m mark, ok bool) {
	i := bytes.Index(packet, markStart)
	if i < 0 || len(packet) < i+markSize {
		return m, false
	}
	text := packet[i : i+markSize]
	stream, ok1 := parseHex(text[markStream:markNumber])
	number, ok2 := parseHex(text[markNumber:markAt])
	at, ok3 := parseHex(text[markAt:])
	return mark{uint32(stream), uint32(number), int64(at)}, ok1 && ok2 && ok3
}

const hexDigits = "0123456789abcdef"

// hexValue is the value of a digit, 0xFF for what is none.
var hexValue = func() (values [256]byte) {
	for i := range values {
		values[i] = 0xFF
	}
	for i := range len(hexDigits) {
		values[hexDigits[i]] = byte(i)
	}
	return values
}()

func parseHex(text []byte) (n uint64, ok bool) {
	var all byte
	for _, c := range text {
		v := hexValue[c]
		all |= v
		n = n<<4 | uint64(v&0xF)
	}
	return n, all < 16
}
