package replay

import (
	"context"
	"strconv"
	"time"

	"parley/domain/event"
)

// lines writes NDJSON and server-sent events.
type lines struct {
	out  Output
	size int
	sse  bool
	pace *pace
}

// appendEvent appends a line, or a server-sent event.
func appendEvent(b []byte, e *event.Recorded, sse bool) []byte {
	if !sse {
		return append(event.AppendEnvelope(b, e), '\n')
	}
	b = strconv.AppendInt(append(b, "id: "...), int64(e.Position), 10)
	return append(event.AppendEnvelope(append(b, "\ndata: "...), e), "\n\n"...)
}

func (l *lines) batch() batch { return &lineBatch{lines: l} }

func (l *lines) close() error { return nil }

func (l *lines) write(ctx context.Context, b batch) error {
	gathered := b.(*lineBatch) //nolint:errcheck,forcetypeassert // it was made above
	if l.pace == nil {
		_, err := l.out.Write(gathered.text)
		return err
	}
	return l.pace.play(ctx, gathered, l.out)
}

type lineBatch struct {
	*lines

	text   []byte
	events int
	// ends and times are those of each event, and kept if there is a pace.
	ends  []int
	times []time.Time
}

func (b *lineBatch) add(e *event.Recorded) {
	b.text = appendEvent(b.text, e, b.sse)
	b.events++
	if b.pace != nil {
		b.ends = append(b.ends, len(b.text))
		b.times = append(b.times, e.RecordedAt)
	}
}

func (b *lineBatch) full() bool { return len(b.text) >= 2*b.size }

func (b *lineBatch) len() int { return b.events }

func (b *lineBatch) bytes() int { return len(b.text) }

func (b *lineBatch) clear() {
	b.text, b.events, b.ends, b.times = b.text[:0], 0, b.ends[:0], b.times[:0]
}
