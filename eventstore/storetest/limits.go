package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

func orderRules() map[string]func(*testing.T, Opened) {
	return map[string]func(*testing.T, Opened){
		"appends are taken in the order of Submit": submitOrder,
		"time never goes back":                     monotone,
	}
}

func submitOrder(t *testing.T, o Opened) {
	var b burst
	var want []event.ID
	for i := range 500 {
		e := Sent(t, fmt.Sprint("r", i%5))
		want = append(want, e.ID)
		b.submit(t.Context(), o.Log, of(e))
	}
	b.wait(t)
	for i, e := range all(t, o.Log) {
		if e.ID != want[i] {
			t.Fatalf("position %d holds another append's event", e.Position)
		}
	}
}

func monotone(t *testing.T, o Opened) {
	var wg sync.WaitGroup
	for _, log := range []eventstore.Log{o.Log, o.Other} {
		for range 3 {
			wg.Go(func() {
				for range 20 {
					if _, err := log.Append(waiting(t), of(Left(t, "a"))); err != nil {
						t.Errorf("append: %v", err)
					}
				}
			})
		}
	}
	wg.Wait()
	CheckOrder(t, all(t, o.Log))
}

func limitRules() map[string]func(*testing.T, Opened) {
	return map[string]func(*testing.T, Opened){
		"what no store takes is refused at once": invalidAppends,
		"the largest append is taken":            largest,
		"an ended context is not stored":         endedContext,
	}
}

func invalidAppends(t *testing.T, o Opened) {
	repeat := func(n int) []event.New {
		events := make([]event.New, n)
		for i := range events {
			events[i] = Left(t, "a")
		}
		return events
	}
	with := func(change func(*event.New)) eventstore.Append {
		e := Left(t, "a")
		change(&e)
		return of(e)
	}
	twice := Left(t, "a")
	for name, a := range map[string]eventstore.Append{
		"no events":       of(),
		"too many events": of(repeat(eventstore.MaxEvents + 1)...),
		"too many conditions": on(of(Left(t, "a")),
			make([]eventstore.Condition, eventstore.MaxConditions+1)...),
		"unknown condition": on(of(Left(t, "a")), eventstore.Condition{}),
		"too large": with(func(e *event.New) {
			e.Data = []byte(`"` + strings.Repeat("x", eventstore.MaxBytes) + `"`)
		}),
		"no id":            with(func(e *event.New) { e.ID = event.ID{} }),
		"no stream":        with(func(e *event.New) { e.Stream = "" }),
		"long stream":      with(func(e *event.New) { e.Stream = event.Stream(strings.Repeat("x", 3000)) }),
		"long subject":     with(func(e *event.New) { e.Subject = strings.Repeat("x", 3000) }),
		"no type":          with(func(e *event.New) { e.Type = "" }),
		"no version":       with(func(e *event.New) { e.SchemaVersion = 0 }),
		"not JSON":         with(func(e *event.New) { e.Data = []byte("{") }),
		"not UTF-8":        with(func(e *event.New) { e.Data = []byte("\"\xff") }),
		"not JSON in meta": with(func(e *event.New) { e.Metadata = []byte("nope") }),
		"one id twice":     of(twice, twice),
	} {
		t.Run(name, func(t *testing.T) { refused(t, o.Log, a, domain.CodeInvalidPayload) })
	}
	if head, err := o.Log.Head(waiting(t)); head != 0 || err != nil {
		t.Errorf("the log has %d events (%v)", head, err)
	}
}

func largest(t *testing.T, o Opened) {
	events := make([]event.New, eventstore.MaxEvents)
	for i := range events {
		events[i] = Sent(t, fmt.Sprint("r", i%3))
		events[i].Data = fmt.Appendf(nil, `{"roomId":"a","content":"%s"}`, strings.Repeat("x", 3500))
	}
	result := must(t, o.Log, of(events...))
	read := all(t, o.Other)
	same(t, read, result.Events)
	CheckOrder(t, read)
}

func endedContext(t *testing.T, o Opened) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Log.Append(ctx, of(Left(t, "a"))); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("append: %v, want UNAVAILABLE", err)
	}
	if _, err := o.Log.All(ctx, 0, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v, want the context's error", err)
	}
	must(t, o.Log, of(Left(t, "a"))) // answered after the other was taken
	if events := all(t, o.Log); len(events) != 1 {
		t.Errorf("%d events stored, want 1", len(events))
	}
}
