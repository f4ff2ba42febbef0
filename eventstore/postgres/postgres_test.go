package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/postgres"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	storetest.Suite(t, func(t *testing.T) storetest.Opened {
		t.Helper()
		pool := testenv.Pool(t)
		return storetest.Opened{Log: run(t, pool, postgres.Config{}), Other: run(t, pool, postgres.Config{})}
	})
}

// run runs a store until the test ends.
func run(t testing.TB, pool *pgxpool.Pool, cfg postgres.Config) *postgres.Store {
	t.Helper()
	store := postgres.New(pool, cfg)
	stop := start(t, store)
	t.Cleanup(stop)
	return store
}

// start runs a store; stop ends it and waits.
func start(t testing.TB, store *postgres.Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

// open makes a pool that is closed when the test ends.
func open(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func sent(t testing.TB, room string) eventstore.Append {
	t.Helper()
	return eventstore.Append{Events: []event.New{storetest.Sent(t, room)}}
}

func whole(t testing.TB, log eventstore.Reader) []event.Recorded {
	t.Helper()
	var events []event.Recorded
	for {
		page, err := log.All(t.Context(), event.Position(len(events)), 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			storetest.CheckOrder(t, events)
			return events
		}
		events = append(events, page...)
	}
}

const patience = 30 * time.Second

// eventually waits for something that only polling can see.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
