package postgres_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/postgres"
	"parley/eventstore/testenv"
)

// TestRuns: OnCommit is only ever told of consecutive events.
func TestRuns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		positions []event.Position
		want      [][]event.Position
	}{
		{nil, nil},
		{[]event.Position{7}, [][]event.Position{{7}}},
		{[]event.Position{7, 8, 9}, [][]event.Position{{7, 8, 9}}},
		{[]event.Position{2, 4, 5, 9}, [][]event.Position{{2}, {4, 5}, {9}}},
		{[]event.Position{2, 2, 3}, [][]event.Position{{2, 3}}}, // two repetitions of one append
	} {
		var events []event.Recorded
		for _, pos := range c.positions {
			events = append(events, event.Recorded{Position: pos})
		}
		var got [][]event.Position
		for run := range postgres.Runs(events) {
			var positions []event.Position
			for _, e := range run {
				positions = append(positions, e.Position)
			}
			got = append(got, positions)
		}
		if !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%v: %v, want %v", c.positions, got, c.want)
		}
	}
}

// TestFrozenNodeHoldsOthersUpForLessThanTheirPatience: a node that stops between taking the lock and
// writing is thrown out while the others' appends can still be stored.
func TestFrozenNodeHoldsOthersUpForLessThanTheirPatience(t *testing.T) {
	t.Parallel()
	dsn := testenv.DSN(t)
	proxy := testenv.TCPProxy(t, host(t, dsn))
	cfg := postgres.Config{LockKey: lockKey, Timeout: 2 * time.Second}
	frozen, other := run(t, open(t, via(t, dsn, proxy.Addr)), cfg), run(t, open(t, dsn), cfg)
	pool := open(t, dsn)
	release := hold(t, dsn)
	lost, stored := make(chan error, 1), make(chan error, 1)
	frozen.Submit(t.Context(), sent(t, "a"), func(_ eventstore.Result, err error) { lost <- err })
	eventually(t, "the frozen node waits for the lock", func() bool { return waiting(t, pool) == 1 })
	proxy.Blackhole()
	other.Submit(t.Context(), sent(t, "a"), func(_ eventstore.Result, err error) { stored <- err })
	eventually(t, "the other waits behind it", func() bool { return waiting(t, pool) == 2 })
	release()
	if err := <-stored; err != nil {
		t.Errorf("append beside a frozen node: %v", err)
	}
	unavailable(t, <-lost)
	proxy.Heal()
	if n := len(whole(t, other)); n != 1 {
		t.Errorf("%d events stored, want 1", n)
	}
}

func waiting(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
		WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// stale is an append that has to be decided again.
func stale(t *testing.T, again func(context.Context) error) eventstore.Append {
	t.Helper()
	a := sent(t, "a")
	a.Conditions = []eventstore.Condition{eventstore.StreamExists("room-none")}
	a.Again = func(ctx context.Context, _ *eventstore.ConflictError) (eventstore.Append, error) {
		return eventstore.Append{}, again(ctx)
	}
	return a
}

func TestNothingIsDecidedAgainAfterItsAnswer(t *testing.T) {
	t.Parallel()
	store := postgres.New(testenv.Pool(t), postgres.Config{Timeout: 2 * time.Second, Deciders: 1}) // enough to connect on a busy machine
	var calls atomic.Int32
	answers, late := make(chan error, 4), make(chan struct{})
	for range cap(answers) { // in one batch, since the store does not run yet
		store.Submit(t.Context(), stale(t, func(context.Context) error {
			calls.Add(1)
			<-late // until all have been answered, whatever the context says
			return domain.Errorf(domain.CodeConflict, "no")
		}), func(_ eventstore.Result, err error) { answers <- err })
	}
	t.Cleanup(start(t, store))
	for range cap(answers) {
		unavailable(t, <-answers)
	}
	close(late)
	_, err := store.Append(t.Context(), stale(t, func(context.Context) error { // its turn comes after theirs
		return domain.Errorf(domain.CodeConflict, "no")
	}))
	if domain.CodeOf(err) != domain.CodeConflict {
		t.Errorf("append: %v", err)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d decisions were asked for, all but one of them for nobody", n)
	}
}

// TestAnsweredAppendsAreFreed: one append that is decided again for long does not keep those in memory that
// came and went after it.
func TestAnsweredAppendsAreFreed(t *testing.T) {
	t.Parallel()
	store := run(t, testenv.Pool(t), postgres.Config{})
	deciding, enough := make(chan struct{}), make(chan struct{})
	answer := make(chan error, 1)
	store.Submit(t.Context(), stale(t, func(ctx context.Context) error {
		close(deciding)
		select {
		case <-enough:
		case <-ctx.Done():
		}
		return domain.Errorf(domain.CodeConflict, "no")
	}), func(_ eventstore.Result, err error) { answer <- err })
	<-deciding
	const n, size = 8000, 2 << 10
	alive := make([]weak.Pointer[byte], n)
	done := make(chan error, n)
	slots := make(chan struct{}, 200)
	for i := range n {
		a := sent(t, fmt.Sprint("r", i%10))
		a.Events[0].Data = fmt.Appendf(make([]byte, 0, size), `{"roomId":"r%d"}`, i%10)
		alive[i] = weak.Make(unsafe.SliceData(a.Events[0].Data))
		slots <- struct{}{}
		store.Submit(t.Context(), a, func(_ eventstore.Result, err error) {
			<-slots
			done <- err
		})
	}
	for range n {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	held := 0
	for _, p := range alive {
		if p.Value() != nil {
			held++
		}
	}
	t.Logf("%d of %d answered appends are held", held, n)
	if held > n/2 {
		t.Error("answered appends stay in memory")
	}
	close(enough)
	if err := <-answer; domain.CodeOf(err) != domain.CodeConflict {
		t.Errorf("the slow one: %v", err)
	}
}

// TestSchemaChangeUnderARunningStore: prepared statements that a migration has made useless are prepared
// again.
func TestSchemaChangeUnderARunningStore(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	store := run(t, pool, postgres.Config{})
	first := sent(t, "a")
	if _, err := store.Append(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `DROP SCHEMA analytics CASCADE; ALTER TABLE log.events ALTER COLUMN type TYPE varchar COLLATE "C"`); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Append(t.Context(), sent(t, "a")); err != nil {
		t.Errorf("append: %v", err)
	}
	if r, err := store.Append(t.Context(), first); err != nil || !r.Duplicate {
		t.Errorf("repetition: %+v, %v", r, err)
	}
	whole(t, store)
}
