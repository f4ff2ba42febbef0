package event

// Receipt says how far somebody has come in a room.
type Receipt struct {
	RoomID string `json:"roomId"`
	UserID string `json:"userId"`
	// Seq and MessageID name the message that was reached, and with it all before it.
	Seq       int64  `json:"seq"`
	MessageID string `json:"messageId"`
	// ReadSeq and DeliveredSeq are both of the user's cursors after the event, so that the last event
	// about them tells where they are. What the user has sent moves them too, without an event.
	ReadSeq      int64 `json:"readSeq"`
	DeliveredSeq int64 `json:"deliveredSeq"`
}

// MessagesRead says that a member has read a room up to a message.
type MessagesRead struct {
	Receipt
	// UnreadCount and MentionCount are what is left to read, and how much of it names the user.
	UnreadCount  int64 `json:"unreadCount"`
	MentionCount int64 `json:"mentionCount"`
}

// MessagesDelivered says that a device of a member has received a room up to a message.
type MessagesDelivered struct{ Receipt }

// Type is the wire name.
func (MessagesRead) Type() string { return TypeMessagesRead }

// Type is the wire name.
func (MessagesDelivered) Type() string { return TypeMessagesDelivered }

// Stream is the room's stream of receipts.
func (r Receipt) Stream() Stream { return ReceiptsStream(r.RoomID) }

func (MessagesRead) isEvent()      {}
func (MessagesDelivered) isEvent() {}

// ReceiptSubject is the subject of a user's receipts in a room.
func ReceiptSubject(roomID, userID string) string {
	return DeriveID("receipts", roomID, userID).String()
}
