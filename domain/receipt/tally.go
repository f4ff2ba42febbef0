package receipt

import (
	"slices"

	"parley/domain/event"
)

// Count is what is left to read.
type Count struct{ Unread, Mentions int64 }

// Tally counts what a user has left to read. Make one with NewTally, or with Resume when the beginning was
// counted elsewhere, and Add the events of the room's messages in order.
type Tally struct {
	userID string
	cursor Message
	counts Count
	// left are the messages that were added and count, and whether they name the user.
	left map[int64]bool
	// own is the seq of the last message that the user sent, 0 for none.
	own int64
	// unknown are deleted messages that were counted elsewhere: whether they named the user is not known here.
	unknown []string
}

// NewTally counts from just behind a message on.
func NewTally(userID string, after Message) *Tally { return Resume(userID, after, Count{}) }

// Resume counts on.
func Resume(userID string, after Message, counted Count) *Tally {
	return &Tally{userID: userID, cursor: after, counts: counted, left: map[int64]bool{}}
}

// Add takes in an event of the room's messages.
func (t *Tally) Add(r event.Recorded) {
	payload, err := r.Payload()
	if err != nil {
		return
	}
	switch e := payload.(type) {
	case event.MessageSent:
		t.sent(r, e)
	case event.MessageDeleted:
		t.deleted(e)
	default:
	}
}

func (t *Tally) sent(r event.Recorded, e event.MessageSent) {
	switch {
	case r.Seq <= t.cursor.Seq:
	case e.Sender.ID == t.userID: // who speaks has read what was said
		*t = *NewTally(t.userID, Message{Seq: r.Seq, ID: e.MessageID})
		t.own = r.Seq
	default:
		mentions := slices.Contains(e.Mentions, t.userID)
		t.left[r.Seq] = mentions
		t.count(+1, mentions)
	}
}

func (t *Tally) deleted(e event.MessageDeleted) {
	if e.Seq <= t.cursor.Seq {
		return
	}
	mentions, known := t.left[e.Seq]
	delete(t.left, e.Seq)
	t.count(-1, mentions)
	if !known {
		t.unknown = append(t.unknown, e.MessageID)
	}
}

func (t *Tally) count(by int64, mentions bool) {
	t.counts.Unread += by
	if mentions {
		t.counts.Mentions += by
	}
}

// Cursor is where the user is: behind the message where counting began, or a later one of its own.
func (t *Tally) Cursor() Message { return t.cursor }

// Own is the seq of the last message that the user has sent behind where counting began, 0 for none.
func (t *Tally) Own() int64 { return t.own }

// Unknown are the ids of the deleted messages of which Settle has to be told.
func (t *Tally) Unknown() []string { return t.unknown }

// Settle tells what one of the Unknown messages was.
func (t *Tally) Settle(e event.MessageSent) {
	if slices.Contains(e.Mentions, t.userID) {
		t.counts.Mentions--
	}
}

// Left is what there is to read.
func (t *Tally) Left() Count { return t.counts }
