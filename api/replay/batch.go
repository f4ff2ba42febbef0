package replay

import (
	"context"

	"parley/domain/event"
)

// encoder writes events in a format.
type encoder interface {
	// batch makes an empty one.
	batch() batch
	// write writes what was gathered. It may return early when ctx ends.
	write(ctx context.Context, b batch) error
	// close writes what stands at the end.
	close() error
}

// batch gathers events. What is added is copied.
type batch interface {
	add(e *event.Recorded)
	// full is said when it has twice the bytes that it should have.
	full() bool
	len() int
	bytes() int
	clear()
}

func newEncoder(f Format, out Output, size int, speed float64) encoder {
	switch f {
	case Parquet:
		return newParquet(out, size)
	case NDJSON, SSE:
		return &lines{out: out, size: size, pace: newPace(speed), sse: f == SSE}
	default:
		return &lines{out: out, size: size, pace: newPace(speed)}
	}
}
