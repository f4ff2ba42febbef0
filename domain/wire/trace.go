package wire

import "parley/domain/event"

// Way is what became of an event after it was stored, as far as it is remembered.
type Way struct {
	// StoredAt is when the node that stored it knew so; nil when that is not remembered.
	StoredAt *Time `json:"storedAt"`
	// Published is nil when that is not remembered, or when nobody could be told.
	Published   *Publication `json:"published"`
	Projections []Projection `json:"projections"`
	Deliveries  []Delivery   `json:"deliveries"`
	// Complete is false while other nodes cannot be heard of.
	Complete bool `json:"complete"`
}

// Publication is when the other nodes were told of an event.
type Publication struct {
	By string `json:"by"`
	At Time   `json:"at"`
}

// Projection is when a view showed an event.
type Projection struct {
	View string `json:"view"`
	Node string `json:"node"`
	At   Time   `json:"at"`
	// Position is up to where the view was with that.
	Position event.Position `json:"position"`
}

// Delivery is when a node had handed an event to its sockets.
type Delivery struct {
	Node string `json:"node"`
	At   Time   `json:"at"`
	// Sockets is how often a socket was given one of the events that the node had handed on by then: Events of them.
	Sockets int64 `json:"sockets"`
	Events  int64 `json:"events"`
}

// Arrival is when a socket of this node was heard to ask for something, and when it was answered.
type Arrival struct {
	ReceivedAt Time `json:"receivedAt"`
	AnsweredAt Time `json:"answeredAt"`
}
