package consumers

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

// columns are those of a row.
const columns = `name, owner, position, revision, webhook, types, streams, categories, created_at, moved_at, seen_at`

// row is a consumer as it is stored.
type row struct {
	wire.Consumer

	revision int64
	webhook  bool
}

func scanRow(r pgx.CollectableRow) (row, error) {
	var (
		c           row
		streams     []string
		created     time.Time
		moved, seen *time.Time
	)
	err := r.Scan(&c.Name, &c.Owner, (*int64)(&c.Position), &c.revision, &c.webhook,
		&c.Types, &streams, &c.Categories, &created, &moved, &seen)
	c.Streams = Streams(streams)
	c.CreatedAt, c.AckedAt, c.SeenAt = wire.Time(created), Moment(moved), Moment(seen)
	return c, err
}

// Streams are names of streams as they are stored.
func Streams(names []string) []event.Stream {
	streams := make([]event.Stream, len(names))
	for i, name := range names {
		streams[i] = event.Stream(name)
	}
	return streams
}

// Moment is a time that may be NULL.
func Moment(at *time.Time) *wire.Time { return (*wire.Time)(at) }

// Selection is what somebody who wants this is told after a position.
func Selection(w wire.Wanted, after event.Position) event.Selection {
	return event.Selection{After: after, Types: w.Types, Streams: w.Streams, Categories: w.Categories}
}

// shown is the consumer as a client sees it now.
func (r row) shown(head event.Position) wire.Consumer {
	c := r.Consumer
	c.Head = max(head, c.Position)
	c.Lag = int64(c.Head - c.Position)
	return c
}

func errNoConsumer() error { return domain.Errorf(domain.CodeUnknownEvent, "no such consumer") }

// one runs a statement that returns a row; errNoConsumer when it returns none.
func (c *Consumers) one(ctx context.Context, sql string, args ...any) (row, error) {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := c.pool.Query(bounded, sql, args...)
	if err != nil {
		return row{}, away(ctx, err)
	}
	found, err := pgx.CollectOneRow(rows, scanRow)
	if errors.Is(err, pgx.ErrNoRows) {
		return row{}, errNoConsumer()
	}
	return found, away(ctx, err)
}

func isMissing(err error) bool { return domain.CodeOf(err) == domain.CodeUnknownEvent }
