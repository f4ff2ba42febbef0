package history

import (
	"time"

	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/wire"
)

// Message is a message with what follows from other events than its own. The zero Message is one that was never sent.
type Message struct {
	message.Message
	// DeletedAt is zero for a message that was not deleted.
	DeletedAt time.Time
	// Thread is nil when nobody has answered.
	Thread *wire.Thread
}

// Add takes in the events about the message, which begin with its MessageSent.
func (m *Message) Add(events ...event.Recorded) {
	m.Message = message.Fold(m.Message, events...)
	for _, r := range events {
		if r.Type == event.TypeMessageDeleted {
			m.DeletedAt = r.RecordedAt
		}
	}
}

// Shape is the message as clients see it.
func (m *Message) Shape() wire.Message {
	sent := event.Recorded{Seq: m.Seq, RecordedAt: m.SentAt, Position: max(m.Position, m.Last)}
	shown := wire.NewMessage(sent, event.MessageSent{Message: m.Message.Message})
	shown.EditedAt, shown.DeletedAt = wire.OptionalTime(m.EditedAt), wire.OptionalTime(m.DeletedAt)
	shown.Reactions, shown.Pinned, shown.Thread = wire.Reactions(m.Marks.Reactions), m.Marks.Pinned, m.Thread
	if !m.DeletedAt.IsZero() {
		shown.Content, shown.Attachments = "", []event.Attachment{}
	}
	return shown
}
