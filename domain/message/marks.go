package message

import (
	"fmt"
	"strings"
	"unicode"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/room"
	"parley/domain/text"
)

// Limits of the reactions to one message.
const (
	// MaxEmojiLength is in bytes.
	MaxEmojiLength = 64
	MaxEmojis      = 20
	MaxReactions   = 1000
)

// CheckEmoji fails with INVALID_PAYLOAD (emoji) for what nobody could show as one sign: nothing, too
// much, white space, control characters. Names such as +1 are welcome.
func CheckEmoji(emoji string) error {
	if emoji == "" || len(emoji) > MaxEmojiLength || !text.Printable(emoji) || strings.IndexFunc(emoji, unicode.IsSpace) >= 0 {
		return domain.Invalid("emoji", fmt.Sprintf("must be 1 to %d bytes without white space and control characters", MaxEmojiLength))
	}
	return nil
}

// React puts an emoji on State.Message.
type React struct {
	By    room.Actor
	Emoji string
	// Alone says that the event is stored only if nothing else happens to the message meanwhile. It may
	// then tell all marks, see event.Reaction.
	Alone bool
}

// Decide gives ReactionAdded, or nil for an emoji that the actor has put there before. It fails as
// room.State.MayWrite does, with MESSAGE_NOT_FOUND, MESSAGE_DELETED, and with INVALID_PAYLOAD (emoji)
// when the message has all the reactions that it can hold.
func (c React) Decide(s State) (event.Event, error) {
	if err := s.reactable(c.By); err != nil {
		return nil, err
	}
	marks := s.Message.Marks
	if marks.Has(c.Emoji, c.By.ID) {
		return nil, nil
	}
	if _, known := marks.Reactions[c.Emoji]; !known && len(marks.Reactions) >= MaxEmojis {
		return nil, domain.Invalid("emoji", fmt.Sprintf("is one too many: the message has %d different ones", MaxEmojis))
	}
	if marks.Count() >= MaxReactions {
		return nil, domain.Invalid("emoji", fmt.Sprintf("is one too many: the message has %d reactions", MaxReactions))
	}
	return event.ReactionAdded{Reaction: s.reaction(c.By, c.Emoji, c.Alone, event.Marks.Reacted)}, nil
}

// Unreact takes an emoji of the actor's from State.Message.
type Unreact struct {
	By    room.Actor
	Emoji string
	// Alone: see React.
	Alone bool
}

// Decide gives ReactionRemoved, or nil when there is nothing to remove. It fails as React does.
func (c Unreact) Decide(s State) (event.Event, error) {
	if err := s.reactable(c.By); err != nil {
		return nil, err
	}
	if !s.Message.Marks.Has(c.Emoji, c.By.ID) {
		return nil, nil
	}
	return event.ReactionRemoved{Reaction: s.reaction(c.By, c.Emoji, c.Alone, event.Marks.Unreacted)}, nil
}

func (s State) reactable(by room.Actor) error {
	if err := s.Room.MayWrite(by); err != nil {
		return err
	}
	return s.present()
}

// wholeEvery is after how many changes of the marks one of them tells them all. It waits longer when
// there are many to tell.
const wholeEvery = 64

func (s State) reaction(by room.Actor, emoji string, alone bool, change func(event.Marks, string, string) event.Marks) event.Reaction {
	m := s.Message
	e := event.Reaction{RoomID: s.Room.ID, MessageID: m.MessageID, Seq: m.Seq, Emoji: emoji, UserID: by.ID}
	if alone && m.Changes >= max(wholeEvery, m.Marks.Count()) {
		after := change(m.Marks, emoji, by.ID)
		e.After = &after
	}
	return e
}

// Pin holds State.Message up, or lets go of it.
type Pin struct {
	By room.Actor
	// Off unpins.
	Off bool
}

// Decide gives MessagePinned or MessageUnpinned, or nil when the message is so already. Owners and
// moderators may, and in a direct room both. It fails as room.State.MayPin does, with MESSAGE_NOT_FOUND
// and MESSAGE_DELETED.
func (c Pin) Decide(s State) (event.Event, error) {
	if err := s.Room.MayPin(c.By); err != nil {
		return nil, err
	}
	if err := s.present(); err != nil {
		return nil, err
	}
	if s.Message.Marks.Pinned != c.Off {
		return nil, nil
	}
	pin := event.Pin{RoomID: s.Room.ID, MessageID: s.Message.MessageID, Seq: s.Message.Seq, By: c.By.ID}
	if c.Off {
		return event.MessageUnpinned{Pin: pin}, nil
	}
	return event.MessagePinned{Pin: pin}, nil
}
