package upkeep_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/projectiontest"
	"parley/projections/rooms"
	"parley/projections/upkeep"
	"parley/projections/users"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a log that was made up. It is read once gate is closed; nil is open.
type memory struct {
	events []event.Recorded
	gate   chan struct{}
}

func (m memory) Head(context.Context) (event.Position, error) {
	return event.Position(len(m.events)), nil
}

func (m memory) wait(ctx context.Context) error {
	if m.gate == nil {
		return nil
	}
	select {
	case <-m.gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m memory) All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error) {
	rest := m.events[min(int(after), len(m.events)):]
	return rest[:min(limit, len(rest))], m.wait(ctx)
}

func (m memory) Since(ctx context.Context, streams []event.Stream, after, upTo event.Position, limit int) ([]event.Recorded, error) {
	var page []event.Recorded
	for _, r := range m.events {
		if r.Position > after && r.Position <= upTo && slices.Contains(streams, r.Stream) && len(page) < limit {
			page = append(page, r)
		}
	}
	return page, m.wait(ctx)
}

func views() []func(string) projections.Projector {
	return []func(string) projections.Projector{
		func(s string) projections.Projector { return users.NewProjector(s) },
		func(s string) projections.Projector { return rooms.NewProjector(s) },
		func(s string) projections.Projector { return messages.NewProjector(s) },
	}
}

// nodes are two on one database and one Redis; stop ends them.
func nodes(t *testing.T, pool *pgxpool.Pool, log upkeep.Log) (one, two *upkeep.Upkeep, stop func()) {
	t.Helper()
	client, prefix := testenv.Redis(t), testenv.Prefix(t)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	open := func(name string) *upkeep.Upkeep {
		u := upkeep.New(upkeep.Config{Pool: pool, Log: log, Views: views(), Redis: client, Prefix: prefix, Node: name, Every: 20 * time.Millisecond})
		running.Go(func() {
			if err := u.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		return u
	}
	one, two = open("one"), open("two")
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(stop)
	return one, two, stop
}

// filled are views of a history, each as far as it goes.
func filled(t *testing.T, events []event.Recorded) *pgxpool.Pool {
	t.Helper()
	pool := testenv.Pool(t)
	for _, build := range views() {
		projectiontest.Apply(t, pool, build(""), events)
	}
	return pool
}

// await waits until a node shows what is awaited.
func await(t *testing.T, u *upkeep.Upkeep, what string, is func(upkeep.Job) bool) upkeep.Job {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		job, ok := u.Last(t.Context())
		if ok && is(job) {
			return job
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %s: %+v", what, job)
		}
	}
}

func ended(j upkeep.Job) bool { return j.EndedAt != nil }

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var admin = domain.Principal{UserID: "ada"}

func TestVerifyFindsAndRebuildMends(t *testing.T) {
	t.Parallel()
	log := memory{events: projectiontest.History(5, 600).Events()}
	pool := filled(t, log.events)
	one, two, _ := nodes(t, pool, log)
	if job, ok := one.Last(t.Context()); ok {
		t.Errorf("at first there is %+v", job)
	}
	job := must[upkeep.Job](t)(one.Verify(t.Context(), admin, 200))
	same := await(t, two, "ended", ended)
	if same.ID != job.ID || same.By != "ada" || same.Node != "one" || same.State != upkeep.StateDone || same.Finding != upkeep.FindingSame || same.Compared == 0 || same.Done == 0 {
		t.Errorf("the views are as they should be: %+v", same)
	}

	if _, err := pool.Exec(t.Context(), "UPDATE views.messages SET content = 'made up by nobody'"); err != nil {
		t.Fatal(err)
	}
	must[upkeep.Job](t)(two.Verify(t.Context(), admin, 200))
	found := await(t, one, "ended", func(j upkeep.Job) bool { return ended(j) && j.ID != job.ID })
	if found.State != upkeep.StateDone || found.Finding != upkeep.FindingDifferent || found.Differences == 0 || len(found.Examples) == 0 || len(found.Examples) > 50 {
		t.Errorf("the messages were changed: %+v", found)
	}
	for _, e := range found.Examples {
		if e.View != "messages" || strings.Contains(e.What, "made up") {
			t.Errorf("%+v", e)
		}
	}

	must[upkeep.Job](t)(one.Rebuild(t.Context(), admin, "messages"))
	mended := await(t, two, "ended", func(j upkeep.Job) bool { return ended(j) && j.Kind == upkeep.KindRebuild })
	if mended.View != "messages" || mended.State != upkeep.StateDone || mended.Total != int64(len(log.events)) || mended.Done != mended.Total {
		t.Errorf("%+v", mended)
	}
	must[upkeep.Job](t)(one.Verify(t.Context(), admin, 200))
	if again := await(t, two, "ended", func(j upkeep.Job) bool { return ended(j) && j.StartedAt.After(mended.StartedAt) }); again.Finding != upkeep.FindingSame {
		t.Errorf("after a rebuild: %+v", again)
	}
}

func TestOneAtATimeAndCanceledFromElsewhere(t *testing.T) {
	t.Parallel()
	log := memory{events: projectiontest.History(5, 100).Events(), gate: make(chan struct{})}
	pool := filled(t, log.events)
	one, two, stop := nodes(t, pool, log)
	job := must[upkeep.Job](t)(one.Rebuild(t.Context(), admin, "rooms"))
	for name, ask := range map[string]func() (upkeep.Job, error){
		"here":      func() (upkeep.Job, error) { return one.Verify(t.Context(), admin, 0) },
		"elsewhere": func() (upkeep.Job, error) { return two.Rebuild(t.Context(), admin, "users") },
	} {
		if _, err := ask(); domain.CodeOf(err) != domain.CodeConflict {
			t.Errorf("a second one %s: %v", name, err)
		}
	}
	await(t, two, "seen elsewhere", func(j upkeep.Job) bool { return j.ID == job.ID && j.State == upkeep.StateRunning })
	if err := two.Cancel(t.Context(), "another"); domain.CodeOf(err) != domain.CodeConflict {
		t.Errorf("another job is canceled: %v", err)
	}
	if err := two.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	if last := await(t, two, "ended", ended); last.State != upkeep.StateCanceled || last.Error != "" {
		t.Errorf("%+v", last)
	}

	next := must[upkeep.Job](t)(two.Rebuild(t.Context(), admin, "rooms")) // the lock is free again
	if err := two.Cancel(t.Context(), next.ID); err != nil {
		t.Fatal(err)
	}
	await(t, two, "ended", func(j upkeep.Job) bool { return j.ID == next.ID && ended(j) })

	must[upkeep.Job](t)(one.Rebuild(t.Context(), admin, "rooms"))
	stop()
	if last, _ := one.Last(t.Context()); last.State != upkeep.StateCanceled || last.Error == "" || !ended(last) {
		t.Errorf("the node was stopped: %+v", last)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := one.Verify(ctx, admin, 1); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("of a node that was stopped: %v", err)
	}
}

func TestWhatCannotBeDone(t *testing.T) {
	t.Parallel()
	one, _, _ := nodes(t, testenv.Pool(t), memory{})
	if _, err := one.Rebuild(t.Context(), admin, "nonsense"); domain.CodeOf(err) != domain.CodeUnknownEvent {
		t.Errorf("there is no such view: %v", err)
	}
	for _, sample := range []int{-1, upkeep.MaxSample + 1} {
		if _, err := one.Verify(t.Context(), admin, sample); domain.CodeOf(err) != domain.CodeInvalidPayload {
			t.Errorf("a sample of %d: %v", sample, err)
		}
	}
}
