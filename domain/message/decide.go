package message

import (
	"slices"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/room"
)

// Send says something. State.Message is the message that ReplyTo names.
type Send struct {
	By room.Actor
	// Sender is the actor as the message names it.
	Sender      event.Sender
	ID          event.ID
	Content     string
	Attachments []event.Attachment
	// ReplyTo is a message id, or "".
	ReplyTo string
	// Mentions of users that are not in the room, of the sender, or repeated are dropped.
	Mentions        []string
	ClientMessageID string
}

// Decide gives MessageSent. It fails as room.State.MayWrite does, and with
// MESSAGE_NOT_FOUND or MESSAGE_DELETED for a message that cannot be answered.
func (c Send) Decide(s State) (event.Event, error) {
	if err := s.Room.MayWrite(c.By); err != nil {
		return nil, err
	}
	if c.ReplyTo != "" {
		if err := s.present(); err != nil {
			return nil, err
		}
	}
	return event.MessageSent{DirectTo: counterpart(s.Room, c.By.ID), Message: event.Message{
		RoomID: s.Room.ID, MessageID: c.ID.String(), Sender: c.Sender, Content: c.Content,
		Attachments: c.Attachments, ReplyTo: c.ReplyTo, Mentions: mentioned(s.Room, c.By.ID, c.Mentions),
		ClientMessageID: c.ClientMessageID,
	}}, nil
}

// counterpart is the other member of a direct room, "" of other rooms.
func counterpart(r room.State, self string) string {
	if r.Type == event.RoomDirect {
		for id := range r.Members.All() {
			if id != self {
				return id
			}
		}
	}
	return ""
}

// mentioned are the members among ids, in the order they were named first.
func mentioned(r room.State, sender string, ids []string) []string {
	var kept []string
	for _, id := range ids {
		if _, isMember := r.Members.Get(id); isMember && id != sender && !slices.Contains(kept, id) {
			kept = append(kept, id)
		}
	}
	return kept
}

// Edit replaces the content of State.Message.
type Edit struct {
	By      room.Actor
	Content string
	// MaxLength is what CheckContent allows.
	MaxLength int
}

// Decide gives MessageEdited. Only the author may (FORBIDDEN). It fails as
// room.State.MayWrite does, with MESSAGE_NOT_FOUND, MESSAGE_DELETED, and as CheckContent.
func (c Edit) Decide(s State) (event.Event, error) {
	if err := s.Room.MayWrite(c.By); err != nil {
		return nil, err
	}
	if err := s.present(); err != nil {
		return nil, err
	}
	if s.Message.Sender.ID != c.By.ID {
		return nil, domain.Errorf(domain.CodeForbidden, "only its author may edit a message")
	}
	if err := CheckContent(c.Content, s.Message.Attachments, c.MaxLength); err != nil {
		return nil, err
	}
	if c.Content == s.Message.Content {
		return nil, nil
	}
	next := s.Message.Message
	next.Content = c.Content
	return event.MessageEdited{Message: next, Seq: s.Message.Seq, SentAt: s.Message.SentAt, Marks: s.Message.Marks}, nil
}

// Delete takes State.Message away.
type Delete struct {
	By room.Actor
}

// Decide gives MessageDeleted. It fails as room.State.MayWrite or, for the messages of
// others, as room.State.MayModerate does, and with MESSAGE_NOT_FOUND or MESSAGE_DELETED.
func (c Delete) Decide(s State) (event.Event, error) {
	if err := s.mayReach(c.By); err != nil {
		return nil, err
	}
	if err := s.present(); err != nil {
		return nil, err
	}
	if s.Message.Sender.ID != c.By.ID {
		if err := s.Room.MayModerate(c.By); err != nil {
			return nil, err
		}
	}
	return event.MessageDeleted{
		RoomID: s.Room.ID, MessageID: s.Message.MessageID, Seq: s.Message.Seq,
		Author: s.Message.Sender.ID, By: c.By.ID,
	}, nil
}

// mayReach lets members in, and admins who are not.
func (s State) mayReach(by room.Actor) error {
	if by.Admin {
		return s.Room.MayModerate(by)
	}
	return s.Room.MayWrite(by)
}
