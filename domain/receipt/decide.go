package receipt

import (
	"parley/domain/event"
	"parley/domain/room"
)

// State is what a decision about a user's cursors needs.
type State struct {
	Room    room.State
	Cursors Cursors
	// Left is what there is to read beyond the message that is marked, as far as Read needs it.
	Left Count
}

// Cursors are how far a user is in a room. The zero Cursors are at its beginning.
type Cursors struct {
	Read, Delivered int64
	// Last is the position of the last event about them, 0 for none.
	Last event.Position
}

// Evolve is c after an event about the cursors.
func (c Cursors) Evolve(r event.Recorded) Cursors {
	payload, err := r.Payload()
	if err != nil {
		return c // written by a newer build: it says nothing that this one asks
	}
	switch e := payload.(type) {
	case event.MessagesRead:
		c = Cursors{Read: e.ReadSeq, Delivered: e.DeliveredSeq, Last: r.Position}
	case event.MessagesDelivered:
		c = Cursors{Read: e.ReadSeq, Delivered: e.DeliveredSeq, Last: r.Position}
	default:
	}
	return c
}

// Message is one that somebody has come up to.
type Message struct {
	Seq int64
	ID  string
}

// Read says that the actor has read the room up to a message, which is in it.
type Read struct {
	By   room.Actor
	UpTo Message
}

// Decide gives MessagesRead, or nil for what was read before. It fails as room.State.MaySee does, and with
// NOT_A_MEMBER.
func (c Read) Decide(s State) (event.Event, error) {
	if err := s.mayMark(c.By); err != nil {
		return nil, err
	}
	if c.UpTo.Seq <= s.Cursors.Read {
		return nil, nil
	}
	return event.MessagesRead{
		Receipt: event.Receipt{
			RoomID: s.Room.ID, UserID: c.By.ID, Seq: c.UpTo.Seq, MessageID: c.UpTo.ID,
			ReadSeq: c.UpTo.Seq, DeliveredSeq: max(c.UpTo.Seq, s.Cursors.Delivered),
		},
		UnreadCount: s.Left.Unread, MentionCount: s.Left.Mentions,
	}, nil
}

// Deliver says that a device of the actor has received the room up to a message, which is in it.
type Deliver struct {
	By   room.Actor
	UpTo Message
}

// Decide gives MessagesDelivered, or nil for what was delivered before. It fails as Read does.
func (c Deliver) Decide(s State) (event.Event, error) {
	if err := s.mayMark(c.By); err != nil {
		return nil, err
	}
	if c.UpTo.Seq <= s.Cursors.Delivered {
		return nil, nil
	}
	return event.MessagesDelivered{Receipt: event.Receipt{
		RoomID: s.Room.ID, UserID: c.By.ID, Seq: c.UpTo.Seq, MessageID: c.UpTo.ID,
		ReadSeq: s.Cursors.Read, DeliveredSeq: c.UpTo.Seq,
	}}, nil
}

// MayMark fails unless the actor is a member of the room.
func MayMark(s room.State, by room.Actor) error {
	if err := s.MaySee(by); err != nil {
		return err
	}
	if _, isMember := s.Members.Get(by.ID); !isMember {
		return room.ErrNotAMember()
	}
	return nil
}

func (s State) mayMark(by room.Actor) error { return MayMark(s.Room, by) }
