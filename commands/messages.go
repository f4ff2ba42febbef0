package commands

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/room"
	"parley/domain/text"
	"parley/domain/wire"
	"parley/eventstore"
)

func (c *Commands) fillMessages(a *app) {
	c.SendMessage = &useCase[SendMessage, wire.Message]{
		app: a, name: "send-message", tidy: tidySend, plain: plainSend, check: a.checkSend, bind: a.messageID,
		limit: a.countMessage, decide: a.sendMessage, otherwise: a.sentBefore,
	}
	c.EditMessage = &useCase[EditMessage, wire.Message]{
		app: a, name: "edit-message", tidy: tidyEdit,
		check: a.checkEdit, decide: a.editMessage,
	}
	c.DeleteMessage = &useCase[DeleteMessage, Deleted]{
		app: a, name: "delete-message", tidy: func(c *DeleteMessage) { respell(&c.MessageID) }, decide: a.deleteMessage,
		bind: func(_ Actor, c *DeleteMessage) event.ID { return message.DeletedID(c.MessageID) },
		repeated: func(*task[DeleteMessage], event.Recorded) (Deleted, error) {
			return Deleted{}, message.ErrDeleted()
		},
	}
}

func tidySend(c *SendMessage) {
	clean(&c.Content)
	respell(&c.ReplyTo)
}

// plainSend says of nearly every message, without reflection, that its tags let it pass.
func plainSend(c *SendMessage) bool {
	const attachments, mentions, clientID = 10, 50, 64 // as in the tags
	return domain.ValidID(c.RoomID) && c.ReplyTo == "" && utf8.ValidString(c.Content) && len(c.Attachments) <= attachments &&
		len(c.Mentions) <= mentions && !slices.ContainsFunc(c.Mentions, func(id string) bool { return !domain.ValidID(id) }) &&
		len(c.ClientMessageID) <= clientID && text.Printable(c.ClientMessageID)
}

func tidyEdit(c *EditMessage) {
	clean(&c.Content)
	respell(&c.MessageID)
}

func (a *app) checkSend(c *SendMessage) error {
	if err := message.CheckAttachments(c.Attachments); err != nil {
		return err
	}
	return message.CheckContent(c.Content, c.Attachments, a.cfg.MaxMessageLength)
}

// checkEdit leaves what depends on the message to the decision.
func (a *app) checkEdit(c *EditMessage) error {
	return message.CheckContent(c.Content, []event.Attachment{{}}, a.cfg.MaxMessageLength)
}

func (a *app) messageID(actor Actor, c *SendMessage) event.ID {
	if c.ClientMessageID != "" {
		return message.RepeatableID(actor.UserID, c.ClientMessageID)
	}
	return a.NewID()
}

// countMessage fails with RATE_LIMITED. What this node knows to be a repetition is free.
func (a *app) countMessage(ctx context.Context, t *task[SendMessage]) error {
	if a.cfg.RateLimitMessages == 0 || a.sent.Contains(t.id) {
		return nil
	}
	wait, err := a.Limiter.Allow(ctx, "send:"+t.actor.UserID, a.cfg.RateLimitMessages, a.cfg.RateLimitWindow)
	switch {
	case err != nil:
		return domain.Unavailable(fmt.Errorf("count a message: %w", err))
	case wait > 0:
		return &domain.Error{Code: domain.CodeRateLimited, Message: "you send too many messages", RetryAfter: wait}
	default:
		return nil
	}
}

func (a *app) sendMessage(ctx context.Context, t *task[SendMessage]) (decision[wire.Message], error) {
	none := decision[wire.Message]{}
	sender, by, err := a.actor(ctx, &t.reading, t.actor.Principal)
	if err != nil {
		return none, err
	}
	snap, err := a.room(ctx, &t.reading, t.c.RoomID)
	if err != nil {
		return none, err
	}
	state := message.State{Room: snap.State}
	conditions := a.stillMember(&t.reading, snap, by.ID, stillActive(sender))
	if t.c.ReplyTo != "" && snap.State.MayWrite(by) == nil {
		if state.Message, err = a.message(ctx, t.c.ReplyTo); err != nil {
			return none, err
		}
		conditions = append(conditions, eventstore.EventAbsent(message.DeletedID(t.c.ReplyTo)))
	}
	e, err := message.Send{
		By: by, Sender: sender.State.Sender, ID: t.id, Content: t.c.Content, Attachments: t.c.Attachments,
		ReplyTo: t.c.ReplyTo, Mentions: t.c.Mentions, ClientMessageID: t.c.ClientMessageID,
	}.Decide(state)
	return decision[wire.Message]{event: e, conditions: conditions, stored: a.newMessage}, err
}

// newMessage is the message as it was sent, by this request or the one that it repeats.
func (a *app) newMessage(r event.Recorded) (wire.Message, error) {
	payload, err := r.Payload()
	if err != nil {
		return wire.Message{}, err
	}
	e, ok := payload.(event.MessageSent)
	if !ok {
		return wire.Message{}, domain.Errorf(domain.CodeConflict, "the id belongs to something else")
	}
	if e.ClientMessageID != "" {
		a.sent.Add(r.ID, struct{}{})
	}
	return wire.NewMessage(r, e), nil
}

// sentBefore answers the repetition of a message that was stored, though by now it would be refused.
func (a *app) sentBefore(ctx context.Context, t *task[SendMessage], refusal error) (wire.Message, error) {
	if t.c.ClientMessageID == "" || !refused(refusal) {
		return wire.Message{}, refusal
	}
	found, err := a.Log.ByID(ctx, t.id)
	if err != nil || len(found) == 0 {
		return wire.Message{}, refusal
	}
	return a.newMessage(found[0])
}

// stillMember are the conditions under which what a member of the room may do is stored.
//
// The first try depends on the room's version, which all senders share and is cheap to check. When
// that has failed, the room is changing quickly, and the next try depends on the facts
// alone: the room was not archived, and this membership has not ended.
func (a *app) stillMember(
	r *reading, s *snapshot[room.State], userID string, more ...eventstore.Condition,
) []eventstore.Condition {
	m, isMember := s.State.Members.Get(userID)
	if !r.again || !isMember {
		return append(more, eventstore.StreamAt(event.RoomStream(s.State.ID), s.Version))
	}
	return append(
		more,
		eventstore.EventAbsent(room.ArchivedID(s.State.ID)),
		eventstore.EventAbsent(room.EndedID(s.State.ID, userID, m)),
	)
}

// message reads a message and whether it was deleted; its content may be older than an edit.
func (a *app) message(ctx context.Context, id string) (message.Message, error) {
	parsed, err := event.ParseID(id)
	if err != nil {
		return message.Message{}, message.ErrNotFound()
	}
	found, err := a.Log.ByID(ctx, parsed, message.DeletedID(id))
	if err != nil {
		return message.Message{}, fmt.Errorf("read message %s: %w", id, err)
	}
	return message.Fold(message.Message{}, found...), nil
}
