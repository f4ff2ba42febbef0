package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

func againRules() map[string]func(*testing.T, Opened) {
	return map[string]func(*testing.T, Opened){
		"a failed condition is decided again":    decidedAgain,
		"the new decision may be a refusal":      decidedToRefuse,
		"deciding again ends after MaxRetries":   givesUp,
		"under a storm all get through":          counterStorm,
		"the order of a key survives a conflict": orderSurvives,
		"a bad new decision is refused":          badDecision,
	}
}

// counter appends at the end of a stream: it decides again until it gets there.
func counter(log eventstore.Log, e event.New, calls *atomic.Int32) eventstore.Append {
	stale := eventstore.StreamAt(e.Stream, 0)
	a := eventstore.Append{Conditions: []eventstore.Condition{stale}, Events: []event.New{e}}
	a.Again = func(ctx context.Context, _ *eventstore.ConflictError) (eventstore.Append, error) {
		calls.Add(1)
		last, _, err := log.Last(ctx, e.Stream, 0)
		return on(of(e), eventstore.StreamAt(e.Stream, last.Version)), err
	}
	return a
}

func decidedAgain(t *testing.T, o Opened) {
	must(t, o.Log, of(Left(t, "a")))
	var calls atomic.Int32
	a := counter(o.Log, Left(t, "a"), &calls)
	decide := a.Again
	a.Again = func(ctx context.Context, conflict *eventstore.ConflictError) (eventstore.Append, error) {
		if conflict.Actual != 1 || conflict.Index != 0 {
			t.Errorf("told of %+v", conflict)
		}
		return decide(ctx, conflict)
	}
	r := must(t, o.Log, a)
	if r.Events[0].Version != 2 || calls.Load() != 1 {
		t.Errorf("version %d after %d calls", r.Events[0].Version, calls.Load())
	}
}

func decidedToRefuse(t *testing.T, o Opened) {
	a := on(of(Left(t, "a")), eventstore.StreamExists("room-b"))
	a.Again = func(context.Context, *eventstore.ConflictError) (eventstore.Append, error) {
		return eventstore.Append{}, domain.Errorf(domain.CodeRoomArchived, "archived")
	}
	refused(t, o.Log, a, domain.CodeRoomArchived)
}

func badDecision(t *testing.T, o Opened) {
	a := on(of(Left(t, "a")), eventstore.StreamExists("room-b"))
	a.Again = func(context.Context, *eventstore.ConflictError) (eventstore.Append, error) {
		return eventstore.Append{}, nil
	}
	refused(t, o.Log, a, domain.CodeInvalidPayload)
}

func givesUp(t *testing.T, o Opened) {
	calls := 0
	a := on(of(Left(t, "a")), eventstore.StreamExists("room-b"))
	a.Again = func(context.Context, *eventstore.ConflictError) (eventstore.Append, error) {
		calls++
		return on(of(Left(t, "a")), eventstore.StreamExists("room-b")), nil
	}
	conflicts(t, o.Log, a)
	if calls != eventstore.MaxRetries {
		t.Errorf("decided again %d times, want %d", calls, eventstore.MaxRetries)
	}
}

func counterStorm(t *testing.T, o Opened) {
	var b burst
	var calls atomic.Int32
	const n = 40
	for range n {
		// One key: each waits for the one before it, so none needs more than a try of its own.
		a := counter(o.Log, Left(t, "a"), &calls)
		a.Order = "key"
		b.submit(t.Context(), o.Log, a)
	}
	for i, a := range b.wait(t) {
		if a.err != nil {
			t.Errorf("append %d: %v", i, a.err)
		} else if v := a.result.Events[0].Version; v != int64(i+1) {
			t.Errorf("append %d is at version %d", i, v)
		}
	}
	CheckOrder(t, all(t, o.Log))
}

func orderSurvives(t *testing.T, o Opened) {
	must(t, o.Log, of(Left(t, "hot")))
	var b burst
	var calls atomic.Int32
	keys := []string{"x", "y", ""}
	const n = 60
	for i := range n {
		key := keys[i%len(keys)]
		e := Sent(t, "of-"+key)
		a := of(e)
		if i%4 == 0 { // some have to be decided again, their followers do not
			a = counter(o.Log, e, &calls)
			a.Conditions = []eventstore.Condition{eventstore.StreamAt("room-hot", 0)}
		}
		a.Order = key
		b.submit(t.Context(), o.Log, a)
	}
	last := map[string]event.Position{}
	for i, a := range b.wait(t) {
		if _, conflict := errors.AsType[*eventstore.ConflictError](a.err); a.err != nil && !conflict {
			t.Fatalf("append %d: %v", i, a.err)
		}
		if a.err != nil {
			continue
		}
		key := keys[i%len(keys)]
		if key != "" && a.result.Last() <= last[key] {
			t.Errorf("append %d of key %q is at %d, its predecessor at %d", i, key, a.result.Last(), last[key])
		}
		last[key] = max(last[key], a.result.Last())
	}
	if calls.Load() == 0 {
		t.Error("nothing was decided again")
	}
	CheckOrder(t, all(t, o.Log))
}
