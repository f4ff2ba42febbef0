package history

import (
	"context"
	"slices"

	"parley/domain/event"
	"parley/domain/receipt"
	"parley/projections"
	"parley/projections/receipts"
)

// maxRooms is of how many of a user's rooms, the busiest of late first, unread messages are counted.
const maxRooms = 10_000

// Unread is a page of the rooms that the user is in and was in then, by id, with what was left to read in all of them. The
// cursor comes from the page before, or is "".
func (q *Queries) Unread(ctx context.Context, userID string, at event.Position, cursor string, limit int) (receipts.UnreadList, error) {
	var list receipts.UnreadList
	list.Position = at
	after, err := afterKey(cursor)
	if err != nil {
		return list, err
	}
	if limit <= 0 {
		limit = projections.MaxLimit
	}
	ids, _, err := q.rooms.IDsOf(ctx, userID, maxRooms)
	if err != nil {
		return list, err
	}
	all := map[string]receipts.Unread{}
	err = q.fold(ctx, func(r *reading) error {
		for _, id := range ids {
			left, was, err := r.unread(ctx, id, userID, at)
			if err != nil {
				return err
			}
			if was {
				all[id] = left
				list.UnreadCount += left.UnreadCount
				list.MentionCount += left.MentionCount
			}
		}
		return nil
	})
	list.Items, list.NextCursor = page(all, after, projections.Limit(limit))
	return list, err
}

// unread is what the user had left to read in a room; false if it was not in there.
func (r *reading) unread(ctx context.Context, roomID, userID string, at event.Position) (left receipts.Unread, was bool, err error) {
	came, err := r.came(ctx, roomID, userID, at)
	if err != nil || came == 0 {
		return left, false, err
	}
	from, err := r.last(ctx, event.MessagesStream(roomID), came)
	if err != nil {
		return left, false, err
	}
	start, position := receipt.Message{Seq: from.Seq}, came
	marks, err := r.log.LastAbout(ctx, event.ReceiptSubject(roomID, userID), at+1, 1)
	if err != nil {
		return left, false, err
	}
	var cursors receipt.Cursors
	for _, mark := range marks {
		cursors = cursors.Evolve(mark)
	}
	if cursors.Read > start.Seq {
		upTo, _, err := r.log.Numbered(ctx, event.MessagesStream(roomID), cursors.Read)
		if err != nil {
			return left, false, err
		}
		start.Seq, position = cursors.Read, max(position, upTo.Position)
	}
	tally := receipt.NewTally(userID, start)
	err = r.each(ctx, position, at, tally.Add, event.MessagesStream(roomID))
	count := tally.Left()
	return receipts.Unread{
		RoomID: roomID, UnreadCount: count.Unread, MentionCount: count.Mentions, ReadSeq: tally.Cursor().Seq,
	}, true, err
}

// came is where the membership began that the user had then; 0 if it had none.
func (r *reading) came(ctx context.Context, roomID, userID string, at event.Position) (came event.Position, err error) {
	err = r.each(ctx, 0, at, func(e event.Recorded) {
		payload, err := e.Payload()
		if err != nil {
			return // written by a newer build
		}
		switch p := payload.(type) {
		case event.RoomCreated:
			if slices.ContainsFunc(p.Members, func(m event.Member) bool { return m.UserID == userID }) {
				came = e.Position
			}
		case event.MemberJoined:
			if p.UserID == userID {
				came = e.Position
			}
		case event.MemberLeft:
			if p.UserID == userID {
				came = 0
			}
		case event.MemberRemoved:
			if p.UserID == userID {
				came = 0
			}
		default:
		}
	}, event.RoomStream(roomID))
	return came, err
}
