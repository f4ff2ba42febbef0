package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"parley/projections/history"
	"parley/projections/receipts"
)

const leftSQL = `
SELECT u.user_id, c.seq, u.delivered_seq, l.unread, l.mentions
FROM views.receipts u
JOIN views.receipt_rooms h ON h.room_id = u.room_id
CROSS JOIN LATERAL (SELECT greatest(u.read_seq, u.base_seq) AS seq) c
CROSS JOIN LATERAL (SELECT ` + receipts.Counts + `) l
WHERE u.room_id = $1 AND u.member`

func (f *roomFold) compareReceipts(ctx context.Context, c *comparison) error {
	rows, err := c.tx.Query(ctx, leftSQL, f.id)
	if err != nil {
		return fmt.Errorf("read what is left: %w", err)
	}
	got := map[string]history.Left{}
	var (
		who string
		l   history.Left
	)
	_, err = pgx.ForEachRow(rows, []any{&who, &l.Cursor, &l.Delivered, &l.Unread, &l.Mentions}, func() error {
		got[who] = l
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what is left: %w", err)
	}
	return sameAll(c, viewReceipts, "room "+f.id+", member", f.receipts.Left(), got)
}
