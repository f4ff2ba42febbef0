package projections

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
)

// errFenced says that the checkpoint was not where this writer left it: somebody else writes the view.
var errFenced = errors.New("the checkpoint was moved by another writer")

// errGap says that the events handed on do not follow the checkpoint.
var errGap = errors.New("events out of order")

func isOrder(err error) bool { return errors.Is(err, errFenced) || errors.Is(err, errGap) }

// poisonError is an event that cannot be applied; what is below it is.
type poisonError struct {
	position event.Position
	cause    error
}

func (e *poisonError) Error() string { return e.cause.Error() }
func (e *poisonError) Unwrap() error { return e.cause }

// worker keeps one view: it stands by until it has the lock, then follows the log.
type worker struct {
	*Runner
	view Projector
	move string
	// at is the checkpoint as this writer left it.
	at event.Position
	// poison is the event that the view failed at, 0 if none. It is logged once.
	poison event.Position
}

func newWorker(r *Runner, p Projector) *worker {
	return &worker{Runner: r, view: p, move: In(r.cfg.Schema, moveSQL)}
}

const startBackoff = 50 * time.Millisecond

func (w *worker) run(ctx context.Context) {
	w.board.set(w.view.Name(), func(s *Status) { s.State = StateStarting })
	defer w.board.set(w.view.Name(), func(s *Status) { s.State = StateStopped })
	backoff := startBackoff
	for ctx.Err() == nil {
		before := w.at
		err := w.hold(ctx)
		if ctx.Err() != nil {
			return
		}
		if w.at > before { // it worked for a while
			backoff = startBackoff
		}
		if !pause(ctx, w.after(err, backoff)) {
			return
		}
		backoff = min(2*backoff, w.cfg.MaxBackoff)
	}
}

// after notes why the view stands still and says for how long.
func (w *worker) after(err error, backoff time.Duration) time.Duration {
	name := w.view.Name()
	if poison, ok := errors.AsType[*poisonError](err); ok {
		w.board.failed(name, StateFailed, poison)
		if w.poison != poison.position {
			w.poison = poison.position
			w.cfg.Logger.Error("view stopped at an event that it cannot apply",
				"view", name, "position", poison.position, "error", poison.Error())
		}
		return w.cfg.RetryFailed
	}
	w.board.failed(name, StateStarting, err)
	w.cfg.Logger.Warn("view interrupted", "view", name, "error", err)
	if errors.Is(err, errFenced) {
		return w.cfg.Standby // let the other one have it
	}
	return backoff/2 + rand.N(backoff/2+1) //nolint:gosec // spreads attempts, protects nothing
}

// hold opens the view's connection, waits for the lock, and keeps the view until
// something fails or ctx ends. Closing the connection gives the lock back.
func (w *worker) hold(ctx context.Context) error {
	s, err := openSession(ctx, w.pool.Config().ConnConfig, w.cfg.Timeout)
	if err != nil {
		return err
	}
	defer s.close(ctx)
	if err := w.awaitLock(ctx, s); err != nil {
		return err
	}
	return w.follow(ctx, s)
}

func (w *worker) awaitLock(ctx context.Context, s *session) error {
	name := w.view.Name()
	for {
		locked, position, err := s.tryLock(ctx, w.cfg.Schema, name)
		if err != nil {
			return fmt.Errorf("ask for the lock: %w", err)
		}
		w.board.seen(name, position)
		if locked {
			w.begin(position)
			return nil
		}
		w.board.set(name, func(s *Status) { s.State, s.Error = StateStandby, "" })
		if !pause(ctx, w.cfg.Standby) {
			return ctx.Err()
		}
	}
}

// begin takes the view over. One that failed stays so until it has got past the event.
func (w *worker) begin(position event.Position) {
	w.at = position
	failed := w.poison > position
	w.board.set(w.view.Name(), func(s *Status) {
		s.Position = position
		if !failed {
			s.State, s.Error = StateActive, ""
		}
	})
	w.cfg.Logger.Info("view taken over", "view", w.view.Name(), "position", position)
}

// follow applies the log until something fails. Beside it the connection is checked, so that
// an idle view whose lock is gone does not believe to be active.
func (w *worker) follow(ctx context.Context, s *session) error {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if err := s.watch(ctx, w.cfg.Standby); err != nil {
			cancel(fmt.Errorf("lost the lock: %w", err))
		}
	}()
	err := w.log.Follow(ctx, w.at, func(ctx context.Context, batch []event.Recorded) error {
		return w.apply(ctx, s, batch)
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	<-watched
	if err == nil {
		err = errors.New("the log ended")
	}
	return err
}

// apply writes a batch of any size in bounded transactions.
func (w *worker) apply(ctx context.Context, s *session, batch []event.Recorded) error {
	w.board.head(batch[len(batch)-1].Position)
	if len(batch) < w.cfg.BatchSize/2 {
		defer w.gather(ctx, time.Now())
		defer w.takeTurn(ctx)()
	}
	for len(batch) > 0 {
		n := min(len(batch), w.cfg.BatchSize)
		if err := w.applyOrHalve(ctx, s, batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

// gather lets more events come before the next transaction, which costs Postgres and this node about the same for one event as
// for a hundred, unless somebody waits to see them. The first after a quiet time is applied at once.
func (w *worker) gather(ctx context.Context, began time.Time) {
	timer := time.NewTimer(w.cfg.Gather - time.Since(began))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.board.hurried():
	case <-ctx.Done():
	}
}

// takeTurn lets the views of a node write one after the other, as far as it has processors for: they are told of the same
// events at once, and all of Postgres would be theirs for a moment, while somebody waits for a commit. A view that is held up
// holds up no other for longer than the time that they gather. The function that is returned ends the turn.
func (w *worker) takeTurn(ctx context.Context) (end func()) {
	timer := time.NewTimer(w.cfg.Gather)
	defer timer.Stop()
	select {
	case w.turns <- struct{}{}:
		return func() { <-w.turns }
	case <-timer.C:
	case <-w.board.hurried():
	case <-ctx.Done():
	}
	return func() {}
}

// applyOrHalve applies as much of a batch as can be: one that fails is halved until the
// event is found, so that the view stands just below it.
func (w *worker) applyOrHalve(ctx context.Context, s *session, batch []event.Recorded) error {
	err := w.applyOnce(ctx, s, batch)
	switch {
	case err == nil, ctx.Err() != nil, isOrder(err), errors.Is(err, errLost), transient(err):
		return err
	case len(batch) == 1:
		return &poisonError{position: batch[0].Position, cause: err}
	}
	half := len(batch) / 2
	if err := w.applyOrHalve(ctx, s, batch[:half]); err != nil {
		return err
	}
	return w.applyOrHalve(ctx, s, batch[half:])
}

// applyOnce is one transaction: the checkpoint first, since its row lock keeps a second
// writer out before either has written anything else.
func (w *worker) applyOnce(ctx context.Context, s *session, batch []event.Recorded) error {
	first, last := batch[0].Position, batch[len(batch)-1].Position
	if first != w.at+1 || last != w.at+event.Position(len(batch)) {
		return fmt.Errorf("%w: at %d, handed %d to %d", errGap, w.at, first, last)
	}
	began := time.Now()
	err := s.transact(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, w.move, w.view.Name(), int64(w.at), int64(last))
		if err != nil {
			return fmt.Errorf("move the checkpoint: %w", err)
		}
		if tag.RowsAffected() != 1 {
			return fmt.Errorf("%w: it is not at %d", errFenced, w.at)
		}
		if err := w.view.Apply(ctx, tx, batch); err != nil {
			return fmt.Errorf("apply events %d to %d: %w", first, last, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.at = last
	w.board.applied(w.view.Name(), len(batch), last)
	w.cfg.OnApplied(w.view.Name(), batch, began, time.Since(began))
	return nil
}

const moveSQL = `UPDATE views.checkpoints SET position = $3, updated_at = clock_timestamp() WHERE name = $1 AND position = $2`
