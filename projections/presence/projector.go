// Package presence is the view of how users are there: one row for each who ever was.
//
// A row holds both what the user's own devices see and what others do, who take an invisible
// user for one who is offline, and cannot tell either from the time or the position.
package presence

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/projections"
)

// Projector writes the view.
type Projector struct{ put, erase string }

// NewProjector writes the tables of a schema; "" stands for projections.DefaultSchema.
func NewProjector(schema string) *Projector {
	return &Projector{put: projections.In(schema, putSQL), erase: projections.In(schema, eraseSQL)}
}

// Name is the view's.
func (*Projector) Name() string { return "presence" }

// Tables are the view's.
func (*Projector) Tables() []string { return []string{"presence"} }

// Apply folds the batch to one row for each user and writes them in one round trip.
func (p *Projector) Apply(ctx context.Context, tx pgx.Tx, batch []event.Recorded) error {
	f := fold{}
	if err := projections.Each(batch, []string{event.CategoryPresence}, f.add); err != nil {
		return err
	}
	erased, err := projections.Erased(batch)
	if err != nil {
		return err
	}
	var writes pgx.Batch
	if len(f) > 0 {
		writes.Queue(p.put, f.arrays()...)
	}
	if len(erased) > 0 {
		writes.Queue(p.erase, erased)
	}
	if writes.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &writes).Close(); err != nil {
		return fmt.Errorf("write presence: %w", err)
	}
	return nil
}

// row is what a batch says of a user in the end. Nothing of what was before matters, but for what others saw.
type row struct {
	userID        string
	position      event.Position
	at            time.Time
	status        event.Status
	text          string
	shownPosition event.Position
	shownAt       *time.Time
}

type fold map[string]*row

func (f fold) add(r event.Recorded, e event.Event) error {
	switch e := e.(type) {
	case event.UserCameOnline:
		f.put(r, e.Presence)
	case event.UserPresenceChanged:
		f.put(r, e.Presence)
	case event.UserWentOffline:
		f.put(r, event.Presence{UserID: e.UserID, Status: event.StatusOffline, Unseen: e.Unseen})
	default:
		return projections.Unhandled(e)
	}
	return nil
}

func (f fold) put(r event.Recorded, e event.Presence) {
	id := r.Stream.Key()
	c := f[id]
	if c == nil {
		c = &row{userID: id}
		f[id] = c
	}
	c.position, c.at, c.status, c.text = r.Position, r.RecordedAt, e.Status, e.Text
	if !e.Unseen {
		c.shownPosition, c.shownAt = r.Position, &r.RecordedAt
	}
}

// arrays are the parameters of the statement: a column each.
func (f fold) arrays() []any {
	var (
		ids, statuses, texts []string
		positions, shown     []int64
		times                []time.Time
		shownTimes           []*time.Time
	)
	list := make([]*row, 0, len(f))
	for _, c := range f {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *row) int { return int(a.position - b.position) })
	for _, c := range list {
		ids, statuses, texts = append(ids, c.userID), append(statuses, string(c.status)), append(texts, c.text)
		positions, shown = append(positions, int64(c.position)), append(shown, int64(c.shownPosition))
		times, shownTimes = append(times, c.at), append(shownTimes, c.shownAt)
	}
	return []any{positions, shown, times, shownTimes, ids, statuses, texts}
}

// The positions make a repetition do nothing.
const putSQL = `
INSERT INTO views.presence AS p (position, shown_position, at, shown_at, user_id, status, text)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
ON CONFLICT (user_id) DO UPDATE SET
  position = excluded.position, at = excluded.at, status = excluded.status, text = excluded.text,
  shown_position = greatest(excluded.shown_position, p.shown_position), shown_at = coalesce(excluded.shown_at, p.shown_at)
WHERE p.position < excluded.position`

const eraseSQL = `UPDATE views.presence SET text = '' WHERE user_id = ANY ($1::text[])`
