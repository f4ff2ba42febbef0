package upkeep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/projections"
	"parley/projections/verify"
)

// lockKey is the advisory lock of who does something. All nodes on a database must use the same.
const lockKey = 0x7061726c65790c00

const unlockTimeout = 5 * time.Second

// lock is held by a connection: it ends with the node at the latest.
func (u *Upkeep) lock(ctx context.Context) (unlock func(), err error) {
	conn, err := u.cfg.Pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect for upkeep: %w", err)
	}
	locked := false
	err = conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&locked)
	if err == nil && !locked {
		err = domain.Errorf(domain.CodeConflict, "views are being rebuilt or verified already")
	}
	if err != nil {
		conn.Release()
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		if _, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(lockKey)); err != nil {
			_ = conn.Conn().Close(ctx) // which unlocks
		}
		conn.Release()
	}, nil
}

var errCanceled = errors.New("canceled")

// work does a task, and tells other nodes meanwhile.
func (u *Upkeep) work(ctx context.Context, t *task) {
	inner, cancel := context.WithCancelCause(ctx)
	u.mu.Lock()
	u.job, u.cancel = t.job, cancel
	u.mu.Unlock()
	close(t.begun)
	u.cfg.Logger.InfoContext(ctx, "upkeep begins", "kind", t.job.Kind, "view", t.job.View, "user_id", t.job.By)

	var teller sync.WaitGroup
	teller.Go(func() { u.tell(inner) })
	err := t.do(inner)
	t.unlock() // first: who sees that it has ended may begin the next
	u.end(context.Cause(inner), err)
	cancel(nil)
	teller.Wait()
	u.publish(context.WithoutCancel(ctx))

	job := u.here()
	u.cfg.Logger.InfoContext(ctx, "upkeep ended", "kind", job.Kind, "view", job.View, "state", job.State,
		"finding", job.Finding, "differences", job.Differences, "error", job.Error)
}

func (u *Upkeep) end(cause, err error) {
	u.change(func(job *Job) {
		now := time.Now().UTC()
		job.EndedAt = &now
		switch {
		case err == nil:
			job.State = StateDone
		case errors.Is(cause, errCanceled):
			job.State = StateCanceled
		case cause != nil:
			job.State, job.Error = StateCanceled, "the node was stopped"
		default:
			job.State, job.Error = StateFailed, err.Error()
		}
	})
}

func (u *Upkeep) rebuild(ctx context.Context, build func(string) projections.Projector) error {
	result, err := projections.Rebuild{
		Pool: u.cfg.Pool, Log: u.cfg.Log, Build: build,
		Progress: func(done, head event.Position) {
			u.change(func(job *Job) { job.Done, job.Total = int64(done), int64(head) })
		},
	}.Run(ctx)
	if err != nil {
		return err
	}
	u.change(func(job *Job) {
		job.Done, job.Total = int64(result.Position), int64(result.Position)
		job.Differences = int64(len(result.Differences))
		switch {
		case !result.Compared:
			job.Finding = FindingUnknown
		case result.Old == result.New:
			job.Finding = FindingSame
		default:
			job.Finding = FindingDifferent
		}
	})
	return nil
}

func (u *Upkeep) verify(ctx context.Context, sample int) error {
	err := u.compare(ctx, sample)
	if err != nil {
		return err
	}
	u.change(func(job *Job) {
		if job.Finding = FindingSame; job.Differences > 0 {
			job.Finding = FindingDifferent
		}
		job.Total = job.Done
	})
	return nil
}

func (u *Upkeep) compare(ctx context.Context, sample int) error {
	check := func(t verify.Thing) error {
		found, events, err := u.verifier.Thing(ctx, t)
		if err == nil {
			u.change(func(job *Job) { job.note(found, events) })
		}
		return err
	}
	if sample == 0 {
		return u.verifier.All(ctx, check)
	}
	things, err := u.verifier.Sample(ctx, sample, rand.Uint64()) //nolint:gosec // chooses what to look at, protects nothing
	if err != nil {
		return err
	}
	for _, t := range things {
		if err := check(t); err != nil {
			return err
		}
	}
	return nil
}

func (j *Job) note(found []verify.Difference, events int) {
	j.Compared++
	j.Done += int64(events)
	if j.Total > 0 {
		j.Total = max(j.Total, j.Done) // the log has grown
	}
	j.Differences += int64(len(found))
	for _, d := range found {
		if len(j.Examples) < maxExamples {
			j.Examples = append(j.Examples, Difference{d.View, d.What})
		}
	}
}
