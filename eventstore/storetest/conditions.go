package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"parley/domain/event"
	"parley/eventstore"
)

func conditionRules() map[string]func(*testing.T, Opened) {
	return map[string]func(*testing.T, Opened){
		"each kind":                         eachCondition,
		"the first that fails is named":     firstFailure,
		"of many writers one wins":          oneWinner,
		"a condition may be on any stream":  otherStream,
		"another id of the append is taken": laterIDTaken,
	}
}

func eachCondition(t *testing.T, o Opened) {
	message := Sent(t, "a")
	must(t, o.Log, of(message, Left(t, "a")))
	deleted := must(t, o.Log, of(Deleted(t, "a", message.ID)))
	subject, absent := message.ID.String(), NewID()
	for _, c := range []struct {
		condition eventstore.Condition
		holds     bool
		actual    int64
	}{
		{eventstore.StreamAt("messages-a", 2), true, 0},
		{eventstore.StreamAt("messages-a", 1), false, 2},
		{eventstore.StreamAt("messages-a", 3), false, 2},
		{eventstore.StreamAt("messages-none", 0), true, 0},
		{eventstore.StreamAt("messages-none", 1), false, 0},
		{eventstore.StreamExists("room-a"), true, 0},
		{eventstore.StreamExists("room-none"), false, 0},
		{eventstore.EventAbsent(absent), true, 0},
		{eventstore.EventAbsent(message.ID), false, 0},
		{eventstore.EventPresent(message.ID), true, 0},
		{eventstore.EventPresent(absent), false, 0},
		{eventstore.SubjectAt(subject, deleted.Last()), true, 0},
		{eventstore.SubjectAt(subject, 0), false, int64(deleted.Last())},
		{eventstore.SubjectAt(absent.String(), 0), true, 0},
		{eventstore.SubjectAt(absent.String(), 1), false, 0},
	} {
		a := on(of(Left(t, "elsewhere")), c.condition)
		if c.holds {
			must(t, o.Log, a)
			continue
		}
		conflict := conflicts(t, o.Log, a)
		if conflict.Index != 0 || conflict.Condition != c.condition || conflict.Actual != c.actual {
			t.Errorf("%s: %+v, want actual %d", c.condition, conflict, c.actual)
		}
	}
}

func firstFailure(t *testing.T, o Opened) {
	conflict := conflicts(t, o.Log, on(of(Left(t, "a")), eventstore.StreamAt("room-a", 0),
		eventstore.StreamAt("room-a", 4), eventstore.StreamExists("room-b")))
	if conflict.Index != 1 || conflict.Condition != eventstore.StreamAt("room-a", 4) {
		t.Errorf("conflict %+v, want condition 1", conflict)
	}
}

func oneWinner(t *testing.T, o Opened) {
	const rounds, writers = 5, 12
	for round := range rounds {
		var wins atomic.Int32
		var wg sync.WaitGroup
		for w := range writers {
			log := []eventstore.Log{o.Log, o.Other}[w%2]
			wg.Go(func() {
				_, err := log.Append(waiting(t), on(of(Left(t, "a")), eventstore.StreamAt("room-a", int64(round))))
				switch _, conflict := errors.AsType[*eventstore.ConflictError](err); {
				case err == nil:
					wins.Add(1)
				case !conflict:
					t.Errorf("append: %v", err)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Fatalf("round %d: %d writers won", round, wins.Load())
		}
	}
	if events := all(t, o.Log); len(events) != rounds {
		t.Errorf("%d events stored, want %d", len(events), rounds)
	}
}

func otherStream(t *testing.T, o Opened) {
	must(t, o.Log, of(Left(t, "a")))
	send := func() eventstore.Append {
		return on(of(Sent(t, "a")), eventstore.StreamAt("room-a", 1))
	}
	must(t, o.Log, send())
	must(t, o.Other, send()) // senders do not disturb each other
	must(t, o.Log, of(Left(t, "a")))
	if conflict := conflicts(t, o.Other, send()); conflict.Actual != 2 {
		t.Errorf("actual %d, want 2", conflict.Actual)
	}
}

func laterIDTaken(t *testing.T, o Opened) {
	taken := Left(t, "a")
	must(t, o.Log, of(taken))
	conflict := conflicts(t, o.Log, of(Left(t, "a"), taken))
	if conflict.Index != -1 {
		t.Errorf("conflict %+v, want index -1", conflict)
	}
	if events := all(t, o.Log); len(events) != 1 {
		t.Errorf("%d events stored, want 1", len(events))
	}
}

func idempotenceRules() map[string]func(*testing.T, Opened) {
	return map[string]func(*testing.T, Opened){
		"a repetition answers with what was stored":  repetition,
		"a repetition looks at no condition":         repetitionUnconditional,
		"a storm of repetitions stores one":          repetitionStorm,
		"repetitions submitted together store one":   repetitionsTogether,
		"what another node stored is repeated alike": repetitionElsewhere,
	}
}

func repetition(t *testing.T, o Opened) {
	a := of(Sent(t, "a"), Left(t, "a"))
	first := must(t, o.Log, a)
	must(t, o.Log, of(Sent(t, "a")))
	second := must(t, o.Log, a)
	if first.Duplicate || !second.Duplicate {
		t.Errorf("duplicate: first %v, second %v", first.Duplicate, second.Duplicate)
	}
	same(t, second.Events, first.Events)
}

func repetitionUnconditional(t *testing.T, o Opened) {
	a := on(of(Left(t, "a")), eventstore.StreamAt("room-a", 0))
	must(t, o.Log, a)
	if r := must(t, o.Log, a); !r.Duplicate {
		t.Error("not a duplicate")
	}
}

func repetitionElsewhere(t *testing.T, o Opened) {
	a := of(Sent(t, "a"))
	first := must(t, o.Log, a)
	second := must(t, o.Other, a)
	if !second.Duplicate {
		t.Error("not a duplicate")
	}
	same(t, second.Events, first.Events)
}

func repetitionStorm(t *testing.T, o Opened) {
	appends := make([]eventstore.Append, 5)
	for i := range appends {
		appends[i] = of(Sent(t, fmt.Sprint("r", i)))
	}
	var stored atomic.Int32
	var wg sync.WaitGroup
	for w := range 10 {
		log := []eventstore.Log{o.Log, o.Other}[w%2]
		wg.Go(func() {
			for i := range 25 {
				r, err := log.Append(waiting(t), appends[(i+w)%len(appends)])
				if err != nil {
					t.Errorf("append: %v", err)
				} else if !r.Duplicate {
					stored.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if events := all(t, o.Log); len(events) != len(appends) || int(stored.Load()) != len(appends) {
		t.Errorf("%d events stored, %d answers say so, want %d", len(events), stored.Load(), len(appends))
	}
}

func repetitionsTogether(t *testing.T, o Opened) {
	var b burst
	a := of(Sent(t, "a"), Left(t, "a"))
	for range 40 {
		b.submit(t.Context(), o.Log, a)
		b.submit(t.Context(), o.Log, of(Sent(t, "a")))
	}
	var first []event.Recorded
	for i, answer := range b.wait(t) {
		if answer.err != nil {
			t.Fatalf("append %d: %v", i, answer.err)
		}
		if i == 0 {
			first = answer.result.Events
		} else if i%2 == 0 {
			same(t, answer.result.Events, first)
		}
		if answer.result.Duplicate != (i > 0 && i%2 == 0) {
			t.Errorf("append %d: duplicate %v", i, answer.result.Duplicate)
		}
	}
	CheckOrder(t, all(t, o.Log))
}
