package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Check is something that must work for this node to be of use.
type Check struct {
	// Name is what the body of /readyz calls it.
	Name string
	// Probe returns nil while it works. It is told when to give up, and left behind if it
	// does not.
	Probe func(ctx context.Context) error
}

type health struct {
	Status string                 `json:"status"`
	Checks map[string]checkResult `json:"checks,omitempty"`
}

type checkResult struct {
	Status string `json:"status"`
	// DurationMS is how long the check took, in milliseconds.
	DurationMS int64 `json:"durationMs"`
}

const (
	statusOK      = "ok"
	statusFailed  = "failed"
	statusTimeout = "timeout"
)

// healthz says that this process answers. It asks nobody, so that a Postgres that is away does not
// get every node restarted.
func (a *API) healthz(c *call) error { return c.ok(health{Status: statusOK}) }

// readyz says whether this node should get requests: 503 when a check fails. What went wrong
// is in the log; the body names the check.
func (a *API) readyz(c *call) error {
	body := health{Status: statusOK, Checks: make(map[string]checkResult, len(a.Checks))}
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	for _, check := range a.Checks {
		wg.Go(func() {
			result := a.check(c.ctx(), check)
			mu.Lock()
			defer mu.Unlock()
			body.Checks[check.Name] = result
			if result.Status != statusOK {
				body.Status = statusFailed
			}
		})
	}
	wg.Wait()
	if body.Status != statusOK {
		return c.send(http.StatusServiceUnavailable, body)
	}
	return c.ok(body)
}

func (a *API) check(ctx context.Context, check Check) checkResult {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.CheckTimeout)
	defer cancel()
	start := a.cfg.Now()
	answer := make(chan error, 1)
	go func() { answer <- probe(ctx, check) }()
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = ctx.Err()
	}
	result := checkResult{Status: statusOK, DurationMS: a.cfg.Now().Sub(start).Milliseconds()}
	if err == nil {
		return result
	}
	result.Status = statusFailed
	if errors.Is(err, context.DeadlineExceeded) {
		result.Status = statusTimeout
	}
	a.Logger.LogAttrs(ctx, slog.LevelWarn, "not ready", slog.String("check", check.Name), slog.Any("error", err),
		slog.Duration("duration", time.Duration(result.DurationMS)*time.Millisecond))
	return result
}

// probe is out of reach of the pipeline's recover.
func probe(ctx context.Context, check Check) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return check.Probe(ctx)
}
