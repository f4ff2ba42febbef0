package rooms

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/projections"
)

// Projector writes the view.
type Projector struct{ load, put, active, join, leave, erase string }

// NewProjector writes the tables of a schema; "" stands for projections.DefaultSchema.
func NewProjector(schema string) *Projector {
	return &Projector{
		load: projections.In(schema, loadSQL), put: projections.In(schema, putSQL), active: projections.In(schema, activeSQL),
		join: projections.In(schema, joinSQL), leave: projections.In(schema, leaveSQL), erase: projections.In(schema, eraseSQL),
	}
}

// Name is the view's.
func (*Projector) Name() string { return "rooms" }

// Tables are the view's.
func (*Projector) Tables() []string { return []string{"rooms", "members"} }

// Apply folds the batch onto the rooms that it changes and writes each room, each
// member and each room's activity once. A batch of nothing but messages is a single statement.
func (p *Projector) Apply(ctx context.Context, tx pgx.Tx, batch []event.Recorded) error {
	f := newFold()
	if err := projections.Each(batch, []string{event.CategoryMessages}, f.addMessage); err != nil {
		return err
	}
	if ids := roomsOf(batch); len(ids) > 0 {
		if err := p.loadInto(ctx, tx, f, ids); err != nil {
			return err
		}
		if err := projections.Each(batch, []string{event.CategoryRoom}, f.addRoom); err != nil {
			return err
		}
	}
	erased, err := projections.Erased(batch)
	if err != nil {
		return err
	}
	writes := p.writes(f)
	if len(erased) > 0 {
		writes.Queue(p.erase, erased)
	}
	if writes.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, writes).Close(); err != nil {
		return fmt.Errorf("write rooms: %w", err)
	}
	return nil
}

// roomsOf is the ids of the rooms whose own stream is in the batch.
func roomsOf(batch []event.Recorded) []string {
	var ids []string
	seen := map[string]bool{}
	for _, r := range batch {
		if id := r.Stream.Key(); r.Stream.Category() == event.CategoryRoom && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *Projector) loadInto(ctx context.Context, tx pgx.Tx, f *fold, ids []string) error {
	rows, err := tx.Query(ctx, p.load, ids)
	if err != nil {
		return fmt.Errorf("load rooms: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		r := new(roomRow)
		if err := rows.Scan(r.targets()...); err != nil {
			return fmt.Errorf("load rooms: %w", err)
		}
		f.rooms[string(r.id)] = &room{roomRow: *r}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("load rooms: %w", err)
	}
	return nil
}

func (p *Projector) writes(f *fold) *pgx.Batch {
	var b pgx.Batch
	if args, n := f.roomArgs(); n > 0 {
		b.Queue(p.put, args...)
	}
	if args, n := f.activityArgs(); n > 0 {
		b.Queue(p.active, args...)
	}
	join, leave := f.memberArgs()
	if join.n > 0 {
		b.Queue(p.join, join.roomIDs, join.userIDs, join.positions, join.joinedAt, join.roles, join.usernames)
	}
	if leave.n > 0 {
		b.Queue(p.leave, leave.roomIDs, leave.userIDs)
	}
	return &b
}

const loadSQL = `SELECT ` + roomColumns + ` FROM views.rooms r WHERE r.id = ANY ($1::text[])`

// Activity is not written to a room that is there: activeSQL alone does that.
const putSQL = `
INSERT INTO views.rooms AS r (id, position, version, last_seq, last_activity, last_activity_at, created_at, archived_at,
  member_count, type, created_by, name, name_key, topic)
SELECT c.id, c.position, c.version, 0, c.activity, c.created_at, c.created_at, c.archived_at,
  c.member_count, c.type, c.created_by, c.name, c.name_key, c.topic
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::integer[],
  $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[])
  AS c (id, position, version, created_at, archived_at, member_count, type, created_by, name, name_key, topic, activity)
ON CONFLICT (id) DO UPDATE SET
  position = excluded.position, version = excluded.version, archived_at = excluded.archived_at,
  member_count = excluded.member_count, name = excluded.name, name_key = excluded.name_key, topic = excluded.topic
WHERE r.version < excluded.version`

const activeSQL = `
UPDATE views.rooms AS r SET last_seq = c.seq, last_activity = c.position, last_activity_at = c.at
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS c (id, seq, position, at)
WHERE r.id = c.id AND r.last_activity < c.position`

const joinSQL = `
INSERT INTO views.members (room_id, user_id, position, joined_at, role, username)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[])
ON CONFLICT (room_id, user_id) DO UPDATE SET
  position = excluded.position, joined_at = excluded.joined_at, role = excluded.role, username = excluded.username`

const leaveSQL = `
DELETE FROM views.members m
USING unnest($1::text[], $2::text[]) AS c (room_id, user_id)
WHERE m.room_id = c.room_id AND m.user_id = c.user_id`

const eraseSQL = `UPDATE views.members SET username = '' WHERE user_id = ANY ($1::text[]) AND username <> ''`
