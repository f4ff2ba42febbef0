package consumers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/consumers"
	"parley/eventstore/storetest"
)

// positions are those of a page.
func positions(t *testing.T, page wire.ConsumerPage) []event.Position {
	t.Helper()
	list := []event.Position{}
	for _, item := range page.Items {
		var e struct {
			Position event.Position
			Type     string
		}
		must(t, json.Unmarshal(item, &e))
		list = append(list, e.Position)
	}
	return list
}

func upTo(from, to event.Position) (list []event.Position) {
	for p := from; p <= to; p++ {
		list = append(list, p)
	}
	return list
}

func (w *world) read(who domain.Principal, name string, limit int) wire.ConsumerPage {
	w.t.Helper()
	page, err := w.Events(w.t.Context(), who, name, limit, 0)
	must(w.t, err)
	return page
}

func TestReadingMovesNothingAndAckDoes(t *testing.T) {
	t.Parallel()
	for name, ring := range map[string]int{"from memory": 0, "from Postgres": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ada := newWorld(t, ring, consumers.Config{}), user("ada", domain.RoleAnalyst)
			w.messages("r", 25)
			for range 2 {
				page := w.read(ada, "c", 10)
				if got := positions(t, page); !slices.Equal(got, upTo(1, 10)) || page.Position != 10 || page.Head != 25 || !page.More {
					t.Fatalf("got %v, position %d, head %d, more %v", got, page.Position, page.Head, page.More)
				}
			}
			c, err := w.Ack(t.Context(), ada, "c", "10")
			if must(t, err); c.Position != 10 || c.Head != 25 || c.Lag != 15 || c.AckedAt == nil || c.SeenAt == nil {
				t.Errorf("acknowledged: %+v", c)
			}
			c, err = w.Ack(t.Context(), ada, "c", "7")
			if must(t, err); c.Position != 10 {
				t.Errorf("a late acknowledgement moved it to %d", c.Position)
			}
			page := w.read(ada, "c", 0)
			if got := positions(t, page); !slices.Equal(got, upTo(11, 25)) || page.Position != 25 || page.More {
				t.Errorf("got %v, position %d, more %v", got, page.Position, page.More)
			}
			_, err = w.Ack(t.Context(), ada, "c", "26")
			wantCode(t, "beyond the head", err, domain.CodeInvalidPayload)
			for _, bad := range []string{"", "-1", "x", "99999999999999999999"} {
				_, err = w.Ack(t.Context(), ada, "c", bad)
				wantCode(t, fmt.Sprintf("%q", bad), err, domain.CodeInvalidPayload)
			}
			if c, err = w.Get(t.Context(), ada, "c"); err != nil || c.Position != 10 {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

func TestRewindRepeats(t *testing.T) {
	t.Parallel()
	w, ada := newWorld(t, 0, consumers.Config{}), user("ada", domain.RoleAnalyst)
	w.messages("r", 5)
	early := time.Now()
	time.Sleep(2 * time.Millisecond) // the clock of Postgres is that of this machine
	w.messages("r", 5)
	w.read(ada, "c", 0)
	_, err := w.Ack(t.Context(), ada, "c", "10")
	must(t, err)
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		to    wire.Place
		first event.Position
	}{
		{wire.Place{Position: text("3")}, 4},
		{wire.Place{Position: text("8")}, 9},
		{wire.Place{Time: text(early.UTC().Format(time.RFC3339Nano))}, 6},
		{wire.Place{Time: text("2001-01-01T00:00:00Z")}, 1},
	} {
		_, err := w.Rewind(t.Context(), ada, "c", test.to)
		must(t, err)
		if got := positions(t, w.read(ada, "c", 0)); !slices.Equal(got, upTo(test.first, 10)) {
			t.Errorf("%v, want from %d", got, test.first)
		}
	}
	for _, bad := range []wire.Place{
		{},
		{Position: text("11")},
		{Position: text("x")},
		{Time: text("yesterday")},
		{Position: text("1"), Time: text("2001-01-01T00:00:00Z")},
	} {
		_, err := w.Rewind(t.Context(), ada, "c", bad)
		wantCode(t, "bad place", err, domain.CodeInvalidPayload)
	}
}

func TestWhatIsWanted(t *testing.T) {
	t.Parallel()
	for name, ring := range map[string]int{"from memory": 0, "from Postgres": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ada := newWorld(t, ring, consumers.Config{}), user("ada", domain.RoleAnalyst)
			w.append(
				storetest.Sent(t, "a"), storetest.Left(t, "a"), storetest.Sent(t, "b"), storetest.Left(t, "b"), // 1 to 4
				storetest.Sent(t, "a"), storetest.Left(t, "a-1"), // 5, 6
			)
			for i, test := range []struct {
				wanted wire.Wanted
				want   []event.Position
			}{
				{wire.Wanted{}, upTo(1, 6)},
				{wire.Wanted{Types: []string{event.TypeMessageSent}}, []event.Position{1, 3, 5}},
				{wire.Wanted{Streams: []event.Stream{"messages-a", "room-a-1"}}, []event.Position{1, 5, 6}},
				{wire.Wanted{Categories: []string{"room"}}, []event.Position{2, 4, 6}},
				{wire.Wanted{Categories: []string{"room"}, Streams: []event.Stream{"room-b", "messages-b"}}, []event.Position{4}},
				{wire.Wanted{Types: []string{event.TypeMessageSent}, Categories: []string{"room"}}, []event.Position{}},
			} {
				name := fmt.Sprint("c", i)
				_, isNew, err := w.Put(t.Context(), ada, name, wire.ConsumerRequest{Wanted: test.wanted})
				if must(t, err); !isNew {
					t.Error("not new")
				}
				page := w.read(ada, name, 0)
				if diff := cmp.Diff(test.want, positions(t, page)); diff != "" || page.Position != 6 {
					t.Errorf("%+v: position %d (-want +got)\n%s", test.wanted, page.Position, diff)
				}
				// Of what nothing is wanted of, nothing has to be acknowledged.
				c, err := w.Get(t.Context(), ada, name)
				if skipped := len(test.want) == 0; err != nil || (c.Position == 6) != skipped {
					t.Errorf("%+v: at %d, %v", test.wanted, c.Position, err)
				}
			}
		})
	}
}

// What is wanted and rare is found in one call, however much lies before it.
func TestRareEventsAreFound(t *testing.T) {
	t.Parallel()
	w, ada := newWorld(t, 1, consumers.Config{}), user("ada", domain.RoleAnalyst)
	w.messages("r", 3)
	last := w.append(storetest.Left(t, "r"))
	_, _, err := w.Put(t.Context(), ada, "c", wire.ConsumerRequest{Wanted: wire.Wanted{Types: []string{event.TypeMemberLeft}}})
	must(t, err)
	if got := positions(t, w.read(ada, "c", 0)); !slices.Equal(got, []event.Position{last}) {
		t.Errorf("got %v, want %d", got, last)
	}
}

func TestPutChangesWhatIsWantedAndKeepsThePosition(t *testing.T) {
	t.Parallel()
	w, ada := newWorld(t, 0, consumers.Config{}), user("ada", domain.RoleAnalyst)
	w.messages("r", 4)
	at := "2"
	c, isNew, err := w.Put(t.Context(), ada, "c", wire.ConsumerRequest{Place: wire.Place{Position: &at}})
	if must(t, err); !isNew || c.Position != 2 || c.Owner != "ada" || c.Lag != 2 {
		t.Fatalf("made %+v, %v", c, isNew)
	}
	c, isNew, err = w.Put(t.Context(), ada, "c", wire.ConsumerRequest{Wanted: wire.Wanted{Types: []string{"RoomCreated", "MessageSent", "RoomCreated"}}})
	if must(t, err); isNew || c.Position != 2 || !slices.Equal(c.Types, []string{"MessageSent", "RoomCreated"}) {
		t.Errorf("changed to %+v, %v", c, isNew)
	}
	for field, bad := range map[string]wire.ConsumerRequest{
		"types":      {Wanted: wire.Wanted{Types: []string{"MessageSend"}}},
		"categories": {Wanted: wire.Wanted{Categories: []string{"rooms"}}},
		"streams":    {Wanted: wire.Wanted{Streams: []event.Stream{"room"}}},
		"position":   {Place: wire.Place{Position: new(string)}},
	} {
		_, _, err := w.Put(t.Context(), ada, "c", bad)
		wantCode(t, field, err, domain.CodeInvalidPayload)
		if domain.AsError(err).Fields[field] == "" {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
	for _, name := range []string{"", "a b", "é", string(make([]byte, 200))} {
		_, _, err := w.Put(t.Context(), ada, name, wire.ConsumerRequest{})
		wantCode(t, fmt.Sprintf("name %.10q", name), err, domain.CodeInvalidPayload)
	}
}

func TestConsumersBelongToWhoMadeThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, consumers.Config{MaxPerOwner: 2})
	ada, bob, root := user("ada", domain.RoleAnalyst), user("bob", domain.RoleAnalyst), user("root", domain.RoleAdmin)
	w.messages("r", 1)
	w.read(ada, "c", 0)
	at, zero := "1", "0"
	for name, do := range map[string]func(who domain.Principal) error{
		"get":  func(who domain.Principal) error { _, err := w.Get(t.Context(), who, "c"); return err },
		"read": func(who domain.Principal) error { _, err := w.Events(t.Context(), who, "c", 0, 0); return err },
		"ack":  func(who domain.Principal) error { _, err := w.Ack(t.Context(), who, "c", at); return err },
		"rewind": func(who domain.Principal) error {
			_, err := w.Rewind(t.Context(), who, "c", wire.Place{Position: &zero})
			return err
		},
		"put": func(who domain.Principal) error {
			_, _, err := w.Put(t.Context(), who, "c", wire.ConsumerRequest{})
			return err
		},
	} {
		wantCode(t, name+" of another", do(bob), domain.CodeForbidden)
		wantCode(t, name+" by an admin", do(root), "")
		wantCode(t, name+" by the owner", do(ada), "")
	}
	_, err := w.Delete(t.Context(), bob, "c")
	wantCode(t, "delete of another", err, domain.CodeForbidden)
	w.read(bob, "d", 0)
	for who, want := range map[string][]string{"ada": {"c"}, "bob": {"d"}, "root": {"c", "d"}} {
		principal := map[string]domain.Principal{"ada": ada, "bob": bob, "root": root}[who]
		list, err := w.List(t.Context(), principal)
		must(t, err)
		var names []string
		for _, c := range list {
			names = append(names, c.Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s sees %v, want %v", who, names, want)
		}
	}
	w.read(ada, "e", 0)
	_, err = w.Events(t.Context(), ada, "f", 0, 0)
	wantCode(t, "one too many", err, domain.CodeConflict)
	_, err = w.Delete(t.Context(), ada, "c")
	must(t, err)
	w.read(ada, "f", 0)
	_, err = w.Get(t.Context(), ada, "c")
	wantCode(t, "deleted", err, domain.CodeUnknownEvent)
}

// waiting starts to wait for events and returns once it does.
func (w *world) waiting(ctx context.Context, name string) <-chan result {
	w.t.Helper()
	done, before := make(chan result, 1), w.Waiting()
	go func() {
		page, err := w.Events(ctx, user("ada", domain.RoleAnalyst), name, 0, consumers.MaxWait)
		done <- result{page, err}
	}()
	for deadline := time.Now().Add(patience); w.Waiting() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatal("nobody waits")
		}
	}
	return done
}

type result struct {
	page wire.ConsumerPage
	err  error
}

func TestWaitingEndsWithTheFirstWantedEvent(t *testing.T) {
	t.Parallel()
	w, ada := newWorld(t, 0, consumers.Config{}), user("ada", domain.RoleAnalyst)
	w.messages("r", 2)
	_, _, err := w.Put(t.Context(), ada, "c", wire.ConsumerRequest{Wanted: wire.Wanted{Types: []string{event.TypeMemberLeft}}})
	must(t, err)
	done := w.waiting(t.Context(), "c")
	w.messages("r", 1)
	last := w.append(storetest.Left(t, "r"))
	got := <-done
	if must(t, got.err); !slices.Equal(positions(t, got.page), []event.Position{last}) {
		t.Errorf("got %v, want %d", positions(t, got.page), last)
	}
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	w, ada := newWorld(t, 0, consumers.Config{MaxWaiting: 1}), user("ada", domain.RoleAnalyst)
	ctx, leave := context.WithCancel(t.Context())
	gone := w.waiting(ctx, "a")
	_, err := w.Events(t.Context(), ada, "b", 0, time.Minute)
	wantCode(t, "one too many", err, domain.CodeRateLimited)
	leave()
	if got := <-gone; got.err == nil {
		t.Errorf("who has left gets %+v", got.page)
	}
	drained := w.waiting(t.Context(), "a")
	w.Drain()
	if got := <-drained; got.err != nil || len(got.page.Items) != 0 {
		t.Errorf("drained: %+v", got)
	}
	if page, err := w.Events(t.Context(), ada, "a", 0, time.Hour); err != nil || len(page.Items) != 0 {
		t.Errorf("after that: %+v, %v", page, err)
	}
}

// One who reads and acknowledges while others write, and forgets now and then what it has done, gets everything in order.
func TestNothingIsLostOrReordered(t *testing.T) {
	t.Parallel()
	for name, ring := range map[string]int{"from memory": 0, "from Postgres": 7} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ada := newWorld(t, ring, consumers.Config{}), user("ada", domain.RoleAnalyst)
			const total = 400
			wrote := make(chan struct{})
			go func() {
				defer close(wrote)
				for range total / 4 {
					events := []event.New{storetest.Sent(t, "r"), storetest.Sent(t, "r"), storetest.Sent(t, "r"), storetest.Sent(t, "r")}
					if _, err := w.store.Append(t.Context(), eventstore.Append{Events: events}); err != nil {
						t.Error(err)
					}
				}
			}()
			var done event.Position
			for done < total {
				page, err := w.Events(t.Context(), ada, "c", 9, consumers.MaxWait)
				must(t, err)
				if got := positions(t, page); !slices.Equal(got, upTo(done+1, page.Position)) {
					t.Fatalf("after %d: %v up to %d", done, got, page.Position)
				}
				before := done
				if done = page.Position; len(page.Items) > 1 && done%5 == 0 { // it crashed before it was done
					done = before + 1
				}
				_, err = w.Ack(t.Context(), ada, "c", done.String())
				must(t, err)
			}
			<-wrote
		})
	}
}
