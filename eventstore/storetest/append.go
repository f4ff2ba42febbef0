package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

func appendRules() map[string]func(*testing.T, Opened) {
	return map[string]func(*testing.T, Opened){
		"what was appended is read back byte for byte":           readBack,
		"events of one append are consecutive":                   consecutive,
		"seq counts the messages of a stream":                    seqNumbers,
		"a conflict costs its neighbours nothing":                conflictAlone,
		"an append may build on one submitted before it":         inBatchCausality,
		"bad data costs its neighbours nothing":                  badDataAlone,
		"many at once":                                           hugeBurst,
		"two nodes and a reader: no gap, no event out of order":  twoNodes,
		"positions are taken by what is stored, not by attempts": conflictsBurnNothing,
	}
}

func readBack(t *testing.T, o Opened) {
	odd := Left(t, "a")
	odd.Data = []byte("{ \"roomId\" :\"a\",\n\t\"userId\":\"<é> \\u0041\" }")
	odd.Metadata = []byte(`{"b":1,"a":2}`)
	message := Sent(t, "a")
	about := Deleted(t, "a", message.ID)
	wrote := []event.New{odd, message, about}
	result := must(t, o.Log, of(wrote...))
	read := all(t, o.Other)
	same(t, read, result.Events)
	for i, e := range read {
		w := wrote[i]
		if e.ID != w.ID || e.Stream != w.Stream || e.Type != w.Type || e.SchemaVersion != w.SchemaVersion ||
			e.Subject != w.Subject || string(e.Data) != string(w.Data) || string(e.Metadata) != string(w.Metadata) {
			t.Errorf("read %+v, wrote %+v", e, w)
		}
		if e.RecordedAt.IsZero() || e.RecordedAt.Location() != time.UTC {
			t.Errorf("recorded at %v, want a time in UTC", e.RecordedAt)
		}
		if _, err := e.Payload(); err != nil {
			t.Error(err)
		}
	}
}

func consecutive(t *testing.T, o Opened) {
	must(t, o.Log, of(Left(t, "a")))
	result := must(t, o.Log, of(Left(t, "a"), Left(t, "b"), Left(t, "a")))
	for i, want := range []struct{ pos, version int64 }{{2, 2}, {3, 1}, {4, 3}} {
		if err := check(result.Events[i], event.Position(want.pos), want.version, 0); err != nil {
			t.Error(err)
		}
	}
	if result.Last() != 4 || result.Duplicate {
		t.Errorf("last %d, duplicate %v", result.Last(), result.Duplicate)
	}
	CheckOrder(t, all(t, o.Log))
}

func seqNumbers(t *testing.T, o Opened) {
	first, second := Sent(t, "a"), Sent(t, "a")
	must(t, o.Log, of(first))
	must(t, o.Log, of(Deleted(t, "a", first.ID), second, Deleted(t, "a", second.ID), Sent(t, "b")))
	must(t, o.Other, of(Sent(t, "a")))
	var seqs []int64
	for _, e := range all(t, o.Log) {
		seqs = append(seqs, e.Seq)
	}
	if fmt.Sprint(seqs) != "[1 1 2 2 1 3]" {
		t.Errorf("seqs %v", seqs)
	}
}

func conflictAlone(t *testing.T, o Opened) {
	var b burst
	for i := range 90 {
		a := of(Left(t, fmt.Sprint("r", i)))
		if i%3 == 1 {
			a = on(a, eventstore.StreamExists("room-nowhere"))
		}
		b.submit(t.Context(), o.Log, a)
	}
	for i, a := range b.wait(t) {
		_, conflict := errors.AsType[*eventstore.ConflictError](a.err)
		if conflict != (i%3 == 1) || (!conflict && a.err != nil) {
			t.Errorf("append %d: %v", i, a.err)
		}
	}
	events := all(t, o.Log)
	CheckOrder(t, events)
	if len(events) != 60 {
		t.Errorf("%d events stored, want 60", len(events))
	}
}

func inBatchCausality(t *testing.T, o Opened) {
	var b burst
	const n = 50
	message := Sent(t, "b")
	deleted := Deleted(t, "b", message.ID)
	for i := range n {
		b.submit(t.Context(), o.Log, on(of(Left(t, "a")), eventstore.StreamAt("room-a", int64(i))))
	}
	b.submit(t.Context(), o.Log, on(of(message), eventstore.StreamExists("room-a")))
	b.submit(t.Context(), o.Log, on(of(deleted), eventstore.EventPresent(message.ID), eventstore.SubjectAt(message.ID.String(), 0)))
	b.submit(t.Context(), o.Log, on(of(Deleted(t, "b", message.ID)), eventstore.SubjectAt(message.ID.String(), n+2)))
	for i, a := range b.wait(t) {
		if a.err != nil {
			t.Errorf("append %d: %v", i, a.err)
		}
	}
	CheckOrder(t, all(t, o.Log))
}

func badDataAlone(t *testing.T, o Opened) {
	var b burst
	const n = 64
	bad := func(i int) bool { return i%16 == 5 }
	for i := range n {
		e := Sent(t, "a")
		if bad(i) {
			e.Data = []byte(`{"roomId":`)
		}
		b.submit(t.Context(), o.Log, of(e))
	}
	for i, a := range b.wait(t) {
		switch {
		case bad(i) && domain.CodeOf(a.err) != domain.CodeInvalidPayload:
			t.Errorf("bad append %d: %v, want INVALID_PAYLOAD", i, a.err)
		case !bad(i) && a.err != nil:
			t.Errorf("append %d: %v", i, a.err)
		}
	}
	events := all(t, o.Log)
	CheckOrder(t, events)
	if len(events) != n-4 {
		t.Errorf("%d events stored, want %d", len(events), n-4)
	}
}

func hugeBurst(t *testing.T, o Opened) {
	var b burst
	const n = 3000
	for i := range n {
		b.submit(t.Context(), o.Log, of(Sent(t, fmt.Sprint("r", i%7))))
	}
	last := event.Position(0)
	for i, a := range b.wait(t) {
		if a.err != nil {
			t.Fatalf("append %d: %v", i, a.err)
		}
		if a.result.Last() <= last {
			t.Fatalf("append %d is at %d, behind its predecessor", i, a.result.Last())
		}
		last = a.result.Last()
	}
	CheckOrder(t, all(t, o.Log))
}

func twoNodes(t *testing.T, o Opened) {
	ctx, cancel := context.WithCancel(waiting(t))
	defer cancel()
	const writers, each = 8, 60
	var reader, writing sync.WaitGroup
	reader.Go(func() { watchPrefix(ctx, t, o.Other, writers*each*2) })
	for w := range writers {
		log := o.Log
		if w%2 == 1 {
			log = o.Other
		}
		writing.Go(func() {
			for i := range each {
				a := of(Sent(t, fmt.Sprint("r", i%3)), Left(t, fmt.Sprint("r", w)))
				if _, err := log.Append(ctx, a); err != nil {
					t.Errorf("append: %v", err)
					cancel()
					return
				}
			}
		})
	}
	writing.Wait()
	reader.Wait()
	CheckOrder(t, all(t, o.Log))
}

// watchPrefix reads the growing log and finds at every moment a whole beginning of it.
func watchPrefix(ctx context.Context, t *testing.T, log eventstore.Reader, total int) {
	t.Helper()
	var seen []event.Recorded
	for len(seen) < total {
		head, err := log.Head(ctx)
		if err != nil {
			t.Errorf("head: %v", err)
			return
		}
		page, err := log.All(ctx, event.Position(len(seen)), 0)
		if err != nil {
			t.Errorf("read: %v", err)
			return
		}
		seen = append(seen, page...)
		if event.Position(len(seen)) < head {
			t.Errorf("the head was %d, but only %d events could be read after it", head, len(seen))
			return
		}
		for i, e := range page {
			if want := event.Position(len(seen) - len(page) + i + 1); e.Position != want {
				t.Errorf("read position %d, want %d", e.Position, want)
				return
			}
		}
	}
}

func conflictsBurnNothing(t *testing.T, o Opened) {
	must(t, o.Log, of(Left(t, "a")))
	for range 5 {
		conflicts(t, o.Log, on(of(Left(t, "a")), eventstore.StreamAt("room-a", 7)))
	}
	if r := must(t, o.Log, of(Left(t, "a"))); r.Last() != 2 || r.Events[0].Version != 2 {
		t.Errorf("got %+v, want position and version 2", r.Events[0])
	}
}
