package projections_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/projectiontest"
)

// tally writes a row for every event that it is handed, so that one that is applied
// twice, or not at all, shows.
type tally struct {
	name   string
	refuse atomic.Int64 // the position that it cannot apply
}

func (v *tally) Name() string     { return v.name }
func (v *tally) Tables() []string { return []string{v.name} }

func (v *tally) Apply(ctx context.Context, tx pgx.Tx, batch []event.Recorded) error {
	for _, r := range batch {
		if int64(r.Position) == v.refuse.Load() {
			return errors.New("cannot be applied")
		}
		if _, err := tx.Exec(ctx, "INSERT INTO views."+v.name+" VALUES ($1)", int64(r.Position)); err != nil {
			return err
		}
	}
	return nil
}

func newTally(t *testing.T, pool *pgxpool.Pool, name string) *tally {
	t.Helper()
	exec(t, pool, "CREATE TABLE views."+name+" (position bigint)")
	return &tally{name: name}
}

// assertOnce checks that events 1 to head were applied once each.
func (v *tally) assertOnce(t *testing.T, pool *pgxpool.Pool, head event.Position) {
	t.Helper()
	var rows, distinct, top int64
	err := pool.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT position), coalesce(max(position), 0) FROM views."+v.name).
		Scan(&rows, &distinct, &top)
	if err != nil {
		t.Fatal(err)
	}
	if rows != int64(head) || distinct != rows || top != rows {
		t.Errorf("%d rows, %d distinct positions up to %d; want each of %d once", rows, distinct, top, head)
	}
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// quick is a Config for tests: nothing takes a second.
func quick() projections.Config {
	return projections.Config{Standby: 20 * time.Millisecond, RetryFailed: 20 * time.Millisecond, WaitLimit: 20 * time.Second}
}

func runner(pool *pgxpool.Pool, log *projectiontest.Log, cfg projections.Config, views ...projections.Projector) *projections.Runner {
	return projections.NewRunner(pool, log, views, cfg)
}

func fill(log *projectiontest.Log, n int) {
	for range n {
		log.Add(event.UserDeactivated{UserID: "ada", By: "root"})
	}
}

func status(t *testing.T, r *projections.Runner, name string) projections.Status {
	t.Helper()
	for _, s := range r.Status() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no view %q", name)
	return projections.Status{}
}

// eventually waits for what no channel tells.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func waitFor(t *testing.T, r *projections.Runner, position event.Position, names ...string) {
	t.Helper()
	if err := r.WaitFor(t.Context(), position, names...); err != nil {
		t.Fatalf("wait for position %d: %v; %+v", position, err, r.Status())
	}
}

func TestStandbyTakesOverWhenTheWriterLosesItsConnection(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	view := newTally(t, pool, "tally")
	log := &projectiontest.Log{Chunk: 3}
	nodes := []*projections.Runner{runner(pool, log, quick(), view), runner(pool, log, quick(), view)}
	for _, n := range nodes {
		defer projectiontest.Start(t, n)()
	}
	states := func() string {
		return string(status(t, nodes[0], "tally").State + " " + status(t, nodes[1], "tally").State)
	}
	for range 10 {
		eventually(t, "one node is active and one stands by", func() bool {
			return states() == "active standby" || states() == "standby active"
		})
		fill(log, 20)
		kill(t, pool)
		fill(log, 20)
		for _, n := range nodes {
			waitFor(t, n, log.Head())
		}
	}
	view.assertOnce(t, pool, log.Head())
}

// kill ends the connection that holds the lock.
func kill(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	exec(t, pool, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
}

func TestStandbyTakesOverWhenTheWriterStops(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	view := newTally(t, pool, "tally")
	log := &projectiontest.Log{}
	first, second := runner(pool, log, quick(), view), runner(pool, log, quick(), view)
	stop := projectiontest.Start(t, first)
	eventually(t, "the first is active", func() bool { return status(t, first, "tally").State == projections.StateActive })
	defer projectiontest.Start(t, second)()
	fill(log, 10)
	waitFor(t, second, 10) // which stands by: it polls
	eventually(t, "the second stands by", func() bool {
		s := status(t, second, "tally")
		return s.State == projections.StateStandby && s.Position == 10
	})
	stop()
	if s := status(t, first, "tally"); s.State != projections.StateStopped {
		t.Errorf("the first is %s, want stopped", s.State)
	}
	fill(log, 10)
	waitFor(t, second, 20)
	view.assertOnce(t, pool, 20)
}

func TestASecondWriterIsFenced(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	view := newTally(t, pool, "tally")
	log := &projectiontest.Log{}
	r := runner(pool, log, quick(), view)
	defer projectiontest.Start(t, r)()
	fill(log, 5)
	waitFor(t, r, 5)
	// Somebody who does not ask for the lock applies 6 and 7.
	exec(t, pool, "UPDATE views.checkpoints SET position = 7 WHERE name = 'tally'")
	exec(t, pool, "INSERT INTO views.tally VALUES (6), (7)")
	fill(log, 5)
	waitFor(t, r, 10)
	view.assertOnce(t, pool, 10)
}

func TestAnEventThatCannotBeAppliedStopsItsViewAlone(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	good, bad := newTally(t, pool, "good"), newTally(t, pool, "bad")
	bad.refuse.Store(6)
	lines := &lines{}
	cfg := quick()
	cfg.Logger = lines.logger()
	log := &projectiontest.Log{}
	fill(log, 10)
	r := runner(pool, log, cfg, good, bad)
	defer projectiontest.Start(t, r)()
	waitFor(t, r, 10, "good")
	waitFor(t, r, 5, "bad") // all below the event is applied
	eventually(t, "the view has failed", func() bool { return status(t, r, "bad").State == projections.StateFailed })
	s := status(t, r, "bad")
	if s.Position != 5 || s.Head != 10 || s.Lag != 5 || !strings.Contains(s.Error, "cannot be applied") {
		t.Errorf("status is %+v, want position 5, head 10, lag 5 and the error", s)
	}
	attempts := lines.count("taken over")
	eventually(t, "it has been tried again", func() bool { return lines.count("taken over") > attempts+3 })
	if n := lines.count("cannot apply"); n != 1 {
		t.Errorf("logged %d times, want once", n)
	}
	if s := status(t, r, "bad"); s.State != projections.StateFailed {
		t.Errorf("state is %s while it is tried again, want failed", s.State)
	}
	bad.refuse.Store(0)
	waitFor(t, r, 10, "bad")
	if s := status(t, r, "bad"); s.State != projections.StateActive || s.Error != "" {
		t.Errorf("status is %+v, want active without an error", s)
	}
	bad.assertOnce(t, pool, 10)
}

func TestViewsOutliveACrashOfPostgres(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgres(t)
	pool, err := pgxpool.New(t.Context(), server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	view := newTally(t, pool, "tally")
	log := &projectiontest.Log{Chunk: 5}
	r := runner(pool, log, quick(), view)
	defer projectiontest.Start(t, r)()
	for range 3 {
		fill(log, 50)
		waitFor(t, r, log.Head()-20)
		server.Kill()
		fill(log, 50)
		eventually(t, "the view notices", func() bool { return status(t, r, "tally").State == projections.StateStarting })
		server.Start()
		waitFor(t, r, log.Head())
	}
	view.assertOnce(t, pool, log.Head())
}

func TestWaitFor(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	view := newTally(t, pool, "tally")
	log := &projectiontest.Log{}
	cfg := quick()
	cfg.WaitLimit = 100 * time.Millisecond
	r := runner(pool, log, cfg, view)
	defer projectiontest.Start(t, r)()
	fill(log, 3)
	eventually(t, "it is applied", func() bool { return status(t, r, "tally").Position == 3 })

	if err := r.WaitFor(t.Context(), 3, "tally"); err != nil {
		t.Errorf("a position that is reached: %v", err)
	}
	if err := r.WaitFor(t.Context(), 4); domain.CodeOf(err) != domain.CodeStale {
		t.Errorf("a position that does not come: %v, want STALE", err)
	}
	if err := r.WaitFor(t.Context(), 1, "weather"); domain.CodeOf(err) != domain.CodeInternal {
		t.Errorf("a view that does not exist: %v, want an internal error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.WaitFor(ctx, 4); domain.CodeOf(err) != domain.CodeStale {
		t.Errorf("a caller that has gone: %v, want STALE", err)
	}
}

// What comes soon after a transaction waits for more, but not while somebody waits to see it.
func TestAViewGathersUntilSomebodyWaits(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	view := newTally(t, pool, "tally")
	log := &projectiontest.Log{}
	cfg := quick()
	cfg.Gather = time.Hour
	r := runner(pool, log, cfg, view)
	defer projectiontest.Start(t, r)()
	fill(log, 1)
	eventually(t, "the first is applied at once", func() bool { return status(t, r, "tally").Position == 1 })
	fill(log, 2)
	waitFor(t, r, 3, "tally")
	fill(log, 1)
	waitFor(t, r, 4, "tally")
}

func TestWaitForWakesEveryWaiter(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	view := newTally(t, pool, "tally")
	log := &projectiontest.Log{}
	active, standby := runner(pool, log, quick(), view), runner(pool, log, quick(), view)
	defer projectiontest.Start(t, active)()
	eventually(t, "the first is active", func() bool { return status(t, active, "tally").State == projections.StateActive })
	defer projectiontest.Start(t, standby)()
	cfg := quick()
	cfg.Reads = readPool(t, pool)
	replica := runner(pool, log, cfg, view)
	defer projectiontest.Start(t, replica)()
	var wg sync.WaitGroup
	for i := range 50 {
		for _, r := range []*projections.Runner{active, standby, replica} {
			wg.Go(func() {
				if err := r.WaitFor(t.Context(), event.Position(i+1)); err != nil {
					t.Errorf("position %d: %v", i+1, err)
				}
			})
		}
	}
	fill(log, 50)
	wg.Wait()
}

// readPool stands for the pool of a replica.
func readPool(t *testing.T, pool *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	reads, err := pgxpool.NewWithConfig(t.Context(), pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reads.Close)
	return reads
}

func TestStatusOfARunnerThatIsNotRunning(t *testing.T) {
	t.Parallel()
	cfg := projections.Config{Head: func() event.Position { return 7 }}
	r := projections.NewRunner(nil, &projectiontest.Log{}, []projections.Projector{&tally{name: "b"}, &tally{name: "a"}}, cfg)
	want := `[{a stopped 0 7 7 0 0   <nil>} {b stopped 0 7 7 0 0   <nil>}]`
	if got := fmt.Sprint(r.Status()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
