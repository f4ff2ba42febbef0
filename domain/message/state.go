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
	Seq    int64
	SentAt time.Time
	// Position is that of the MessageSent event.
	Position event.Position
	// EditedAt is zero for a message that was never edited.
	EditedAt time.Time
	Deleted  bool
	Marks    event.Marks
	// Changes is how many events about the message have followed the last one that told all its marks.
	Changes int
	// Last is the position of the last event about the message, 0 for none.
	Last event.Position
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
	if e, ok := payload.(event.MessageSent); ok {
		if m.MessageID == "" {
			m = Message{Message: e.Message, Seq: r.Seq, SentAt: r.RecordedAt, Position: r.Position}
		}
		return m
	}
	if r.Subject == "" || r.Subject != m.MessageID {
		return m
	}
	m.Last = r.Position
	m.Changes++
	switch e := payload.(type) {
	case event.MessageEdited:
		m.Message, m.EditedAt = e.Message, r.RecordedAt
		m.Marks, m.Changes = e.Marks, 0
	case event.MessageDeleted:
		m.Deleted = true
	case event.ReactionAdded:
		m.react(e.Reaction, event.Marks.Reacted)
	case event.ReactionRemoved:
		m.react(e.Reaction, event.Marks.Unreacted)
	case event.MessagePinned:
		m.Marks.Pinned = true
	case event.MessageUnpinned:
		m.Marks.Pinned = false
	default:
	}
	return m
}

func (m *Message) react(e event.Reaction, change func(event.Marks, string, string) event.Marks) {
	if e.After != nil {
		m.Marks, m.Changes = *e.After, 0
		return
	}
	m.Marks = change(m.Marks, e.Emoji, e.UserID)
}

// TellsAll reports whether all marks of a message are known from r on: what came before r
// need not be folded to know them.
func TellsAll(r event.Recorded) bool {
	payload, err := r.Payload()
	if err != nil {
		return false
	}
	switch e := payload.(type) {
	case event.MessageEdited:
		return true
	case event.ReactionAdded:
		return e.After != nil
	case event.ReactionRemoved:
		return e.After != nil
	default:
		return false
	}
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
