package verify

import (
	"context"
	"math"
	"slices"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/room"
	"parley/domain/wire"
	"parley/projections/history"
	"parley/projections/messages"
	"parley/projections/rooms"
)

// roomFold is a room and all that is in it. Each view is folded as far as it is.
type roomFold struct {
	c        *comparison
	id       string
	state    room.State
	position event.Position
	lastSeq  int64
	messages map[string]*history.Message
	indexed  map[string]indexed
	receipts *history.Cursors
}

func newRoomFold(c *comparison, id string) *roomFold {
	return &roomFold{c: c, id: id, messages: map[string]*history.Message{}, indexed: map[string]indexed{}, receipts: history.NewCursors()}
}

func (f *roomFold) add(r event.Recorded, payload event.Event) {
	if f.c.shows(viewRooms, r) {
		switch r.Stream.Category() {
		case event.CategoryRoom:
			f.state, f.position = room.Evolve(f.state, r), r.Position
		case event.CategoryMessages:
			f.lastSeq = r.Seq
		}
	}
	if f.c.shows(viewMessages, r) && r.Stream.Category() == event.CategoryMessages {
		f.addMessage(r, payload)
	}
	if f.c.shows(viewSearch, r) {
		f.index(r, payload)
	}
	if f.c.shows(viewReceipts, r) {
		f.receipts.Add(r, payload)
	}
}

func (f *roomFold) addMessage(r event.Recorded, payload event.Event) {
	id := r.Subject
	if sent, ok := payload.(event.MessageSent); ok {
		id = sent.MessageID
		f.messages[id] = &history.Message{}
		f.answered(r, sent)
	}
	if m := f.messages[id]; m != nil {
		m.Add(r)
	}
}

func (f *roomFold) answered(r event.Recorded, answer event.MessageSent) {
	parent := f.messages[answer.ReplyTo]
	if parent == nil {
		return
	}
	if parent.Thread == nil {
		parent.Thread = &wire.Thread{}
	}
	parent.Thread.ReplyCount++
	parent.Thread.LastReplySeq, parent.Thread.LastReplyAt = r.Seq, wire.Time(r.RecordedAt)
}

func (f *roomFold) compare(ctx context.Context, c *comparison) error {
	for _, part := range []func(context.Context, *comparison) error{f.compareRoom, f.compareMembers, f.compareMessages, f.compareIndex} {
		if err := part(ctx, c); err != nil {
			return err
		}
	}
	return f.compareReceipts(ctx, c)
}

func (f *roomFold) compareRoom(ctx context.Context, c *comparison) error {
	var want, got any
	if f.state.Exists() {
		want = history.RoomShape(f.state, f.position)
	}
	shown, _, err := rooms.NewQueries(c.tx).Get(ctx, f.id)
	switch {
	case err == nil:
		got = shown
	case domain.CodeOf(err) != domain.CodeRoomNotFound:
		return err
	}
	if err := c.same(viewRooms, "room "+f.id, want, got); err != nil || want == nil || got == nil {
		return err
	}
	var last int64
	if err := c.tx.QueryRow(ctx, "SELECT last_seq FROM views.rooms WHERE id = $1", f.id).Scan(&last); err != nil {
		return err
	}
	return c.same(viewRooms, "last message of room "+f.id, f.lastSeq, last)
}

func (f *roomFold) compareMembers(ctx context.Context, c *comparison) error {
	want, got := history.MemberShapes(f.state), map[string]wire.Member{}
	for cursor := ""; ; {
		list, err := rooms.NewQueries(c.tx).Members(ctx, f.id, cursor, math.MaxInt32)
		if err != nil {
			return err
		}
		for _, m := range list.Items {
			got[m.UserID] = m
		}
		if cursor = list.NextCursor; cursor == "" {
			return sameAll(c, viewRooms, "room "+f.id+", member", want, got)
		}
	}
}

// compareMessages goes through the pages of the room, with those that must be there beside them.
func (f *roomFold) compareMessages(ctx context.Context, c *comparison) error {
	list := make([]*history.Message, 0, len(f.messages))
	for _, m := range f.messages {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *history.Message) int { return int(a.Seq - b.Seq) })
	for after := int64(0); ; {
		page, err := messages.NewQueries(c.tx).Page(ctx, f.id, messages.PageRequest{After: &after, Limit: math.MaxInt32})
		if err != nil {
			return err
		}
		want, got := map[int64]wire.Message{}, map[int64]wire.Message{}
		for _, m := range page.Items {
			got[m.Seq], after = m, m.Seq
		}
		for len(list) > 0 && (list[0].Seq <= after || !page.HasMoreAfter) {
			want[list[0].Seq], list = list[0].Shape(), list[1:]
		}
		if err := sameAll(c, viewMessages, "room "+f.id+", message", want, got); err != nil || !page.HasMoreAfter {
			return err
		}
	}
}
