package wire

import "parley/domain/event"

// EventPresenceChanged is the name of the event about how users are there.
const EventPresenceChanged = "presence-changed"

// Presence is how a user is there, as somebody sees it.
type Presence struct {
	UserID string       `json:"userId"`
	Status event.Status `json:"status"`
	Text   string       `json:"text"`
	// LastSeenAt is when what others see of it changed last; null if they have never seen the user.
	LastSeenAt *Time `json:"lastSeenAt"`
	// Position is where that was recorded; 0 for nowhere.
	Position event.Position `json:"position"`
}

// PresenceChanged is the payload of presence-changed.
type PresenceChanged struct {
	Presence
	At Time `json:"at"`
}

// Shown is what others see: an invisible user is like one who is not there.
func (p Presence) Shown() Presence {
	if p.Status == event.StatusInvisible || p.Status == event.StatusOffline {
		p.Status, p.Text = event.StatusOffline, ""
	}
	return p
}

// NewPresence is how a user is there as of an event.
func NewPresence(r event.Recorded, e event.Presence) Presence {
	return Presence{
		UserID: e.UserID, Status: e.Status, Text: e.Text,
		LastSeenAt: OptionalTime(r.RecordedAt), Position: r.Position,
	}
}

// presenceChanged tells those who watch the user what they see, and the user's own devices how it is. A device knows
// by itself that it has come or is gone, so own is empty then.
func presenceChanged(r event.Recorded, e event.Presence, own ...string) ([]Push, error) {
	p := NewPresence(r, e)
	var pushes []Push
	if !e.Unseen {
		data, err := Marshal(PresenceChanged{p.Shown(), Time(r.RecordedAt)})
		if err != nil {
			return nil, err
		}
		pushes = append(pushes, Push{Event: EventPresenceChanged, Watched: e.UserID, Data: data, Durable: true})
	}
	if len(own) == 0 {
		return pushes, nil
	}
	data, err := Marshal(PresenceChanged{p, Time(r.RecordedAt)})
	if err != nil {
		return nil, err
	}
	return append(pushes, Push{Event: EventPresenceChanged, Users: own, Data: data, Durable: true}), nil
}
