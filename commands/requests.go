package commands

import (
	"parley/domain/event"
	"parley/domain/wire"
)

// The requests. Their JSON names are the payloads of the wire contract, section 3; both
// edges decode into them. The validate tags are checked by the pipeline, which names
// each field that fails; limits that are settings (MAX_MESSAGE_LENGTH) are checked there too.

// RegisterUser makes an account known to the log. Registering the same user again changes
// nothing and answers with the account as it is.
type RegisterUser struct {
	UserID      string `json:"userId" validate:"required,id"`
	Username    string `json:"username" validate:"required,max=64,printable"`
	DisplayName string `json:"displayName" validate:"max=128,printable"`
	AvatarURL   string `json:"avatarUrl" validate:"omitempty,max=2048,weburl"`
}

// ChangeProfile changes the actor's own profile; nil leaves a field as it is.
type ChangeProfile struct {
	DisplayName *string `json:"displayName" validate:"omitempty,max=128,printable"`
	AvatarURL   *string `json:"avatarUrl" validate:"omitempty,max=2048,weburl|len=0"`
}

// UserRef names a user (admin commands).
type UserRef struct {
	UserID string `json:"userId" validate:"required,id"`
}

// RoomRef names a room.
type RoomRef struct {
	RoomID string `json:"roomId" validate:"required,id"`
}

// CreateRoom opens a room. The creator becomes its owner. A direct room names one other
// user; asking for it again answers with the room that the pair has.
type CreateRoom struct {
	ID        string         `json:"id" validate:"omitempty,id"`
	Name      string         `json:"name" validate:"required_unless=Type direct,max=100,printable"`
	Type      event.RoomType `json:"type" validate:"required,oneof=public private direct"`
	Topic     string         `json:"topic" validate:"max=500,text"`
	MemberIDs []string       `json:"memberIds" validate:"max=1000,dive,required,id"`
}

// UpdateRoom changes name or topic; nil leaves a field as it is.
type UpdateRoom struct {
	RoomID string  `json:"roomId" validate:"required,id"`
	Name   *string `json:"name" validate:"omitempty,min=1,max=100,printable"`
	Topic  *string `json:"topic" validate:"omitempty,max=500,text"`
}

// AddMember invites a user. Role defaults to member.
type AddMember struct {
	RoomID string           `json:"roomId" validate:"required,id"`
	UserID string           `json:"userId" validate:"required,id"`
	Role   event.MemberRole `json:"role" validate:"omitempty,oneof=owner moderator member"`
}

// RemoveMember puts a member out.
type RemoveMember struct {
	RoomID string `json:"roomId" validate:"required,id"`
	UserID string `json:"userId" validate:"required,id"`
}

// SetRole gives a member another role.
type SetRole struct {
	RoomID string           `json:"roomId" validate:"required,id"`
	UserID string           `json:"userId" validate:"required,id"`
	Role   event.MemberRole `json:"role" validate:"required,oneof=owner moderator member"`
}

// SendMessage says something in a room. With a ClientMessageID a repetition answers with
// the first message and stores nothing.
type SendMessage struct {
	RoomID          string             `json:"roomId" validate:"required,id"`
	Content         string             `json:"content" validate:"text"`
	Attachments     []event.Attachment `json:"attachments" validate:"max=10"`
	ReplyTo         string             `json:"replyTo" validate:"omitempty,uuid"`
	Mentions        []string           `json:"mentions" validate:"max=50,dive,required,id"`
	ClientMessageID string             `json:"clientMessageId" validate:"max=64,printable"`
}

// EditMessage replaces the content of the actor's own message.
type EditMessage struct {
	RoomID    string `json:"roomId" validate:"required,id"`
	MessageID string `json:"messageId" validate:"required,uuid"`
	Content   string `json:"content" validate:"text"`
}

// DeleteMessage leaves a tombstone.
type DeleteMessage struct {
	RoomID    string `json:"roomId" validate:"required,id"`
	MessageID string `json:"messageId" validate:"required,uuid"`
}

// React puts an emoji on a message, or takes the actor's own away.
type React struct {
	RoomID    string `json:"roomId" validate:"required,id"`
	MessageID string `json:"messageId" validate:"required,uuid"`
	Emoji     string `json:"emoji"`
}

// MessageRef names a message.
type MessageRef struct {
	RoomID    string `json:"roomId" validate:"required,id"`
	MessageID string `json:"messageId" validate:"required,uuid"`
}

// Mark says how far the actor has read or received a room: up to a message that it names by its id or by
// its seq (the id counts if there are both). A seq beyond the last message stands for the last one.
type Mark struct {
	RoomID    string `json:"roomId" validate:"required,id"`
	MessageID string `json:"messageId" validate:"required_without=Seq,omitempty,uuid"`
	Seq       *int64 `json:"seq" validate:"omitempty,min=0"`
}

// The answers. Those that are shapes of their own are in parley/domain/wire. Each
// answer of a durable command says where it was recorded.

// Done is the answer of a command that has nothing else to say.
type Done struct {
	Position event.Position `json:"position"`
}

// Joined is the answer to JoinRoom.
type Joined struct {
	Room wire.Room `json:"room"`
	// Joined is false when the actor was a member before: nothing was stored.
	Joined bool `json:"-"`
	// Position is that of the MemberJoined event, or of the room's last own event.
	Position event.Position `json:"position"`
}

// Left is the answer to LeaveRoom.
type Left struct {
	RoomID   string         `json:"roomId"`
	Position event.Position `json:"position"`
}

// Member is the answer to AddMember and SetRole.
type Member struct {
	wire.Member
	Position event.Position `json:"position"`
}

// Deleted is the answer to DeleteMessage.
type Deleted struct {
	MessageID string         `json:"messageId"`
	Seq       int64          `json:"seq"`
	Position  event.Position `json:"position"`
}

// Reacted is the answer to AddReaction and RemoveReaction.
type Reacted struct {
	MessageID string `json:"messageId"`
	// Reactions are those of the message, each with the ids of its users. They are as of Position, unless
	// others reacted to the message at the same moment: their reactions may be missing, and are pushed.
	Reactions map[string][]string `json:"reactions"`
	Position  event.Position      `json:"position"`
}

// Read is the answer to MarkRead.
type Read struct {
	RoomID string `json:"roomId"`
	// Seq is up to where the actor has read now.
	Seq int64 `json:"seq"`
	// UnreadCount and MentionCount are what is left.
	UnreadCount  int64          `json:"unreadCount"`
	MentionCount int64          `json:"mentionCount"`
	Position     event.Position `json:"position"`
}

// Delivered is the answer to MarkDelivered.
type Delivered struct {
	RoomID   string         `json:"roomId"`
	Seq      int64          `json:"seq"`
	Position event.Position `json:"position"`
}
