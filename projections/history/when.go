package history

import (
	"context"
	"errors"
	"strings"
	"time"

	"parley/domain/event"
)

// When is a moment: a time or a position of the log.
type When struct {
	// Time is zero where a position is given.
	Time     time.Time
	Position event.Position
}

var errWhen = errors.New("must be an RFC 3339 time, or position:N")

const positionPrefix = "position:"

// ParseWhen reads "position:N" or an RFC 3339 time. A time without fractions of a millisecond means all of its millisecond, since that is
// how precisely clients are told when things have happened.
func ParseWhen(s string) (When, error) {
	if number, ok := strings.CutPrefix(s, positionPrefix); ok {
		position, err := event.ParsePosition(number)
		if err != nil {
			return When{}, errWhen
		}
		return When{Position: position}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(s, " ", "+", 1)) // the offset of one that was not escaped
	if err != nil || t.IsZero() {
		return When{}, errWhen
	}
	if t.Equal(t.Truncate(time.Millisecond)) {
		t = t.Add(time.Millisecond - time.Nanosecond)
	}
	return When{Time: t}, nil
}

// Position is the last one that had happened by then.
func (q *Queries) Position(ctx context.Context, when When) (event.Position, error) {
	if !when.Time.IsZero() {
		return q.log.PositionAt(ctx, when.Time)
	}
	head, err := q.log.Head(ctx)
	return min(when.Position, head), err
}
