package wire

import (
	"encoding/json"

	"parley/domain/event"
)

// Synced is what a client could have heard, for one that asks.
type Synced struct {
	Events []SyncedEvent `json:"events"`
	// Position is up to where the events are complete. With it the next request goes on.
	Position event.Position `json:"position"`
	// More says that there were more when it was asked.
	More bool `json:"more"`
}

// SyncedEvent is a push as it went, or would have gone, over a socket.
type SyncedEvent struct {
	Event  string          `json:"event"`
	Data   json.RawMessage `json:"data"`
	Offset event.Position  `json:"offset"`
}
