package wire

import (
	"encoding/json"

	"parley/domain/event"
)

// Wanted names the part of the log that a consumer is told. An event must fit each of the three; an empty list wants
// everything.
type Wanted struct {
	Types      []string       `json:"types"`
	Streams    []event.Stream `json:"streams"`
	Categories []string       `json:"categories"`
}

// Place is where to read the log from: after a position, or after what was recorded by a time (RFC 3339). Only one of
// them may be given.
type Place struct {
	Position *string `json:"position"`
	Time     *string `json:"time"`
}

// ConsumerRequest is what a consumer shall be.
type ConsumerRequest struct {
	Wanted
	Place
}

// Consumer is a named reader of the log that keeps its own position.
type Consumer struct {
	Name string `json:"name"`
	// Owner is the user who made it.
	Owner string `json:"owner"`
	Wanted
	// Position is up to where everything was acknowledged.
	Position event.Position `json:"position"`
	// Head is the end of the log, and Lag the number of events between the two, wanted or not.
	Head      event.Position `json:"head"`
	Lag       int64          `json:"lag"`
	CreatedAt Time           `json:"createdAt"`
	// AckedAt is when something was acknowledged, and SeenAt about when events were asked for.
	AckedAt *Time `json:"ackedAt"`
	SeenAt  *Time `json:"seenAt"`
}

// ConsumerPage is what follows after a consumer's position.
type ConsumerPage struct {
	// Items are envelopes of the log.
	Items []json.RawMessage `json:"items"`
	// Position is what to acknowledge once the items are done with. It may be beyond the last of them.
	Position event.Position `json:"position"`
	Head     event.Position `json:"head"`
	// More says that there was more to look at.
	More bool `json:"more"`
}

// WebhookRequest is what a webhook shall be.
type WebhookRequest struct {
	URL string `json:"url"`
	// Secret is "whsec_" and 24 to 64 bytes in base64; when left out the webhook keeps its own, and a new one gets one.
	Secret string `json:"secret"`
	// MaxEvents bounds the events of one delivery; 0 keeps what it was.
	MaxEvents int `json:"maxEvents"`
	Wanted
	Place
}

// WebhookState is how the deliveries of a webhook go.
type WebhookState string

// The states.
const (
	WebhookActive   WebhookState = "active"
	WebhookRetrying WebhookState = "retrying"
	WebhookParked   WebhookState = "parked"
)

// Webhook is a consumer that the log is pushed to.
type Webhook struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
	URL   string `json:"url"`
	Wanted
	MaxEvents int          `json:"maxEvents"`
	State     WebhookState `json:"state"`
	// Position is up to where everything has been delivered.
	Position event.Position `json:"position"`
	Head     event.Position `json:"head"`
	Lag      int64          `json:"lag"`
	// Attempts is how many deliveries have failed in a row, since FailingSince.
	Attempts      int   `json:"attempts"`
	FailingSince  *Time `json:"failingSince"`
	NextAttemptAt *Time `json:"nextAttemptAt"`
	ParkedAt      *Time `json:"parkedAt"`
	// LastError is the last one there was, also when all is well again.
	LastError   string `json:"lastError"`
	LastErrorAt *Time  `json:"lastErrorAt"`
	DeliveredAt *Time  `json:"deliveredAt"`
	CreatedAt   Time   `json:"createdAt"`
	// Secret is shown once, to who made the webhook without naming one.
	Secret string `json:"secret,omitempty"`
}
