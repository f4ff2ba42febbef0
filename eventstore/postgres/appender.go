package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

// appender turns the queue into commits.
//
//	loop     takes a batch, has it stored, sorts out what is decided again
//	answers  tells OnCommit and the waiting appends, while the loop is at the next batch
//	clock    answers what is overdue
//	deciders call Append.Again, a goroutine for each
type appender struct {
	store    *Store
	cfg      Config
	queue    *queue
	connect  *pgconn.Config
	session  *session // nil when there is none
	away     bool     // the last batch could not be stored
	settled  chan *batch
	deciding sync.WaitGroup
	deciders chan struct{} // a place for each that may run
}

// settledBacklog is how far the answers may lag behind the commits.
const settledBacklog = 8

// connectTimeout bounds one attempt to connect, within Config.Timeout.
const connectTimeout = 2 * time.Second

func newAppender(s *Store) *appender {
	config := s.pool.Config().ConnConfig.Config
	return &appender{
		store: s, cfg: s.cfg, queue: s.queue, connect: &config,
		settled: make(chan *batch, settledBacklog), deciders: make(chan struct{}, s.cfg.Deciders),
	}
}

// run appends until ctx ends, then drains.
func (a *appender) run(ctx context.Context) {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var helpers sync.WaitGroup
	helpers.Go(a.answers)
	ticking, stopClock := context.WithCancel(context.WithoutCancel(ctx))
	helpers.Go(func() { a.clock(ticking) })

	a.loop(ctx, working, stop)

	a.deciding.Wait()
	close(a.settled)
	stopClock()
	helpers.Wait()
	a.queue.abandon()
	a.disconnect()
}

// loop works until ctx ends and the queue is empty, or until working ends.
func (a *appender) loop(ctx, working context.Context, stop func()) {
	ending := ctx.Done()
	for working.Err() == nil {
		if ending != nil && ctx.Err() != nil {
			ending = nil
			a.queue.close()
			drain := time.AfterFunc(a.cfg.DrainTimeout, stop)
			defer drain.Stop()
		}
		if items := a.queue.take(nil, a.cfg.BatchCommands, a.cfg.BatchBytes); len(items) > 0 {
			a.process(working, items)
			continue
		}
		if ending == nil && a.queue.count.Load() == 0 {
			return
		}
		select {
		case <-a.queue.wake:
		case <-working.Done():
		case <-ending:
		}
	}
}

func (a *appender) clock(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.queue.expire()
		case <-ctx.Done():
			return
		}
	}
}

// process has the items stored, together or, if that fails because of one of them, in parts.
func (a *appender) process(ctx context.Context, items []*item) {
	items = a.queue.admit(items)
	if len(items) == 0 {
		return
	}
	b, err := a.commit(ctx, items)
	switch {
	case err == nil && b == nil:
	case err == nil:
		a.comeBack()
		a.settle(ctx, b)
	case !faultOfData(err):
		a.giveUp(items, err)
	case len(items) == 1:
		a.queue.answer(items[0], eventstore.Result{}, refusal(err))
	default:
		half := len(items) / 2
		a.process(ctx, items[:half])
		a.process(ctx, items[half:])
	}
}

// commit tries to store the items; once more on a new connection if the old one broke. No
// batch and no error mean that all of them have been answered meanwhile.
func (a *appender) commit(ctx context.Context, items []*item) (*batch, error) {
	for attempt := 1; ; attempt++ {
		b, err := a.attempt(ctx, items)
		if err == nil || faultOfData(err) {
			return b, err
		}
		gone := a.session != nil && (a.session.broken() || readOnly(err))
		if gone {
			a.disconnect()
		}
		// A connection that could not be made, or a server that says no, will not do better at once.
		if !gone || attempt == 2 || ctx.Err() != nil {
			return nil, err
		}
		if items = a.queue.admit(items); len(items) == 0 {
			return nil, nil //nolint:nilnil // see above
		}
	}
}

// attempt makes one transaction of the items.
func (a *appender) attempt(ctx context.Context, items []*item) (*batch, error) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	if a.session == nil {
		if err := a.reconnect(ctx); err != nil {
			return nil, err
		}
	}
	b := newBatch(items)
	if err := a.session.lookUp(ctx, b); err != nil {
		return nil, a.cleanUp(ctx, err)
	}
	b.judge()
	if len(b.rows) == 0 {
		return b, a.session.rollback(ctx)
	}
	if err := a.session.write(ctx, b); err != nil {
		if a.session.broken() {
			b.markMaybeStored()
		}
		return nil, a.cleanUp(ctx, err)
	}
	return b, nil
}

// markMaybeStored remembers whose outcome is unknown.
func (b *batch) markMaybeStored() {
	for i, r := range b.rulings {
		if r.verdict == accepted {
			b.items[i].maybeStored = true
		}
	}
}

// cleanUp leaves the failed transaction.
func (a *appender) cleanUp(ctx context.Context, err error) error {
	if !a.session.broken() && a.session.rollback(ctx) != nil {
		a.disconnect()
	}
	return err
}

func (a *appender) reconnect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	s, err := connect(ctx, a.connect, a.cfg.LockKey, a.cfg.Timeout, a.cfg.AllowUnsafe)
	if err != nil {
		return err
	}
	a.session = s
	return nil
}

func (a *appender) disconnect() {
	if a.session != nil {
		a.session.close()
		a.session = nil
	}
}

// giveUp answers for items that could not be stored.
func (a *appender) giveUp(items []*item, err error) {
	if !a.away {
		a.away = true
		a.cfg.Logger.Error("appends fail", "err", err)
	}
	for _, it := range items {
		a.queue.answer(it, eventstore.Result{}, domain.Unavailable(err))
	}
}

func (a *appender) comeBack() {
	if a.away {
		a.away = false
		a.cfg.Logger.Info("appends work again")
	}
}

// settle hands a batch to the answers, and what is to be decided again to the deciders.
func (a *appender) settle(ctx context.Context, b *batch) {
	var deferred, followers []*item
	var conflicts []*eventstore.ConflictError
	for i, it := range b.items {
		switch r := b.rulings[i]; r.verdict {
		case waiting:
			followers = append(followers, it)
		case undecided:
			deferred = append(deferred, it)
			conflicts = append(conflicts, r.conflict)
		default: // an answer
		}
	}
	if len(deferred) > 0 {
		a.queue.hold(deferred, followers)
	}
	for i, it := range deferred {
		it.retries++
		a.deciding.Go(func() { a.decideAgain(ctx, it, conflicts[i]) })
	}
	a.settled <- b
}

// decideAgain asks for a new decision and queues or answers it.
func (a *appender) decideAgain(ctx context.Context, it *item, conflict *eventstore.ConflictError) {
	defer a.queue.resume(it)
	select {
	case a.deciders <- struct{}{}:
		defer func() { <-a.deciders }()
	case <-ctx.Done():
		a.queue.answer(it, eventstore.Result{}, domain.Unavailable(errStopped))
		return
	}
	deciding, cancel := context.WithTimeout(it.ctx, a.cfg.Timeout)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	next, err := it.append.Again(deciding, conflict)
	if err == nil {
		err = next.Validate()
	}
	if err != nil {
		a.queue.answer(it, eventstore.Result{}, err)
		return
	}
	it.append.Conditions, it.append.Events = next.Conditions, next.Events
}

// answers ends the appends of each settled batch.
func (a *appender) answers() {
	for b := range a.settled {
		a.answer(b)
	}
}

func (a *appender) answer(b *batch) {
	stored := b.recorded()
	earlier, err := a.earlier(b, stored)
	if again := earlier.of(b, recovered); len(again) > 0 {
		a.cfg.OnCommit(again)
	}
	if len(stored) > 0 {
		a.cfg.OnCommit(stored)
	}
	for i, it := range b.items {
		switch r := b.rulings[i]; {
		case r.verdict == undecided || r.verdict == waiting: // not yet
		case r.verdict == accepted:
			a.queue.answer(it, eventstore.Result{Events: stored[r.from:r.to:r.to]}, nil)
		case r.verdict == conflicting:
			a.queue.answer(it, eventstore.Result{}, r.conflict)
		case err != nil:
			a.queue.answer(it, eventstore.Result{}, err)
		default:
			a.queue.answer(it, eventstore.Result{Events: earlier.events(it), Duplicate: r.verdict == duplicate}, nil)
		}
	}
}

// recordedByID finds what repeated appends stored the first time.
type recordedByID map[event.ID]event.Recorded

// earlier reads the events of the batch's repetitions, as far as they are not in the batch itself.
func (a *appender) earlier(b *batch, stored []event.Recorded) (recordedByID, error) {
	var found recordedByID
	var missing []event.ID
	for i, it := range b.items {
		if v := b.rulings[i].verdict; v != duplicate && v != recovered {
			continue
		}
		if found == nil {
			found = recordedByID{}
			for _, e := range stored {
				found[e.ID] = e
			}
		}
		for j := range it.append.Events {
			if id := it.append.Events[j].ID; found[id].Position == 0 && b.ids[id] > 0 {
				missing = append(missing, id)
			}
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	events, err := a.store.ByID(context.Background(), missing...)
	for _, e := range events {
		found[e.ID] = e
	}
	return found, err
}

// events are those of one append, in their order in the log.
func (r recordedByID) events(it *item) []event.Recorded {
	events := make([]event.Recorded, 0, len(it.append.Events))
	for i := range it.append.Events {
		if e, ok := r[it.append.Events[i].ID]; ok {
			events = append(events, e)
		}
	}
	slices.SortFunc(events, byPosition)
	return events
}

// of are the events of all appends with that verdict, in their order in the log.
func (r recordedByID) of(b *batch, v verdict) []event.Recorded {
	var events []event.Recorded
	for i, it := range b.items {
		if b.rulings[i].verdict == v {
			events = append(events, r.events(it)...)
		}
	}
	slices.SortFunc(events, byPosition)
	return events
}

func byPosition(x, y event.Recorded) int { return int(x.Position - y.Position) }
