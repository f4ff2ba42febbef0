package projections_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/event"
	"parley/eventstore/testenv"
	"parley/projections/projectiontest"
	"parley/projections/receipts"
)

// crowd is a room with so many members, of whom the first two have said something.
func crowd(room string, members int) []event.Event {
	created := event.RoomCreated{RoomID: room, Name: room, RoomType: event.RoomPublic, CreatedBy: member(room, 0)}
	for i := range members {
		created.Members = append(created.Members, event.Member{UserID: member(room, i), Username: member(room, i), Role: event.RoleMember})
	}
	facts := []event.Event{created}
	for i := range 20 {
		facts = append(facts, saidIn(room, i, i%2))
	}
	for i := range 3 {
		facts = append(facts, event.UserCameOnline{Presence: event.Presence{UserID: member(room, i), Status: event.StatusOnline}})
	}
	return facts
}

func member(room string, n int) string { return fmt.Sprintf("%s-member-%05d", room, n) }

func saidIn(room string, n, by int) event.Event {
	return event.MessageSent{Message: event.Message{
		RoomID: room, MessageID: event.DeriveID("crowd", room, strconv.Itoa(n)).String(), Content: "hello",
		Sender: event.Sender{ID: member(room, by), Username: member(room, by)}, Mentions: []string{member(room, 2)},
	}}
}

// happenings are what may happen in such a room, each on its own.
func happenings(room string) map[string]event.Event {
	receipt := event.Receipt{RoomID: room, UserID: member(room, 2), Seq: 15, ReadSeq: 15, DeliveredSeq: 15}
	id := event.DeriveID("crowd", room, "3").String()
	return map[string]event.Event{
		"a message":            saidIn(room, 1000, 1),
		"a deletion":           event.MessageDeleted{RoomID: room, MessageID: id, Seq: 4},
		"a receipt":            event.MessagesRead{Receipt: receipt},
		"a delivery":           event.MessagesDelivered{Receipt: receipt},
		"a change of presence": event.UserPresenceChanged{Presence: event.Presence{UserID: member(room, 2), Status: event.StatusAway}},
	}
}

// work is how many rows of each table the connection has read and written lately.
func work(t *testing.T, tx pgx.Tx) map[string]int {
	t.Helper()
	rows, err := tx.Query(t.Context(), `
		SELECT relname || ' ' || what, n FROM pg_stat_xact_user_tables, LATERAL (VALUES
			('read', coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), ('added', n_tup_ins), ('changed', n_tup_upd), ('removed', n_tup_del)
		) done (what, n)
		WHERE schemaname = 'views' AND n > 0`)
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]int{}
	var what string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&what, &n}, func() error { done[what] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	return done
}

// cost is the work of applying one event to all views, and of counting what the reader of the room has left. Nothing of
// it stays.
func cost(t *testing.T, pool *pgxpool.Pool, room string, r event.Recorded) map[string]int {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	before := work(t, tx)
	for _, build := range everyView() {
		if err := build("").Apply(t.Context(), tx, []event.Recorded{r}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := receipts.NewQueries(tx).LeftOf(t.Context(), room, member(room, 2), 0); err != nil {
		t.Fatal(err)
	}
	after := work(t, tx)
	for what, n := range before {
		if after[what] -= n; after[what] == 0 {
			delete(after, what)
		}
	}
	return after
}

// What happens in a room of 10,000 costs the views what it costs them in a room of 10.
func TestACrowdCostsNoMore(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	log.Add(crowd("small", 10)...)
	log.Add(crowd("large", 10_000)...)
	for i := range 300 { // so many that Postgres uses its indexes
		log.Add(crowd(fmt.Sprint("other-", i), 2)...)
	}
	for _, build := range everyView() {
		for _, table := range build("").Tables() { // plans are to stay as they are
			exec(t, pool, "ALTER TABLE views."+table+" SET (autovacuum_enabled = off)")
		}
		projectiontest.Apply(t, pool, build(""), log.Events())
	}
	exec(t, pool, "ANALYZE")
	for what := range happenings("") {
		var costs []map[string]int
		for _, room := range []string{"small", "large"} {
			next := (&projectiontest.Log{}).Add(happenings(room)[what])[0]
			next.Position = log.Head() + 1
			next.Version, next.Seq = 1000, 21
			costs = append(costs, cost(t, pool, room, next))
		}
		if diff := cmp.Diff(costs[0], costs[1]); diff != "" || len(costs[0]) == 0 {
			t.Errorf("%s (-in a room of 10 +in a room of 10,000): rows\n%s", what, diff)
		}
		total := 0
		for _, n := range costs[1] {
			total += n
		}
		if total > 1000 { // some tables are so small that all of their rows are read
			t.Errorf("%s: %d rows: %v", what, total, costs[1])
		}
	}
}
