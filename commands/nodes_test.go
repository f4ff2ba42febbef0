package commands_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/commands"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/memory"
	"parley/eventstore/postgres"
	"parley/eventstore/testenv"
)

// twoNodes runs a test on two nodes that share a log, in memory and in Postgres. The nodes
// hear nothing of each other but by conflicts, which is the hardest case.
func twoNodes(t *testing.T, test func(t *testing.T, a, b kit)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		log := memory.New(memory.Config{})
		test(t, node(t, log), node(t, log.Node(nil)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		pool := testenv.Pool(t)
		test(t, node(t, store(t, pool)), node(t, store(t, pool)))
	})
}

func node(t *testing.T, log eventstore.Log) kit {
	t.Helper()
	k := newKit(t, log, commands.Config{})
	k.users("ann", "mod", "mia", "mel", "out", "root")
	return k
}

// store runs a store on the database until the test ends.
func store(t testing.TB, pool *pgxpool.Pool) *postgres.Store {
	t.Helper()
	s := postgres.New(pool, postgres.Config{})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run the store: %v", err)
		}
	})
	return s
}

// authored counts the messages of a user in the stream, and is the position of the last one.
func authored(events []event.Recorded, who string) (n int, last event.Position) {
	for _, r := range events {
		if e, ok := payload(r).(event.MessageSent); ok && e.Sender.ID == who {
			n, last = n+1, r.Position
		}
	}
	return n, last
}

func payload(r event.Recorded) event.Event {
	e, err := r.Payload()
	if err != nil {
		panic(err)
	}
	return e
}
