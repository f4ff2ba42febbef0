package wire

import (
	"encoding/json"
	"fmt"
	"time"

	"parley/domain/event"
)

// timeFormat is RFC 3339 in UTC with milliseconds, always three digits.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Time is a moment as clients see it.
type Time time.Time

// MarshalText formats t in UTC with milliseconds.
func (t Time) MarshalText() ([]byte, error) {
	return t.append(make([]byte, 0, len(timeFormat))), nil
}

// UnmarshalText reads any RFC 3339 time.
func (t *Time) UnmarshalText(b []byte) error {
	parsed, err := time.Parse(time.RFC3339Nano, string(b))
	*t = Time(parsed)
	return err
}

// OptionalTime is nil for the zero time, which JSON shows as null.
func OptionalTime(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	w := Time(t)
	return &w
}

// Message is a message as clients see it. A deleted one has no content and no attachments.
type Message struct {
	ID              string              `json:"id"`
	RoomID          string              `json:"roomId"`
	Seq             int64               `json:"seq"`
	Sender          event.Sender        `json:"sender"`
	Content         string              `json:"content"`
	Attachments     []event.Attachment  `json:"attachments"`
	ReplyTo         *string             `json:"replyTo"`
	Mentions        []string            `json:"mentions"`
	Reactions       map[string][]string `json:"reactions"`
	Pinned          bool                `json:"pinned"`
	EditedAt        *Time               `json:"editedAt"`
	DeletedAt       *Time               `json:"deletedAt"`
	At              Time                `json:"at"`
	ClientMessageID string              `json:"clientMessageId,omitempty"`
	// Position is that of the last event that changed the message.
	Position event.Position `json:"position"`
	// Thread sums up the answers in what is fetched; nil when there are none. Pushes and acks never have it.
	Thread *Thread `json:"thread,omitempty"`
}

// Room is a room as clients see it.
type Room struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Type        event.RoomType `json:"type"`
	Topic       string         `json:"topic"`
	CreatedBy   string         `json:"createdBy"`
	CreatedAt   Time           `json:"createdAt"`
	ArchivedAt  *Time          `json:"archivedAt"`
	MemberCount int            `json:"memberCount"`
	// Position is that of the last event of the room's own stream that changed it.
	Position event.Position `json:"position"`
}

// Member is a member as clients see it.
type Member struct {
	UserID   string           `json:"userId"`
	Username string           `json:"username"`
	Role     event.MemberRole `json:"role"`
	JoinedAt Time             `json:"joinedAt"`
}

// User is an account as other users see it.
type User struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"displayName"`
	AvatarURL   string `json:"avatarUrl"`
	Active      bool   `json:"active"`
	// Position is that of the last event of the user's own stream.
	Position event.Position `json:"position"`
}

// NewMessage is the message that a MessageSent adds.
func NewMessage(r event.Recorded, e event.MessageSent) Message {
	return message(e.Message, r.Seq, r.RecordedAt, r.Position)
}

// EditedMessage is the message as a MessageEdited leaves it.
func EditedMessage(r event.Recorded, e event.MessageEdited) Message {
	m := message(e.Message, e.Seq, e.SentAt, r.Position)
	m.EditedAt = OptionalTime(r.RecordedAt)
	m.Reactions, m.Pinned = Reactions(e.Reactions), e.Pinned
	return m
}

func message(e event.Message, seq int64, sentAt time.Time, pos event.Position) Message {
	m := Message{
		ID: e.MessageID, RoomID: e.RoomID, Seq: seq, Sender: e.Sender, Content: e.Content,
		Attachments: e.Attachments, Mentions: e.Mentions, Reactions: map[string][]string{},
		At: Time(sentAt), ClientMessageID: e.ClientMessageID, Position: pos,
	}
	if e.ReplyTo != "" {
		to := e.ReplyTo // a copy, so that e stays off the heap
		m.ReplyTo = &to
	}
	if m.Attachments == nil {
		m.Attachments = []event.Attachment{}
	}
	if m.Mentions == nil {
		m.Mentions = []string{}
	}
	return m
}

// Unsaid is an encoded message as it is shown since it was deleted at that time.
func Unsaid(encoded json.RawMessage, at time.Time) (json.RawMessage, error) {
	var m Message
	if err := json.Unmarshal(encoded, &m); err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	m.Content, m.Attachments, m.DeletedAt = "", []event.Attachment{}, OptionalTime(at)
	return m.AppendJSON(make([]byte, 0, m.size())), nil
}

// NewRoom is the room that a RoomCreated opens.
func NewRoom(r event.Recorded, e event.RoomCreated) Room {
	return Room{
		ID: e.RoomID, Name: e.Name, Type: e.RoomType, Topic: e.Topic, CreatedBy: e.CreatedBy,
		CreatedAt: Time(r.RecordedAt), MemberCount: len(e.Members), Position: r.Position,
	}
}

// ChangedRoom is the room as a RoomUpdated or, with archivedAt set, a RoomArchived leaves it.
func ChangedRoom(r event.Recorded, e event.Room, archivedAt time.Time) Room {
	return Room{
		ID: e.RoomID, Name: e.Name, Type: e.RoomType, Topic: e.Topic, CreatedBy: e.CreatedBy,
		CreatedAt: Time(e.CreatedAt), ArchivedAt: OptionalTime(archivedAt),
		MemberCount: e.MemberCount, Position: r.Position,
	}
}
