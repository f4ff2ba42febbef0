package replay

import (
	"sync/atomic"

	"parley/domain/event"
)

// lineCache has the newest events as lines, so that of all who follow one encodes them. It is safe for concurrent use.
type lineCache [4096]atomic.Pointer[encoded]

type encoded struct {
	position event.Position
	line     []byte
}

// appendEnvelope is event.AppendEnvelope; without a cache it is nothing else.
func (c *lineCache) appendEnvelope(b []byte, e *event.Recorded) []byte {
	if c == nil {
		return event.AppendEnvelope(b, e)
	}
	slot := &c[int(e.Position)%len(c)]
	if known := slot.Load(); known != nil && known.position == e.Position {
		return append(b, known.line...)
	}
	start := len(b)
	b = event.AppendEnvelope(b, e)
	slot.Store(&encoded{e.Position, append([]byte(nil), b[start:]...)})
	return b
}
