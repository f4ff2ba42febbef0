package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Position is an event's place in the log: global, gapless from 1, in commit order.
// In JSON it is a decimal string, so that no client loses digits to a double.
type Position int64

// String is the decimal form.
func (p Position) String() string { return strconv.FormatInt(int64(p), 10) }

// ParsePosition reads the decimal form: digits only, not negative.
func ParsePosition(s string) (Position, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || s[0] == '+' {
		return 0, fmt.Errorf("%.32q is not a position", s)
	}
	return Position(n), nil
}

// MarshalText makes a position a string in JSON.
func (p Position) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(p), 10), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Position) UnmarshalText(b []byte) error {
	parsed, err := ParsePosition(string(b))
	*p = parsed
	return err
}

// Metadata says where an event came from. It is stored beside the data as JSON.
type Metadata struct {
	// UserID is who asked; "" for the system itself.
	UserID string `json:"userId,omitempty"`
	// CorrelationID is shared by everything that one request caused.
	CorrelationID string `json:"correlationId,omitempty"`
	// CausationID names the command or event that caused this one.
	CausationID string `json:"causationId,omitempty"`
	// Node is the process that committed it.
	Node string `json:"node,omitempty"`
}

// New is a fact on its way into the log. Encode makes one.
type New struct {
	ID            ID
	Stream        Stream
	Type          string
	SchemaVersion int
	// Data and Metadata are stored byte for byte.
	Data, Metadata json.RawMessage
	// Subject is the id of the message that an edit, deletion, reaction or pin is about, as text, and for
	// a receipt ReceiptSubject, for an erasure ErasuresSubject; "" for anything else. All events about one subject can be read by it.
	Subject string
	// Numbered events advance the stream's Seq: MessageSent and no other.
	Numbered bool
	// Payload is what Data was encoded from.
	Payload Event
}

// Recorded is a fact in the log.
type Recorded struct {
	Position      Position        `json:"position"`
	ID            ID              `json:"id"`
	Stream        Stream          `json:"stream"`
	Version       int64           `json:"version"`
	Seq           int64           `json:"seq,omitempty"`
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schemaVersion"`
	Subject       string          `json:"subject,omitempty"`
	Data          json.RawMessage `json:"data"`
	Metadata      json.RawMessage `json:"metadata"`
	RecordedAt    time.Time       `json:"recordedAt"`

	// payload saves decoding what this process encoded itself; see Payload.
	payload Event
}

// Record places a new event in the log. Only a store calls it, after the commit.
func (n New) Record(pos Position, version, seq int64, at time.Time) Recorded {
	return Recorded{
		Position: pos, ID: n.ID, Stream: n.Stream, Version: version, Seq: seq,
		Type: n.Type, SchemaVersion: n.SchemaVersion, Subject: n.Subject,
		Data: n.Data, Metadata: n.Metadata, RecordedAt: at, payload: n.Payload,
	}
}

// Payload is the event's data as its Go type, upcast to the current schema version.
// It fails for an unknown type or data that does not fit it.
func (r Recorded) Payload() (Event, error) {
	if r.payload != nil {
		return r.payload, nil
	}
	return Decode(r.Type, r.SchemaVersion, r.Data)
}

// Decoded is r with its payload decoded once, so that every later Payload call is free.
// An event of an unknown type is returned as it is.
func (r Recorded) Decoded() Recorded {
	if p, err := r.Payload(); err == nil {
		r.payload = p
	}
	return r
}

// Meta is the metadata as a value; the zero Metadata if it cannot be read.
func (r Recorded) Meta() Metadata {
	var m Metadata
	_ = json.Unmarshal(r.Metadata, &m)
	return m
}
