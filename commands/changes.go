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
	var history []event.Recorded
	if snap.State.MayWrite(by) == nil { // others learn nothing about messages
		var whole bool
		if history, whole, err = a.history(ctx, t.c.MessageID); err != nil {
			return none, fmt.Errorf("read message %s: %w", t.c.MessageID, err)
		}
		state.Message = message.Fold(message.Message{}, history...)
		state.Message.Outdated = !whole
	}
	e, err := message.Edit{By: by, Content: t.c.Content, MaxLength: a.cfg.MaxMessageLength}.Decide(state)
	if err != nil {
		return none, err
	}
	unchanged, err := shown(history)
	return decision[wire.Message]{
		event: e, unchanged: unchanged, stored: func(r event.Recorded) (wire.Message, error) {
			return shown([]event.Recorded{r})
		},
		conditions: a.stillMember(
			&t.reading, snap, by.ID, stillActive(author), eventstore.EventAbsent(message.DeletedID(t.c.MessageID)),
		),
	}, err
}

// maxHistory bounds how many events about a message an edit reads to find its present words.
const maxHistory = 32

// history reads a message and what changed it, in order. When that is too much, it is whether
// there is such a message and whether it was deleted, and whole is false.
func (a *app) history(ctx context.Context, id string) (found []event.Recorded, whole bool, err error) {
	parsed, err := event.ParseID(id)
	if err != nil {
		return nil, false, message.ErrNotFound()
	}
	if found, err = a.Log.About(ctx, parsed, maxHistory); err == nil && len(found) == maxHistory {
		found, err = a.Log.ByID(ctx, parsed, message.DeletedID(id))
		return found, false, err
	}
	return found, true, err
}

// shown is a message as the last of these events leaves it.
func shown(history []event.Recorded) (wire.Message, error) {
	for _, r := range slices.Backward(history) {
		payload, err := r.Payload()
		if err != nil {
			return wire.Message{}, err
		}
		switch e := payload.(type) {
		case event.MessageSent:
			return wire.NewMessage(r, e), nil
		case event.MessageEdited:
			return wire.EditedMessage(r, e), nil
		default:
		}
	}
	return wire.Message{}, message.ErrNotFound()
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
