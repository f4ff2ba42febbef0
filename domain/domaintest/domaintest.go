// Package domaintest lets the tests of decisions read as sentences: given these events,
// when this is asked, then this event, or nothing, or this refusal.
package domaintest

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/domain"
	"parley/domain/event"
)

// Command is something that can be decided on a state.
type Command[S any] interface {
	Decide(s S) (event.Event, error)
}

// Case is one sentence. Exactly one of Then, Unchanged and Refused is set.
type Case[S any] struct {
	Name  string
	Given []event.Event
	When  Command[S]

	Then      event.Event
	Unchanged bool
	Refused   domain.Code
	// Fields are the names of the fields that an INVALID_PAYLOAD blames.
	Fields []string
}

// Run checks each case in a subtest of its own.
func Run[S any](t *testing.T, evolve func(S, event.Recorded) S, cases []Case[S]) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var state S
			for _, r := range Record(c.Given...) {
				state = evolve(state, r)
			}
			got, err := c.When.Decide(state)
			c.check(t, got, err)
		})
	}
}

func (c Case[S]) check(t *testing.T, got event.Event, err error) {
	t.Helper()
	if code := domain.CodeOf(err); code != c.Refused {
		t.Fatalf("answered %q (%v), want %q", code, err, c.Refused)
	}
	if c.Refused != "" {
		var refusal *domain.Error
		if !errors.As(err, &refusal) {
			t.Fatalf("refused with %T, want a *domain.Error", err)
		}
		if got := slices.Sorted(maps.Keys(refusal.Fields)); !slices.Equal(got, c.Fields) {
			t.Errorf("blamed the fields %v, want %v", got, c.Fields)
		}
		if got != nil {
			t.Errorf("refused, and gave %T all the same", got)
		}
		return
	}
	if c.Then == nil && !c.Unchanged {
		t.Fatal("the case expects nothing: set Then, Unchanged or Refused")
	}
	if diff := cmp.Diff(c.Then, got); diff != "" {
		t.Errorf("decided otherwise (-want +got):\n%s", diff)
	}
}

// Start is when the first event of Record is recorded.
func Start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// At is when the n-th event of Record is recorded, counted from 1: a second after the last.
func At(n int) time.Time { return Start().Add(time.Duration(n-1) * time.Second) }

// ID is the id of the n-th event of Record, counted from 1. A MessageSent keeps its own.
func ID(n int) event.ID { return event.ID{0: 0xee, 15: byte(n)} }

// Record places events in a log, in this order, with versions and numbers as a store would.
func Record(events ...event.Event) []event.Recorded {
	versions, seqs := map[event.Stream]int64{}, map[event.Stream]int64{}
	recorded := make([]event.Recorded, len(events))
	for i, e := range events {
		id := ID(i + 1)
		if sent, ok := e.(event.MessageSent); ok {
			if own, err := event.ParseID(sent.MessageID); err == nil {
				id = own
			}
		}
		n, err := event.Encode(id, nil, e)
		if err != nil {
			panic(err) // a sample that cannot be encoded is a mistake in the test
		}
		versions[n.Stream]++
		if n.Numbered {
			seqs[n.Stream]++
		}
		recorded[i] = n.Record(event.Position(i+1), versions[n.Stream], seqs[n.Stream], At(i+1))
	}
	return recorded
}
