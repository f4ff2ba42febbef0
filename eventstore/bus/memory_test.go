package bus_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
	"weak"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/bus"
	"parley/eventstore/memory"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
)

// settings are those of a bus that is alone on its topic.
func settings(t *testing.T) bus.Config {
	t.Helper()
	options, err := bus.ParseRedisURL(testenv.RedisURL(t))
	if err != nil {
		t.Fatal(err)
	}
	return bus.Config{Redis: options, Topic: testenv.Prefix(t) + "commits"}
}

// large is an event of about so many bytes.
func large(t *testing.T, pos event.Position, bytes int) event.Recorded {
	t.Helper()
	e := storetest.Sent(t, "r")
	e.Data, e.Payload = []byte(`"`+strings.Repeat("x", bytes)+`"`), nil
	return e.Record(pos, int64(pos), int64(pos), time.Now())
}

// TestRingLetsGo: what fell out of the ring is freed, also when large events follow on many small
// ones and the ring's memory has room for more of them.
func TestRingLetsGo(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	cfg.RingEvents, cfg.RingBytes = 1000, 1<<20
	cfg.HeadEvery, cfg.AwayEvery = time.Hour, time.Hour // the log has none of this
	log := &watched{Reader: memory.New(memory.Config{})}
	live := bus.New(log, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- live.Run(ctx) }()
	eventually(t, "looked at the log", func() bool { return log.looks.Load() > 1 && live.Stats().RedisUp })
	log.away.Store(true) // a look at it, after a hiccup of Redis, would find that it has none of this
	for pos := range event.Position(600) {
		live.Committed([]event.Recorded{large(t, pos+1, 10)})
		eventually(t, "in the ring", func() bool { return live.Head() == pos+1 })
	}

	const n, size = 250, 100 << 10
	var alive []weak.Pointer[byte]
	for i := range n {
		e := large(t, event.Position(601+i), size)
		alive = append(alive, weak.Make(unsafe.SliceData(e.Data)))
		live.Committed([]event.Recorded{e})
	}
	cancel()
	if err := <-done; err != nil { // and nothing waits for Redis any more
		t.Error(err)
	}
	runtime.GC()
	held := 0
	for _, p := range alive {
		if p.Value() != nil {
			held++
		}
	}
	t.Logf("%d of %d large events are held, %+v", held, n, live.Stats())
	if held > 20 {
		t.Error("the ring holds on to what fell out of it")
	}
}

// watched is a log whose reads are watched.
type watched struct {
	eventstore.Reader
	looks   atomic.Int64 // the first begins the tail
	largest atomic.Int64
	away    atomic.Bool
}

func (s *watched) Head(ctx context.Context) (event.Position, error) {
	if s.away.Load() {
		return 0, domain.Unavailable(errors.New("away"))
	}
	head, err := s.Reader.Head(ctx)
	s.looks.Add(1)
	return head, err
}

func (s *watched) All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error) {
	page, err := s.Reader.All(ctx, after, limit)
	bytes := 0
	for _, e := range page {
		bytes += len(e.Data)
	}
	s.largest.Store(max(s.largest.Load(), int64(bytes)))
	return page, err
}

func TestPagesOfLargeEventsAreShort(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	const n, size = 600, 50 << 10
	data := []byte(`"` + strings.Repeat("x", size) + `"`) // shared by all
	for range n {
		e := storetest.Sent(t, "r")
		e.Data, e.Payload = data, nil
		if _, err := log.Append(t.Context(), eventstore.Append{Events: []event.New{e}}); err != nil {
			t.Fatal(err)
		}
	}
	reader := &watched{Reader: log}
	cfg := settings(t)
	cfg.RingEvents = 10
	live := bus.New(reader, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- live.Run(ctx) }()
	follow(t, live, 0, 0).want(n)
	cancel()
	<-done
	if largest := reader.largest.Load(); largest > 20<<20 {
		t.Errorf("%d MB were read at once", largest>>20)
	}
}
