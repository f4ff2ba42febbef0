// Package presence decides how users are there.
//
// A State is folded from the events of one user's stream by Evolve, which knows no rules.
// The rules are in the Decide method of each command: a pure function from the state to
// one event, or to nil (nothing has changed).
//
// Whether a user has a connection is not in the log, and nobody here asks: who says Come or Go has looked.
// A user has one presence, whatever the number of devices. What was asked for last holds for all of
// them and is kept until the last one is gone for good; the next one begins as online, or as invisible if it
// says so.
package presence

import (
	"time"
	"unicode/utf8"

	"parley/domain"
	"parley/domain/event"
)

// MaxText is how long the text may be, in Unicode code points.
const MaxText = 100

// State is how a user is there. The zero State is of one who never was.
type State struct {
	// Status is "" or StatusOffline for a user who is not there.
	Status event.Status
	Text   string
	// At is when that began; zero for a user who never was there.
	At time.Time
	// Former is how a user was there who is not any more.
	Former Seen
}

// Seen is a status and what is said with it.
type Seen struct {
	Status event.Status
	Text   string
}

// There reports whether the user is.
func (s State) There() bool { return s.Status != "" && s.Status != event.StatusOffline }

// seen reports whether others see the user.
func seen(status event.Status) bool { return status != event.StatusInvisible }

// Evolve is s after one event of the user's stream. It is total.
func Evolve(s State, r event.Recorded) State {
	payload, err := r.Payload()
	if err != nil {
		return s // written by a newer build: it says nothing that this one asks
	}
	switch e := payload.(type) {
	case event.UserCameOnline:
		s = State{Status: e.Status, Text: e.Text, At: r.RecordedAt}
	case event.UserPresenceChanged:
		s = State{Status: e.Status, Text: e.Text, At: r.RecordedAt}
	case event.UserWentOffline:
		s = State{Status: event.StatusOffline, At: r.RecordedAt, Former: Seen{s.Status, s.Text}}
	default:
	}
	return s
}

// Fold is s after some events.
func Fold(s State, events ...event.Recorded) State {
	for _, r := range events {
		s = Evolve(s, r)
	}
	return s
}

// Come says that a device of the user has connected.
type Come struct {
	UserID string
	// Invisible is what the device asks for.
	Invisible bool
	// Back says that the user was never gone: that was a mistake.
	Back bool
}

// Decide gives UserCameOnline for the first device, and for one that was never gone as it was before. A later one that
// asks to be invisible makes the user so.
func (c Come) Decide(s State) (event.Event, error) {
	switch {
	case s.There() && c.Invisible:
		return change(c.UserID, s, event.StatusInvisible, s.Text), nil
	case s.There():
		return nil, nil
	}
	as := Seen{Status: event.StatusOnline}
	if c.Back && s.Former.Status != "" {
		as = s.Former
	}
	if c.Invisible {
		as.Status = event.StatusInvisible
	}
	return came(c.UserID, as.Status, as.Text), nil
}

// Set is what a user asks for.
type Set struct {
	UserID string
	Status event.Status
	// Text is said with it; nil leaves it as it is.
	Text *string
}

// Decide gives UserPresenceChanged, or UserCameOnline if it was not known yet that the user is there. It fails with
// INVALID_PAYLOAD.
func (c Set) Decide(s State) (event.Event, error) {
	switch c.Status {
	case event.StatusOnline, event.StatusAway, event.StatusBusy, event.StatusInvisible:
	default:
		return nil, domain.Invalid("status", "must be one of: online away busy invisible")
	}
	text := s.Text
	if c.Text != nil {
		text = *c.Text
	}
	if utf8.RuneCountInString(text) > MaxText {
		return nil, domain.Invalid("text", "must be at most 100 characters")
	}
	if !s.There() {
		return came(c.UserID, c.Status, text), nil
	}
	return change(c.UserID, s, c.Status, text), nil
}

// Go says that the user's last device has been gone for long enough.
type Go struct{ UserID string }

// Decide gives UserWentOffline.
func (c Go) Decide(s State) (event.Event, error) {
	if !s.There() {
		return nil, nil
	}
	return event.UserWentOffline{UserID: c.UserID, Unseen: !seen(s.Status)}, nil
}

func came(userID string, status event.Status, text string) event.Event {
	return event.UserCameOnline{Presence: event.Presence{UserID: userID, Status: status, Text: text, Unseen: !seen(status)}}
}

func change(userID string, s State, status event.Status, text string) event.Event {
	if s.Status == status && s.Text == text {
		return nil
	}
	return event.UserPresenceChanged{Presence: event.Presence{
		UserID: userID, Status: status, Text: text, Unseen: !seen(s.Status) && !seen(status),
	}}
}
