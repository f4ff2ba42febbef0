package eventstore

import (
	"context"
	"fmt"

	"parley/domain/event"
)

// Limits of one Append. What exceeds them is refused with INVALID_PAYLOAD before it is queued.
const (
	MaxEvents     = 1000
	MaxBytes      = 4 << 20
	MaxConditions = 1100
)

// Append is what one command writes: all of its events, or nothing.
type Append struct {
	// Conditions must all hold at the moment of the commit, on any stream, not only on
	// those written.
	Conditions []Condition
	// Events are stored in this order at consecutive positions. If the id of the first one is
	// in the log already, the append is a duplicate: conditions are not looked at,
	// nothing is written, and the answer is the events as they were recorded the first time.
	Events []event.New
	// Order, when not empty, keeps appends of the same key in the order of their Submit,
	// also when one of them has to be decided again. (A socket's id, a user's id.)
	Order string
	// Again, when not nil, is asked for a new Append after a condition has failed: it reads
	// what has changed and decides once more, or returns the error to answer with. It is
	// called at most MaxRetries times, must not block for long, and its Order and Again are
	// ignored.
	Again func(ctx context.Context, conflict *ConflictError) (Append, error)
}

// MaxRetries bounds how often Append.Again is asked.
const MaxRetries = 5

// Condition is a fact about the log that an Append depends on. Make one with StreamAt,
// StreamExists, EventAbsent, EventPresent or SubjectAt.
type Condition struct {
	Kind    ConditionKind
	Stream  event.Stream   // StreamAt, StreamExists
	Version int64          // StreamAt
	ID      event.ID       // EventAbsent, EventPresent
	Subject string         // SubjectAt
	Last    event.Position // SubjectAt
}

// ConditionKind says which fact a Condition is about.
type ConditionKind int8

// The kinds of conditions.
const (
	ConditionStreamAt ConditionKind = iota + 1
	ConditionStreamExists
	ConditionEventAbsent
	ConditionEventPresent
	ConditionSubjectAt
)

// StreamAt holds while the last event of the stream has that version; 0 for no events.
func StreamAt(s event.Stream, version int64) Condition {
	return Condition{Kind: ConditionStreamAt, Stream: s, Version: version}
}

// StreamExists holds once the stream has an event.
func StreamExists(s event.Stream) Condition {
	return Condition{Kind: ConditionStreamExists, Stream: s}
}

// EventAbsent holds while no event has that id.
func EventAbsent(id event.ID) Condition {
	return Condition{Kind: ConditionEventAbsent, ID: id}
}

// EventPresent holds once an event has that id.
func EventPresent(id event.ID) Condition {
	return Condition{Kind: ConditionEventPresent, ID: id}
}

// SubjectAt holds while the last event about that subject is at that position; 0 for no
// events. (The subject's own MessageSent is not about it.)
func SubjectAt(subject string, last event.Position) Condition {
	return Condition{Kind: ConditionSubjectAt, Subject: subject, Last: last}
}

// String is for logs and errors.
func (c Condition) String() string {
	switch c.Kind {
	case ConditionStreamAt:
		return fmt.Sprintf("%s at version %d", c.Stream, c.Version)
	case ConditionStreamExists:
		return fmt.Sprintf("%s exists", c.Stream)
	case ConditionEventAbsent:
		return fmt.Sprintf("event %s absent", c.ID)
	case ConditionEventPresent:
		return fmt.Sprintf("event %s present", c.ID)
	case ConditionSubjectAt:
		return fmt.Sprintf("last event about %s at position %d", c.Subject, c.Last)
	default:
		return fmt.Sprintf("condition of unknown kind %d", c.Kind)
	}
}

// ConflictError says that a condition of an Append did not hold. Nothing was stored.
type ConflictError struct {
	// Index is that of the first condition that failed; -1 when an event's id, other than the
	// first, is in the log already.
	Index     int
	Condition Condition
	// Actual is the stream's version (StreamAt, StreamExists) or the subject's last position
	// (SubjectAt) at that moment; 0 otherwise.
	Actual int64
}

// Error names the condition.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("append condition failed: %s (actual %d)", e.Condition, e.Actual)
}

// Result is the answer to an Append.
type Result struct {
	Events []event.Recorded
	// Duplicate says that these events had been stored before, by an append with the same ids.
	Duplicate bool
}

// Last is the position of the last event, 0 if there is none.
func (r Result) Last() event.Position {
	if len(r.Events) == 0 {
		return 0
	}
	return r.Events[len(r.Events)-1].Position
}

// Appender writes to the log. It is safe for concurrent use.
//
// Both methods answer with nil, a *ConflictError, the error that Append.Again returned, or
// a *domain.Error: INVALID_PAYLOAD for an Append beyond the limits or without events,
// UNAVAILABLE when the queue is full, Postgres is away, or the appender has stopped.
type Appender interface {
	// Append queues a and waits for the answer. When ctx ends first, the answer is
	// UNAVAILABLE and the append may or may not happen.
	Append(ctx context.Context, a Append) (Result, error)
	// Submit queues a and returns. done is called exactly once, from another goroutine or,
	// for what is refused at once, from this one; it must not block. Appends are taken in
	// the order of Submit.
	Submit(ctx context.Context, a Append, done func(Result, error))
}
