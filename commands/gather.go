package commands

import (
	"context"
	"sync"
	"time"

	"parley/domain"
	"parley/domain/event"
)

// gatherer makes one mark of many. The first of a user in a room is stored at once; those that come within
// Config.ReceiptWindow of it wait for the window's end, when the farthest of them is stored and answers
// them all, and a new window begins. So a reader who scrolls causes few events, and nobody is
// answered before what was asked for is stored.
type gatherer[R any] struct {
	inner *useCase[Mark, R]

	mu   sync.Mutex
	open map[reader]*window[R]
}

// reader is a user in a room.
type reader struct{ roomID, userID string }

type window[R any] struct{ waiting []waiter[R] }

type waiter[R any] struct {
	task   *task[Mark]
	finish func(R, error)
}

const (
	// maxWaiting ends a window early, so that a connection's commands do not all wait for it.
	maxWaiting = 128
	// gatherTimeout bounds the storing of what was gathered.
	gatherTimeout = 10 * time.Second
)

func newGatherer[R any](inner *useCase[Mark, R]) *gatherer[R] {
	return &gatherer[R]{inner: inner, open: map[reader]*window[R]{}}
}

// Do asks and waits for the answer.
func (g *gatherer[R]) Do(ctx context.Context, actor Actor, c Mark) (R, error) {
	done := make(chan outcome[R], 1)
	g.Submit(ctx, actor, c, func(r R, err error) { done <- outcome[R]{r, err} })
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		var none R
		return none, domain.Unavailable(ctx.Err())
	}
}

// Submit asks; done is called when what was asked for is stored.
func (g *gatherer[R]) Submit(ctx context.Context, actor Actor, c Mark, done func(R, error)) {
	finish := g.inner.observed(done)
	t, err := g.inner.admit(ctx, actor, c)
	if err != nil {
		var none R
		finish(none, err)
		return
	}
	w := waiter[R]{t, finish}
	if g.inner.app.cfg.ReceiptWindow < 0 {
		g.run(ctx, t, 1, finish)
		return
	}
	key := reader{t.c.RoomID, actor.UserID}
	first, due := g.enter(key, w)
	switch {
	case first:
		g.run(ctx, t, 1, finish)
	case len(due) > 0:
		g.store(context.WithoutCancel(ctx), due) // it is for others too
	}
}

// run stores one mark, and tries again when another device of the user was faster each time.
func (g *gatherer[R]) run(ctx context.Context, t *task[Mark], round int, finish func(R, error)) {
	g.inner.run(ctx, t, func(r R, err error) {
		if round < rounds && outran(err) && ctx.Err() == nil {
			go g.run(ctx, t, round+1, finish) // this goroutine is the log's
			return
		}
		finish(r, err)
	})
}

// enter opens a window, or waits in the one that is open. It returns those who have become too many.
func (g *gatherer[R]) enter(key reader, w waiter[R]) (first bool, due []waiter[R]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	in, isOpen := g.open[key]
	if !isOpen {
		g.open[key] = &window[R]{}
		g.later(key)
		return true, nil
	}
	in.waiting = append(in.waiting, w)
	if len(in.waiting) >= maxWaiting {
		due, in.waiting = in.waiting, nil
	}
	return false, due
}

// later ends the window in time. Nothing else does, so an idle reader costs nothing.
func (g *gatherer[R]) later(key reader) {
	time.AfterFunc(g.inner.app.cfg.ReceiptWindow, func() {
		if due := g.end(key); len(due) > 0 {
			ctx, cancel := context.WithTimeout(context.Background(), gatherTimeout)
			defer cancel()
			g.storeAndWait(ctx, due)
		}
	})
}

// end ends a window. If somebody waited in it, the next one begins.
func (g *gatherer[R]) end(key reader) []waiter[R] {
	g.mu.Lock()
	defer g.mu.Unlock()
	due := g.open[key].waiting
	if len(due) == 0 {
		delete(g.open, key)
		return nil
	}
	g.open[key].waiting = nil
	g.later(key)
	return due
}

// storeAndWait keeps ctx until everybody is answered.
func (g *gatherer[R]) storeAndWait(ctx context.Context, due []waiter[R]) {
	var answered sync.WaitGroup
	answered.Add(len(due))
	for i := range due {
		finish := due[i].finish
		due[i].finish = func(r R, err error) { finish(r, err); answered.Done() }
	}
	g.store(ctx, due)
	answered.Wait()
}

// store stores the farthest mark for all. Those that name no message of the room are answered by themselves.
func (g *gatherer[R]) store(ctx context.Context, due []waiter[R]) {
	seqs, err := g.seqs(ctx, due)
	if err != nil {
		var none R
		for _, w := range due {
			w.finish(none, err)
		}
		return
	}
	farthest := -1
	for i, seq := range seqs {
		if seq >= 0 && (farthest < 0 || seq >= seqs[farthest]) {
			farthest = i
		}
	}
	var covered []waiter[R]
	for i, w := range due {
		if seqs[i] < 0 {
			g.run(ctx, w.task, 1, w.finish)
		} else {
			covered = append(covered, w)
		}
	}
	if farthest >= 0 {
		g.run(ctx, due[farthest].task, 1, func(r R, err error) {
			for _, w := range covered {
				w.finish(r, err)
			}
		})
	}
}

// seqs are those of the marked messages, -1 for one that is not known.
func (g *gatherer[R]) seqs(ctx context.Context, due []waiter[R]) ([]int64, error) {
	seqs := make([]int64, len(due))
	named := map[event.ID][]int{}
	for i, w := range due {
		c := &w.task.c
		if c.MessageID == "" {
			seqs[i] = *c.Seq
			continue
		}
		seqs[i] = -1
		if id, err := event.ParseID(c.MessageID); err == nil {
			named[id] = append(named[id], i)
		}
	}
	if len(named) == 0 {
		return seqs, nil
	}
	ids := make([]event.ID, 0, len(named))
	for id := range named {
		ids = append(ids, id)
	}
	found, err := g.inner.app.Log.ByID(ctx, ids...)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		if r.Type != event.TypeMessageSent || r.Stream != event.MessagesStream(due[0].task.c.RoomID) {
			continue
		}
		for _, i := range named[r.ID] {
			seqs[i] = r.Seq
		}
	}
	return seqs, nil
}
