package commands

import (
	"context"
	"fmt"
	"slices"

	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/wire"
	"parley/eventstore"
)

func (a *app) editMessage(ctx context.Context, t *task[EditMessage]) (decision[wire.Message], error) {
	none := decision[wire.Message]{}
	author, by, err := a.actor(ctx, &t.reading, t.actor.Principal)
	if err != nil {
		return none, err
	}
	snap, err := a.room(ctx, &t.reading, t.c.RoomID)
	if err != nil {
		return none, err
	}
	state := message.State{Room: snap.State}
	if snap.State.MayWrite(by) == nil { // others learn nothing about messages
		if state.Message, err = a.edited(ctx, t.c.MessageID); err != nil {
			return none, err
		}
	}
	e, err := message.Edit{By: by, Content: t.c.Content, MaxLength: a.cfg.MaxMessageLength}.Decide(state)
	if err != nil {
		return none, err
	}
	return decision[wire.Message]{
		event: e, unchanged: shape(state.Message), stored: editedMessage,
		conditions: a.stillMember(
			&t.reading, snap, by.ID, stillActive(author), eventstore.SubjectAt(t.c.MessageID, state.Message.Last),
		),
	}, nil
}

func editedMessage(r event.Recorded) (wire.Message, error) {
	payload, err := r.Payload()
	if err != nil {
		return wire.Message{}, err
	}
	e, ok := payload.(event.MessageEdited)
	if !ok {
		return wire.Message{}, message.ErrNotFound()
	}
	return wire.EditedMessage(r, e), nil
}

// shape is a message as clients see it. One that was never edited and has marks is like one that was sent
// with them.
func shape(m message.Message) wire.Message {
	if !m.EditedAt.IsZero() {
		r := event.Recorded{RecordedAt: m.EditedAt, Position: m.Last}
		return wire.EditedMessage(r, event.MessageEdited{Message: m.Message, Seq: m.Seq, SentAt: m.SentAt, Marks: m.Marks})
	}
	r := event.Recorded{Seq: m.Seq, RecordedAt: m.SentAt, Position: max(m.Position, m.Last)}
	shown := wire.NewMessage(r, event.MessageSent{Message: m.Message})
	shown.Reactions, shown.Pinned = wire.Reactions(m.Marks.Reactions), m.Marks.Pinned
	return shown
}

// aboutPage is how many events about a message are read at once, the last ones first.
const aboutPage = 64

// marked reads a message with its marks; its content may be older than an edit. How much is read
// follows the number of its reactions, not how often they changed.
func (a *app) marked(ctx context.Context, id string) (message.Message, error) {
	m, err := a.message(ctx, id)
	if err != nil || m.MessageID == "" || m.Deleted {
		return m, err
	}
	var since []event.Recorded
	for below := event.Position(0); ; below = since[0].Position {
		page, err := a.Log.LastAbout(ctx, id, below, aboutPage)
		if err != nil {
			return message.Message{}, fmt.Errorf("read about message %s: %w", id, err)
		}
		whole := lastIndex(page, message.TellsAll)
		since = slices.Concat(page[max(whole, 0):], since)
		if whole >= 0 || len(page) < aboutPage {
			return message.Fold(m, since...), nil
		}
	}
}

func lastIndex(events []event.Recorded, is func(event.Recorded) bool) int {
	for i, r := range slices.Backward(events) {
		if is(r) {
			return i
		}
	}
	return -1
}

// edited is marked, with the content as it is now.
func (a *app) edited(ctx context.Context, id string) (message.Message, error) {
	m, err := a.marked(ctx, id)
	if err != nil || m.MessageID == "" || m.Deleted || m.Last == 0 {
		return m, err
	}
	last, err := a.Log.LastAbout(ctx, id, 0, 1, event.TypeMessageEdited)
	if err != nil {
		return message.Message{}, fmt.Errorf("read the last edit of message %s: %w", id, err)
	}
	for _, r := range last {
		payload, err := r.Payload()
		if err != nil {
			return message.Message{}, err
		}
		if e, ok := payload.(event.MessageEdited); ok {
			m.Message, m.EditedAt = e.Message, r.RecordedAt
		}
	}
	return m, nil
}

func (a *app) deleteMessage(ctx context.Context, t *task[DeleteMessage]) (decision[Deleted], error) {
	none := decision[Deleted]{}
	u, by, err := a.actor(ctx, &t.reading, t.actor.Principal)
	if err != nil {
		return none, err
	}
	snap, err := a.room(ctx, &t.reading, t.c.RoomID)
	if err != nil {
		return none, err
	}
	state := message.State{Room: snap.State}
	if by.Admin || snap.State.MayWrite(by) == nil {
		if state.Message, err = a.message(ctx, t.c.MessageID); err != nil {
			return none, err
		}
	}
	e, err := message.Delete{By: by}.Decide(state)
	if err != nil {
		return none, err
	}
	conditions := []eventstore.Condition{stillActive(u), eventstore.StreamAt(event.RoomStream(t.c.RoomID), snap.Version)}
	if state.Message.Sender.ID == by.ID && !by.Admin { // a moderator's right hangs on its role
		conditions = a.stillMember(&t.reading, snap, by.ID, stillActive(u))
	}
	return decision[Deleted]{
		event: e, conditions: conditions, stored: func(r event.Recorded) (Deleted, error) {
			return Deleted{MessageID: state.Message.MessageID, Seq: state.Message.Seq, Position: r.Position}, nil
		},
	}, nil
}
