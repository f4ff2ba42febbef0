package webhooks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// lockKey is the advisory lock of who delivers. All nodes on a database must use the same.
	lockKey = 0x7061726c65790b00
	// signs is how often within a lease the leader gives a sign of itself.
	signs = 6
	// closeTimeout bounds the goodbye to a server that may not be listening any more.
	closeTimeout = time.Second
)

// Run stands by and, when it is this node's turn, delivers, until ctx ends. It returns when all of its goroutines and
// connections are gone. It does not fail: what goes wrong is tried again.
func (w *Webhooks) Run(ctx context.Context) error {
	s := newSender(w.cfg)
	defer s.close()
	for ctx.Err() == nil {
		if err := w.lead(ctx, s); err != nil && ctx.Err() == nil {
			w.cfg.Logger.WarnContext(ctx, "webhooks interrupted", "error", err)
			pause(ctx, w.cfg.Standby)
		}
	}
	return nil
}

// lead waits for the lock and delivers until something fails or ctx ends. Closing the connection gives the lock back.
func (w *Webhooks) lead(ctx context.Context, s *sender) error {
	conn, err := w.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = conn.Close(bounded) // it may be broken, which is why it is closed
	}()
	if err := w.awaitLock(ctx, conn); err != nil {
		return err
	}
	// From here on every change is heard of, so none is missed between reading and listening.
	if err := call(ctx, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "LISTEN "+channel)
		return err
	}); err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	w.cfg.Logger.InfoContext(ctx, "webhooks taken over")
	w.leading.Store(true)
	defer w.leading.Store(false)
	crew := newCrew(w, s)
	defer crew.dismiss()
	for {
		rows, err := w.rows(ctx, selectSQL)
		if err != nil {
			return fmt.Errorf("read the webhooks: %w", err)
		}
		crew.assign(ctx, rows)
		if err := w.awaitChange(ctx, conn, crew); err != nil {
			return err
		}
	}
}

func (w *Webhooks) connect(ctx context.Context) (*pgx.Conn, error) {
	config := w.pool.Config().ConnConfig
	maps.Copy(config.RuntimeParams, map[string]string{
		"application_name":     "parley webhooks",
		"idle_session_timeout": strconv.FormatInt(w.cfg.Lease.Milliseconds(), 10),
	})
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(bounded, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, nil
}

func (w *Webhooks) awaitLock(ctx context.Context, conn *pgx.Conn) error {
	for {
		var locked bool
		err := call(ctx, func(ctx context.Context) error {
			return conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&locked)
		})
		if err != nil {
			return fmt.Errorf("ask for the lock: %w", err)
		}
		if locked {
			return nil
		}
		if !pause(ctx, w.cfg.Standby) {
			return ctx.Err()
		}
	}
}

// awaitChange returns nil when the webhooks have to be read again, and an error when the lock is lost.
func (w *Webhooks) awaitChange(ctx context.Context, conn *pgx.Conn, c *crew) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, w.cfg.Lease/signs)
		_, err := conn.WaitForNotification(waiting)
		late := waiting.Err() != nil
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !late || conn.IsClosed():
			return fmt.Errorf("lost the lock: %w", err)
		}
		if err := call(ctx, conn.Ping); err != nil {
			return fmt.Errorf("lost the lock: %w", err)
		}
		if c.incomplete() {
			return nil
		}
	}
}

func call(ctx context.Context, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return do(bounded)
}

// crew is the workers of the node that delivers, one for each webhook.
type crew struct {
	hooks   *Webhooks
	sender  *sender
	workers map[string]*hired
}

// hired is a worker at work.
type hired struct {
	revision int64
	stop     context.CancelFunc
	gone     chan struct{} // closed when it has ended
}

func newCrew(w *Webhooks, s *sender) *crew {
	return &crew{hooks: w, sender: s, workers: map[string]*hired{}}
}

// assign gives each webhook a worker that knows it as it is now, and takes the others away.
func (c *crew) assign(ctx context.Context, rows []row) {
	wanted := make(map[string]row, len(rows))
	for _, r := range rows {
		wanted[r.Name] = r
	}
	var leaving sync.WaitGroup
	for name, h := range c.workers {
		if r, ok := wanted[name]; ok && r.revision == h.revision && !h.ended() {
			delete(wanted, name)
			continue
		}
		h.stop()
		leaving.Go(func() { <-h.gone })
		delete(c.workers, name)
	}
	leaving.Wait()
	for name, r := range wanted {
		c.workers[name] = c.hire(ctx, r)
	}
	c.hooks.running.Store(int64(len(c.workers)))
}

func (c *crew) hire(ctx context.Context, r row) *hired {
	ctx, stop := context.WithCancel(ctx)
	h := &hired{revision: r.revision, stop: stop, gone: make(chan struct{})}
	go func() {
		defer close(h.gone)
		newWorker(c, r).run(ctx)
	}()
	return h
}

// incomplete reports whether a worker has given up, because its webhook is not as it was.
func (c *crew) incomplete() bool {
	for _, h := range c.workers {
		if h.ended() {
			return true
		}
	}
	return false
}

func (h *hired) ended() bool {
	select {
	case <-h.gone:
		return true
	default:
		return false
	}
}

// dismiss ends all workers and waits for them.
func (c *crew) dismiss() {
	for _, h := range c.workers {
		h.stop()
	}
	for _, h := range c.workers {
		<-h.gone
	}
	c.hooks.running.Store(0)
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

// errChanged says that a webhook is not as its worker left it.
var errChanged = errors.New("the webhook was changed")
