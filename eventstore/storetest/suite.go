package storetest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

// Opened is an empty log and two doors to it, as two processes have them.
type Opened struct {
	Log, Other eventstore.Log
}

// Suite proves that what open makes is a log. Each call of open makes a new, empty one, which goes
// away when its test ends.
func Suite(t *testing.T, open func(t *testing.T) Opened) {
	t.Helper()
	for _, part := range []struct {
		name  string
		rules map[string]func(*testing.T, Opened)
	}{
		{"append", appendRules()},
		{"conditions", conditionRules()},
		{"idempotence", idempotenceRules()},
		{"again", againRules()},
		{"order", orderRules()},
		{"limits", limitRules()},
		{"read", readRules()},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			for name, rule := range part.rules {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					rule(t, open(t))
				})
			}
		})
	}
}

// patience bounds every wait of the suite. No rule comes near it.
const patience = 30 * time.Second

// NewID is a random event id.
func NewID() event.ID {
	var id event.ID
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// Sent is a message to a room, ready to append.
func Sent(tb testing.TB, room string) event.New {
	tb.Helper()
	id := NewID()
	return encode(tb, id, event.MessageSent{Message: event.Message{
		RoomID: room, MessageID: id.String(), Content: "hello",
		Sender: event.Sender{ID: "u1", Username: "ann"},
	}})
}

// Deleted is the deletion of a message.
func Deleted(tb testing.TB, room string, message event.ID) event.New {
	tb.Helper()
	return encode(tb, NewID(), event.MessageDeleted{RoomID: room, MessageID: message.String()})
}

// Left is a fact about a room that numbers nothing.
func Left(tb testing.TB, room string) event.New {
	tb.Helper()
	return encode(tb, NewID(), event.MemberLeft{RoomID: room, UserID: "u1", Username: "ann"})
}

func encode(tb testing.TB, id event.ID, e event.Event) event.New {
	tb.Helper()
	n, err := event.Encode(id, event.Metadata{UserID: "u1", Node: "n1"}.Encode(), e)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// of is an append of these events on no condition.
func of(events ...event.New) eventstore.Append { return eventstore.Append{Events: events} }

func on(a eventstore.Append, conditions ...eventstore.Condition) eventstore.Append {
	a.Conditions = conditions
	return a
}

func waiting(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, log eventstore.Log, a eventstore.Append) eventstore.Result {
	t.Helper()
	result, err := log.Append(waiting(t), a)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	if len(result.Events) != len(a.Events) {
		t.Fatalf("append of %d events answered with %d", len(a.Events), len(result.Events))
	}
	return result
}

func conflicts(t *testing.T, log eventstore.Log, a eventstore.Append) *eventstore.ConflictError {
	t.Helper()
	_, err := log.Append(waiting(t), a)
	conflict, ok := errors.AsType[*eventstore.ConflictError](err)
	if !ok {
		t.Fatalf("append: %v, want a conflict", err)
	}
	return conflict
}

func refused(t *testing.T, log eventstore.Log, a eventstore.Append, code domain.Code) {
	t.Helper()
	if _, err := log.Append(waiting(t), a); err == nil || domain.CodeOf(err) != code {
		t.Fatalf("append: %v, want %s", err, code)
	}
}

func all(t *testing.T, log eventstore.Reader) []event.Recorded {
	t.Helper()
	var events []event.Recorded
	for {
		page, err := log.All(waiting(t), event.Position(len(events)), 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return events
		}
		events = append(events, page...)
	}
}

// burst submits many appends before it waits for any answer.
type burst struct {
	wg sync.WaitGroup
	mu sync.Mutex

	answers []answer
}

type answer struct {
	result eventstore.Result
	err    error
	calls  int
}

func (b *burst) submit(ctx context.Context, log eventstore.Log, a eventstore.Append) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := len(b.answers)
	b.answers = append(b.answers, answer{})
	b.wg.Add(1)
	log.Submit(ctx, a, func(r eventstore.Result, err error) {
		go func() { // a refusal calls back from Submit itself
			b.mu.Lock()
			defer b.mu.Unlock()
			calls := b.answers[i].calls + 1
			b.answers[i] = answer{r, err, calls}
			if calls == 1 {
				b.wg.Done()
			}
		}()
	})
}

// wait returns the answers in the order of submit.
func (b *burst) wait(t *testing.T) []answer {
	t.Helper()
	done := make(chan struct{})
	go func() { b.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("an append was never answered")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, a := range b.answers {
		if a.calls != 1 {
			t.Fatalf("append %d was answered %d times", i, a.calls)
		}
	}
	return b.answers
}

// CheckOrder fails unless events are a whole log: positions, versions and seqs without gaps, in
// order, ids unique, and time that never goes back.
func CheckOrder(tb testing.TB, events []event.Recorded) {
	tb.Helper()
	type tail struct{ version, seq int64 }
	streams := map[event.Stream]tail{}
	ids := map[event.ID]bool{}
	at := time.Time{}
	for i, e := range events {
		s := streams[e.Stream]
		s.version++
		if e.Type == event.TypeMessageSent {
			s.seq++
		}
		streams[e.Stream] = s
		if err := check(e, event.Position(i+1), s.version, s.seq); err != nil {
			tb.Fatal(err)
		}
		if ids[e.ID] {
			tb.Fatalf("id %s is in the log twice", e.ID)
		}
		ids[e.ID] = true
		if e.RecordedAt.Before(at) {
			tb.Fatalf("time goes back at position %d", e.Position)
		}
		at = e.RecordedAt
	}
}

func check(e event.Recorded, pos event.Position, version, seq int64) error {
	if e.Position != pos || e.Version != version || e.Seq != seq {
		return fmt.Errorf("%s is at position %d, version %d, seq %d; want %d, %d, %d",
			e.Type, e.Position, e.Version, e.Seq, pos, version, seq)
	}
	return nil
}

func same(t *testing.T, got, want []event.Recorded) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d events, want %d", len(got), len(want))
	}
	for i := range got {
		g, w := mustJSON(t, got[i]), mustJSON(t, want[i])
		if g != w {
			t.Fatalf("event %d is\n%s, want\n%s", i, g, w)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
