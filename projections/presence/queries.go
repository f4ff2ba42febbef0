package presence

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
)

// Queries reads the view. It is safe for concurrent use.
type Queries struct{ db projections.DB }

// NewQueries reads from db.
func NewQueries(db projections.DB) *Queries { return &Queries{db: db} }

// Of is how users are there as the viewer sees it: one item for each of the ids, in their order, each once. Who was
// never there, or does not exist, is offline.
func (q *Queries) Of(ctx context.Context, viewer string, ids ...string) (projections.List[wire.Presence], error) {
	rows, position, err := projections.Select(ctx, q.db, "presence", ofSQL, scan, found, ids)
	if err != nil {
		return projections.List[wire.Presence]{}, err
	}
	known := make(map[string]wire.Presence, len(rows))
	for _, r := range rows {
		known[string(r.userID)] = r.seenBy(viewer)
	}
	list := projections.List[wire.Presence]{Items: make([]wire.Presence, 0, len(ids)), Position: position}
	listed := make(map[string]bool, len(ids))
	for _, id := range ids {
		if listed[id] {
			continue
		}
		listed[id] = true
		p, ok := known[id]
		if !ok {
			p = wire.Presence{UserID: id, Status: event.StatusOffline}
		}
		list.Items = append(list.Items, p)
	}
	return list, nil
}

// There lists users who are there, invisible ones among them, by id: those after one.
func (q *Queries) There(ctx context.Context, after string, limit int) ([]string, error) {
	rows, _, err := projections.Select(ctx, q.db, "who is there", thereSQL, scan, found, after, limit)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = string(r.userID)
	}
	return ids, nil
}

type viewed struct {
	position, shownPosition zeronull.Int8
	at, shownAt             zeronull.Timestamptz
	userID, status, text    zeronull.Text
}

func scan(v *viewed) []any {
	return []any{&v.position, &v.shownPosition, &v.at, &v.shownAt, &v.userID, &v.status, &v.text}
}

func found(v *viewed) bool { return v.userID != "" }

func (v viewed) seenBy(viewer string) wire.Presence {
	p := wire.Presence{
		UserID: string(v.userID), Status: event.Status(v.status), Text: string(v.text),
		LastSeenAt: wire.OptionalTime(time.Time(v.at)), Position: event.Position(v.position),
	}
	if p.UserID == viewer {
		return p
	}
	p.LastSeenAt, p.Position = wire.OptionalTime(time.Time(v.shownAt)), event.Position(v.shownPosition)
	return p.Shown()
}

const columns = `p.position, p.shown_position, p.at, p.shown_at, p.user_id, p.status, p.text`

const ofSQL = `
SELECT c.position, ` + columns + `
FROM views.checkpoints c
LEFT JOIN views.presence p ON p.user_id = ANY ($1::text[])
WHERE c.name = 'presence'`

const thereSQL = `
SELECT c.position, ` + columns + `
FROM views.checkpoints c
LEFT JOIN LATERAL (
  SELECT * FROM views.presence WHERE status <> 'offline' AND user_id > $1 ORDER BY user_id LIMIT $2
) p ON true
WHERE c.name = 'presence'
ORDER BY p.user_id`
