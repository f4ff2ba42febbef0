package load

import (
	"fmt"
	"strconv"
	"strings"
)

// template is the frame of a stream's messages, encoded and masked once. Only what differs is written anew for each:
// ack id, number and time, all of fixed width.
type template struct {
	frame []byte
	body  int // where the payload begins

	ackAt, markAt, keyAt int // of the ack id, the mark, and the number in the clientMessageId; within the payload
}

// Ack ids begin here, so that all have as many digits.
const (
	firstAck  = 1_000_000_000
	ackDigits = 10
)

// newTemplate makes the template of a stream: messages with content of size bytes. once is in their keys, so that a
// server does not take them for those of an earlier run.
func newTemplate(d *door, roomID, once string, stream uint32, size int) *template {
	key := fmt.Sprintf("%s-%08x-", once, stream)
	content := markPrefix + strings.Repeat("0", markSize-len(markPrefix)) + padding(size-markSize)
	data := fmt.Sprintf(`{"roomId":%q,"content":%q,"clientMessageId":"%s%08x"}`, roomID, content, key, 0)
	payload := d.command(firstAck, "send-message", data)
	t := &template{
		ackAt:  strings.Index(payload, strconv.Itoa(firstAck)),
		markAt: strings.Index(payload, markPrefix),
		keyAt:  strings.LastIndex(payload, key) + len(key),
	}
	t.frame, t.body = newFrame(opText, []byte(payload))
	return t
}

// padding is text of that many bytes.
func padding(size int) string {
	const words = " the quick brown fox jumps over the lazy dog, and nobody in the room is surprised any more;"
	if size <= 0 {
		return ""
	}
	return strings.Repeat(words, size/len(words)+1)[:size]
}

// message is the frame of a message, valid until the next call.
func (t *template) message(ack uint32, m mark) []byte {
	t.decimal(t.ackAt, ackDigits, uint64(ack))
	t.hex(t.markAt+markStream, 8, uint64(m.stream))
	t.hex(t.markAt+markNumber, 8, uint64(m.number))
	t.hex(t.markAt+markAt, 16, uint64(m.at))
	t.hex(t.keyAt, 8, uint64(m.number))
	return t.frame
}

func (t *template) hex(at, width int, n uint64) {
	for i := at + width - 1; i >= at; i-- {
		t.put(i, hexDigits[n&0xF])
		n >>= 4
	}
}

func (t *template) decimal(at, width int, n uint64) {
	for i := at + width - 1; i >= at; i-- {
		t.put(i, byte('0'+n%10))
		n /= 10
	}
}

// put writes a byte of the payload.
func (t *template) put(i int, c byte) { t.frame[t.body+i] = c ^ maskKey[i&3] }
