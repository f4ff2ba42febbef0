package event

import (
	"maps"
	"slices"
)

// Marks are what others have put on a message.
type Marks struct {
	// Reactions are the ids of the users of each emoji, in the order in which they reacted.
	Reactions map[string][]string `json:"reactions,omitempty"`
	Pinned    bool                `json:"pinned,omitempty"`
}

// Reacted are the marks with a user's emoji among them; m stays as it is.
func (m Marks) Reacted(emoji, userID string) Marks {
	if m.Has(emoji, userID) {
		return m
	}
	m.Reactions = maps.Clone(m.Reactions)
	if m.Reactions == nil {
		m.Reactions = map[string][]string{}
	}
	m.Reactions[emoji] = slices.Concat(m.Reactions[emoji], []string{userID})
	return m
}

// Unreacted are the marks without a user's emoji; m stays as it is.
func (m Marks) Unreacted(emoji, userID string) Marks {
	if !m.Has(emoji, userID) {
		return m
	}
	m.Reactions = maps.Clone(m.Reactions)
	users := slices.DeleteFunc(slices.Clone(m.Reactions[emoji]), func(id string) bool { return id == userID })
	if m.Reactions[emoji] = users; len(users) == 0 {
		delete(m.Reactions, emoji)
	}
	if len(m.Reactions) == 0 {
		m.Reactions = nil
	}
	return m
}

// Has reports whether the user has put the emoji there.
func (m Marks) Has(emoji, userID string) bool { return slices.Contains(m.Reactions[emoji], userID) }

// Count is how many reactions there are.
func (m Marks) Count() int {
	n := 0
	for _, users := range m.Reactions {
		n += len(users)
	}
	return n
}

// Reaction is one emoji of one user on one message.
type Reaction struct {
	RoomID    string `json:"roomId"`
	MessageID string `json:"messageId"`
	// Seq is that of the MessageSent event.
	Seq    int64  `json:"seq"`
	Emoji  string `json:"emoji"`
	UserID string `json:"userId"`
	// After are all marks of the message once this has happened. It is there now and then, so that nobody
	// has to read a message's whole past to know its marks.
	After *Marks `json:"after,omitempty"`
}

// ReactionAdded puts an emoji on a message.
type ReactionAdded struct{ Reaction }

// ReactionRemoved takes it away.
type ReactionRemoved struct{ Reaction }

// Pin is about one message.
type Pin struct {
	RoomID    string `json:"roomId"`
	MessageID string `json:"messageId"`
	// Seq is that of the MessageSent event.
	Seq int64  `json:"seq"`
	By  string `json:"by"`
}

// MessagePinned holds a message up.
type MessagePinned struct{ Pin }

// MessageUnpinned ends that.
type MessageUnpinned struct{ Pin }

// Type is the wire name.
func (ReactionAdded) Type() string { return TypeReactionAdded }

// Type is the wire name.
func (ReactionRemoved) Type() string { return TypeReactionRemoved }

// Type is the wire name.
func (MessagePinned) Type() string { return TypeMessagePinned }

// Type is the wire name.
func (MessageUnpinned) Type() string { return TypeMessageUnpinned }

// Stream is the room's message stream.
func (e Reaction) Stream() Stream { return MessagesStream(e.RoomID) }

// Stream is the room's message stream.
func (e Pin) Stream() Stream { return MessagesStream(e.RoomID) }

func (ReactionAdded) isEvent()   {}
func (ReactionRemoved) isEvent() {}
func (MessagePinned) isEvent()   {}
func (MessageUnpinned) isEvent() {}
