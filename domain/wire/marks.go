package wire

import "parley/domain/event"

// The names of the events about what others put on a message.
const (
	EventReactionAdded   = "reaction-added"
	EventReactionRemoved = "reaction-removed"
	EventMessagePinned   = "message-pinned"
	EventMessageUnpinned = "message-unpinned"
)

// Reaction is the payload of reaction-added and reaction-removed.
type Reaction struct {
	RoomID    string `json:"roomId"`
	MessageID string `json:"messageId"`
	Seq       int64  `json:"seq"`
	Emoji     string `json:"emoji"`
	// UserID reacted.
	UserID string `json:"userId"`
	Stamp
}

// Pin is the payload of message-pinned and message-unpinned.
type Pin struct {
	RoomID    string `json:"roomId"`
	MessageID string `json:"messageId"`
	Seq       int64  `json:"seq"`
	// UserID pinned or unpinned the message.
	UserID string `json:"userId"`
	Stamp
}

// Thread sums up the answers to a message. Clients that hear the room count on by themselves: a
// new-message whose replyTo is the message is one more.
type Thread struct {
	// ReplyCount counts deleted answers too: they are listed as tombstones.
	ReplyCount   int64 `json:"replyCount"`
	LastReplySeq int64 `json:"lastReplySeq"`
	LastReplyAt  Time  `json:"lastReplyAt"`
}

func reacted(name string, r event.Recorded, e event.Reaction) ([]Push, error) {
	return toRoom(name, e.RoomID, Reaction{
		RoomID: e.RoomID, MessageID: e.MessageID, Seq: e.Seq, Emoji: e.Emoji, UserID: e.UserID, Stamp: StampOf(r),
	})
}

func pinned(name string, r event.Recorded, e event.Pin) ([]Push, error) {
	return toRoom(name, e.RoomID, Pin{
		RoomID: e.RoomID, MessageID: e.MessageID, Seq: e.Seq, UserID: e.By, Stamp: StampOf(r),
	})
}

// Reactions are the reactions as clients see them: never null.
func Reactions(r map[string][]string) map[string][]string {
	if r == nil {
		return map[string][]string{}
	}
	return r
}
