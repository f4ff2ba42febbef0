package wire

import (
	"encoding/json"
	"fmt"
	"time"

	"parley/domain/event"
)

// The names of the events that the server sends.
const (
	EventNewMessage     = "new-message"
	EventMessageEdited  = "message-edited"
	EventMessageDeleted = "message-deleted"
	EventRoomCreated    = "room-created"
	EventRoomUpdated    = "room-updated"
	EventRoomArchived   = "room-archived"
	EventUserJoined     = "user-joined"
	EventUserLeft       = "user-left"
	EventMemberUpdated  = "member-updated"
	EventNotification   = "notification"

	EventSession        = "session"
	EventError          = "error"
	EventServerDraining = "server-draining"
	EventResyncRequired = "resync-required"
	EventTokenExpiring  = "token-expiring" //nolint:gosec // the name of an event, no credential
)

// BatchPrefix stands before the name of the event of which a batch has the payloads.
const BatchPrefix = "batch:"

// Push is one thing to tell sockets.
type Push struct {
	// Event is the name that the client listens to.
	Event string
	// Room addresses the sockets that are subscribed to the room. "" addresses nobody.
	Room string
	// Users addresses every socket of these users, subscribed or not. A socket that is
	// addressed both ways gets the push once.
	Users []string
	// Watched addresses the sockets that watch this user. "" addresses nobody.
	Watched string
	// Data is the encoded payload: one JSON object.
	Data json.RawMessage
	// Durable pushes carry a position; a client that comes back gets those it missed.
	// The others (notification) are told once.
	Durable bool
}

// Stamp is what every durable payload carries.
type Stamp struct {
	Position event.Position `json:"position"`
	At       Time           `json:"at"`
}

// StampOf is where and when r was recorded.
func StampOf(r event.Recorded) Stamp {
	return Stamp{Position: r.Position, At: Time(r.RecordedAt)}
}

// MessageDeleted is the payload of message-deleted.
type MessageDeleted struct {
	RoomID    string `json:"roomId"`
	MessageID string `json:"messageId"`
	Seq       int64  `json:"seq"`
	// UserID deleted the message.
	UserID string `json:"userId"`
	Stamp
}

// Membership is the payload of user-joined and user-left.
type Membership struct {
	RoomID   string           `json:"roomId"`
	UserID   string           `json:"userId"`
	Username string           `json:"username"`
	Role     event.MemberRole `json:"role,omitempty"`
	By       string           `json:"by"`
	Reason   string           `json:"reason,omitempty"`
	Stamp
}

// MemberUpdated is the payload of member-updated.
type MemberUpdated struct {
	RoomID string `json:"roomId"`
	Member
	By string `json:"by"`
	Stamp
}

// RoomChanged is the payload of room-created, room-updated and room-archived: the room,
// with roomId beside id so that every durable payload of a room is found by the same key.
type RoomChanged struct {
	Room
	RoomID string `json:"roomId"`
	At     Time   `json:"at"`
}

// The kinds of notification.
const (
	NotifyMention = "mention"
	NotifyInvite  = "invite"
	NotifyDirect  = "direct"
)

// Notification is the payload of notification.
type Notification struct {
	Kind      string `json:"kind"`
	RoomID    string `json:"roomId"`
	MessageID string `json:"messageId,omitempty"`
	// From is the id of the user who caused it.
	From string `json:"from"`
}

// Pushes says what a recorded event tells, and whom. An event that concerns no socket
// gives none. It fails only for an event that this build cannot decode.
func Pushes(r event.Recorded) ([]Push, error) {
	payload, err := r.Payload()
	if err != nil {
		return nil, err
	}
	switch e := payload.(type) {
	case event.MessageSent:
		return sent(r, e), nil
	case event.MessageEdited:
		m := EditedMessage(r, e)
		return []Push{messageToRoom(EventMessageEdited, &m)}, nil
	case event.MessageDeleted:
		return toRoom(EventMessageDeleted, e.RoomID, MessageDeleted{
			RoomID: e.RoomID, MessageID: e.MessageID, Seq: e.Seq, UserID: e.By, Stamp: StampOf(r),
		})
	case event.ReactionAdded:
		return reacted(EventReactionAdded, r, e.Reaction)
	case event.ReactionRemoved:
		return reacted(EventReactionRemoved, r, e.Reaction)
	case event.MessagePinned:
		return pinned(EventMessagePinned, r, e.Pin)
	case event.MessageUnpinned:
		return pinned(EventMessageUnpinned, r, e.Pin)
	case event.MessagesRead:
		return wasRead(r, e)
	case event.MessagesDelivered:
		return toRoom(EventMessageDelivered, e.RoomID, receipt(r, e.Receipt))
	case event.UserCameOnline:
		return presenceChanged(r, e.Presence)
	case event.UserPresenceChanged:
		return presenceChanged(r, e.Presence, e.UserID)
	case event.UserWentOffline:
		return presenceChanged(r, event.Presence{UserID: e.UserID, Status: event.StatusOffline, Unseen: e.Unseen})
	case event.RoomCreated:
		return created(r, e)
	case event.RoomUpdated:
		return toRoom(EventRoomUpdated, e.RoomID, changed(r, ChangedRoom(r, e.Room, time.Time{})))
	case event.RoomArchived:
		return toRoom(EventRoomArchived, e.RoomID, changed(r, ChangedRoom(r, e.Room, r.RecordedAt)))
	case event.MemberJoined:
		return joined(r, e)
	case event.MemberLeft:
		return toRoom(EventUserLeft, e.RoomID, Membership{
			RoomID: e.RoomID, UserID: e.UserID, Username: e.Username, By: e.UserID, Stamp: StampOf(r),
		}, e.UserID)
	case event.MemberRemoved:
		return toRoom(EventUserLeft, e.RoomID, Membership{
			RoomID: e.RoomID, UserID: e.UserID, Username: e.Username, By: e.By, Reason: e.Reason, Stamp: StampOf(r),
		}, e.UserID)
	case event.MemberRoleChanged:
		return toRoom(EventMemberUpdated, e.RoomID, MemberUpdated{
			RoomID: e.RoomID, By: e.By, Stamp: StampOf(r),
			Member: Member{UserID: e.UserID, Username: e.Username, Role: e.Role, JoinedAt: Time(e.JoinedAt)},
		})
	case event.UserRegistered, event.UserProfileChanged, event.UserDeactivated, event.UserReactivated, event.UserErased:
		return nil, nil
	default:
		return nil, fmt.Errorf("no push is known for %T", e)
	}
}

// sent also notifies those whom the message names or, in a direct room, the one whom it is for: once.
func sent(r event.Recorded, e event.MessageSent) []Push {
	m := NewMessage(r, e)
	push := messageToRoom(EventNewMessage, &m)
	kind, users := NotifyMention, e.Mentions
	if e.DirectTo != "" {
		kind, users = NotifyDirect, []string{e.DirectTo}
	}
	if len(users) == 0 {
		return []Push{push}
	}
	n := Notification{Kind: kind, RoomID: e.RoomID, MessageID: e.MessageID, From: e.Sender.ID}
	return []Push{push, notification(&n, users)}
}

func messageToRoom(name string, m *Message) Push {
	return Push{Event: name, Room: m.RoomID, Data: m.AppendJSON(make([]byte, 0, m.size())), Durable: true}
}

func notification(n *Notification, users []string) Push {
	return Push{Event: EventNotification, Users: users, Data: n.appendJSON(make([]byte, 0, n.size()))}
}

func created(r event.Recorded, e event.RoomCreated) ([]Push, error) {
	members := make([]string, len(e.Members))
	for i, m := range e.Members {
		members[i] = m.UserID
	}
	data, err := Marshal(changed(r, NewRoom(r, e)))
	if err != nil {
		return nil, err
	}
	return []Push{{Event: EventRoomCreated, Users: members, Data: data, Durable: true}}, nil
}

func joined(r event.Recorded, e event.MemberJoined) ([]Push, error) {
	pushes, err := toRoom(EventUserJoined, e.RoomID, Membership{
		RoomID: e.RoomID, UserID: e.UserID, Username: e.Username, Role: e.Role, By: e.By, Stamp: StampOf(r),
	}, e.UserID)
	if err != nil || e.By == e.UserID {
		return pushes, err
	}
	n := Notification{Kind: NotifyInvite, RoomID: e.RoomID, From: e.By}
	return append(pushes, notification(&n, []string{e.UserID})), nil
}

func changed(r event.Recorded, room Room) RoomChanged {
	return RoomChanged{Room: room, RoomID: room.ID, At: Time(r.RecordedAt)}
}

func toRoom(name, roomID string, payload any, users ...string) ([]Push, error) {
	data, err := Marshal(payload)
	if err != nil {
		return nil, err
	}
	return []Push{{Event: name, Room: roomID, Users: users, Data: data, Durable: true}}, nil
}
