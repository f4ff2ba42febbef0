package projections

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/event"
	"parley/eventstore"
)

// Config is how a Runner runs.
type Config struct {
	// Schema holds the views' tables and checkpoints. Zero means DefaultSchema.
	Schema string
	// Reads is the pool that queries use, when it is not the Runner's own: WaitFor then waits until
	// the replica shows the position. Zero means the Runner's own.
	Reads *pgxpool.Pool
	// Head is the last known position of the log, for Status. Zero means what the views have been handed.
	Head func() event.Position
	// OnApplied is told of each transaction of this node: the view, its events, when it began and how long it took. It must
	// be quick. Zero means nobody is told.
	OnApplied func(view string, batch []event.Recorded, began time.Time, took time.Duration)
	// BatchSize bounds the events of one transaction. Zero means 1000.
	BatchSize int
	// Gather is the least time from one transaction of a view to the next, while there is little to apply and nobody waits for
	// the view on this node. Zero means 50 ms.
	Gather time.Duration
	// Standby is how often a node that stands by asks for the lock, and how often the node that
	// holds it checks that it still does. Zero means 1 s.
	Standby time.Duration
	// Timeout bounds one transaction. Zero means 30 s.
	Timeout time.Duration
	// MaxBackoff bounds the pause between attempts while Postgres is away; it starts at 50 ms and
	// doubles. Zero means 5 s.
	MaxBackoff time.Duration
	// RetryFailed is the pause before an event that could not be applied is tried again. Zero means 30 s.
	RetryFailed time.Duration
	// WaitLimit bounds WaitFor. Zero means 2 s.
	WaitLimit time.Duration
	// Poll is how often the checkpoints are read while somebody waits for a view that another node
	// writes. Zero means 15 ms.
	Poll time.Duration
	// Logger hears of what an operator should know. Zero means nobody does.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Gather, 50 * time.Millisecond},
		{&c.Standby, time.Second},
		{&c.Timeout, 30 * time.Second},
		{&c.MaxBackoff, 5 * time.Second},
		{&c.RetryFailed, 30 * time.Second},
		{&c.WaitLimit, 2 * time.Second},
		{&c.Poll, 15 * time.Millisecond},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.Schema == "" {
		c.Schema = DefaultSchema
	}
	if c.BatchSize <= 0 {
		c.BatchSize = 1000
	}
	if c.OnApplied == nil {
		c.OnApplied = func(string, []event.Recorded, time.Time, time.Duration) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Runner keeps views up to date. Make one with NewRunner. Its methods may be called
// concurrently; Run only once.
type Runner struct {
	pool    *pgxpool.Pool
	log     eventstore.Follower
	cfg     Config
	workers []*worker
	board   *board
	// turns are taken to write; see worker.takeTurn.
	turns chan struct{}
}

// NewRunner makes a Runner of the views of one schema. The pool is used to find the server and for
// short reads; each view also opens one connection of its own.
func NewRunner(pool *pgxpool.Pool, log eventstore.Follower, projectors []Projector, cfg Config) *Runner {
	r := &Runner{pool: pool, log: log, cfg: cfg.withDefaults(), turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	names := make([]string, len(projectors))
	for i, p := range projectors {
		names[i] = p.Name()
	}
	r.board = newBoard(names)
	for _, p := range projectors {
		r.workers = append(r.workers, newWorker(r, p))
	}
	return r
}

// Run keeps the views until ctx ends, and returns when all of its goroutines and
// connections are gone. It does not fail: what goes wrong is tried again and shows in Status.
func (r *Runner) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, w := range r.workers {
		wg.Go(func() { w.run(ctx) })
	}
	wg.Go(func() { r.poll(ctx) })
	wg.Wait()
	return nil
}

// pause waits; false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
