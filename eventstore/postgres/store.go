package postgres

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/eventstore"
)

// Store is the log of one node. It is safe for concurrent use.
type Store struct {
	pool  *pgxpool.Pool
	cfg   Config
	queue *queue
	ran   atomic.Bool

	counts counts
}

var _ eventstore.Log = (*Store)(nil)

// New makes a store. Reads use the pool; appends use a connection of their own, made with the
// pool's settings. Appends are answered while Run runs.
func New(pool *pgxpool.Pool, cfg Config) *Store {
	cfg = cfg.withDefaults()
	return &Store{pool: pool, cfg: cfg, queue: newQueue(cfg)}
}

// Run appends what is submitted until ctx ends. Then nothing more is taken, and what is queued is
// finished or, after DrainTimeout, answered UNAVAILABLE. It may be called once, and returns nil
// when all of its goroutines are gone.
func (s *Store) Run(ctx context.Context) error {
	if s.ran.Swap(true) {
		return errors.New("the store runs already, or has run")
	}
	newAppender(s).run(ctx)
	return nil
}

// Append queues a and waits for the answer.
func (s *Store) Append(ctx context.Context, a eventstore.Append) (eventstore.Result, error) {
	type answer struct {
		result eventstore.Result
		err    error
	}
	answers := make(chan answer, 1)
	s.Submit(ctx, a, func(r eventstore.Result, err error) { answers <- answer{r, err} })
	select {
	case a := <-answers:
		return a.result, a.err
	case <-ctx.Done():
		return eventstore.Result{}, domain.Unavailable(ctx.Err())
	}
}

// Submit queues a and returns.
func (s *Store) Submit(ctx context.Context, a eventstore.Append, done func(eventstore.Result, error)) {
	if err := a.Validate(); err != nil {
		done(eventstore.Result{}, err)
		return
	}
	if err := s.queue.put(newItem(ctx, a, done)); err != nil {
		done(eventstore.Result{}, domain.Unavailable(err))
	}
}
