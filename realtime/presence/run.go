package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/commands"
	"parley/domain/event"
)

// parallel is how many commands are under way at once: as many share a commit.
const parallel = 128

// Run works until ctx ends, and returns nil. What it has in Redis then lapses by itself, so that clients which go on to
// another node have the time to. It may be called once.
func (t *Tracker) Run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return t.renew(running) })
	group.Go(func() error { return t.work(running) })
	group.Go(func() error { return t.look(running) })
	group.Go(func() error { return t.correct(running) })
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// renew keeps this node's lease, and notices what Redis has lost.
func (t *Tracker) renew(ctx context.Context) error {
	away := false
	for ctx.Err() == nil {
		r, err := t.leases.renew(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !away:
			away = true
			t.cfg.Logger.WarnContext(ctx, "presence is not shared between nodes", slog.Any("error", err))
		case err == nil:
			away = false
			if !r.known || !r.users {
				t.unheld(nil)
			}
			if r.dead > 0 {
				t.lookAtAll()
			}
		}
		pause(ctx, t.cfg.Lease/3)
	}
	return nil
}

// work tells Redis and the log who has come and gone.
func (t *Tracker) work(ctx context.Context) error {
	for ctx.Err() == nil {
		failed := t.tell(ctx)
		left, wait := t.leaving()
		if len(left) > 0 {
			t.leave(ctx, left)
			continue
		}
		if failed {
			pause(ctx, t.cfg.Retry)
			continue
		}
		t.await(ctx, wait)
	}
	return nil
}

// await waits until there is something to do; 0 means that no grace ends.
func (t *Tracker) await(ctx context.Context, d time.Duration) {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-t.wake:
	case <-over:
	case <-ctx.Done():
	}
}

// tell says who is here: first to Redis, so that nobody else believes them gone, and then to the log. It reports
// whether something has to be tried again.
func (t *Tracker) tell(ctx context.Context) (failed bool) {
	for ctx.Err() == nil {
		gathered := time.NewTimer(t.cfg.Gather)
		ids := t.arrived()
		if len(ids) > 0 {
			if err := t.leases.add(ctx, ids); err != nil {
				t.unheld(ids)
				failed = true
			}
		}
		list := t.coming(failed)
		if !t.come(ctx, list) {
			failed = true
		}
		if failed || len(ids) == 0 && len(list) == 0 {
			gathered.Stop()
			return failed
		}
		select {
		case <-gathered.C:
		case <-ctx.Done():
		}
	}
	return false
}

// come reports whether the log knows all of them.
func (t *Tracker) come(ctx context.Context, list []coming) bool {
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, c := range list {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, 10*t.cfg.Timeout)
			defer cancel()
			_, err := t.Come.Do(ctx, commands.Actor{}, commands.ComeOnline{UserID: c.id, Invisible: c.invisible, Back: c.back})
			if err != nil {
				t.again(c)
			}
			return err
		})
	}
	err := group.Wait()
	t.logFailure(ctx, "the log does not know who is online", err)
	return err == nil
}

// leave is for users whose grace is over here. Once Redis knows that, the next look at everybody finds whom the log could
// not be told of.
func (t *Tracker) leave(ctx context.Context, ids []string) {
	gone, err := t.leases.gone(ctx, ids, true)
	switch {
	case err == nil:
		err = t.goOffline(ctx, gone)
	case !errors.Is(err, errDoubt):
		t.stay(ids)
	}
	if err != nil {
		t.lookAtAll()
		t.logFailure(ctx, "it is not known whether users are gone", err)
	}
}

// goOffline is for users who were nowhere a moment ago. Those who have come here since are not gone.
func (t *Tracker) goOffline(ctx context.Context, ids []string) error {
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, id := range ids {
		if t.here(id) {
			continue
		}
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, 10*t.cfg.Timeout)
			defer cancel()
			_, err := t.Go.Do(ctx, commands.Actor{}, commands.UserRef{UserID: id})
			return err
		})
	}
	return group.Wait()
}

// look judges everybody who is said to be there: now and then, when a node is gone, and when somebody could not be
// judged. One node does, usually.
func (t *Tracker) look(ctx context.Context) error {
	for ctx.Err() == nil {
		pause(ctx, t.cfg.Lease/3)
		due := t.takeDue()
		if !due {
			due, _ = t.leases.mayLook(ctx) // if Redis is away there is nothing to see
		}
		if !due {
			continue
		}
		if err := t.judgeAll(ctx); err != nil {
			t.lookAtAll()
			t.logFailure(ctx, "it is not known who is gone", err)
		}
	}
	return nil
}

func (t *Tracker) judgeAll(ctx context.Context) error {
	for after := ""; ctx.Err() == nil; {
		ids, err := t.There(ctx, after, t.cfg.Batch)
		if err != nil {
			return fmt.Errorf("list who is there: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		after = ids[len(ids)-1]
		gone, err := t.leases.gone(ctx, ids, false)
		if err != nil {
			return err
		}
		if err := t.goOffline(ctx, gone); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// correct takes back what the log says wrongly of users who are here.
func (t *Tracker) correct(ctx context.Context) error {
	head, err := t.Head(ctx)
	for err != nil && ctx.Err() == nil {
		pause(ctx, t.cfg.Retry)
		head, err = t.Head(ctx)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it is stopped
	}
	return t.Follower.Follow(ctx, head, func(_ context.Context, batch []event.Recorded) error {
		for _, r := range batch {
			if r.Type == event.TypeUserWentOffline {
				t.takeBack(r)
			}
		}
		return nil
	})
}

func (t *Tracker) takeBack(r event.Recorded) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.users[r.Stream.Key()]
	if u == nil {
		return
	}
	if payload, err := r.Payload(); err == nil {
		e, ok := payload.(event.UserWentOffline)
		u.invisible = u.invisible || ok && e.Unseen // nobody is to be seen by our mistake
	}
	u.come, u.wrong, u.held = true, true, false
	t.mark(r.Stream.Key())
}

func (t *Tracker) logFailure(ctx context.Context, what string, err error) {
	if err == nil || ctx.Err() != nil || errors.Is(err, errDoubt) {
		return
	}
	t.cfg.Logger.WarnContext(ctx, "presence may be behind", slog.String("problem", what), slog.Any("error", err))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
