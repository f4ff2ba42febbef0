package projections_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/bus"
	"parley/eventstore/postgres"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/presence"
	"parley/projections/projectiontest"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/users"
)

func all() []projections.Projector {
	return []projections.Projector{
		users.NewProjector(""), rooms.NewProjector(""), messages.NewProjector(""), receipts.NewProjector(""),
		presence.NewProjector(""),
	}
}

// node is a process: its door to the log and its runner.
type node struct {
	store *postgres.Store
	views *projections.Runner
}

// start joins a node to the cluster of one database and one topic, until the test ends.
func start(t *testing.T, pool *pgxpool.Pool, topic string) *node {
	t.Helper()
	redis, err := bus.ParseRedisURL(testenv.RedisURL(t))
	if err != nil {
		t.Fatal(err)
	}
	n := &node{}
	var b *bus.Bus
	n.store = postgres.New(pool, postgres.Config{OnCommit: func(batch []event.Recorded) { b.Committed(batch) }})
	b = bus.New(n.store, bus.Config{Redis: redis, Topic: topic, Node: t.Name()})
	cfg := quick()
	cfg.Head = b.Head
	n.views = projections.NewRunner(pool, b, all(), cfg)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var group errgroup.Group
	for _, run := range []func(context.Context) error{n.store.Run, b.Run, n.views.Run} {
		group.Go(func() error { return run(ctx) })
	}
	t.Cleanup(func() {
		cancel()
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// The views that two nodes keep while writers' connections are killed are those that one
// pass over the log makes.
func TestAClusterKeepsTheViewsOfTheLog(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	topic := testenv.Prefix(t) + "commits"
	nodes := []*node{start(t, pool, topic), start(t, pool, topic)}

	joined := map[string]time.Time{}
	for i, r := range projectiontest.History(11, 600).Events() {
		payload, err := r.Payload()
		if err != nil {
			t.Fatal(err)
		}
		if changed, ok := payload.(event.MemberRoleChanged); ok { // the store's clock is not the history's
			changed.JoinedAt = joined[changed.RoomID+changed.UserID]
			payload = changed
		}
		e, err := event.Encode(r.ID, nil, payload)
		if err != nil {
			t.Fatal(err)
		}
		writer := nodes[i%2]
		result, err := writer.store.Append(t.Context(), eventstore.Append{Events: []event.New{e}})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range joins(payload) {
			joined[id] = result.Events[0].RecordedAt
		}
		switch {
		case i%200 == 100:
			kill(t, pool)
		case i%50 == 0: // each node shows what the other has just written
			waitFor(t, nodes[1-i%2].views, result.Last())
		}
	}
	log := read(t, nodes[0].store)
	for _, n := range nodes {
		waitFor(t, n.views, log[len(log)-1].Position)
	}

	once := testenv.Pool(t)
	for _, view := range all() {
		projectiontest.Apply(t, once, view, log)
		if diff := cmp.Diff(projectiontest.Dump(t, once, "", view), projectiontest.Dump(t, pool, "", view)); diff != "" {
			t.Errorf("view %s (-one pass +cluster):\n%.2000s", view.Name(), diff)
		}
	}
}

// joins names the memberships that begin with an event.
func joins(e event.Event) []string {
	switch e := e.(type) {
	case event.MemberJoined:
		return []string{e.RoomID + e.UserID}
	case event.RoomCreated:
		var ids []string
		for _, m := range e.Members {
			ids = append(ids, e.RoomID+m.UserID)
		}
		return ids
	default:
		return nil
	}
}

func read(t *testing.T, store *postgres.Store) []event.Recorded {
	t.Helper()
	log, err := store.All(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return log
}
