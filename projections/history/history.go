package history

import (
	"cmp"
	"context"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/projections/messages"
	"parley/projections/rooms"
)

// Config says how much is folded. The zero value works.
type Config struct {
	// MaxEvents bounds what one question folds. Zero means 200,000.
	MaxEvents int
	// Folds bounds how many questions are folded at a time; others wait. Zero means 2.
	Folds int
}

// Queries looks back. It is safe for concurrent use.
type Queries struct {
	log       eventstore.Reader
	messages  *messages.Queries
	rooms     *rooms.Queries
	maxEvents int
	folding   chan struct{}
}

// New looks back in a log. The views tell which messages answer others, and which rooms somebody is in.
func New(log eventstore.Reader, m *messages.Queries, r *rooms.Queries, cfg Config) *Queries {
	return &Queries{
		log: log, messages: m, rooms: r, maxEvents: cmp.Or(cfg.MaxEvents, 200_000),
		folding: make(chan struct{}, cmp.Or(cfg.Folds, 2)),
	}
}

// reading is one question's share of the log.
type reading struct {
	*Queries
	left int // events
}

// fold asks a question that folds much.
func (q *Queries) fold(ctx context.Context, ask func(*reading) error) error {
	select {
	case q.folding <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-q.folding }()
	return ask(&reading{q, q.maxEvents})
}

// each hands on what happened in some streams after a position and up to another, in order.
func (r *reading) each(ctx context.Context, after, upTo event.Position, add func(event.Recorded), streams ...event.Stream) error {
	for after < upTo {
		page, err := r.log.Since(ctx, streams, after, upTo, min(eventstore.MaxPage, r.left+1))
		if err != nil {
			return err
		}
		if r.left -= len(page); r.left < 0 {
			return domain.Invalid("at", "is when more had happened than can be looked through")
		}
		for _, e := range page {
			add(e)
		}
		if len(page) < eventstore.MaxPage {
			return nil
		}
		after = page[len(page)-1].Position
	}
	return nil
}
