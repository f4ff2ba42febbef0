package receipts

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/domain/event"
	"parley/domain/quote"
	"parley/domain/wire"
	"parley/projections"
)

// Queries reads the view. It is safe for concurrent use. Whether the caller may see the room is not
// asked here.
type Queries struct {
	db projections.DB
	// The statements of a room.
	receipts, readers string
	statements        projections.Statements
}

// NewQueries reads from db.
func NewQueries(db projections.DB) *Queries {
	return &Queries{db: db, receipts: receiptsSQL(), readers: readersSQL()}
}

// Receipt is how far a member is.
type Receipt struct {
	UserID       string `json:"userId"`
	ReadSeq      int64  `json:"readSeq"`
	DeliveredSeq int64  `json:"deliveredSeq"`
	// ReadAt is when the member came to ReadSeq or, where it was asked for one message, when it had
	// read that; nil for who has read nothing.
	ReadAt      *wire.Time `json:"readAt"`
	DeliveredAt *wire.Time `json:"deliveredAt"`
}

// AppendJSON appends the receipt as encoding/json would, at a fraction of the cost.
func (r *Receipt) AppendJSON(b []byte) []byte {
	b = quote.Append(append(b, `{"userId":`...), r.UserID)
	b = strconv.AppendInt(append(b, `,"readSeq":`...), r.ReadSeq, 10)
	b = strconv.AppendInt(append(b, `,"deliveredSeq":`...), r.DeliveredSeq, 10)
	b = wire.AppendOptionalTime(append(b, `,"readAt":`...), r.ReadAt)
	return append(wire.AppendOptionalTime(append(b, `,"deliveredAt":`...), r.DeliveredAt), '}')
}

// Of is a page of a room's members by user id, with how far each is. The cursor comes from the page before,
// or is "".
func (q *Queries) Of(ctx context.Context, roomID, cursor string, limit int) (projections.List[Receipt], error) {
	return q.list(ctx, cursor, limit, q.receipts, roomID)
}

// ReadersOf is Of for those who have read a message, but for its author.
func (q *Queries) ReadersOf(
	ctx context.Context, roomID string, message wire.Message, cursor string, limit int,
) (projections.List[Receipt], error) {
	return q.list(ctx, cursor, limit, q.readers, roomID, message.Seq, message.Sender.ID)
}

func (q *Queries) list(ctx context.Context, cursor string, limit int, sql string, args ...any) (projections.List[Receipt], error) {
	var list projections.List[Receipt]
	after := ""
	if cursor != "" {
		key, err := projections.DecodeCursor(cursor, 1)
		if err != nil {
			return list, err
		}
		after = key[0]
	}
	if limit <= 0 {
		limit = projections.MaxLimit // a room's receipts are small, and mostly wanted together
	}
	limit = projections.Limit(limit)
	args = append([]any{after}, args...)
	var (
		changed zeronull.Int8
		err     error
	)
	list.Items, list.Position, err = projections.SelectAs(ctx, q.db, "receipts", q.statements.Limited(sql, limit+1),
		func(r *row) []any { return append([]any{&changed}, r.targets()...) }, (*row).found, (*row).shape, args...)
	list.RoomChanged = event.Position(changed)
	if len(list.Items) > limit {
		list.Items = list.Items[:limit]
		list.NextCursor = projections.EncodeCursor(list.Items[limit-1].UserID)
	}
	return list, err
}

type row struct {
	userID              zeronull.Text
	read, delivered     zeronull.Int8
	readAt, deliveredAt zeronull.Timestamptz
}

func (r *row) targets() []any {
	return []any{&r.userID, &r.read, &r.delivered, &r.readAt, &r.deliveredAt}
}

func (r *row) found() bool { return r.userID != "" }

func (r *row) shape() (Receipt, error) {
	at := &[...]wire.Time{wire.Time(r.readAt), wire.Time(r.deliveredAt)} // in one piece: pages have many
	return Receipt{
		UserID: string(r.userID), ReadSeq: int64(r.read), DeliveredSeq: int64(r.delivered),
		ReadAt: optional(&at[0]), DeliveredAt: optional(&at[1]),
	}, nil
}

func optional(t *wire.Time) *wire.Time {
	if time.Time(*t).IsZero() {
		return nil
	}
	return t
}

// Unread is what a user has left to read in one room.
type Unread struct {
	RoomID       string `json:"roomId"`
	UnreadCount  int64  `json:"unreadCount"`
	MentionCount int64  `json:"mentionCount"`
	// ReadSeq is up to where nothing is unread.
	ReadSeq int64 `json:"readSeq"`
}

// UnreadList is a page of a user's rooms, with what is left to read in all of them.
type UnreadList struct {
	projections.List[Unread]
	UnreadCount  int64 `json:"unreadCount"`
	MentionCount int64 `json:"mentionCount"`
}

// UnreadOf is a page of the rooms that the user is a member of, by id.
func (q *Queries) UnreadOf(ctx context.Context, userID, cursor string, limit int) (UnreadList, error) {
	var list UnreadList
	after := ""
	if cursor != "" {
		key, err := projections.DecodeCursor(cursor, 1)
		if err != nil {
			return list, err
		}
		after = key[0]
	}
	if limit <= 0 {
		limit = projections.MaxLimit
	}
	limit = projections.Limit(limit)
	rows, position, err := projections.Select(ctx, q.db, "unread counts", unreadSQL,
		(*unreadRow).targets, (*unreadRow).found, userID, after, limit+1)
	if err != nil {
		return list, err
	}
	if len(rows) > 0 {
		list.UnreadCount, list.MentionCount = int64(rows[0].allUnread), int64(rows[0].allMentions)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		list.NextCursor = projections.EncodeCursor(string(rows[limit-1].roomID))
	}
	list.Position, list.Items = position, make([]Unread, len(rows))
	for i, r := range rows {
		list.Items[i] = Unread{string(r.roomID), int64(r.unread), int64(r.mentions), int64(r.readSeq)}
	}
	return list, nil
}

type unreadRow struct {
	roomID                    zeronull.Text
	unread, mentions, readSeq zeronull.Int8
	allUnread, allMentions    zeronull.Int8
}

func (r *unreadRow) targets() []any {
	return []any{&r.roomID, &r.unread, &r.mentions, &r.readSeq, &r.allUnread, &r.allMentions}
}

func (r *unreadRow) found() bool { return r.roomID != "" }

// Left is what a member has left to read behind a message.
type Left struct {
	Unread, Mentions int64
	// Cursor is behind which message was counted: what was asked for, or what the member has read beyond it.
	Cursor int64
	// Position is up to where the log is counted.
	Position event.Position
}

// LeftOf counts for one member of a room, from behind a message or from its cursor on, whichever is
// farther. For who is none it is zero, with the position.
func (q *Queries) LeftOf(ctx context.Context, roomID, userID string, after int64) (Left, error) {
	rows, position, err := projections.Select(ctx, q.db, "what is left", leftSQL,
		func(r *leftRow) []any { return []any{&r.unread, &r.mentions, &r.cursor, &r.there} },
		func(r *leftRow) bool { return r.there.Bool }, roomID, userID, after)
	left := Left{Cursor: after, Position: position}
	if len(rows) > 0 {
		left.Unread, left.Mentions, left.Cursor = int64(rows[0].unread), int64(rows[0].mentions), int64(rows[0].cursor)
	}
	return left, err
}

type leftRow struct {
	unread, mentions, cursor zeronull.Int8
	there                    pgtype.Bool
}

// Counts computes what a member has left to read, of views.receipts AS u, views.receipt_rooms AS h and
// a cursor c.seq: the columns unread and mentions. At most 1024 deletions are looked at one by one.
const Counts = `
    CASE WHEN h.last_seq > c.seq THEN h.last_seq - c.seq
      - (SELECT count(*) FROM views.deletions WHERE room_id = u.room_id AND seq > c.seq AND seq < (c.seq / 1024 + 1) * 1024)
      - (SELECT coalesce(sum(count), 0) FROM views.deletion_counts WHERE room_id = u.room_id AND range > c.seq / 1024)
    ELSE 0 END AS unread,
    CASE WHEN h.last_seq > c.seq THEN
      (SELECT count(*) FROM views.unread_mentions WHERE room_id = u.room_id AND user_id = u.user_id AND seq > c.seq)
    ELSE 0 END AS mentions`

func receiptsSQL() string {
	return `
SELECT p.position, ` + projections.RoomChanged("$2") + `, u.user_id, u.read_seq, u.delivered_seq, u.read_at, u.delivered_at
FROM views.checkpoints p
LEFT JOIN LATERAL (
  SELECT * FROM views.receipts WHERE room_id = (SELECT $2::text) AND user_id > (SELECT $1::text) AND member ORDER BY user_id LIMIT {rows}
) u ON true
WHERE p.name = 'receipts'
ORDER BY u.user_id`
}

func readersSQL() string {
	return `
SELECT p.position, ` + projections.RoomChanged("$2") + `, u.user_id, u.read_seq, u.delivered_seq, u.at, u.delivered_at
FROM views.checkpoints p
LEFT JOIN LATERAL (
  SELECT r.*, (
    SELECT at FROM views.receipt_history
    WHERE room_id = r.room_id AND user_id = r.user_id AND NOT delivered AND seq >= $3 ORDER BY seq LIMIT 1
  ) AS at
  FROM views.receipts r
  WHERE r.room_id = (SELECT $2::text) AND r.user_id > (SELECT $1::text) AND r.member AND r.read_seq >= $3 AND r.user_id <> $4
  ORDER BY r.user_id LIMIT {rows}
) u ON true
WHERE p.name = 'receipts'
ORDER BY u.user_id`
}

const unreadSQL = `
SELECT p.position, l.room_id, l.unread, l.mentions, l.seq, l.all_unread, l.all_mentions
FROM views.checkpoints p
LEFT JOIN LATERAL (
  SELECT * FROM (
    SELECT *, (sum(unread) OVER ())::bigint AS all_unread, (sum(mentions) OVER ())::bigint AS all_mentions
    FROM (
      SELECT u.room_id, c.seq, ` + Counts + `
      FROM views.receipts u
      JOIN views.receipt_rooms h ON h.room_id = u.room_id
      CROSS JOIN LATERAL (SELECT greatest(u.read_seq, u.base_seq) AS seq) c
      WHERE u.user_id = $1 AND u.member
    ) counted
  ) every
  WHERE room_id > $2 ORDER BY room_id LIMIT $3
) l ON true
WHERE p.name = 'receipts'
ORDER BY l.room_id`

const leftSQL = `
SELECT p.position, l.unread, l.mentions, l.cursor, l.there
FROM views.checkpoints p
LEFT JOIN LATERAL (
  SELECT true AS there, greatest(u.read_seq, $3) AS cursor, ` + Counts + `
  FROM views.receipts u
  JOIN views.receipt_rooms h ON h.room_id = u.room_id
  CROSS JOIN LATERAL (SELECT greatest(u.read_seq, u.base_seq, $3) AS seq) c
  WHERE u.room_id = $1 AND u.user_id = $2
) l ON true
WHERE p.name = 'receipts'`
