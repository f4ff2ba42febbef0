package messages

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
)

// Queries reads the view. It is safe for concurrent use. Whether the caller may see the
// room is not asked here.
type Queries struct {
	db projections.DB
	// The statements of pages, by what a page is made of.
	room, answers, pinned string
	statements            projections.Statements
}

// NewQueries reads from db.
func NewQueries(db projections.DB) *Queries {
	return &Queries{
		db: db, room: roomSQL(), answers: pageSQL(inRoom + " AND reply_to = $3"),
		pinned: pageSQL(inRoom + " AND pinned AND deleted_at IS NULL"),
	}
}

// PageRequest says which part of a room's messages is asked for: at most one of Before, After and
// Around, which are seqs. None of them asks for the newest messages.
type PageRequest struct {
	// Before asks for the messages just below a seq. Zero means not set.
	Before int64
	// After asks for the messages just above a seq; above 0, from the first one on. Nil means not set.
	After *int64
	// Around asks for a message with as many below it as above. Where the room ends the page is shorter.
	// Zero means not set.
	Around int64
	// Limit is the number of messages. Zero means 50; more than 200 means 200.
	Limit int
}

// Page is a part of a room's messages, or of those that answer one or are pinned, without holes. A deleted message is there as a tombstone.
type Page struct {
	// Items ascend by seq.
	Items []wire.Message `json:"items"`
	// HasMoreBefore and HasMoreAfter say whether the room goes on below and above.
	HasMoreBefore bool `json:"hasMoreBefore"`
	HasMoreAfter  bool `json:"hasMoreAfter"`
	// Position is that of the view: the page shows every event up to it and none after it.
	Position event.Position `json:"position"`
	// RoomChanged is when the room last changed, by the log: see projections.RoomChanged.
	RoomChanged event.Position `json:"-"`
}

// AppendJSON appends the page as encoding/json would, at a fraction of the cost.
func (p *Page) AppendJSON(b []byte) []byte {
	b = wire.AppendArray(append(b, `{"items":`...), p.Items, (*wire.Message).AppendJSON)
	b = strconv.AppendBool(append(b, `,"hasMoreBefore":`...), p.HasMoreBefore)
	b = strconv.AppendBool(append(b, `,"hasMoreAfter":`...), p.HasMoreAfter)
	return append(wire.AppendPosition(append(b, `,"position":`...), p.Position), '}')
}

// Page reads part of a room, at a cost that depends on the limit alone. A room without messages, or
// that does not exist, has an empty page. INVALID_PAYLOAD for a request that
// asks for two things.
func (q *Queries) Page(ctx context.Context, roomID string, req PageRequest) (Page, error) {
	return q.page(ctx, q.room, req, roomID)
}

// Replies is Page for the messages that answer one. That of a message that is not in the room is empty.
func (q *Queries) Replies(ctx context.Context, roomID, id string, req PageRequest) (Page, error) {
	parent, err := event.ParseID(id)
	if err != nil {
		return Page{}, domain.Errorf(domain.CodeMessageNotFound, "no such message in this room")
	}
	return q.page(ctx, q.answers, req, roomID, [16]byte(parent))
}

// Pinned is Page for the messages that are pinned and were not deleted.
func (q *Queries) Pinned(ctx context.Context, roomID string, req PageRequest) (Page, error) {
	return q.page(ctx, q.pinned, req, roomID)
}

func (q *Queries) page(ctx context.Context, sql string, req PageRequest, roomID string, more ...any) (Page, error) {
	w, err := req.window()
	if err != nil {
		return Page{}, err
	}
	sql = q.statements.Limited(q.statements.Limited(sql, w.below+1), w.from+1)
	var changed zeronull.Int8
	items, position, err := projections.SelectAs(ctx, q.db, "messages", sql,
		func(r *Row) []any { return append([]any{&changed}, r.Targets()...) },
		(*Row).Found, (*Row).Message, append([]any{roomID, w.pivot}, more...)...)
	if err != nil {
		return Page{}, err
	}
	slices.SortFunc(items, func(a, b wire.Message) int { return int(a.Seq - b.Seq) })
	split, _ := slices.BinarySearchFunc(items, w.pivot, func(m wire.Message, pivot int64) int { return cmp.Compare(m.Seq, pivot) })
	first, end := max(split-w.below, 0), min(split+w.from, len(items))
	return Page{
		Items: items[first:end], HasMoreBefore: first > 0, HasMoreAfter: end < len(items),
		Position: position, RoomChanged: event.Position(changed),
	}, nil
}

// Get is one message, also a deleted one, and the view's position (also beside an error
// of code MESSAGE_NOT_FOUND).
func (q *Queries) Get(ctx context.Context, roomID, id string) (wire.Message, event.Position, error) {
	list, err := q.ByIDs(ctx, roomID, id)
	if err != nil {
		return wire.Message{}, 0, err
	}
	if len(list.Items) == 0 {
		return wire.Message{}, list.Position, domain.Errorf(domain.CodeMessageNotFound, "no such message in this room")
	}
	return list.Items[0], list.Position, nil
}

// ByIDs is the messages of these ids that are in the room, by seq.
func (q *Queries) ByIDs(ctx context.Context, roomID string, ids ...string) (projections.List[wire.Message], error) {
	var list projections.List[wire.Message]
	known := make([]event.ID, 0, len(ids))
	for _, s := range ids {
		if id, err := event.ParseID(s); err == nil {
			known = append(known, id)
		}
	}
	var err error
	list.Items, list.Position, err = projections.SelectAs(ctx, q.db, "messages", byIDsSQL,
		(*Row).Targets, (*Row).Found, (*Row).Message, roomID, uuids(known))
	return list, err
}

// window is a request as two ranges that meet at pivot: so many messages below it, and so
// many from it on. At least one more of each is read, to know whether there is more.
type window struct {
	pivot       int64
	below, from int
}

func (r PageRequest) window() (window, error) {
	limit := projections.Limit(r.Limit)
	given := 0
	for _, is := range []bool{r.Before != 0, r.After != nil, r.Around != 0} {
		if is {
			given++
		}
	}
	switch {
	case r.Before < 0 || r.After != nil && *r.After < 0 || r.Around < 0:
		return window{}, domain.Invalid("before, after, around", "must not be negative")
	case given > 1:
		return window{}, domain.Invalid("before, after, around", "exclude each other")
	case r.Before > 0:
		return window{pivot: r.Before, below: limit}, nil
	case r.After != nil:
		return window{pivot: min(*r.After, math.MaxInt64-1) + 1, from: limit}, nil
	case r.Around > 0:
		return window{pivot: r.Around, below: limit / 2, from: limit - limit/2}, nil
	default:
		return window{pivot: math.MaxInt64, below: limit}, nil
	}
}

// Seqs is a part of a room without holes: none if To is below From.
type Seqs struct {
	From, To                    int64
	HasMoreBefore, HasMoreAfter bool
}

// Within is which messages the request asks for in a room that has so many. INVALID_PAYLOAD for a request that asks
// for two things.
func (r PageRequest) Within(last int64) (Seqs, error) {
	w, err := r.window()
	if err != nil {
		return Seqs{}, err
	}
	s := Seqs{From: max(min(w.pivot-1, last)-int64(w.below)+1, 1), To: last}
	if w.pivot <= last {
		s.To = min(w.pivot-1+int64(w.from), last)
	}
	s.HasMoreBefore, s.HasMoreAfter = s.From > 1, s.To < last
	return s, nil
}

// The parameters are hidden from the planner: see projections.Limited.
const inRoom = "room_id = (SELECT $1::text)"

// roomSQL reads all messages of a room between two numbers: they have no holes. Were Postgres told to find the first ones of
// the room, it would fetch and sort the whole room where it believes that rooms are small.
func roomSQL() string {
	return `
SELECT c.position, ` + projections.RoomChanged("$1") + `, ` + Columns + `
FROM views.checkpoints c
CROSS JOIN LATERAL (
  SELECT least((SELECT $2::bigint), coalesce((SELECT seq FROM views.messages WHERE ` + inRoom + ` ORDER BY seq DESC LIMIT 1), 0) + 1) AS seq
) pivot
LEFT JOIN LATERAL (
  (SELECT * FROM views.messages WHERE ` + inRoom + ` AND seq < pivot.seq AND seq >= pivot.seq - {rows})
  UNION ALL
  (SELECT * FROM views.messages WHERE ` + inRoom + ` AND seq >= pivot.seq AND seq < pivot.seq + {rows})
) m ON true
WHERE c.name = 'messages'`
}

func pageSQL(where string) string {
	return `
SELECT c.position, ` + projections.RoomChanged("$1") + `, ` + Columns + `
FROM views.checkpoints c
LEFT JOIN LATERAL (
  (SELECT * FROM views.messages WHERE ` + where + ` AND seq < (SELECT $2::bigint) ORDER BY seq DESC LIMIT {rows})
  UNION ALL
  (SELECT * FROM views.messages WHERE ` + where + ` AND seq >= (SELECT $2::bigint) ORDER BY seq LIMIT {rows})
) m ON true
WHERE c.name = 'messages'`
}

const byIDsSQL = `
SELECT c.position, ` + Columns + `
FROM views.checkpoints c
LEFT JOIN views.messages m ON m.room_id = $1 AND m.id = ANY ($2::uuid[])
WHERE c.name = 'messages'
ORDER BY m.seq`
