package memory_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/memory"
	"parley/eventstore/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	storetest.Suite(t, func(*testing.T) storetest.Opened {
		log := memory.New(memory.Config{})
		return storetest.Opened{Log: log, Other: log.Node(nil)}
	})
}

func TestFail(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	send := eventstore.Append{Events: []event.New{storetest.Sent(t, "a")}}
	log.Fail(errors.New("away"))
	if _, err := log.Append(t.Context(), send); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("append: %v", err)
	}
	if _, err := log.Head(t.Context()); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("head: %v", err)
	}
	log.Fail(nil)
	if _, err := log.Append(t.Context(), send); err != nil {
		t.Error(err)
	}
}

func TestClockThatGoesBackIsNotFollowed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var committed []event.Recorded
	log := memory.New(memory.Config{
		Now:      func() time.Time { now = now.Add(-time.Second); return now },
		OnCommit: func(events []event.Recorded) { committed = append(committed, events...) },
	})
	for range 3 {
		if _, err := log.Append(t.Context(), eventstore.Append{Events: []event.New{storetest.Sent(t, "a")}}); err != nil {
			t.Fatal(err)
		}
	}
	storetest.CheckOrder(t, committed)
	if len(committed) != 3 {
		t.Errorf("told of %d events", len(committed))
	}
}
