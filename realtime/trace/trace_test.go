package trace_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/realtime/trace"
)

// start is when everything begins: a time that a mark keeps exactly.
func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC) }

// batch is the events of some positions, which a node has stored.
func batch(node string, from, to event.Position) []event.Recorded {
	var list []event.Recorded
	for p := from; p <= to; p++ {
		list = append(list, event.Recorded{Position: p, RecordedAt: start(), Metadata: event.Metadata{Node: node}.Encode()})
	}
	return list
}

func after(ms int) time.Time { return start().Add(time.Duration(ms) * time.Millisecond) }

func show(w wire.Way) string {
	ms := func(at wire.Time) int64 { return time.Time(at).Sub(start()).Milliseconds() }
	var text strings.Builder
	fmt.Fprintf(&text, "complete %v", w.Complete)
	if w.StoredAt != nil {
		fmt.Fprintf(&text, "; stored %d", ms(*w.StoredAt))
	}
	if w.Published != nil {
		fmt.Fprintf(&text, "; published by %s %d", w.Published.By, ms(w.Published.At))
	}
	for _, p := range w.Projections {
		fmt.Fprintf(&text, "; %s at %s to %d %d", p.View, p.Node, p.Position, ms(p.At))
	}
	for _, d := range w.Deliveries {
		fmt.Fprintf(&text, "; %s told %d of %d %d", d.Node, d.Sockets, d.Events, ms(d.At))
	}
	return text.String()
}

func node(t *testing.T, client redis.UniversalClient, prefix, name string, cfg trace.Config) *trace.Trace {
	t.Helper()
	cfg.Node, cfg.Prefix = name, prefix
	return trace.New(client, cfg)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The way of an event over two nodes is known on both, once they have written.
func TestTheWayOfAnEvent(t *testing.T) {
	t.Parallel()
	client, prefix := testenv.Redis(t), testenv.Prefix(t)
	a, b := node(t, client, prefix, "a", trace.Config{}), node(t, client, prefix, "b", trace.Config{})
	first, second := batch("a", 1, 3), batch("b", 4, 4)
	a.Stored(first, after(1))
	b.Stored(second, after(2))
	a.Published(first, after(3))
	b.Published(second, after(4))
	a.Applied("rooms", slices.Concat(first, second), after(10))
	b.Applied("messages", first, after(12))
	b.Applied("messages", second, after(13))
	a.Told(first, 7, after(5))
	b.Told(slices.Concat(first, second), 0, after(6))
	alone := "complete true; stored 1; published by a 3; rooms at a to 4 10; a told 7 of 3 5"
	if got := show(a.Of(t.Context(), first[1])[0]); got != alone {
		t.Errorf("before anything is written: %s", got)
	}
	must(t, a.Write(t.Context()))
	must(t, b.Write(t.Context()))
	want := []string{
		"complete true; stored 1; published by a 3; rooms at a to 4 10; messages at b to 3 12; a told 7 of 3 5; b told 0 of 4 6",
		"complete true; stored 2; published by b 4; rooms at a to 4 10; messages at b to 4 13; b told 0 of 4 6",
		"complete true",
	}
	for name, tr := range map[string]*trace.Trace{"a": a, "b": b} {
		for i, w := range tr.Of(t.Context(), first[2], second[0], batch("a", 99, 99)[0]) {
			if got := show(w); got != want[i] {
				t.Errorf("at %s, event %d: %s\nwant %s", name, i, got, want[i])
			}
		}
	}
}

// The first time counts: views are rebuilt, and a view goes over to another node.
func TestTheFirstTimeCounts(t *testing.T) {
	t.Parallel()
	a := node(t, testenv.Redis(t), testenv.Prefix(t), "a", trace.Config{})
	events := batch("a", 1, 5)
	a.Applied("rooms", events[:2], after(10))
	a.Applied("rooms", events, after(70))
	a.Told(events, 1, start().Add(-time.Hour)) // of another past, before the log was restored
	if got, want := show(a.Of(t.Context(), events[0])[0]), "complete true; rooms at a to 2 10"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// However much happens in a second, what is written of it is small, and says the same, if less exactly.
func TestWhatIsWrittenIsSmall(t *testing.T) {
	t.Parallel()
	client, prefix := testenv.Redis(t), testenv.Prefix(t)
	a, b := node(t, client, prefix, "a", trace.Config{}), node(t, client, prefix, "b", trace.Config{})
	for i := range 1000 {
		p := event.Position(1000 + 10*i)
		events := batch("a", p, p+9)
		a.Stored(events, after(i))
		a.Published(events, after(i+1))
		for _, view := range []string{"users", "rooms", "messages", "receipts", "search", "presence"} {
			a.Applied(view, events, after(i+2))
		}
		a.Told(events, 3, after(i+3))
	}
	must(t, a.Write(t.Context()))
	must(t, a.Write(t.Context())) // nothing is left to write
	chunks, err := client.ZRange(t.Context(), a.Key(), 0, -1).Result()
	must(t, err)
	if len(chunks) != 1 || len(chunks[0]) > 2048 {
		t.Fatalf("%d chunks, the first of %d bytes", len(chunks), len(chunks[0]))
	}
	way := b.Of(t.Context(), batch("a", 5005, 5005)...)[0] // 400 ms
	if way.Published == nil || way.StoredAt == nil || len(way.Projections) != 6 || len(way.Deliveries) != 1 {
		t.Fatal(show(way))
	}
	for _, at := range []wire.Time{way.Published.At, *way.StoredAt, way.Projections[0].At, way.Deliveries[0].At} {
		if late := time.Time(at).Sub(after(400)); late < 0 || late > 100*time.Millisecond {
			t.Errorf("%v late: %s", late, show(way))
		}
	}
}

// Memory is bounded here and in Redis: what is old is absent.
func TestWhatIsOldIsForgotten(t *testing.T) {
	t.Parallel()
	client, prefix := testenv.Redis(t), testenv.Prefix(t)
	a := node(t, client, prefix, "a", trace.Config{Keep: 4, Chunks: 3, Arrivals: 2})
	for i := range 10 {
		events := batch("a", event.Position(i+1), event.Position(i+1))
		a.Stored(events, after(i))
		must(t, a.Write(t.Context()))
		a.Arrived(fmt.Sprint("command-", i), after(i), time.Millisecond)
	}
	for p, want := range map[event.Position]string{6: "complete true", 7: "complete true; stored 6", 10: "complete true; stored 9"} {
		if got := show(a.Of(t.Context(), batch("a", p, p)...)[0]); got != want {
			t.Errorf("event %d: %s, want %s", p, got, want)
		}
	}
	if n, err := client.ZCard(t.Context(), a.Key()).Result(); err != nil || n != 3 {
		t.Errorf("%d chunks (%v)", n, err)
	}
	if ttl, err := client.PTTL(t.Context(), a.Key()).Result(); err != nil || ttl <= 0 || ttl > time.Hour {
		t.Errorf("kept for %v (%v)", ttl, err)
	}
	if came := a.Arrival("command-7"); came != nil {
		t.Errorf("command 7 came %v", came)
	}
	if came := a.Arrival("command-9"); came == nil || !time.Time(came.ReceivedAt).Equal(after(9)) || !time.Time(came.AnsweredAt).Equal(after(10)) {
		t.Errorf("command 9 came %v", came)
	}
}

// Junk in Redis, and Redis away, leave what is known here.
func TestRedisIsNotNeeded(t *testing.T) {
	t.Parallel()
	client, prefix := testenv.Redis(t), testenv.Prefix(t)
	a := node(t, client, prefix, "a", trace.Config{})
	events := batch("a", 1, 1)
	a.Stored(events, after(1))
	must(t, client.ZAdd(t.Context(), a.Key(), redis.Z{Score: 5, Member: "junk"}, redis.Z{Score: 6, Member: ""}).Err())
	if got := show(a.Of(t.Context(), events...)[0]); got != "complete true; stored 1" {
		t.Error(got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := show(a.Of(ctx, events...)[0]); got != "complete false; stored 1" {
		t.Error(got)
	}
	if err := a.Write(ctx); err == nil {
		t.Error("written though Redis is away")
	}
}

// Run writes each turn, and once more at its end.
func TestRunWrites(t *testing.T) {
	t.Parallel()
	client, prefix := testenv.Redis(t), testenv.Prefix(t)
	a, b := node(t, client, prefix, "a", trace.Config{Every: time.Hour}), node(t, client, prefix, "b", trace.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	events := batch("a", 1, 1)
	a.Stored(events, after(1))
	cancel()
	must(t, <-done)
	if got := show(b.Of(t.Context(), events...)[0]); got != "complete true; stored 1" {
		t.Error(got)
	}
}

func TestAMarkCostsNothing(t *testing.T) {
	a := node(t, nil, "", "a", trace.Config{})
	events := batch("a", 1, 50)
	a.Applied("rooms", events, after(1))
	if n := testing.AllocsPerRun(100, func() {
		a.Stored(events, after(1))
		a.Published(events, after(1))
		a.Applied("rooms", events, after(1))
		a.Told(events, 7, after(1))
		a.Arrived("socket-1", after(1), time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMark(b *testing.B) {
	a := trace.New(nil, trace.Config{})
	events := batch("a", 1, 50)
	b.ReportAllocs()
	for b.Loop() {
		a.Applied("rooms", events, after(1))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{1, 1, 'a', 1, 1, 'v', 5, 2, 1, 2, 0, 1, 1, 1, 1})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := trace.Decode(data)
		if err != nil || once == nil {
			return
		}
		twice, err := trace.Decode(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%x, then %x (%v)", once, twice, err)
		}
	})
}
