package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"parley/domain/event"
)

// Log is what is replayed. eventstore/postgres.Store is one; its pool may be that of a replica.
type Log interface {
	// Head is the last position, 0 for an empty log.
	Head(ctx context.Context) (event.Position, error)
	// PositionAt is the last position that was recorded at or before t, 0 if there is none.
	PositionAt(ctx context.Context, t time.Time) (event.Position, error)
	// Select hands some events to visit out of one short statement, and returns up to where it got, also with an error.
	Select(ctx context.Context, sel event.Selection, limit int, visit func(*event.Recorded) bool) (event.Position, error)
}

// Follower hands on the log as it grows: see eventstore.Follower.
type Follower interface {
	Follow(ctx context.Context, after event.Position, handle func(ctx context.Context, batch []event.Recorded) error) error
}

// Output takes what is played: whole events at a time, if they are lines.
type Output interface {
	io.Writer
	// Flush sends what was written on its way.
	Flush() error
}

// Config tunes a Player. The zero value works.
type Config struct {
	// Reads is how many statements of all replays run at the same time. Zero means 4.
	Reads int
	// BatchBytes is how much is read before it is written; it may become twice that. Zero means 512 KiB.
	BatchBytes int
	// Patience is for how long a read that fails is tried again. Zero means 15 s.
	Patience time.Duration
	// Gather is how long a live replay collects, after it has written, before it writes again. Zero means 25 ms.
	Gather time.Duration
	// Poll is how often the log is looked at for new events where there is no Follower. Zero means 100 ms.
	Poll time.Duration
}

func (c Config) withDefaults() Config {
	c.Reads = cmp.Or(c.Reads, 4)
	c.BatchBytes = cmp.Or(c.BatchBytes, 512<<10)
	c.Patience = cmp.Or(c.Patience, 15*time.Second)
	c.Gather = cmp.Or(c.Gather, 25*time.Millisecond)
	c.Poll = cmp.Or(c.Poll, 100*time.Millisecond)
	return c
}

// Player plays a log. It is safe for concurrent use.
type Player struct {
	log      Log
	follower Follower
	cfg      Config
	reads    chan struct{}
	shared   lanes
}

// New makes a player. Without a follower (nil), who follows looks at the log again and again.
func New(log Log, follower Follower, cfg Config) *Player {
	cfg = cfg.withDefaults()
	return &Player{
		log: log, follower: follower, cfg: cfg, reads: make(chan struct{}, cfg.Reads),
		shared: lanes{size: cfg.BatchBytes, of: map[string]*lane{}},
	}
}

// Log is what is played.
func (p *Player) Log() Log { return p.log }

// Options are how a plan is played. The zero value works.
type Options struct {
	// Speed is how many times as fast as it happened. Zero means as fast as it goes. It is for lines alone.
	Speed float64
	// Progress is told after each write how many events have been written and up to which position all is
	// done. Zero means nobody is told.
	Progress func(events int64, done event.Position)
}

// errEnough ends a replay that has all that was asked for.
var errEnough = errors.New("enough")

// Play writes what was planned; the last of it may have to be flushed. It returns nil when all of it is written, or when ctx ends a replay that follows; else
// the error of the log, of the output, or of ctx.
func (p *Player) Play(ctx context.Context, plan Plan, out Output, o Options) error {
	run := &run{
		Player: p, plan: plan, out: out, options: o, perRead: firstRead,
		encoder: newEncoder(plan.Format, out, p.cfg.BatchBytes, o.Speed),
	}
	run.batches = [2]batch{run.encoder.batch(), run.encoder.batch()}
	err := run.play(ctx)
	switch {
	case plan.Follow && ctx.Err() != nil:
		return nil //nolint:nilerr // to be told to end is how a replay that follows ends
	case err != nil && !errors.Is(err, errEnough):
		return err
	}
	if err := run.encoder.close(); err != nil {
		return fmt.Errorf("finish the replay: %w", err)
	}
	return nil
}

// run is one replay.
type run struct {
	*Player

	plan    Plan
	out     Output
	options Options
	encoder encoder
	lane    *lane // when it is live, and not alone

	batches [2]batch

	taken   int64 // events that were read
	written int64 // and written
	perRead int   // events that are likely to fill a batch
}

// firstRead is how many events are asked for before anything is known of their size.
const firstRead = 256

func (r *run) play(ctx context.Context) error {
	sel := r.plan.Past
	if err := r.past(ctx, sel); err != nil || !r.plan.Follow {
		return err
	}
	if r.plan.To > 0 && r.plan.Head >= r.plan.To {
		return nil
	}
	if err := r.out.Flush(); err != nil { // who listens sees that it has begun
		return err
	}
	r.batches = [2]batch{r.encoder.batch(), r.encoder.batch()} // small ones: many may follow
	if r.follower == nil {
		return r.poll(ctx)
	}
	after, err := r.approach(ctx)
	if err != nil {
		return err
	}
	if r.options.Speed <= 0 {
		var leave func()
		r.lane, leave = r.shared.join(&r.plan)
		defer leave()
	}
	return r.follower.Follow(ctx, after, r.live)
}

// near is how many events the follower may be left with: it reads them from the log one by one, if they are not in
// memory.
const near = 1000

// approach plays what was added meanwhile, until there is little of it.
func (r *run) approach(ctx context.Context) (event.Position, error) {
	reached := r.plan.Head
	for {
		head, err := r.head(ctx)
		if err != nil || head-reached <= near {
			return reached, err
		}
		sel := r.plan.Past
		sel.After, sel.UpTo = max(reached, sel.After), head
		if err := r.past(ctx, sel); err != nil {
			return reached, err
		}
		reached = head
	}
}

// poll follows without a follower.
func (r *run) poll(ctx context.Context) error {
	reached := r.plan.Head
	for {
		head, err := r.head(ctx)
		if err != nil {
			return err
		}
		if head <= reached {
			if err := pause(ctx, r.cfg.Poll); err != nil {
				return err
			}
			continue
		}
		sel := r.plan.Past
		sel.After, sel.UpTo = max(reached, sel.After), head
		if err := r.past(ctx, sel); err != nil {
			return err
		}
		if err := r.out.Flush(); err != nil {
			return err
		}
		reached = head
	}
}

func (r *run) head(ctx context.Context) (head event.Position, err error) {
	err = r.patiently(ctx, func() error {
		head, err = r.log.Head(ctx)
		return err
	})
	return head, err
}

// past plays a selection: while a batch is written, the next one is read.
func (r *run) past(ctx context.Context, sel event.Selection) error {
	reading, cancel := context.WithCancel(ctx)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel()
	free, full := make(chan batch, len(r.batches)), make(chan filled)
	for _, b := range r.batches {
		free <- b
	}
	var failure error // read after full is closed
	reader.Go(func() {
		defer close(full)
		failure = r.read(reading, sel, free, full)
	})
	for f := range full {
		if err := r.write(ctx, f.batch, f.reached); err != nil {
			return err
		}
		f.batch.clear()
		free <- f.batch
	}
	return failure
}

// filled is a batch, and up to where all that was asked for has been read.
type filled struct {
	batch   batch
	reached event.Position
}

// read fills batches until the end of the selection.
func (r *run) read(ctx context.Context, sel event.Selection, free <-chan batch, full chan<- filled) error {
	for sel.After < sel.UpTo {
		var b batch
		select {
		case b = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		enough := false
		err := r.patiently(ctx, func() error {
			if enough || b.full() {
				return nil // what failed had given all that was wanted
			}
			var err error
			sel.After, err = r.selectInto(ctx, sel, b, &enough)
			return err
		})
		if b.len() > 0 {
			r.perRead = max(1, r.cfg.BatchBytes/max(1, b.bytes()/b.len()))
		}
		if b.len() > 0 || err == nil { // what was read before it failed is played
			select {
			case full <- filled{b, sel.After}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		switch {
		case err != nil:
			return err
		case enough:
			return errEnough
		}
	}
	return nil
}

func (r *run) selectInto(ctx context.Context, sel event.Selection, b batch, enough *bool) (event.Position, error) {
	select {
	case r.reads <- struct{}{}:
		defer func() { <-r.reads }()
	case <-ctx.Done():
		return sel.After, ctx.Err()
	}
	limit := r.perRead
	if r.plan.Limit > 0 {
		limit = int(min(int64(limit), r.plan.Limit-r.taken))
	}
	return r.log.Select(ctx, sel, limit, func(e *event.Recorded) bool {
		*enough = r.take(e, b)
		return !*enough && !b.full()
	})
}

// take adds an event to a batch, and reports whether that is all that was asked for.
func (r *run) take(e *event.Recorded, b batch) (enough bool) {
	switch {
	case r.plan.behind(e):
		return true
	case !r.plan.begun(e):
		return false
	}
	b.add(e)
	r.taken++
	return r.plan.Limit > 0 && r.taken >= r.plan.Limit
}

func (r *run) write(ctx context.Context, b batch, reached event.Position) error {
	n := b.len()
	if n > 0 {
		if err := r.encoder.write(ctx, b); err != nil {
			return err
		}
	}
	r.wrote(n, reached)
	return nil
}

// wrote takes in that n more events have been written, and that all is done up to a position.
func (r *run) wrote(n int, reached event.Position) {
	r.written += int64(n)
	if r.options.Progress != nil {
		r.options.Progress(r.written, reached)
	}
}

// patiently tries again what fails for a while: Postgres restarts, a replica ends statements that are in its way.
func (r *run) patiently(ctx context.Context, try func() error) error {
	deadline := time.Now().Add(r.cfg.Patience)
	for {
		err := try()
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx, r.cfg.Patience/50); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
