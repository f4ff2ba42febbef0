package event

import "strings"

// Stream names where events are filed: a category, a dash, and an id, such as
// "room-7f…" or "messages-7f…". Versions count within a stream.
type Stream string

// The categories of the log.
const (
	CategoryUser     = "user"
	CategoryRoom     = "room"
	CategoryMessages = "messages"
	CategoryReceipts = "receipts"
	CategoryPresence = "presence"
)

// UserStream holds a user's account: registration, profile, deactivation.
func UserStream(userID string) Stream { return Stream(CategoryUser + "-" + userID) }

// RoomStream holds a room's life and its members.
func RoomStream(roomID string) Stream { return Stream(CategoryRoom + "-" + roomID) }

// MessagesStream holds what was said in a room: messages, edits, deletions, reactions, pins.
func MessagesStream(roomID string) Stream { return Stream(CategoryMessages + "-" + roomID) }

// ReceiptsStream holds who has read and received what in a room.
func ReceiptsStream(roomID string) Stream { return Stream(CategoryReceipts + "-" + roomID) }

// PresenceStream holds when a user was there.
func PresenceStream(userID string) Stream { return Stream(CategoryPresence + "-" + userID) }

// Category is the part before the first dash.
func (s Stream) Category() string {
	category, _, _ := strings.Cut(string(s), "-")
	return category
}

// Key is the part after the first dash: the id of the user or room.
func (s Stream) Key() string {
	_, key, _ := strings.Cut(string(s), "-")
	return key
}
