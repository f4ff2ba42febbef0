package event

import "time"

// Sender is who wrote a message, as they were called at that moment.
type Sender struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"displayName"`
	AvatarURL   string `json:"avatarUrl"`
}

// Attachment is a link to a file kept elsewhere.
type Attachment struct {
	URL         string `json:"url"`
	Name        string `json:"name"`
	ContentType string `json:"contentType"`
	// Size is in bytes, as the sender states it.
	Size int64 `json:"size"`
}

// Message is what an author says. MessageID is the id of the MessageSent event.
type Message struct {
	RoomID      string       `json:"roomId"`
	MessageID   string       `json:"messageId"`
	Sender      Sender       `json:"sender"`
	Content     string       `json:"content"`
	Attachments []Attachment `json:"attachments,omitempty"`
	// ReplyTo is the id of the message this one answers, or "".
	ReplyTo string `json:"replyTo,omitempty"`
	// Mentions are user ids.
	Mentions []string `json:"mentions,omitempty"`
	// ClientMessageID is the sender's own id for the message, or "".
	ClientMessageID string `json:"clientMessageId,omitempty"`
}

// MessageSent adds a message to a room. Its Seq is the message's number in the room.
type MessageSent struct {
	Message
	// DirectTo is the other member of a direct room, who is told of the message wherever it is
	// looking; "" in other rooms.
	DirectTo string `json:"directTo,omitempty"`
}

// MessageEdited carries the whole message as it is after the edit, so that a reader of
// the log, a socket or a view needs no other event to show it.
type MessageEdited struct {
	Message
	// Seq and SentAt are those of the MessageSent event.
	Seq    int64     `json:"seq"`
	SentAt time.Time `json:"sentAt"`
	// Marks are as the edit finds and leaves them.
	Marks
}

// MessageDeleted leaves a tombstone: number and sender stay, the content is gone from
// everything that ordinary users can read.
type MessageDeleted struct {
	RoomID    string `json:"roomId"`
	MessageID string `json:"messageId"`
	// Seq is that of the MessageSent event.
	Seq int64 `json:"seq"`
	// Author wrote the message, By deleted it.
	Author string `json:"author"`
	By     string `json:"by"`
}

// Type is the wire name.
func (MessageSent) Type() string { return TypeMessageSent }

// Type is the wire name.
func (MessageEdited) Type() string { return TypeMessageEdited }

// Type is the wire name.
func (MessageDeleted) Type() string { return TypeMessageDeleted }

// Stream is the room's message stream.
func (e MessageSent) Stream() Stream { return MessagesStream(e.RoomID) }

// Stream is the room's message stream.
func (e MessageEdited) Stream() Stream { return MessagesStream(e.RoomID) }

// Stream is the room's message stream.
func (e MessageDeleted) Stream() Stream { return MessagesStream(e.RoomID) }

func (MessageSent) isEvent()    {}
func (MessageEdited) isEvent()  {}
func (MessageDeleted) isEvent() {}

// subject is the message that e is about, whose cursors it moves, or that all erasures have; "" for the message itself and
// all else.
func subject(e Event) string {
	switch e := e.(type) {
	case MessageEdited:
		return e.MessageID
	case MessageDeleted:
		return e.MessageID
	case ReactionAdded:
		return e.MessageID
	case ReactionRemoved:
		return e.MessageID
	case MessagePinned:
		return e.MessageID
	case MessageUnpinned:
		return e.MessageID
	case MessagesRead:
		return ReceiptSubject(e.RoomID, e.UserID)
	case MessagesDelivered:
		return ReceiptSubject(e.RoomID, e.UserID)
	case UserErased:
		return ErasuresSubject()
	default:
		return ""
	}
}

func numbered(e Event) bool {
	_, ok := e.(MessageSent)
	return ok
}
