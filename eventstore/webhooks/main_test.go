package webhooks_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/bus"
	"parley/eventstore/consumers"
	"parley/eventstore/postgres"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
	"parley/eventstore/webhooks"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// patience bounds every wait. No test comes near it.
const patience = 60 * time.Second

func root() domain.Principal {
	return domain.Principal{UserID: "root", Roles: []domain.Role{domain.RoleAdmin}}
}

// world is a log, and the webhooks of one node on it.
type world struct {
	*webhooks.Webhooks
	t     testing.TB
	dsn   string
	pool  *pgxpool.Pool
	store *postgres.Store
	feed  *consumers.Feed
	log   *journal
}

// hasty makes retries quick and lets them reach this machine.
func hasty() webhooks.Config {
	return webhooks.Config{
		AllowPrivate: true, FirstPause: 2 * time.Millisecond, MaxPause: 20 * time.Millisecond, Standby: 20 * time.Millisecond,
		SaveEvery: 20 * time.Millisecond,
	}
}

func newWorld(t testing.TB, cfg webhooks.Config) *world {
	t.Helper()
	w := newLog(t, cfg)
	running(t, w.Run)
	return w
}

// newLog is a world where nothing is delivered.
func newLog(t testing.TB, cfg webhooks.Config) *world {
	t.Helper()
	dsn := testenv.DSN(t)
	w := &world{t: t, dsn: dsn, pool: open(t, dsn), log: &journal{}}
	options, err := bus.ParseRedisURL(testenv.RedisURL(t))
	must(t, err)
	var tail *bus.Bus
	w.store = postgres.New(w.pool, postgres.Config{OnCommit: func(batch []event.Recorded) { tail.Committed(batch) }})
	tail = bus.New(w.store, bus.Config{Redis: options, Topic: testenv.Prefix(t) + "commits"})
	w.feed = consumers.NewFeed(w.pool, w.store, tail)
	cfg.Logger = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Webhooks = webhooks.New(w.pool, w.store, w.feed, cfg)
	for _, run := range []func(context.Context) error{w.store.Run, tail.Run, w.feed.Run} {
		running(t, run)
	}
	return w
}

func open(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	must(t, err)
	config.MaxConns = 6
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	must(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// running runs something until the test ends.
func running(t testing.TB, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("a service ended: %v", err)
		}
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) append(events ...event.New) event.Position {
	w.t.Helper()
	result, err := w.store.Append(w.t.Context(), eventstore.Append{Events: events})
	must(w.t, err)
	return result.Last()
}

func (w *world) messages(n int) event.Position {
	w.t.Helper()
	events := make([]event.New, n)
	for i := range events {
		events[i] = storetest.Sent(w.t, "r")
	}
	return w.append(events...)
}

// hook makes a webhook, or changes it.
func (w *world) hook(name, url string, change ...func(*wire.WebhookRequest)) wire.Webhook {
	w.t.Helper()
	request := wire.WebhookRequest{URL: url, Secret: secret}
	for _, c := range change {
		c(&request)
	}
	hook, _, err := w.Put(w.t.Context(), root(), name, request)
	must(w.t, err)
	return hook
}

// await waits until a webhook is as it should be.
func (w *world) await(what, name string, is func(wire.Webhook) bool) wire.Webhook {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		hook, err := w.Get(w.t.Context(), name)
		must(w.t, err)
		if is(hook) {
			return hook
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("never %s: %+v\n%s", what, hook, w.log)
		}
	}
}

func (w *world) delivered(name string, upTo event.Position) wire.Webhook {
	w.t.Helper()
	return w.await("delivered", name, func(h wire.Webhook) bool { return h.Position == upTo && h.State == wire.WebhookActive })
}

// journal collects what is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
