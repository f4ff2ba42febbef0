package commands

import (
	"context"

	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/room"
	"parley/domain/user"
	"parley/domain/wire"
	"parley/eventstore"
)

func (c *Commands) fillMarks(a *app) {
	tidy := func(c *React) { respell(&c.MessageID) }
	check := func(c *React) error { return message.CheckEmoji(c.Emoji) }
	c.AddReaction = &useCase[React, Reacted]{
		app: a, name: "add-reaction", tidy: tidy, check: check,
		decide: func(ctx context.Context, t *task[React]) (decision[Reacted], error) {
			return a.react(ctx, t, event.Marks.Reacted, func(by room.Actor) messageCommand {
				return message.React{By: by, Emoji: t.c.Emoji, Alone: !t.again}
			})
		},
	}
	c.RemoveReaction = &useCase[React, Reacted]{
		app: a, name: "remove-reaction", tidy: tidy, check: check,
		decide: func(ctx context.Context, t *task[React]) (decision[Reacted], error) {
			return a.react(ctx, t, event.Marks.Unreacted, func(by room.Actor) messageCommand {
				return message.Unreact{By: by, Emoji: t.c.Emoji, Alone: !t.again}
			})
		},
	}
	c.PinMessage = a.pinUseCase("pin-message", false)
	c.UnpinMessage = a.pinUseCase("unpin-message", true)
}

// messageCommand decides on a message.
type messageCommand interface {
	Decide(s message.State) (event.Event, error)
}

// target is a message that somebody wants to mark.
type target struct {
	user  *snapshot[user.State]
	by    room.Actor
	room  *snapshot[room.State]
	state message.State
}

// target reads what a decision about a message's marks needs. may says who learns of the message.
func (a *app) target(
	ctx context.Context, r *reading, actor Actor, roomID, messageID string, may func(room.State, room.Actor) error,
) (target, error) {
	var t target
	var err error
	if t.user, t.by, err = a.actor(ctx, r, actor.Principal); err != nil {
		return t, err
	}
	if t.room, err = a.room(ctx, r, roomID); err != nil {
		return t, err
	}
	t.state.Room = t.room.State
	if may(t.room.State, t.by) == nil {
		t.state.Message, err = a.marked(ctx, messageID)
	}
	return t, err
}

// react decides on a reaction. The first try depends on nothing else having happened to the message, so
// that answer and limits are exact. In a storm of reactions others are faster; the next try depends on
// the message being there alone.
func (a *app) react(
	ctx context.Context, t *task[React],
	change func(event.Marks, string, string) event.Marks, command func(room.Actor) messageCommand,
) (decision[Reacted], error) {
	on, err := a.target(ctx, &t.reading, t.actor, t.c.RoomID, t.c.MessageID, room.State.MayWrite)
	if err != nil {
		return decision[Reacted]{}, err
	}
	e, err := command(on.by).Decide(on.state)
	if err != nil {
		return decision[Reacted]{}, err
	}
	m := on.state.Message
	exact := eventstore.SubjectAt(m.MessageID, m.Last)
	if t.again {
		exact = eventstore.EventAbsent(message.DeletedID(m.MessageID))
	}
	answer := func(marks event.Marks, at event.Position) Reacted {
		return Reacted{MessageID: m.MessageID, Reactions: wire.Reactions(marks.Reactions), Position: at}
	}
	return decision[Reacted]{
		event: e, unchanged: answer(m.Marks, max(m.Position, m.Last)),
		conditions: a.stillMember(&t.reading, on.room, on.by.ID, stillActive(on.user), exact),
		stored: func(r event.Recorded) (Reacted, error) {
			return answer(change(m.Marks, t.c.Emoji, on.by.ID), r.Position), nil
		},
	}, nil
}

func (a *app) pinUseCase(name string, off bool) *useCase[MessageRef, Done] {
	return &useCase[MessageRef, Done]{
		app: a, name: name, tidy: func(c *MessageRef) { respell(&c.MessageID) },
		decide: func(ctx context.Context, t *task[MessageRef]) (decision[Done], error) {
			return a.pin(ctx, t, off)
		},
	}
}

// pin depends on the room as it was seen, since the right to pin hangs on the actor's role.
func (a *app) pin(ctx context.Context, t *task[MessageRef], off bool) (decision[Done], error) {
	on, err := a.target(ctx, &t.reading, t.actor, t.c.RoomID, t.c.MessageID, room.State.MayPin)
	if err != nil {
		return decision[Done]{}, err
	}
	m := on.state.Message
	e, err := message.Pin{By: on.by, Off: off}.Decide(on.state)
	return decision[Done]{
		event: e, stored: done, unchanged: Done{Position: max(m.Position, m.Last)},
		conditions: []eventstore.Condition{
			stillActive(on.user), eventstore.StreamAt(event.RoomStream(t.c.RoomID), on.room.Version),
			eventstore.SubjectAt(m.MessageID, m.Last),
		},
	}, err
}
