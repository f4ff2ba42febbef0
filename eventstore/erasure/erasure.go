// Package erasure takes what is of a person out of everything that the system keeps, once UserErased is recorded.
//
// The event is the decision: from its position on nothing is stored that the user writes or is called by (package
// commands sees to that), and every view blanks its rows when it meets it. What is left to do is done here, in this order:
//
//	forget   what is kept outside of the log: the local account, its sessions
//	sweep    the log, page by page, from the beginning to the event
//	settle   wait until the views have met the event
//	drop     what is kept for a while: the streams in Redis, which nobody needs to find anything
//	note     that it is done
//
// # Promises
//
// Each step may be repeated, and the sweep goes on where it was: an erasure that is interrupted, also by kill -9, is finished by
// whoever finishes it first, the node or tool that began it or any other node, which look for such every minute.
//
// Positions, versions and ids stay, and so does the chain of hashes: the digests of what was blanked are kept. Appends never
// wait for an erasure.
//
// # Limits
//
// What has left the system is not reached: clients, receivers of webhooks, exports, backups and archived WAL. Dead
// versions of rows are freed by Vacuum, which does not overwrite the disk. A replica follows as it replicates.
package erasure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"parley/domain/event"
	"parley/eventstore/postgres"
)

// Log is the log as an erasure needs it; see postgres.Store.
type Log interface {
	Erasures(ctx context.Context, at event.Position) ([]postgres.Erasure, error)
	Sweep(ctx context.Context, e postgres.Erasure) (postgres.Erasure, error)
	FinishErasure(ctx context.Context, at event.Position) error
	Vacuum(ctx context.Context, tables ...string) error
}

// Config says what remembers people beside the log. The zero value works.
type Config struct {
	// Forget takes the user out of what is kept outside of the log. Zero means that there is nothing.
	Forget func(ctx context.Context, userID string) error
	// Settle waits until all views have reached a position. Zero does not wait.
	Settle func(ctx context.Context, at event.Position) error
	// Drop empties what holds events for a while. Zero means that there is nothing.
	Drop func(ctx context.Context) error
	// Tables are those that Vacuum frees beside the log's. Zero means none.
	Tables []string
	// Every is how often Run looks for what was interrupted. Zero means 1 min.
	Every time.Duration
	// Logger gets what could not be finished. Zero means none.
	Logger *slog.Logger
}

// Eraser finishes erasures. Make one with New. It is safe for concurrent use.
type Eraser struct {
	log  Log
	cfg  Config
	wake chan struct{}
}

// New makes an eraser of a log.
func New(log Log, cfg Config) *Eraser {
	cfg.Every = cmp.Or(cfg.Every, time.Minute)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Eraser{log: log, cfg: cfg, wake: make(chan struct{}, 1)}
}

// Finish does what is left to do of the erasure at a position, and returns when all of it is done. swept is told how far
// the log is; nil is not told. When it fails, or ctx ends, Run goes on with it.
func (e *Eraser) Finish(ctx context.Context, at event.Position, swept func(event.Position)) error {
	list, err := e.log.Erasures(ctx, at)
	if err != nil {
		return err
	}
	if !list[0].DoneAt.IsZero() {
		return nil
	}
	err = e.finish(ctx, list[0], swept)
	select {
	case e.wake <- struct{}{}:
	default:
	}
	if err != nil {
		return fmt.Errorf("finish the erasure at position %d: %w", at, err)
	}
	return nil
}

func (e *Eraser) finish(ctx context.Context, x postgres.Erasure, swept func(event.Position)) error {
	if e.cfg.Forget != nil {
		if err := e.cfg.Forget(ctx, x.UserID); err != nil {
			return err
		}
	}
	for x.Swept < x.Position {
		var err error
		if x, err = e.log.Sweep(ctx, x); err != nil {
			return err
		}
		if swept != nil {
			swept(x.Swept)
		}
	}
	if e.cfg.Settle != nil {
		if err := e.cfg.Settle(ctx, x.Position); err != nil {
			return err
		}
	}
	if e.cfg.Drop != nil {
		if err := e.cfg.Drop(ctx); err != nil {
			return err
		}
	}
	return e.log.FinishErasure(ctx, x.Position)
}

// Vacuum frees what the dead versions of rows take that were blanked lately. It may take minutes.
func (e *Eraser) Vacuum(ctx context.Context) error {
	return e.log.Vacuum(ctx, e.cfg.Tables...)
}

// Run finishes what was begun and interrupted anywhere, and vacuums after what was finished here, until ctx ends (nil).
func (e *Eraser) Run(ctx context.Context) error {
	ticker := time.NewTicker(e.cfg.Every)
	defer ticker.Stop()
	for erased := false; ; {
		finished, err := e.finishAll(ctx)
		if err == nil && (finished || erased) {
			err = e.Vacuum(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			e.cfg.Logger.WarnContext(ctx, "an erasure is not finished, trying again", "err", err, "in", e.cfg.Every)
		}
		select {
		case <-e.wake:
			erased = true
		case <-ticker.C:
			erased = false
		case <-ctx.Done():
			return nil
		}
	}
}

func (e *Eraser) finishAll(ctx context.Context) (finished bool, err error) {
	list, err := e.log.Erasures(ctx, 0)
	if err != nil {
		return false, err
	}
	var failures []error
	for _, x := range list {
		if !x.DoneAt.IsZero() {
			continue
		}
		if err := e.finish(ctx, x, nil); err != nil {
			failures = append(failures, fmt.Errorf("position %d: %w", x.Position, err))
			continue
		}
		finished = true
	}
	return finished, errors.Join(failures...)
}
