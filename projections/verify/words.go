package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
)

// indexed is which text search must have of a message. Its words are for Postgres to find.
type indexed struct {
	TextAt   time.Time      `json:"textAt"`
	Deleted  bool           `json:"deleted"`
	Position event.Position `json:"position"`
}

func (f *roomFold) index(r event.Recorded, payload event.Event) {
	switch e := payload.(type) {
	case event.MessageSent:
		f.indexed[e.MessageID] = indexed{TextAt: r.RecordedAt.UTC(), Position: r.Position}
	case event.MessageEdited:
		f.indexed[e.MessageID] = indexed{TextAt: r.RecordedAt.UTC(), Position: r.Position}
	case event.MessageDeleted:
		m := f.indexed[e.MessageID]
		m.Deleted, m.Position, m.TextAt = true, r.Position, time.Time{} // no text, so no time of it
		f.indexed[e.MessageID] = m
	default:
	}
}

// compareIndex looks for what must be there; the view is by message, and not made to list a room.
func (f *roomFold) compareIndex(ctx context.Context, c *comparison) error {
	ids := make([]string, 0, len(f.indexed))
	for id := range f.indexed {
		ids = append(ids, id)
	}
	rows, err := c.tx.Query(ctx, "SELECT id::text, text_at, words IS NULL, position FROM views.search WHERE id = ANY ($1::text[]::uuid[]) AND room_id = $2", ids, f.id)
	if err != nil {
		return fmt.Errorf("read what search has: %w", err)
	}
	got := map[string]indexed{}
	var (
		id  string
		row indexed
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &row.TextAt, &row.Deleted, (*int64)(&row.Position)}, func() error {
		if row.TextAt = row.TextAt.UTC(); row.Deleted {
			row.TextAt = time.Time{}
		}
		got[id] = row
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what search has: %w", err)
	}
	return sameAll(c, viewSearch, "room "+f.id+", message", f.indexed, got)
}
