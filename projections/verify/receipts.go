package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/projections/receipts"
)

// left is where a member is, and what there is to read from there on.
type left struct {
	Cursor    int64 `json:"cursor"`
	Delivered int64 `json:"delivered"`
	Unread    int64 `json:"unread"`
	Mentions  int64 `json:"mentions"`
}

// receiptsFold counts in the simplest way: what was said, less what was deleted.
type receiptsFold struct {
	members         map[string]bool
	base            map[string]int64 // where the room was when the member came
	read, delivered map[string]int64
	mentions        map[string][]int64
	deleted         map[int64]bool
	last            int64
}

func newReceiptsFold() receiptsFold {
	return receiptsFold{
		members: map[string]bool{}, base: map[string]int64{}, read: map[string]int64{}, delivered: map[string]int64{},
		mentions: map[string][]int64{}, deleted: map[int64]bool{},
	}
}

func (f *receiptsFold) add(r event.Recorded, payload event.Event) {
	switch e := payload.(type) {
	case event.RoomCreated:
		for _, m := range e.Members {
			f.joined(m.UserID)
		}
	case event.MemberJoined:
		f.joined(e.UserID)
	case event.MemberLeft:
		f.members[e.UserID] = false
	case event.MemberRemoved:
		f.members[e.UserID] = false
	case event.MessageSent:
		f.last = r.Seq
		f.read[e.Sender.ID], f.delivered[e.Sender.ID] = r.Seq, r.Seq
		for _, who := range slices.Compact(slices.Sorted(slices.Values(e.Mentions))) {
			f.mentions[who] = append(f.mentions[who], r.Seq)
		}
	case event.MessageDeleted:
		f.deleted[e.Seq] = true
	case event.MessagesRead:
		f.read[e.UserID] = max(f.read[e.UserID], e.Seq)
		f.delivered[e.UserID] = max(f.delivered[e.UserID], e.Seq)
	case event.MessagesDelivered:
		f.delivered[e.UserID] = max(f.delivered[e.UserID], e.Seq)
	default:
	}
}

func (f *receiptsFold) joined(userID string) { f.members[userID], f.base[userID] = true, f.last }

func (f *receiptsFold) left() map[string]left {
	deleted := make([]int64, 0, len(f.deleted))
	for seq := range f.deleted {
		deleted = append(deleted, seq)
	}
	slices.Sort(deleted)
	all := map[string]left{}
	for who, is := range f.members {
		if !is {
			continue
		}
		l := left{Cursor: max(f.base[who], f.read[who]), Delivered: f.delivered[who]}
		first, _ := slices.BinarySearch(deleted, l.Cursor+1)
		l.Unread = f.last - l.Cursor - int64(len(deleted)-first)
		for _, seq := range f.mentions[who] {
			if seq > l.Cursor && !f.deleted[seq] {
				l.Mentions++
			}
		}
		all[who] = l
	}
	return all
}

const leftSQL = `
SELECT u.user_id, c.seq, u.delivered_seq, l.unread, l.mentions
FROM views.receipts u
JOIN views.receipt_rooms h ON h.room_id = u.room_id
CROSS JOIN LATERAL (SELECT greatest(u.read_seq, u.base_seq) AS seq) c
CROSS JOIN LATERAL (SELECT ` + receipts.Counts + `) l
WHERE u.room_id = $1 AND u.member`

func (f *receiptsFold) compare(ctx context.Context, c *comparison, roomID string) error {
	rows, err := c.tx.Query(ctx, leftSQL, roomID)
	if err != nil {
		return fmt.Errorf("read what is left: %w", err)
	}
	got := map[string]left{}
	var (
		who string
		l   left
	)
	_, err = pgx.ForEachRow(rows, []any{&who, &l.Cursor, &l.Delivered, &l.Unread, &l.Mentions}, func() error {
		got[who] = l
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what is left: %w", err)
	}
	return sameAll(c, viewReceipts, "room "+roomID+", member", f.left(), got)
}
