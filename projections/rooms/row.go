package rooms

import (
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/receipts"
)

const roomColumns = `r.position, r.version, r.last_seq, r.last_activity, r.last_activity_at, r.created_at, r.archived_at,
  r.member_count, r.id, r.type, r.created_by, r.name, r.name_key, r.topic`

const getSQL = `
SELECT c.position, ` + roomColumns + `
FROM views.checkpoints c
LEFT JOIN views.rooms r ON r.id = $1
WHERE c.name = 'rooms'`

// $1 to $2 is the range of keys that begin with the text; ($3, $4) is the last row seen.
const publicSQL = `
SELECT c.position, ` + roomColumns + `
FROM views.checkpoints c
LEFT JOIN LATERAL (
  SELECT * FROM views.rooms
  WHERE type = 'public' AND archived_at IS NULL AND name_key >= $1 AND name_key < $2 AND (name_key, id) > ($3, $4)
  ORDER BY name_key, id
  LIMIT $5
) r ON true
WHERE c.name = 'rooms'
ORDER BY r.name_key, r.id`

// Every event is about one room, so no two rooms have the same last activity. The last
// message is looked up for the rooms of the page alone. The view of the messages may be ahead: what it
// has beyond this one's last_seq may have been said after a removal that is not known here. What is unread is
// counted for the rooms of the page alone, too: the LIMIT keeps the planner from doing it for all first. The number of
// messages is the one up to which it is counted, so that whoever goes on counting leaves none out and counts none twice.
const mineSQL = `
SELECT least(c.position, (SELECT min(position) FROM views.checkpoints WHERE name IN ('messages', 'receipts'))),
  ` + roomColumns + `,
  l.counted_seq, l.read_seq, l.unread, l.mentions,
  ` + messages.Columns + `
FROM views.checkpoints c
LEFT JOIN LATERAL (
  SELECT rooms.* FROM views.members JOIN views.rooms ON rooms.id = members.room_id
  WHERE members.user_id = (SELECT $1::text) AND rooms.last_activity < (SELECT $2::bigint)
  ORDER BY rooms.last_activity DESC
  LIMIT {rows}
) r ON true
LEFT JOIN LATERAL (
  SELECT * FROM views.messages WHERE room_id = r.id AND seq <= r.last_seq ORDER BY seq DESC LIMIT 1
) m ON true
LEFT JOIN LATERAL (
  SELECT CASE WHEN u.member THEN h.last_seq ELSE r.last_seq END AS counted_seq, c.seq AS read_seq, ` + receipts.Counts + `
  FROM views.receipts u
  JOIN views.receipt_rooms h ON h.room_id = u.room_id
  CROSS JOIN LATERAL (SELECT greatest(u.read_seq, u.base_seq) AS seq) c
  WHERE u.room_id = r.id AND u.user_id = (SELECT $1::text)
  LIMIT 1
) l ON true
WHERE c.name = 'rooms'
ORDER BY r.last_activity DESC`

const idsOfSQL = `
SELECT c.position, ` + roomColumns + `
FROM views.checkpoints c
LEFT JOIN LATERAL (
  SELECT rooms.* FROM views.members JOIN views.rooms ON rooms.id = members.room_id
  WHERE members.user_id = $1
  ORDER BY rooms.last_activity DESC
  LIMIT $2
) r ON true
WHERE c.name = 'rooms'
ORDER BY r.last_activity DESC`

const memberColumns = `m.position, m.joined_at, m.user_id, m.role, m.username`

const membersOfSQL = `
SELECT c.position, ` + memberColumns + `
FROM views.checkpoints c
LEFT JOIN views.members m ON m.room_id = $1 AND m.user_id = ANY ($2::text[])
WHERE c.name = 'rooms'
ORDER BY m.user_id`

const membersSQL = `
SELECT c.position, ` + memberColumns + `
FROM views.checkpoints c
LEFT JOIN LATERAL (
  SELECT * FROM views.members WHERE room_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3
) m ON true
WHERE c.name = 'rooms'
ORDER BY m.user_id`

// The rows take NULLs: see projections.Select.
type roomRow struct {
	position, version, lastSeq, activity zeronull.Int8
	activityAt, createdAt, archivedAt    zeronull.Timestamptz
	memberCount                          zeronull.Int4
	id, kind, createdBy                  zeronull.Text
	name, nameKey, topic                 zeronull.Text
}

func (r *roomRow) found() bool { return r.id != "" }

func (r *roomRow) targets() []any {
	return []any{
		&r.position, &r.version, &r.lastSeq, &r.activity, &r.activityAt, &r.createdAt, &r.archivedAt,
		&r.memberCount, &r.id, &r.kind, &r.createdBy, &r.name, &r.nameKey, &r.topic,
	}
}

func (r *roomRow) shape() wire.Room {
	return wire.Room{
		ID: string(r.id), Name: string(r.name), Type: event.RoomType(r.kind), Topic: string(r.topic),
		CreatedBy: string(r.createdBy), CreatedAt: wire.Time(r.createdAt),
		ArchivedAt: wire.OptionalTime(time.Time(r.archivedAt)), MemberCount: int(r.memberCount),
		Position: event.Position(r.position),
	}
}

type mineRow struct {
	roomRow
	counted, readSeq, unread, mentions zeronull.Int8
	last                               messages.Row
}

func (r *mineRow) targets() []any {
	return append(append(r.roomRow.targets(), &r.counted, &r.readSeq, &r.unread, &r.mentions), r.last.Targets()...)
}

func (r *mineRow) summary() (Summary, error) {
	s := Summary{
		Room: r.shape(), LastSeq: int64(r.counted),
		ReadSeq: int64(r.readSeq), UnreadCount: int64(r.unread), MentionCount: int64(r.mentions),
	}
	if !r.last.Found() {
		return s, nil
	}
	m, err := r.last.Message()
	s.LastMessage = &m
	return s, err
}

func activityCursor(cursor string) (int64, error) {
	if cursor == "" {
		return math.MaxInt64, nil
	}
	key, err := projections.DecodeCursor(cursor, 1)
	if err != nil {
		return 0, err
	}
	before, err := strconv.ParseInt(key[0], 10, 64)
	if err != nil {
		return 0, domain.Invalid("cursor", "is not one that a list has given")
	}
	return before, nil
}

type memberRow struct {
	position               zeronull.Int8
	joinedAt               zeronull.Timestamptz
	userID, role, username zeronull.Text
}

func (r *memberRow) found() bool { return r.userID != "" }

func (r *memberRow) targets() []any {
	return []any{&r.position, &r.joinedAt, &r.userID, &r.role, &r.username}
}

func memberShapes(rows []memberRow) []wire.Member {
	list := make([]wire.Member, len(rows))
	for i, r := range rows {
		list[i] = wire.Member{
			UserID: string(r.userID), Username: string(r.username),
			Role: event.MemberRole(r.role), JoinedAt: wire.Time(r.joinedAt),
		}
	}
	return list
}
