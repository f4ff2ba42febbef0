package eventstore

import (
	"context"
	"time"

	"parley/domain/event"
)

// MaxPage bounds what one read returns, in events. A larger limit is cut to it, and a
// limit of 0 means it.
const MaxPage = 5000

// Reader reads the log. Every method is one short statement: no snapshot is held between
// pages, since what is below the head never changes. Results ascend by position. Errors
// are of code UNAVAILABLE, or the context's.
type Reader interface {
	// Head is the last position, 0 for an empty log.
	Head(ctx context.Context) (event.Position, error)
	// All reads the events after a position.
	All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error)
	// Stream reads the events of one stream after a version.
	Stream(ctx context.Context, s event.Stream, afterVersion int64, limit int) ([]event.Recorded, error)
	// Tails reads the last events of several streams, at most so many of each, by position. The cost follows what is returned
	// and the number of streams.
	Tails(ctx context.Context, streams []event.Stream, each int) ([]event.Recorded, error)
	// Since reads what was added to several streams after one position and up to another (0: up to now).
	// The cost follows what is returned and the number of streams, not what else was
	// recorded meanwhile.
	Since(ctx context.Context, streams []event.Stream, after, upTo event.Position, limit int) ([]event.Recorded, error)
	// Last is the last event of a stream at or before a position (0: of the whole stream); false if
	// there is none. Its Version and Seq say how far the stream was.
	Last(ctx context.Context, s event.Stream, upTo event.Position) (event.Recorded, bool, error)
	// Numbered is the event of a stream that was given a seq; false if there is none.
	Numbered(ctx context.Context, s event.Stream, seq int64) (event.Recorded, bool, error)
	// NumberedBetween reads the events of a stream that were given the seqs from one to another, at most MaxPage of
	// them. The cost follows their number, not what was recorded between them.
	NumberedBetween(ctx context.Context, s event.Stream, from, to int64) ([]event.Recorded, error)
	// ByID reads the events of these ids; ids that are not in the log are left out.
	ByID(ctx context.Context, ids ...event.ID) ([]event.Recorded, error)
	// About reads a message (the event of that id) and everything about it: edits, deletions,
	// reactions, pins.
	About(ctx context.Context, messageID event.ID, limit int) ([]event.Recorded, error)
	// LastAbout reads the last events about a subject below a position (0: of all), of these types (none
	// named: of any).
	LastAbout(ctx context.Context, subject string, below event.Position, limit int, types ...string) ([]event.Recorded, error)
	// LastAboutEach is LastAbout for several subjects, each of which is named once and at most MaxPage of which are.
	// limit is for each of them, and is lowered where all together could be more than MaxPage.
	LastAboutEach(ctx context.Context, subjects []Subject, limit int, types ...string) ([]event.Recorded, error)
	// PositionAt is the last position that was recorded at or before t, 0 if there is none. Time
	// never goes back along the log, so positions up to it are exactly what had happened by t.
	PositionAt(ctx context.Context, t time.Time) (event.Position, error)
}

// Subject is what events are about.
type Subject struct {
	ID string
	// Below is up to where they are asked for. Zero means all of them.
	Below event.Position
}

// EachOf is the limit for each of so many subjects.
func EachOf(subjects, limit int) int {
	most := max(MaxPage/max(subjects, 1), 1)
	if limit <= 0 {
		return most
	}
	return min(limit, most)
}

// Log is the whole store.
type Log interface {
	Appender
	Reader
}

// Follower hands on the log as it grows.
type Follower interface {
	// Follow calls handle with every event after a position, in order, gapless, each once:
	// first what is stored, then live. A batch is not empty and its events are consecutive.
	// It returns when ctx ends (nil), when handle fails (that error), or when the log itself is not
	// what it was: a hole in it, or another history after a restore. A slow handle
	// holds nobody else up. Many may follow at once. The events and their payloads are
	// shared: handle must not change them.
	Follow(ctx context.Context, after event.Position, handle func(ctx context.Context, batch []event.Recorded) error) error
}
