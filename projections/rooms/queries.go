package rooms

import (
	"context"
	"strconv"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
)

// Queries reads the view. It is safe for concurrent use. Whether the caller may see a
// room is not asked here, but for Mine and Public, which show no others.
type Queries struct {
	db         projections.DB
	statements projections.Statements
}

// NewQueries reads from db.
func NewQueries(db projections.DB) *Queries { return &Queries{db: db} }

// Summary is a room as one of its members sees it in a list.
type Summary struct {
	wire.Room
	// LastSeq is the number of messages in the room, deleted ones among them.
	LastSeq int64 `json:"lastSeq"`
	// LastMessage is nil in a room where nothing was said.
	LastMessage *wire.Message `json:"lastMessage"`
	// ReadSeq is up to where nothing is unread for the user: what it has read and sent, or where
	// the room was when it came.
	ReadSeq      int64 `json:"readSeq"`
	UnreadCount  int64 `json:"unreadCount"`
	MentionCount int64 `json:"mentionCount"`
}

// AppendJSON appends the summary as encoding/json would, at a fraction of the cost.
func (s *Summary) AppendJSON(b []byte) []byte {
	b = s.AppendFields(append(b, '{'))
	b = strconv.AppendInt(append(b, `,"lastSeq":`...), s.LastSeq, 10)
	b = append(b, `,"lastMessage":`...)
	if s.LastMessage == nil {
		b = append(b, `null`...)
	} else {
		b = s.LastMessage.AppendJSON(b)
	}
	b = strconv.AppendInt(append(b, `,"readSeq":`...), s.ReadSeq, 10)
	b = strconv.AppendInt(append(b, `,"unreadCount":`...), s.UnreadCount, 10)
	return append(strconv.AppendInt(append(b, `,"mentionCount":`...), s.MentionCount, 10), '}')
}

// Get is one room, also an archived one, and the view's position (also beside an error of
// code ROOM_NOT_FOUND).
func (q *Queries) Get(ctx context.Context, id string) (wire.Room, event.Position, error) {
	rows, position, err := q.rooms(ctx, getSQL, id)
	if err != nil {
		return wire.Room{}, 0, err
	}
	if len(rows) == 0 {
		return wire.Room{}, position, domain.Errorf(domain.CodeRoomNotFound, "no such room")
	}
	return rows[0].shape(), position, nil
}

// Public lists the public rooms that are not archived and whose name begins with the
// text, by name. Letter case does not count; no text lists all.
func (q *Queries) Public(ctx context.Context, text, cursor string, limit int) (projections.List[wire.Room], error) {
	var list projections.List[wire.Room]
	after := []string{"", ""}
	if cursor != "" {
		var err error
		if after, err = projections.DecodeCursor(cursor, 2); err != nil {
			return list, err
		}
	}
	prefix, limit := projections.Fold(text), projections.Limit(limit)
	rows, position, err := q.rooms(ctx, publicSQL, prefix, projections.PrefixEnd(prefix), after[0], after[1], limit+1)
	if err != nil {
		return list, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		list.NextCursor = projections.EncodeCursor(string(last.nameKey), string(last.id))
	}
	list.Position, list.Items = position, make([]wire.Room, len(rows))
	for i := range rows {
		list.Items[i] = rows[i].shape()
	}
	return list, nil
}

// Mine lists the rooms that a user is a member of, newest activity (creation, last
// message) first. Its position is the lesser one of the two views that it reads, this and
// parley/projections/messages.
func (q *Queries) Mine(ctx context.Context, userID, cursor string, limit int) (projections.List[Summary], error) {
	var list projections.List[Summary]
	before, err := activityCursor(cursor)
	if err != nil {
		return list, err
	}
	limit = projections.Limit(limit)
	rows, position, err := projections.Select(ctx, q.db, "rooms of a user", q.statements.Limited(mineSQL, limit+1),
		(*mineRow).targets, (*mineRow).found, userID, before)
	if err != nil {
		return list, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		list.NextCursor = projections.EncodeCursor(strconv.FormatInt(int64(rows[limit-1].activity), 10))
	}
	list.Position, list.Items = position, make([]Summary, len(rows))
	for i := range rows {
		if list.Items[i], err = rows[i].summary(); err != nil {
			return list, err
		}
	}
	return list, nil
}

// IDsOf is the ids of the rooms that a user is a member of, newest activity first: the
// rooms of a socket that names none. limit is not cut.
func (q *Queries) IDsOf(ctx context.Context, userID string, limit int) ([]string, event.Position, error) {
	rows, position, err := q.rooms(ctx, idsOfSQL, userID, limit)
	if err != nil {
		return nil, 0, err
	}
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = string(rows[i].id)
	}
	return ids, position, nil
}

// Member is one member of a room and the view's position (also beside an error of code NOT_A_MEMBER).
func (q *Queries) Member(ctx context.Context, roomID, userID string) (wire.Member, event.Position, error) {
	list, err := q.MembersOf(ctx, roomID, userID)
	if err != nil {
		return wire.Member{}, 0, err
	}
	if len(list.Items) == 0 {
		return wire.Member{}, list.Position, domain.Errorf(domain.CodeNotAMember, "not a member of this room")
	}
	return list.Items[0], list.Position, nil
}

// MembersOf is those of the users who are members of the room, by user id.
func (q *Queries) MembersOf(ctx context.Context, roomID string, userIDs ...string) (projections.List[wire.Member], error) {
	rows, position, err := q.members(ctx, membersOfSQL, roomID, userIDs)
	return projections.List[wire.Member]{Items: memberShapes(rows), Position: position}, err
}

// Members lists the members of a room by user id. A room that does not exist has none.
func (q *Queries) Members(ctx context.Context, roomID, cursor string, limit int) (projections.List[wire.Member], error) {
	var list projections.List[wire.Member]
	after := ""
	if cursor != "" {
		key, err := projections.DecodeCursor(cursor, 1)
		if err != nil {
			return list, err
		}
		after = key[0]
	}
	limit = projections.Limit(limit)
	rows, position, err := q.members(ctx, membersSQL, roomID, after, limit+1)
	if err != nil {
		return list, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		list.NextCursor = projections.EncodeCursor(string(rows[limit-1].userID))
	}
	list.Items, list.Position = memberShapes(rows), position
	return list, nil
}

func (q *Queries) rooms(ctx context.Context, sql string, args ...any) ([]roomRow, event.Position, error) {
	return projections.Select(ctx, q.db, "rooms", sql, (*roomRow).targets, (*roomRow).found, args...)
}

func (q *Queries) members(ctx context.Context, sql string, args ...any) ([]memberRow, event.Position, error) {
	return projections.Select(ctx, q.db, "members", sql, (*memberRow).targets, (*memberRow).found, args...)
}
