package webhooks

import (
	"context"
	"errors"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/consumers"
)

// worker delivers for one webhook as it was when the worker was hired.
type worker struct {
	*crew
	hook row
	// at is up to where everything was delivered or is not wanted; saved is what Postgres has of it.
	at, saved event.Position
	savedAt   time.Time
	// done is up to where the receiver has taken what Postgres does not know of yet, 0 if nothing: it is written
	// before anything else is sent.
	done event.Position
	// until is where the delivery ended that was not taken, 0 if none: it goes again as it was.
	until event.Position
	// failing is since when, zero while all is well.
	failing     time.Time
	nextAttempt time.Time
	attempts    int
}

func newWorker(c *crew, r row) *worker {
	w := &worker{crew: c, hook: r, at: r.Position, saved: r.Position, savedAt: time.Now(), attempts: r.Attempts}
	if r.FailingSince != nil {
		w.failing = time.Time(*r.FailingSince)
	}
	if r.NextAttemptAt != nil {
		w.nextAttempt = time.Time(*r.NextAttemptAt)
	}
	return w
}

// awayPause is how long is waited for Postgres.
const awayPause = time.Second

// run delivers until ctx ends or somebody else changes the webhook. One that is parked waits for that.
func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil && w.hook.State != wire.WebhookParked {
		err := w.step(ctx)
		switch {
		case errors.Is(err, errChanged):
			return // the leader hires anew
		case err != nil && ctx.Err() == nil:
			w.hooks.cfg.Logger.WarnContext(ctx, "webhook waits for Postgres", "webhook", w.hook.Name, "error", err)
			pause(ctx, awayPause)
		}
	}
	<-ctx.Done()
}

// step makes one delivery, or waits until there is something to deliver.
func (w *worker) step(ctx context.Context) error {
	if w.done > 0 {
		return w.settle(ctx)
	}
	if wait := time.Until(w.nextAttempt); wait > 0 && !pause(ctx, wait) {
		return nil
	}
	w.nextAttempt = time.Time{}
	select { // what is to be sent is read only once it may be sent
	case w.hooks.places <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	page, err := w.deliver(ctx)
	<-w.hooks.places
	if err != nil || len(page.Events) > 0 {
		return err
	}
	w.until = 0
	if w.at = page.UpTo; w.at < w.hooks.feed.Head() {
		return w.save(ctx)
	}
	return w.await(ctx)
}

// deliver sends what is next, if anything is.
func (w *worker) deliver(ctx context.Context) (consumers.Page, error) {
	selection := consumers.Selection(w.hook.Wanted, w.at)
	selection.UpTo = w.until
	page, err := w.hooks.feed.Page(ctx, selection, consumers.Limit{Events: w.hook.MaxEvents, Bytes: w.hooks.cfg.MaxBytes})
	if err != nil || len(page.Events) == 0 {
		return page, err
	}
	err = w.sender.send(ctx, delivery{
		id:  deliveryID(w.hook.Name, w.hook.revision, page.Events),
		url: w.hook.URL, secret: w.hook.secret, body: bodyOf(w.hook.Name, page.Events),
	})
	if refused, ok := errors.AsType[*refusal](err); ok {
		return page, w.refused(ctx, page, refused)
	}
	if err != nil {
		return page, err
	}
	w.hooks.counts.deliveries.Add(1)
	w.hooks.counts.events.Add(uint64(len(page.Events)))
	w.done, w.until = page.UpTo, 0
	return page, w.settle(ctx)
}

const (
	// The position comes back with the log: it is not waited for until it is on the disk, since a crash of Postgres
	// makes no more of it than deliveries that are repeated.
	takenSQL = `
UPDATE consumers.consumers SET position = $4, moved_at = now()
WHERE name = $1 AND revision = $2 AND position = $3 AND set_config('synchronous_commit', 'off', true) = 'off'`
	recoveredSQL = `UPDATE consumers.webhooks SET ` + fresh + ` WHERE name = $1`
	savedSQL     = `UPDATE consumers.consumers SET position = $4 WHERE name = $1 AND revision = $2 AND position = $3`
	refusedSQL   = `
UPDATE consumers.webhooks SET attempts = $3, failing_since = $4, next_attempt_at = $5, parked_at = $6, last_error = $7, last_error_at = now()
WHERE name = $1 AND EXISTS (SELECT FROM consumers.consumers c WHERE c.name = $1 AND c.revision = $2)`
)

// settle moves the webhook behind what was taken.
func (w *worker) settle(ctx context.Context) error {
	if w.saved != w.done {
		if err := w.move(ctx, takenSQL, w.done); err != nil {
			return err
		}
	}
	if w.attempts > 0 {
		if _, err := w.hooks.exec(ctx, recoveredSQL, w.hook.Name); err != nil {
			return err
		}
		w.hooks.cfg.Logger.InfoContext(ctx, "webhook delivers again", "webhook", w.hook.Name, "failures", w.attempts)
		w.attempts, w.failing = 0, time.Time{}
	}
	w.done = 0
	return nil
}

// move sets the position, on condition that it is where this worker left it.
func (w *worker) move(ctx context.Context, sql string, to event.Position) error {
	moved, err := w.hooks.exec(ctx, sql, w.hook.Name, w.hook.revision, int64(w.saved), int64(to))
	if err == nil && !moved {
		err = errChanged
	}
	if err != nil {
		return err
	}
	w.at, w.saved, w.savedAt = to, to, time.Now()
	return nil
}

// minAttempts are made however long ago the first was: the node may have been away in between.
const minAttempts = 3

// refused notes a failure and when to try again.
func (w *worker) refused(ctx context.Context, page consumers.Page, r *refusal) error {
	cfg, now := w.hooks.cfg, time.Now()
	w.hooks.counts.failures.Add(1)
	w.attempts++
	if w.failing.IsZero() {
		w.failing = now
	}
	w.until = page.Events[len(page.Events)-1].Position
	w.nextAttempt = now.Add(cfg.pauseAfter(w.attempts, r.retryAfter))
	park := r.gone || w.attempts >= minAttempts && now.Sub(w.failing) >= cfg.ParkAfter
	next, parked := &w.nextAttempt, (*time.Time)(nil)
	if park {
		next, parked = nil, &now
	}
	known, err := w.hooks.exec(ctx, refusedSQL, w.hook.Name, w.hook.revision, w.attempts, w.failing, next, parked, r.text)
	switch {
	case err != nil:
		return err
	case !known:
		return errChanged
	case park:
		w.hook.State = wire.WebhookParked
		w.hooks.counts.parked.Add(1)
		cfg.Logger.ErrorContext(ctx, "webhook parked", "webhook", w.hook.Name, "failures", w.attempts, "error", r.text)
	case w.attempts == 1:
		cfg.Logger.WarnContext(ctx, "webhook fails", "webhook", w.hook.Name, "error", r.text)
	}
	return nil
}

// await waits for the log to grow. What was passed over is written down meanwhile.
func (w *worker) await(ctx context.Context) error {
	waiting, cancel := ctx, context.CancelFunc(func() {})
	if w.saved < w.at {
		waiting, cancel = context.WithDeadline(ctx, w.savedAt.Add(w.hooks.cfg.SaveEvery))
	}
	defer cancel()
	w.hooks.feed.Await(waiting, w.at, nil)
	return w.save(ctx)
}

// save writes down now and then what was passed over because it is not wanted.
func (w *worker) save(ctx context.Context) error {
	if w.saved == w.at || time.Since(w.savedAt) < w.hooks.cfg.SaveEvery {
		return nil
	}
	return w.move(ctx, savedSQL, w.at)
}
