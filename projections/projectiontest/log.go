package projectiontest

import (
	"context"
	"slices"
	"sync"
	"time"

	"parley/domain/event"
	says "parley/domain/message"
)

// Log is a log in memory that can be followed. The zero value is empty and ready.
type Log struct {
	// Chunk bounds what a follower is handed at once. Zero means all there is.
	Chunk int

	mu       sync.Mutex
	events   []event.Recorded
	versions map[event.Stream]int64
	seqs     map[event.Stream]int64
	grown    chan struct{}
}

// epoch is when the first event of every Log happens.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// step is the time between two events: not a whole number of milliseconds, as in life.
const step = 1_234_567 * time.Microsecond

// Add records facts: each with an id of its own, or that of what happens once.
func (l *Log) Add(facts ...event.Event) []event.Recorded {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.versions == nil {
		l.versions, l.seqs = map[event.Stream]int64{}, map[event.Stream]int64{}
	}
	from := len(l.events)
	for _, fact := range facts {
		l.events = append(l.events, l.record(fact))
	}
	l.wake()
	return slices.Clone(l.events[from:])
}

// AddRaw records events as they are, from the next position on.
func (l *Log) AddRaw(events ...event.Recorded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range events {
		r.Position = event.Position(len(l.events) + 1)
		l.events = append(l.events, r)
	}
	l.wake()
}

func (l *Log) wake() {
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

func (l *Log) record(fact event.Event) event.Recorded {
	position := event.Position(len(l.events) + 1)
	id := event.DeriveID("test", position.String())
	switch fact := fact.(type) {
	case event.MessageSent:
		id, _ = event.ParseID(fact.MessageID)
	case event.MessageDeleted:
		id = says.DeletedID(fact.MessageID)
	default:
	}
	n, err := event.Encode(id, nil, fact)
	if err != nil {
		panic(err)
	}
	l.versions[n.Stream]++
	if n.Numbered {
		l.seqs[n.Stream]++
	}
	r := n.Record(position, l.versions[n.Stream], l.seqs[n.Stream], TimeOf(position))
	if position%2 == 0 {
		return r
	}
	return stored(r)
}

// TimeOf is when the event of a position is recorded.
func TimeOf(position event.Position) time.Time { return epoch.Add(time.Duration(position) * step) }

// stored is r as it is read from a table: without the payload that it was made of.
func stored(r event.Recorded) event.Recorded {
	return event.Recorded{
		Position: r.Position, ID: r.ID, Stream: r.Stream, Version: r.Version, Seq: r.Seq, Type: r.Type,
		SchemaVersion: r.SchemaVersion, Subject: r.Subject, Data: r.Data, Metadata: r.Metadata, RecordedAt: r.RecordedAt,
	}
}

// Events is everything so far.
func (l *Log) Events() []event.Recorded {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// Head is the last position.
func (l *Log) Head() event.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return event.Position(len(l.events))
}

// Follow hands on what is there and then what is added.
func (l *Log) Follow(
	ctx context.Context, after event.Position, handle func(ctx context.Context, batch []event.Recorded) error,
) error {
	for {
		batch, grown := l.next(after)
		if len(batch) == 0 {
			select {
			case <-grown:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		if err := handle(ctx, batch); err != nil {
			return err
		}
		after = batch[len(batch)-1].Position
	}
}

func (l *Log) next(after event.Position) ([]event.Recorded, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown == nil {
		l.grown = make(chan struct{})
	}
	if int(after) >= len(l.events) {
		return nil, l.grown
	}
	batch := l.events[after:]
	if l.Chunk > 0 {
		batch = batch[:min(l.Chunk, len(batch))]
	}
	return slices.Clone(batch), nil
}
