package consumers_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/bus"
	"parley/eventstore/consumers"
	"parley/eventstore/postgres"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// patience bounds every wait. No test comes near it.
const patience = 30 * time.Second

// world is a log and its consumers.
type world struct {
	*consumers.Consumers
	t     *testing.T
	pool  *pgxpool.Pool
	store *postgres.Store
	feed  *consumers.Feed
}

// newWorld remembers so many events in memory.
func newWorld(t *testing.T, ring int, cfg consumers.Config) *world {
	t.Helper()
	pool := testenv.Pool(t)
	options, err := bus.ParseRedisURL(testenv.RedisURL(t))
	must(t, err)
	var tail *bus.Bus
	store := postgres.New(pool, postgres.Config{OnCommit: func(batch []event.Recorded) { tail.Committed(batch) }})
	tail = bus.New(store, bus.Config{Redis: options, Topic: testenv.Prefix(t) + "commits", RingEvents: ring})
	feed := consumers.NewFeed(pool, store, tail)
	w := &world{t: t, pool: pool, store: store, feed: feed, Consumers: consumers.New(pool, store, feed, cfg)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)
	for _, run := range []func(context.Context) error{store.Run, tail.Run, feed.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Errorf("a service ended: %v", err)
			}
		})
	}
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// append stores events and returns once the feed has them.
func (w *world) append(events ...event.New) event.Position {
	w.t.Helper()
	var last event.Position
	for len(events) > 0 {
		n := min(len(events), eventstore.MaxEvents)
		result, err := w.store.Append(w.t.Context(), eventstore.Append{Events: events[:n]})
		must(w.t, err)
		last, events = result.Last(), events[n:]
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if !w.feed.Await(ctx, last-1, nil) {
		w.t.Fatal("the feed does not get what was stored")
	}
	return last
}

func (w *world) messages(room string, n int) event.Position {
	w.t.Helper()
	events := make([]event.New, n)
	for i := range events {
		events[i] = storetest.Sent(w.t, room)
	}
	return w.append(events...)
}

func user(id string, roles ...domain.Role) domain.Principal {
	return domain.Principal{UserID: id, Roles: roles}
}

func wantCode(t *testing.T, what string, err error, code domain.Code) {
	t.Helper()
	if domain.CodeOf(err) != code {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
	if e, ok := errors.AsType[*domain.Error](err); ok && e.Code == domain.CodeInvalidPayload && len(e.Fields) == 0 {
		t.Errorf("%s: no fields", what)
	}
}
