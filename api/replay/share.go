package replay

import (
	"sync/atomic"

	"parley/domain/event"
)

// lineCache has the newest events as lines, so that of all who follow one encodes them. It is safe for concurrent use.
type lineCache [4096]atomic.Pointer[encoded]

type encoded struct {
	position event.Position
	data     []byte // what the line was made of: an erasure puts something else in its place
	line     []byte
}

func (known *encoded) is(e *event.Recorded) bool {
	return known != nil && known.position == e.Position && len(known.data) == len(e.Data) &&
		(len(e.Data) == 0 || &known.data[0] == &e.Data[0])
}

// appendEnvelope is event.AppendEnvelope; without a cache it is nothing else.
func (c *lineCache) appendEnvelope(b []byte, e *event.Recorded) []byte {
	if c == nil {
		return event.AppendEnvelope(b, e)
	}
	slot := &c[int(e.Position)%len(c)]
	if known := slot.Load(); known.is(e) {
		return append(b, known.line...)
	}
	start := len(b)
	b = event.AppendEnvelope(b, e)
	slot.Store(&encoded{e.Position, e.Data, append([]byte(nil), b[start:]...)})
	return b
}
