package message

import (
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/room"
)

// State is what a decision about a message needs.
type State struct {
	Room room.State
	// Message is the one to change or to answer; its zero value is one that does not exist.
	Message Message
}

// Message is a message as it is now.
type Message struct {
	event.Message
	Seq     int64
	SentAt  time.Time
	Deleted bool
	// Outdated says that there may be edits beyond this one's content.
	Outdated bool
}

// Evolve is s after one event of the room's stream, or of the message. It is total: other
// events, and those of other messages, change nothing.
func Evolve(s State, r event.Recorded) State {
	if r.Stream.Category() == event.CategoryRoom {
		s.Room = room.Evolve(s.Room, r)
		return s
	}
	s.Message = evolve(s.Message, r)
	return s
}

// Fold is a message after the events about it, which begin with its MessageSent.
func Fold(m Message, events ...event.Recorded) Message {
	for _, r := range events {
		m = evolve(m, r)
	}
	return m
}

func evolve(m Message, r event.Recorded) Message {
	payload, err := r.Payload()
	if err != nil {
		return m // written by a newer build: it says nothing that this one asks
	}
	switch e := payload.(type) {
	case event.MessageSent:
		if m.MessageID == "" {
			return Message{Message: e.Message, Seq: r.Seq, SentAt: r.RecordedAt}
		}
	case event.MessageEdited:
		if e.MessageID == m.MessageID {
			m.Message = e.Message
		}
	case event.MessageDeleted:
		if e.MessageID == m.MessageID {
			m.Deleted = true
		}
	default:
	}
	return m
}

// RepeatableID is the id of a message that its sender named: the same name gives the same id.
func RepeatableID(senderID, clientMessageID string) event.ID {
	return event.DeriveID("message", senderID, clientMessageID)
}

// DeletedID is the id of a message's MessageDeleted event.
func DeletedID(messageID string) event.ID { return event.DeriveID("message-deleted", messageID) }

// ErrNotFound is the answer for a message that is not in the room.
func ErrNotFound() *domain.Error {
	return domain.Errorf(domain.CodeMessageNotFound, "there is no such message in this room")
}

// ErrDeleted refuses what cannot be done with a message any more.
func ErrDeleted() *domain.Error {
	return domain.Errorf(domain.CodeMessageDeleted, "the message was deleted")
}

// present fails unless the message is in the room and was not deleted.
func (s State) present() error {
	switch {
	case s.Message.MessageID == "" || s.Message.RoomID != s.Room.ID:
		return ErrNotFound()
	case s.Message.Deleted:
		return ErrDeleted()
	default:
		return nil
	}
}
