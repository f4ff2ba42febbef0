package receipts

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/projections"
)

// Projector writes the view.
type Projector struct {
	loadRooms, loadReceipts, putRooms, putReceipts, history, mention, deletion, counts, behind, unsaid string
}

// NewProjector writes the tables of a schema; "" stands for projections.DefaultSchema.
func NewProjector(schema string) *Projector {
	in := func(sql string) string { return projections.In(schema, sql) }
	return &Projector{
		loadRooms: in(loadRoomsSQL), loadReceipts: in(loadReceiptsSQL), putRooms: in(putRoomsSQL), putReceipts: in(putReceiptsSQL),
		history: in(historySQL), mention: in(mentionSQL), deletion: in(deletionSQL), counts: in(countsSQL),
		behind: in(behindSQL), unsaid: in(unsaidSQL),
	}
}

// Name is the view's.
func (*Projector) Name() string { return "receipts" }

// Tables are the view's.
func (*Projector) Tables() []string {
	return []string{"receipt_rooms", "receipts", "receipt_history", "unread_mentions", "deletions", "deletion_counts"}
}

// Apply reads the rows that the batch touches, folds the batch on them, and writes what has changed.
func (p *Projector) Apply(ctx context.Context, tx pgx.Tx, batch []event.Recorded) error {
	f := newFold()
	if err := projections.Each(batch, categories(), f.touch); err != nil {
		return err
	}
	if len(f.rooms) == 0 {
		return nil
	}
	if err := p.load(ctx, tx, f); err != nil {
		return err
	}
	if err := projections.Each(batch, categories(), f.add); err != nil {
		return err
	}
	var writes pgx.Batch
	f.queue(&writes, p)
	if writes.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &writes).Close(); err != nil {
		return fmt.Errorf("write receipts: %w", err)
	}
	return nil
}

func categories() []string {
	return []string{event.CategoryRoom, event.CategoryMessages, event.CategoryReceipts}
}

// load reads both tables in one round trip.
func (p *Projector) load(ctx context.Context, tx pgx.Tx, f *fold) error {
	var reads pgx.Batch
	reads.Queue(p.loadRooms, f.roomIDs()).Query(func(rows pgx.Rows) error {
		var (
			id       string
			position int64
			r        room
		)
		_, err := pgx.ForEachRow(rows, []any{&id, &position, &r.lastSeq}, func() error {
			f.rooms[id].position, f.rooms[id].lastSeq = event.Position(position), r.lastSeq
			return nil
		})
		return err
	})
	rooms, users := f.receiptKeys()
	reads.Queue(p.loadReceipts, rooms, users).Query(func(rows pgx.Rows) error {
		var (
			k key
			r receipt
		)
		_, err := pgx.ForEachRow(rows, []any{
			&k.roomID, &k.userID, &r.member, &r.base, &r.read, &r.delivered, &r.readAt, &r.deliveredAt,
		}, func() error {
			*f.receipts[k] = r
			return nil
		})
		return err
	})
	if err := tx.SendBatch(ctx, &reads).Close(); err != nil {
		return fmt.Errorf("load receipts: %w", err)
	}
	return nil
}

const loadRoomsSQL = `SELECT room_id, position, last_seq FROM views.receipt_rooms WHERE room_id = ANY ($1::text[])`

const loadReceiptsSQL = `
SELECT r.room_id, r.user_id, r.member, r.base_seq, r.read_seq, r.delivered_seq, r.read_at, r.delivered_at
FROM unnest($1::text[], $2::text[]) AS c (room_id, user_id)
JOIN views.receipts r ON r.room_id = c.room_id AND r.user_id = c.user_id`

const putRoomsSQL = `
INSERT INTO views.receipt_rooms (room_id, position, last_seq)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
ON CONFLICT (room_id) DO UPDATE SET position = excluded.position, last_seq = excluded.last_seq`

const putReceiptsSQL = `
INSERT INTO views.receipts (room_id, user_id, member, base_seq, read_seq, delivered_seq, read_at, delivered_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[], $8::timestamptz[])
ON CONFLICT (room_id, user_id) DO UPDATE SET
  member = excluded.member, base_seq = excluded.base_seq, read_seq = excluded.read_seq,
  delivered_seq = excluded.delivered_seq, read_at = excluded.read_at, delivered_at = excluded.delivered_at`

const historySQL = `
INSERT INTO views.receipt_history (room_id, user_id, delivered, seq, at)
SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[], $5::timestamptz[])
ON CONFLICT DO NOTHING`

const mentionSQL = `
INSERT INTO views.unread_mentions (room_id, user_id, seq, message_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::uuid[])
ON CONFLICT DO NOTHING`

const deletionSQL = `
INSERT INTO views.deletions (room_id, seq)
SELECT * FROM unnest($1::text[], $2::bigint[])`

const countsSQL = `
INSERT INTO views.deletion_counts AS d (room_id, range, count)
SELECT room_id, seq / 1024, count(*) FROM unnest($1::text[], $2::bigint[]) AS c (room_id, seq) GROUP BY room_id, seq / 1024
ON CONFLICT (room_id, range) DO UPDATE SET count = d.count + excluded.count`

const behindSQL = `
DELETE FROM views.unread_mentions m
USING unnest($1::text[], $2::text[], $3::bigint[]) AS c (room_id, user_id, seq)
WHERE m.room_id = c.room_id AND m.user_id = c.user_id AND m.seq <= c.seq`

const unsaidSQL = `DELETE FROM views.unread_mentions WHERE message_id = ANY ($1::uuid[])`
