package eventstore

import (
	"fmt"

	"parley/domain"
	"parley/domain/event"
)

// Limits of the names in one event, in bytes. They keep index entries small.
const (
	maxNameBytes = 256
	maxTypeBytes = 64
)

// Validate returns INVALID_PAYLOAD for an Append that no store takes: without events, beyond
// the limits, or with an event that lacks an id, a stream or a type, or whose id it holds twice.
func (a *Append) Validate() error {
	switch {
	case len(a.Events) == 0:
		return domain.Invalid("events", "must not be empty")
	case len(a.Events) > MaxEvents:
		return domain.Invalid("events", fmt.Sprintf("must be at most %d", MaxEvents))
	case len(a.Conditions) > MaxConditions:
		return domain.Invalid("conditions", fmt.Sprintf("must be at most %d", MaxConditions))
	case a.Size() > MaxBytes:
		return domain.Invalid("events", fmt.Sprintf("must be at most %d bytes", MaxBytes))
	}
	for i := range a.Events {
		if problem := invalid(&a.Events[i]); problem != "" {
			return domain.Invalid(fmt.Sprintf("events[%d]", i), problem)
		}
	}
	for i, c := range a.Conditions {
		if c.Kind < ConditionStreamAt || c.Kind > ConditionSubjectAt {
			return domain.Invalid(fmt.Sprintf("conditions[%d]", i), "is of an unknown kind")
		}
		if len(c.Stream) > maxNameBytes || len(c.Subject) > maxNameBytes {
			return domain.Invalid(fmt.Sprintf("conditions[%d]", i), "names something too long")
		}
	}
	return a.validateDistinct()
}

func invalid(e *event.New) string {
	switch {
	case e.ID.IsZero():
		return "has no id"
	case e.Stream == "" || len(e.Stream) > maxNameBytes:
		return "has no stream, or one with too long a name"
	case e.Type == "" || len(e.Type) > maxTypeBytes:
		return "has no type, or one with too long a name"
	case len(e.Subject) > maxNameBytes:
		return "has too long a subject"
	case e.SchemaVersion < 1 || e.SchemaVersion > 1<<15-1:
		return "has no schema version"
	default:
		return ""
	}
}

func (a *Append) validateDistinct() error {
	if len(a.Events) == 1 {
		return nil
	}
	seen := make(map[event.ID]struct{}, len(a.Events))
	for i := range a.Events {
		if _, twice := seen[a.Events[i].ID]; twice {
			return domain.Invalid(fmt.Sprintf("events[%d]", i), "has the id of another event")
		}
		seen[a.Events[i].ID] = struct{}{}
	}
	return nil
}

// Size is about what the events take, in bytes.
func (a *Append) Size() int {
	size := 0
	for i := range a.Events {
		e := &a.Events[i]
		size += len(e.Data) + len(e.Metadata) + len(e.Stream) + len(e.Subject) + eventOverhead
	}
	return size
}

// eventOverhead stands for the columns of fixed width.
const eventOverhead = 64
