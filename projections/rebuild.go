package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/event"
)

// RebuildLog is what a view is built from.
type RebuildLog interface {
	Head(ctx context.Context) (event.Position, error)
	All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error)
}

// Rebuild makes a view anew from the whole log while nodes run: beside the live tables, in a schema of
// its own, and then in their place.
//
// The change of tables is one short transaction. It holds the row of the view's checkpoint, which the live writer
// takes before it writes anything: so the new tables are at exactly the position where the writer goes on,
// and no event is applied twice or never. Readers wait for a moment, 500 ms at most; when somebody reads for longer
// the change is tried again.
//
// One that is killed leaves only tables that nobody reads; the next one begins anew. Two at once do not go.
type Rebuild struct {
	Pool *pgxpool.Pool
	Log  RebuildLog
	// Build makes the projector that writes to a schema.
	Build func(schema string) Projector
	// Progress is told how far the new tables are, and where the log ends. Zero means nobody is.
	Progress func(done, head event.Position)
}

// Rebuilt tells what came of it.
type Rebuilt struct {
	// Events is how many were applied.
	Events int64
	// Position is that of the new tables when they took their place.
	Position event.Position
	// Compared says that the old tables were at the same position, so that they can be compared.
	Compared bool
	// Old and New are checksums of all rows.
	Old, New string
	// Differences are rows that only the old ("-") or only the new tables ("+") had, the first ones of them.
	Differences []string
	// Took is the time from the first event to the change of tables.
	Took time.Duration
}

// ErrRebuilding says that another process is at it.
var ErrRebuilding = errors.New("the view is being rebuilt already")

const (
	// rebuildBatch is how many events are applied in one transaction at most, fewer where they are large: of rebuildBytes
	// or so.
	rebuildBatch = 5000
	rebuildFirst = 256
	rebuildBytes = 8 << 20
	// rebuildNear is how far from the end the change of tables may begin.
	rebuildNear = 2000
	// swapWait is how long readers may have to wait for the change, and swapTries how often it is tried.
	swapWait  = 500 * time.Millisecond
	swapTries = 60
)

// rebuilding is one Rebuild at work.
type rebuilding struct {
	Rebuild

	name      string
	next, old string // schemas
	view      Projector
	session   *session
	at        event.Position
	result    Rebuilt
}

// Run rebuilds the view. When it fails before the change of tables, nothing has changed for anybody.
func (r Rebuild) Run(ctx context.Context) (result Rebuilt, err error) {
	name := r.Build("").Name()
	b := &rebuilding{Rebuild: r, name: name, next: "views_next_" + name, old: "views_old_" + name}
	b.view = r.Build(b.next)
	if b.session, err = openSession(ctx, r.Pool.Config().ConnConfig, rebuildTimeout); err != nil {
		return result, err
	}
	defer b.session.close(ctx)
	defer func() {
		if err != nil {
			err = fmt.Errorf("rebuild %s: %w", name, err)
		}
	}()
	locked := false
	err = b.session.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", lockKey(b.next, name)).Scan(&locked)
	if err == nil && !locked {
		err = ErrRebuilding
	}
	if err != nil {
		return result, err
	}
	start := time.Now()
	for _, step := range []func(context.Context) error{b.forget, b.create, b.catchUp, b.index, b.catchUp} {
		if err := step(ctx); err != nil {
			return b.result, err
		}
	}
	snapshot, err := b.swapInTime(ctx)
	if err != nil {
		return b.result, err
	}
	b.result.Took = time.Since(start)
	if err := b.compare(ctx, snapshot); err != nil {
		return b.result, err
	}
	return b.result, b.forget(ctx)
}

// rebuildTimeout bounds one statement: an index of a large table takes its time.
const rebuildTimeout = time.Hour

// catchUp applies what there is, until little is left. The next page is read while one is applied.
func (b *rebuilding) catchUp(ctx context.Context) error {
	for {
		head, err := b.target(ctx)
		if err != nil || b.at >= head || head-b.at < rebuildNear && b.result.Events > 0 {
			return err
		}
		if err := b.applyUpTo(ctx, head); err != nil {
			return err
		}
	}
}

// target is where the live tables are; or the end of the log if they are far from it or if nobody writes them: then
// they stand still, and there is nothing to compare with.
func (b *rebuilding) target(ctx context.Context) (event.Position, error) {
	head, err := b.Log.Head(ctx)
	if err != nil {
		return 0, err
	}
	var live int64
	err = b.Pool.QueryRow(ctx, "SELECT position FROM views.checkpoints WHERE name = $1", b.name).Scan(&live)
	if errors.Is(err, pgx.ErrNoRows) {
		return head, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the checkpoint: %w", err)
	}
	at := event.Position(live)
	switch {
	case at >= head:
		return head, nil
	case at+rebuildNear < head:
		return head, nil
	}
	kept, err := b.kept(ctx)
	if err != nil || kept {
		return at, err
	}
	return head, nil
}

// keptWithin is how long a writer may need to take over from another.
const keptWithin = 3 * time.Second

// kept reports whether a node writes the live tables.
func (b *rebuilding) kept(ctx context.Context) (kept bool, err error) {
	deadline := time.Now().Add(keptWithin)
	for {
		if err := b.Pool.QueryRow(ctx, keptSQL, lockKey(DefaultSchema, b.name)).Scan(&kept); err != nil {
			return false, fmt.Errorf("look for the view's writer: %w", err)
		}
		if kept || time.Now().After(deadline) {
			return kept, nil
		}
		if !pause(ctx, keptWithin/10) {
			return false, ctx.Err()
		}
	}
}

const keptSQL = `
SELECT EXISTS (
  SELECT FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = $1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)`

type page struct {
	events []event.Recorded
	err    error
}

// applyUpTo applies the log in pages. While one is applied the next is decoded and the one after that is read.
func (b *rebuilding) applyUpTo(ctx context.Context, upTo event.Position) error {
	ctx, cancel := context.WithCancel(ctx)
	stored, decoded := make(chan page), make(chan page)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel()
	after := b.at
	helpers.Go(func() {
		defer close(stored)
		b.read(ctx, after, upTo, stored)
	})
	helpers.Go(func() {
		defer close(decoded)
		for p := range stored {
			for i := range p.events {
				p.events[i] = p.events[i].Decoded()
			}
			p.pass(ctx, decoded)
		}
	})
	for p := range decoded {
		if p.err != nil {
			return p.err
		}
		if err := b.apply(ctx, p.events); err != nil {
			return err
		}
		if b.Progress != nil {
			b.Progress(b.at, upTo)
		}
	}
	return ctx.Err()
}

// pass hands the page on, unless ctx ends before.
func (p page) pass(ctx context.Context, to chan<- page) {
	select {
	case to <- p:
	case <-ctx.Done():
	}
}

// read hands on the log in pages. They are short at first, since nobody knows how large the events are.
func (b *rebuilding) read(ctx context.Context, after, upTo event.Position, pages chan<- page) {
	limit := rebuildFirst
	for after < upTo && ctx.Err() == nil {
		events, err := b.Log.All(ctx, after, int(min(int64(upTo-after), int64(limit))))
		if err == nil && len(events) == 0 {
			err = fmt.Errorf("the log ends at %d, not at %d", after, upTo)
		}
		if err == nil { // here, since who gets the page decodes it
			after, limit = events[len(events)-1].Position, nextLimit(limit, events)
		}
		page{events, err}.pass(ctx, pages)
		if err != nil {
			return
		}
	}
}

// nextLimit is how many events to ask for after a page that was read with that limit.
func nextLimit(limit int, read []event.Recorded) int {
	bytes := 0
	for i := range read {
		bytes += len(read[i].Data) + len(read[i].Metadata)
	}
	switch {
	case bytes > rebuildBytes:
		return max(1, len(read)*(rebuildBytes/2)/bytes)
	case bytes < rebuildBytes/4:
		return min(2*limit, rebuildBatch)
	default:
		return limit
	}
}

func (b *rebuilding) apply(ctx context.Context, events []event.Recorded) error {
	last := events[len(events)-1].Position
	err := b.session.transact(ctx, func(ctx context.Context, tx pgx.Tx) error { return b.view.Apply(ctx, tx, events) })
	if err != nil {
		return fmt.Errorf("apply events %d to %d: %w", events[0].Position, last, err)
	}
	b.at = last
	b.result.Events += int64(len(events))
	return nil
}

// swapInTime tries until the tables could be changed without keeping readers waiting for long.
func (b *rebuilding) swapInTime(ctx context.Context) (snapshot pgx.Tx, err error) {
	for range swapTries {
		if snapshot, err = b.swap(ctx); err == nil || !busy(err) {
			return snapshot, err
		}
		if err := b.catchUp(ctx); err != nil {
			return nil, err
		}
		if !pause(ctx, swapWait) {
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("others use the tables all the time: %w", err)
}

var errFar = errors.New("too much has happened meanwhile")

// busy reports whether the change may go another time: a lock was not to be had, or the log has grown.
func busy(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return errors.Is(err, errFar) || ok && (pgErr.Code == "55P03" || pgErr.Code == "40P01")
}

// swap puts the new tables in the place of the old ones. The snapshot shows both as of that moment, whatever
// is written afterwards.
func (b *rebuilding) swap(ctx context.Context) (snapshot pgx.Tx, err error) {
	tx, err := b.Pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // nothing, once it is committed
	var live event.Position
	wait := fmt.Sprintf("SET LOCAL lock_timeout = %d", swapWait.Milliseconds())
	if _, err := tx.Exec(ctx, wait); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO views.checkpoints (name) VALUES ($1) ON CONFLICT DO NOTHING", b.name); err != nil {
		return nil, err
	}
	if err := tx.QueryRow(ctx, "SELECT position FROM views.checkpoints WHERE name = $1 FOR UPDATE", b.name).Scan((*int64)(&live)); err != nil {
		return nil, err
	}
	if live > b.at+rebuildNear {
		return nil, errFar
	}
	if live > b.at {
		if err := b.applyUpTo(ctx, live); err != nil {
			return nil, err
		}
	}
	if snapshot, err = b.snapshot(ctx); err != nil {
		return nil, err
	}
	if err := b.exchange(ctx, tx); err != nil {
		_ = snapshot.Rollback(ctx) // it was only read
		return nil, err
	}
	b.result.Position, b.result.Compared = b.at, live == b.at
	return snapshot, nil
}

// snapshot is taken before any table is locked, and reads none yet.
func (b *rebuilding) snapshot(ctx context.Context) (pgx.Tx, error) {
	tx, err := b.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, "SELECT pg_current_snapshot()"); err != nil {
		_ = tx.Rollback(ctx)
		return nil, err
	}
	return tx, nil
}
