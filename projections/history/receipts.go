package history

import (
	"context"
	"slices"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
	"parley/projections/receipts"
)

// Receipts is a page of those who were in a room, by user id, with how far each was. The cursor comes from the page
// before, or is "".
func (q *Queries) Receipts(
	ctx context.Context, roomID string, at event.Position, cursor string, limit int,
) (projections.List[receipts.Receipt], error) {
	list := projections.List[receipts.Receipt]{Position: at}
	after, err := afterKey(cursor)
	if err != nil {
		return list, err
	}
	if limit <= 0 {
		limit = projections.MaxLimit
	}
	err = q.fold(ctx, func(r *reading) error {
		cursors := NewCursors()
		err := r.each(ctx, 0, at, func(e event.Recorded) {
			if !moves(e.Type) {
				return
			}
			if payload, err := e.Payload(); err == nil { // else written by a newer build
				cursors.Add(e, payload)
			}
		}, event.RoomStream(roomID), event.MessagesStream(roomID), event.ReceiptsStream(roomID))
		list.Items, list.NextCursor = page(cursors.receipts(), after, projections.Limit(limit))
		return err
	})
	return list, err
}

// Cursors are where the users of a room are. They are counted in the simplest way: what was said, less what was deleted. Make
// one with NewCursors.
type Cursors struct {
	users   map[string]*cursor
	deleted map[int64]bool
	last    int64
}

type cursor struct {
	member              bool
	base                int64 // where the room was when the member came
	read, delivered     int64
	readAt, deliveredAt time.Time
	mentions            []int64
}

// Left is where a member is, and what there is to read from there on.
type Left struct {
	Cursor    int64 `json:"cursor"`
	Delivered int64 `json:"delivered"`
	Unread    int64 `json:"unread"`
	Mentions  int64 `json:"mentions"`
}

// NewCursors are those of a room in which nothing has happened.
func NewCursors() *Cursors { return &Cursors{users: map[string]*cursor{}, deleted: map[int64]bool{}} }

// moves reports whether Add has anything to do with such events. The others need not be decoded.
func moves(typ string) bool {
	switch typ {
	case event.TypeRoomCreated, event.TypeMemberJoined, event.TypeMemberLeft, event.TypeMemberRemoved,
		event.TypeMessageSent, event.TypeMessageDeleted, event.TypeMessagesRead, event.TypeMessagesDelivered:
		return true
	default:
		return false
	}
}

// Add takes in an event of one of the room's three streams.
func (c *Cursors) Add(r event.Recorded, payload event.Event) {
	switch e := payload.(type) {
	case event.RoomCreated:
		for _, m := range e.Members {
			c.joined(m.UserID)
		}
	case event.MemberJoined:
		c.joined(e.UserID)
	case event.MemberLeft:
		c.of(e.UserID).member = false
	case event.MemberRemoved:
		c.of(e.UserID).member = false
	case event.MessageSent:
		c.last = r.Seq
		sender := c.of(e.Sender.ID)
		sender.reach(&sender.read, &sender.readAt, r.Seq, r.RecordedAt)
		sender.reach(&sender.delivered, &sender.deliveredAt, r.Seq, r.RecordedAt)
		for _, who := range slices.Compact(slices.Sorted(slices.Values(e.Mentions))) {
			c.of(who).mentions = append(c.of(who).mentions, r.Seq)
		}
	case event.MessageDeleted:
		c.deleted[e.Seq] = true
	case event.MessagesRead:
		reader := c.of(e.UserID)
		reader.reach(&reader.read, &reader.readAt, e.Seq, r.RecordedAt)
		reader.reach(&reader.delivered, &reader.deliveredAt, e.Seq, r.RecordedAt)
	case event.MessagesDelivered:
		reader := c.of(e.UserID)
		reader.reach(&reader.delivered, &reader.deliveredAt, e.Seq, r.RecordedAt)
	default:
	}
}

func (c *Cursors) of(userID string) *cursor {
	if c.users[userID] == nil {
		c.users[userID] = &cursor{}
	}
	return c.users[userID]
}

func (c *Cursors) joined(userID string) { u := c.of(userID); u.member, u.base = true, c.last }

func (*cursor) reach(cursor *int64, at *time.Time, seq int64, when time.Time) {
	if seq > *cursor {
		*cursor, *at = seq, when
	}
}

// Left is what each member has left to read.
func (c *Cursors) Left() map[string]Left {
	deleted := make([]int64, 0, len(c.deleted))
	for seq := range c.deleted {
		deleted = append(deleted, seq)
	}
	slices.Sort(deleted)
	all := map[string]Left{}
	for who, u := range c.users {
		if !u.member {
			continue
		}
		l := Left{Cursor: max(u.base, u.read), Delivered: u.delivered}
		first, _ := slices.BinarySearch(deleted, l.Cursor+1)
		l.Unread = c.last - l.Cursor - int64(len(deleted)-first)
		for _, seq := range u.mentions {
			if seq > l.Cursor && !c.deleted[seq] {
				l.Mentions++
			}
		}
		all[who] = l
	}
	return all
}

func (c *Cursors) receipts() map[string]receipts.Receipt {
	all := map[string]receipts.Receipt{}
	for who, u := range c.users {
		if u.member {
			all[who] = receipts.Receipt{
				UserID: who, ReadSeq: u.read, DeliveredSeq: u.delivered,
				ReadAt: wire.OptionalTime(u.readAt), DeliveredAt: wire.OptionalTime(u.deliveredAt),
			}
		}
	}
	return all
}
