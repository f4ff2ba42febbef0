package rooms

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"

	"parley/domain/event"
	"parley/projections"
)

const cameIntoSQL = `
SELECT c.position, m.room_id
FROM views.checkpoints c
LEFT JOIN LATERAL (
  SELECT room_id FROM views.members WHERE user_id = $1 AND position > $2 LIMIT $3
) m ON true
WHERE c.name = 'rooms'`

// CameInto is the ids of the rooms that a user is a member of, of those in which anything about the
// membership has changed since a position: at least those that the user came into; and the view's position. limit is not
// cut.
func (q *Queries) CameInto(
	ctx context.Context, userID string, after event.Position, limit int,
) ([]string, event.Position, error) {
	rows, position, err := projections.Select(ctx, q.db, "rooms that a user came into", cameIntoSQL,
		func(id *pgtype.Text) []any { return []any{id} }, func(id *pgtype.Text) bool { return id.Valid },
		userID, int64(after), limit)
	if err != nil {
		return nil, 0, err
	}
	ids := make([]string, len(rows))
	for i, id := range rows {
		ids[i] = id.String
	}
	return ids, position, nil
}
