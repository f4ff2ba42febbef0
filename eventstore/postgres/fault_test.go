package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/postgres"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
)

const lockKey = 4711 // for tests that take the append lock themselves

func unavailable(t *testing.T, err error) {
	t.Helper()
	if err == nil || domain.CodeOf(err) != domain.CodeUnavailable {
		t.Fatalf("append: %v, want UNAVAILABLE", err)
	}
}

// hold takes the append lock, as a slow transaction does, until release.
func hold(t *testing.T, dsn string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	t.Cleanup(release)
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT pg_advisory_xact_lock(4711)"); err != nil {
		t.Fatal(err)
	}
	return release
}

func TestSlowTransactionDelaysAndLosesNothing(t *testing.T) {
	t.Parallel()
	dsn := testenv.DSN(t)
	pool := open(t, dsn)
	store := run(t, pool, postgres.Config{LockKey: lockKey})
	release := hold(t, dsn)
	answers := make(chan error, 20)
	for range cap(answers) {
		store.Submit(t.Context(), sent(t, "a"), func(_ eventstore.Result, err error) { answers <- err })
	}
	eventually(t, "an append waits for the lock", func() bool { return waiting(t, pool) > 0 })
	if len(answers) > 0 {
		t.Error("an append was answered while the lock was held")
	}
	release()
	for range cap(answers) {
		if err := <-answers; err != nil {
			t.Errorf("append: %v", err)
		}
	}
	if n := len(whole(t, store)); n != cap(answers) {
		t.Errorf("%d events stored", n)
	}
}

func TestLockThatIsNeverReleased(t *testing.T) {
	t.Parallel()
	dsn := testenv.DSN(t)
	store := run(t, open(t, dsn), postgres.Config{LockKey: lockKey, Timeout: 300 * time.Millisecond})
	release := hold(t, dsn)
	start := time.Now()
	_, err := store.Append(t.Context(), sent(t, "a"))
	unavailable(t, err)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("the answer took %v", took)
	}
	release()
	eventually(t, "it works again", func() bool { // a new connection may take longer than this timeout
		_, err := store.Append(t.Context(), sent(t, "a"))
		return err == nil
	})
	whole(t, store)
}

func TestKilledBackendCostsNothing(t *testing.T) {
	t.Parallel()
	dsn := testenv.DSN(t)
	store := run(t, open(t, dsn), postgres.Config{})
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	var killing sync.WaitGroup
	defer killing.Wait()
	defer cancel()
	kills := atomic.Int64{}
	strike := make(chan struct{}, 1) // after every so many answers
	killing.Go(func() {
		for {
			select {
			case <-strike:
			case <-ctx.Done():
				return
			}
			var n int64
			err := conn.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
				WHERE application_name = 'parley append' AND datname = current_database()`).Scan(&n)
			if err == nil {
				kills.Add(n)
			}
		}
	})
	answers := atomic.Int64{}
	sends(t, store, 8, 100, func(_ int, r eventstore.Result, err error) {
		if answers.Add(1)%80 == 0 {
			select {
			case strike <- struct{}{}:
			default:
			}
		}
		if err != nil { // killed twice in a row: allowed, but the answer must be this one
			unavailable(t, err)
		} else if r.Duplicate {
			t.Error("a stored append was answered as a duplicate")
		}
	})
	cancel()
	killing.Wait()
	if kills.Load() == 0 {
		t.Error("nothing was killed")
	}
	t.Logf("%d backends killed, %d of 800 appends stored", kills.Load(), len(whole(t, store)))
}

// sends has so many senders append so many messages each, one after the other.
func sends(t *testing.T, store eventstore.Log, senders, each int, told func(int, eventstore.Result, error)) {
	t.Helper()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				r, err := store.Append(t.Context(), sent(t, fmt.Sprint("r", s)))
				told(s*each+i, r, err)
			}
		})
	}
	wg.Wait()
}

// TestCrash kills every process of Postgres while messages are sent: what was
// acknowledged is there afterwards, and a repetition of what was not does no harm.
func TestCrash(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgres(t)
	store := run(t, open(t, server.DSN), postgres.Config{Timeout: time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type outcome struct {
		append eventstore.Append
		pos    event.Position
	}
	var mu sync.Mutex
	var acked, failed []outcome
	var wg sync.WaitGroup
	for s := range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				a := sent(t, fmt.Sprint("r", s))
				r, err := store.Append(context.WithoutCancel(ctx), a)
				mu.Lock()
				if err == nil {
					acked = append(acked, outcome{a, r.Last()})
				} else {
					failed = append(failed, outcome{append: a})
				}
				mu.Unlock()
				if err != nil {
					time.Sleep(10 * time.Millisecond) // as clients do after a refusal
				}
			}
		})
	}
	more := func(what string, outcomes *[]outcome, count int) {
		t.Helper()
		length := func() int {
			mu.Lock()
			defer mu.Unlock()
			return len(*outcomes)
		}
		goal := length() + count
		eventually(t, what, func() bool { return length() >= goal })
	}
	for range 3 {
		more("more messages are stored", &acked, 200)
		server.Kill()
		more("every sender is refused", &failed, 8)
		server.Start()
	}
	more("more messages are stored after the last crash", &acked, 200)
	cancel()
	wg.Wait()

	for _, f := range failed { // "the same id tells"
		if _, err := store.Append(t.Context(), f.append); err != nil {
			t.Fatalf("repeat: %v", err)
		}
	}
	log := whole(t, store)
	if len(log) != len(acked)+len(failed) {
		t.Errorf("%d events in the log, %d sent", len(log), len(acked)+len(failed))
	}
	for _, a := range acked {
		if log[a.pos-1].ID != a.append.Events[0].ID {
			t.Fatalf("an acknowledged message is not at position %d", a.pos)
		}
	}
	t.Logf("%d acknowledged, %d unavailable", len(acked), len(failed))
}

func TestAwayMeansUnavailableWithinTheBound(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgres(t)
	for name, fault := range map[string]struct{ away, back func() }{
		"1 stopped": {server.Stop, server.Start},
		"2 frozen":  {server.Pause, server.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			store := run(t, open(t, server.DSN), postgres.Config{Timeout: 500 * time.Millisecond, ReadTimeout: 500 * time.Millisecond})
			eventually(t, "it works", func() bool {
				_, err := store.Append(t.Context(), sent(t, "a"))
				return err == nil
			})
			fault.away()
			start := time.Now()
			for range 3 {
				_, err := store.Append(t.Context(), sent(t, "a"))
				unavailable(t, err)
				_, err = store.Head(t.Context())
				unavailable(t, err)
			}
			if took := time.Since(start); took > 8*time.Second {
				t.Errorf("six answers took %v", took)
			}
			fault.back()
			eventually(t, "it works again", func() bool {
				_, err := store.Append(t.Context(), sent(t, "a"))
				return err == nil
			})
			whole(t, store)
		})
	}
}

// via is the DSN with another address.
func via(t *testing.T, dsn, addr string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = addr
	return u.String()
}

func host(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// TestLostAnswerOfACommit cuts the connection after COMMIT was sent and before its answer is
// read. The append must be answered as what it is: stored, once.
func TestLostAnswerOfACommit(t *testing.T) {
	t.Parallel()
	dsn := testenv.DSN(t)
	proxy := testenv.TCPProxy(t, host(t, dsn))
	var committed []event.Recorded
	store := run(t, open(t, via(t, dsn, proxy.Addr)), postgres.Config{
		OnCommit: func(events []event.Recorded) { committed = append(committed, events...) },
	})
	direct := postgres.New(open(t, dsn), postgres.Config{})
	if _, err := store.Append(t.Context(), sent(t, "a")); err != nil {
		t.Fatal(err)
	}
	const rounds = 15
	for round := range rounds {
		proxy.Delay(20 * time.Millisecond) // the commit is done while its answer is under way
		a := sent(t, "a")
		answer := make(chan error, 1)
		var result eventstore.Result
		store.Submit(t.Context(), a, func(r eventstore.Result, err error) { result = r; answer <- err })
		eventually(t, "committed", func() bool {
			head, err := direct.Head(t.Context())
			return err == nil && int(head) == round+2
		})
		proxy.Cut()
		proxy.Heal()
		if err := <-answer; err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if result.Duplicate || len(result.Events) != 1 || int(result.Last()) != round+2 {
			t.Fatalf("round %d: %+v", round, result)
		}
	}
	whole(t, store)
	if _, err := store.Append(t.Context(), sent(t, "a")); err != nil { // OnCommit of all before has been called
		t.Fatal(err)
	}
	storetest.CheckOrder(t, committed)
	if len(committed) != rounds+2 {
		t.Errorf("OnCommit was told of %d events", len(committed))
	}
}

func TestOldSnapshotCostsNothing(t *testing.T) {
	t.Parallel()
	dsn := testenv.DSN(t)
	store := run(t, open(t, dsn), postgres.Config{})
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM log.events"); err != nil {
		t.Fatal(err)
	}
	const n = 400
	quickest := [2]time.Duration{time.Hour, time.Hour}
	for i := range n {
		start := time.Now()
		if _, err := store.Append(t.Context(), sent(t, "a")); err != nil {
			t.Fatal(err)
		}
		half := i * 2 / n
		quickest[half] = min(quickest[half], time.Since(start))
	}
	t.Logf("quickest append of the first half %v, of the second %v", quickest[0], quickest[1])
	if quickest[1] > 3*quickest[0]+time.Millisecond {
		t.Error("appends slow down while a snapshot is open")
	}
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	dsn := testenv.DSN(t)
	for name, cfg := range map[string]postgres.Config{
		"number": {LockKey: lockKey, QueueCommands: 10},
		"bytes":  {LockKey: lockKey, QueueBytes: 3000},
	} {
		t.Run(name, func(t *testing.T) {
			store := run(t, open(t, dsn), cfg)
			release := hold(t, dsn)
			var answered sync.WaitGroup
			var refused, stored atomic.Int64
			const n = 30
			for range n {
				answered.Add(1)
				store.Submit(t.Context(), sent(t, "a"), func(_ eventstore.Result, err error) {
					defer answered.Done()
					if err == nil {
						stored.Add(1)
						return
					}
					if domain.CodeOf(err) == domain.CodeUnavailable {
						refused.Add(1)
					}
				})
			}
			if refused.Load() == 0 {
				t.Error("nothing was refused at once")
			}
			release()
			answered.Wait()
			if refused.Load()+stored.Load() != n || stored.Load() == 0 {
				t.Errorf("%d refused, %d stored", refused.Load(), stored.Load())
			}
			if _, err := store.Append(t.Context(), sent(t, "a")); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestStopFinishesWhatIsQueued(t *testing.T) {
	t.Parallel()
	dsn := testenv.DSN(t)
	store := postgres.New(open(t, dsn), postgres.Config{LockKey: lockKey})
	stop := start(t, store)
	release := hold(t, dsn)
	answers := make(chan error, 50)
	for range cap(answers) {
		store.Submit(t.Context(), sent(t, "a"), func(_ eventstore.Result, err error) { answers <- err })
	}
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	eventually(t, "nothing more is taken", func() bool {
		var refused atomic.Bool
		store.Submit(t.Context(), sent(t, "late"), func(_ eventstore.Result, err error) { refused.Store(err != nil) })
		return refused.Load()
	})
	release()
	<-stopped
	for range cap(answers) {
		if err := <-answers; err != nil {
			t.Errorf("append: %v", err)
		}
	}
	if err := store.Run(t.Context()); err == nil {
		t.Error("a store ran twice")
	}
}

func TestStopGivesUpInTime(t *testing.T) {
	t.Parallel()
	dsn := testenv.DSN(t)
	store := postgres.New(open(t, dsn), postgres.Config{LockKey: lockKey, DrainTimeout: 100 * time.Millisecond})
	stop := start(t, store)
	hold(t, dsn)
	answers := make(chan error, 5)
	for range cap(answers) {
		store.Submit(t.Context(), sent(t, "a"), func(_ eventstore.Result, err error) { answers <- err })
	}
	started := time.Now()
	stop()
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("stopping took %v", took)
	}
	for range cap(answers) {
		unavailable(t, <-answers)
	}
}

func TestUnsafeServerIsRefused(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgres(t)
	pool := open(t, server.DSN)
	var log bytes.Buffer
	store := run(t, pool, postgres.Config{Logger: slog.New(slog.NewTextHandler(io.Writer(&log), nil))})
	if err := store.CheckDurability(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		for _, value := range []string{"off", "on"} {
			if _, err := pool.Exec(t.Context(), "ALTER SYSTEM SET "+setting+" = "+value); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Exec(t.Context(), "SELECT pg_reload_conf()"); err != nil {
				t.Fatal(err)
			}
			eventually(t, setting+" is "+value, func() bool {
				return errors.Is(store.CheckDurability(t.Context()), postgres.ErrUnsafe) == (value == "off")
			})
			if value == "on" {
				continue
			}
			fresh := run(t, pool, postgres.Config{})
			if _, err := fresh.Append(t.Context(), sent(t, "a")); !errors.Is(err, postgres.ErrUnsafe) {
				t.Errorf("%s off: append: %v", setting, err)
			}
			allowed := run(t, pool, postgres.Config{AllowUnsafe: true})
			if err := allowed.CheckDurability(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := allowed.Append(t.Context(), sent(t, "a")); err != nil {
				t.Error(err)
			}
		}
	}
}
