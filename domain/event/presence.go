package event

// Status is how somebody wants to be seen, or StatusOffline.
type Status string

// The kinds of status. The wire contract and stored events depend on these bytes.
const (
	StatusOnline Status = "online"
	StatusAway   Status = "away"
	StatusBusy   Status = "busy"
	// StatusInvisible is somebody who is there, and whom others see as offline.
	StatusInvisible Status = "invisible"
	StatusOffline   Status = "offline"
)

// Presence is how a user is there.
type Presence struct {
	UserID string `json:"userId"`
	Status Status `json:"status"`
	Text   string `json:"text"`
	// Unseen says that others saw the user offline before, and still do.
	Unseen bool `json:"unseen,omitempty"`
}

// UserCameOnline says that the user, who was not there, is.
type UserCameOnline struct{ Presence }

// UserPresenceChanged says that the user, who is there, is so in another way.
type UserPresenceChanged struct{ Presence }

// UserWentOffline says that the user is not there any more.
type UserWentOffline struct {
	UserID string `json:"userId"`
	// Unseen says that others saw the user offline before.
	Unseen bool `json:"unseen,omitempty"`
}

// Type is the wire name.
func (UserCameOnline) Type() string { return TypeUserCameOnline }

// Type is the wire name.
func (UserPresenceChanged) Type() string { return TypeUserPresenceChanged }

// Type is the wire name.
func (UserWentOffline) Type() string { return TypeUserWentOffline }

// Stream is the user's stream of presence.
func (p Presence) Stream() Stream { return PresenceStream(p.UserID) }

// Stream is the user's stream of presence.
func (e UserWentOffline) Stream() Stream { return PresenceStream(e.UserID) }

func (UserCameOnline) isEvent()      {}
func (UserPresenceChanged) isEvent() {}
func (UserWentOffline) isEvent()     {}
