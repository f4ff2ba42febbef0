package event

import "time"

// RoomType says who may come in.
type RoomType string

// The room types of the wire contract.
const (
	// RoomPublic is found and joined by anyone.
	RoomPublic RoomType = "public"
	// RoomPrivate is joined by invitation; to others it does not exist.
	RoomPrivate RoomType = "private"
	// RoomDirect has exactly two members, and there is one for each pair of users.
	RoomDirect RoomType = "direct"
)

// MemberRole is a right within one room.
type MemberRole string

// The member roles of the wire contract.
const (
	RoleOwner     MemberRole = "owner"
	RoleModerator MemberRole = "moderator"
	RoleMember    MemberRole = "member"
)

// Member is a member as an event names it: the username is the one at that moment.
type Member struct {
	UserID   string     `json:"userId"`
	Username string     `json:"username"`
	Role     MemberRole `json:"role"`
}

// RoomCreated opens a room with its first members. The creator is among them.
type RoomCreated struct {
	RoomID    string   `json:"roomId"`
	Name      string   `json:"name"`
	RoomType  RoomType `json:"type"`
	Topic     string   `json:"topic"`
	CreatedBy string   `json:"createdBy"`
	Members   []Member `json:"members"`
}

// Room is a whole room as an event names it: as it is after the event, so that a socket or
// a view needs no other event to show it.
type Room struct {
	RoomID      string    `json:"roomId"`
	Name        string    `json:"name"`
	RoomType    RoomType  `json:"type"`
	Topic       string    `json:"topic"`
	CreatedBy   string    `json:"createdBy"`
	CreatedAt   time.Time `json:"createdAt"`
	MemberCount int       `json:"memberCount"`
}

// RoomUpdated gives a room another name or topic.
type RoomUpdated struct {
	Room
	By string `json:"by"`
}

// RoomArchived closes a room for good: it can be read, but nothing is added.
type RoomArchived struct {
	Room
	By string `json:"by"`
}

// MemberJoined adds a member, by itself (By is the member) or by invitation.
type MemberJoined struct {
	RoomID   string     `json:"roomId"`
	UserID   string     `json:"userId"`
	Username string     `json:"username"`
	Role     MemberRole `json:"role"`
	By       string     `json:"by"`
}

// MemberLeft says that a member went by itself.
type MemberLeft struct {
	RoomID   string `json:"roomId"`
	UserID   string `json:"userId"`
	Username string `json:"username"`
}

// MemberRemoved says that a member was put out by another.
type MemberRemoved struct {
	RoomID   string `json:"roomId"`
	UserID   string `json:"userId"`
	Username string `json:"username"`
	By       string `json:"by"`
	Reason   string `json:"reason,omitempty"`
}

// MemberRoleChanged gives a member another role.
type MemberRoleChanged struct {
	RoomID   string     `json:"roomId"`
	UserID   string     `json:"userId"`
	Username string     `json:"username"`
	Role     MemberRole `json:"role"`
	JoinedAt time.Time  `json:"joinedAt"`
	By       string     `json:"by"`
}

// Type is the wire name.
func (RoomCreated) Type() string { return TypeRoomCreated }

// Type is the wire name.
func (RoomUpdated) Type() string { return TypeRoomUpdated }

// Type is the wire name.
func (RoomArchived) Type() string { return TypeRoomArchived }

// Type is the wire name.
func (MemberJoined) Type() string { return TypeMemberJoined }

// Type is the wire name.
func (MemberLeft) Type() string { return TypeMemberLeft }

// Type is the wire name.
func (MemberRemoved) Type() string { return TypeMemberRemoved }

// Type is the wire name.
func (MemberRoleChanged) Type() string { return TypeMemberRoleChanged }

// Stream is the room's own.
func (e RoomCreated) Stream() Stream { return RoomStream(e.RoomID) }

// Stream is the room's own.
func (e RoomUpdated) Stream() Stream { return RoomStream(e.RoomID) }

// Stream is the room's own.
func (e RoomArchived) Stream() Stream { return RoomStream(e.RoomID) }

// Stream is the room's own.
func (e MemberJoined) Stream() Stream { return RoomStream(e.RoomID) }

// Stream is the room's own.
func (e MemberLeft) Stream() Stream { return RoomStream(e.RoomID) }

// Stream is the room's own.
func (e MemberRemoved) Stream() Stream { return RoomStream(e.RoomID) }

// Stream is the room's own.
func (e MemberRoleChanged) Stream() Stream { return RoomStream(e.RoomID) }

func (RoomCreated) isEvent()       {}
func (RoomUpdated) isEvent()       {}
func (RoomArchived) isEvent()      {}
func (MemberJoined) isEvent()      {}
func (MemberLeft) isEvent()        {}
func (MemberRemoved) isEvent()     {}
func (MemberRoleChanged) isEvent() {}
