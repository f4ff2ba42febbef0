package wire

// The names of the events about who is typing. They are told once, and stored nowhere.
const (
	EventTypingStarted = "typing-started"
	EventTypingStopped = "typing-stopped"
)

// Typing is the payload of typing-started.
type Typing struct {
	RoomID   string `json:"roomId"`
	UserID   string `json:"userId"`
	Username string `json:"username"`
	// ExpiresAt is when it is over if nothing else is told.
	ExpiresAt Time `json:"expiresAt"`
}

// TypingStopped is the payload of typing-stopped.
type TypingStopped struct {
	RoomID   string `json:"roomId"`
	UserID   string `json:"userId"`
	Username string `json:"username"`
}
