package wire

import "parley/domain/event"

// The names of the events about what was read.
const (
	EventMessageRead      = "message-read"
	EventMessageDelivered = "message-delivered"
	EventUnreadChanged    = "unread-changed"
)

// Receipt is the payload of message-read and message-delivered: the user has come up to the message.
type Receipt struct {
	RoomID    string `json:"roomId"`
	UserID    string `json:"userId"`
	Seq       int64  `json:"seq"`
	MessageID string `json:"messageId"`
	Stamp
}

// Unread is the payload of unread-changed: what the user has left to read in the room. Deleted messages
// and the user's own do not count.
type Unread struct {
	RoomID       string `json:"roomId"`
	UnreadCount  int64  `json:"unreadCount"`
	MentionCount int64  `json:"mentionCount"`
}

func receipt(r event.Recorded, e event.Receipt) Receipt {
	return Receipt{RoomID: e.RoomID, UserID: e.UserID, Seq: e.Seq, MessageID: e.MessageID, Stamp: StampOf(r)}
}

// wasRead tells the room, and all devices of the user what is left.
func wasRead(r event.Recorded, e event.MessagesRead) ([]Push, error) {
	pushes, err := toRoom(EventMessageRead, e.RoomID, receipt(r, e.Receipt))
	if err != nil {
		return nil, err
	}
	data, err := Marshal(Unread{RoomID: e.RoomID, UnreadCount: e.UnreadCount, MentionCount: e.MentionCount})
	if err != nil {
		return nil, err
	}
	return append(pushes, Push{Event: EventUnreadChanged, Users: []string{e.UserID}, Data: data}), nil
}

// NothingLeft tells all devices of a user who has said something that there is nothing left to read: also those that do
// not hear the room.
func NothingLeft(roomID, userID string) (Push, error) {
	data, err := Marshal(Unread{RoomID: roomID})
	return Push{Event: EventUnreadChanged, Users: []string{userID}, Data: data}, err
}
