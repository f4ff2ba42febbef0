package projections

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"parley/domain"
	"parley/domain/event"
)

// WaitFor waits until the named views (none named: all) show every event up to a
// position where queries read, whichever node writes them. The error is of code STALE after
// Config.WaitLimit or the end of ctx. It needs Run to be running, and costs nothing when the position
// is reached already.
func (r *Runner) WaitFor(ctx context.Context, position event.Position, names ...string) error {
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(r.board.views))
	}
	for _, name := range names {
		if _, ok := r.board.views[name]; !ok {
			return fmt.Errorf("wait for a view: there is none named %q", name)
		}
	}
	if _, done := r.board.reached(position, names, r.replica()); done {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.WaitLimit)
	defer cancel()
	defer r.board.wait()()
	for {
		moved, done := r.board.reached(position, names, r.replica())
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return domain.Errorf(domain.CodeStale, "the views have not reached position %d yet", position)
		}
	}
}

// replica reports whether queries read elsewhere than the views are written.
func (r *Runner) replica() bool { return r.cfg.Reads != nil && r.cfg.Reads != r.pool }

// poll reads the checkpoints while somebody waits for what this node cannot know by
// itself. However many wait, it is one short statement at a time.
func (r *Runner) poll(ctx context.Context) {
	for {
		select {
		case <-r.board.wanted:
		case <-ctx.Done():
			return
		}
		for r.board.anyWaiting() {
			if r.replica() || !r.board.allActive() {
				r.pollOnce(ctx)
			}
			if !pause(ctx, r.cfg.Poll) {
				return
			}
		}
	}
}

func (r *Runner) pollOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.WaitLimit)
	defer cancel()
	pool, note := r.pool, r.board.seen
	if r.replica() {
		pool, note = r.cfg.Reads, r.board.seenByReaders
	}
	rows, err := pool.Query(ctx, In(r.cfg.Schema, "SELECT name, position FROM views.checkpoints"))
	if err != nil {
		return // who waits will be told STALE, and the views themselves tell why
	}
	var (
		name     string
		position int64
	)
	_, _ = pgx.ForEachRow(rows, []any{&name, &position}, func() error {
		note(name, event.Position(position))
		return nil
	})
}

// reached reports whether the views are there; if not, moved is closed when one has moved.
func (b *board) reached(position event.Position, names []string, replica bool) (moved <-chan struct{}, done bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range names {
		at := b.views[name].Position
		if replica {
			at = b.views[name].read
		}
		if at < position {
			return b.moved, false
		}
	}
	return nil, true
}

// wait counts one who waits and wakes the poller; the result ends it.
func (b *board) wait() (end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting++; b.waiting == 1 {
		close(b.hurry)
	}
	select {
	case b.wanted <- struct{}{}:
	default:
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.waiting--; b.waiting == 0 {
			b.hurry = make(chan struct{})
		}
	}
}

// hurried is closed as soon as somebody waits.
func (b *board) hurried() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hurry
}

func (b *board) anyWaiting() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting > 0
}

// allActive reports whether this node writes every view, and so knows how far they are.
func (b *board) allActive() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.views {
		if e.State != StateActive {
			return false
		}
	}
	return true
}
