package postgres

import (
	"context"
	"runtime"
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
//	drain    ends the loop
//	deciders call Append.Again, a goroutine for each
type appender struct {
	store    *Store
	cfg      Config
	queue    *queue
	connect  *pgconn.Config
	session  *session // nil when there is none
	memory   *memory
	away     bool   // the last batch could not be stored
	last     *batch // the one settled last, until gather has seen it
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
		memory: newMemory(), settled: make(chan *batch, settledBacklog), deciders: make(chan struct{}, s.cfg.Deciders),
	}
}

// run appends until ctx ends, then drains.
func (a *appender) run(ctx context.Context) {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(a.answers)
	helpers.Go(func() { a.clock(working) })
	helpers.Go(func() { a.drain(ctx, working, stop) })

	a.loop(working)

	stop()
	a.deciding.Wait()
	close(a.settled)
	helpers.Wait()
	a.queue.abandon()
	a.disconnect()
}

// loop works until the queue is closed and empty, or until working ends.
func (a *appender) loop(working context.Context) {
	for working.Err() == nil {
		a.gather()
		if items := a.queue.take(nil, a.cfg.BatchCommands, a.cfg.BatchBytes); len(items) > 0 {
			a.process(working, items)
			continue
		}
		if a.queue.drained() {
			return
		}
		select {
		case <-a.queue.wake:
		case <-working.Done():
		}
	}
}

// gather lets those who have just been answered come back before the next batch is taken, if fewer
// wait than were in the last one. Without it senders who wait for each answer fall into step with the commits: one of nearly all
// of them, and then one of the single sender that was quickest to return. It waits for no timer.
func (a *appender) gather() {
	last := a.last
	a.last = nil
	if last == nil || len(last.items) == 1 || a.queue.waiting() >= len(last.items) {
		return
	}
	<-last.answered
	for range yields {
		runtime.Gosched()
	}
}

// yields is how often the processor is offered to them.
const yields = 2

// drain closes the queue when ctx ends, also while a batch is under way, and stops the work when
// DrainTimeout has passed.
func (a *appender) drain(ctx, working context.Context, stop func()) {
	<-ctx.Done()
	a.queue.close()
	timer := time.NewTimer(a.cfg.DrainTimeout)
	defer timer.Stop()
	select {
	case <-timer.C:
		stop()
	case <-working.Done():
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
	began := time.Now()
	b, err := a.commit(ctx, items)
	switch {
	case err == nil && b == nil:
	case err == nil:
		b.began, b.took = began, time.Since(began)
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

// commit tries to store the items; once more on a new connection if the old one broke, and, if
// it broke during COMMIT, until it is known what became of them. No batch and no error mean
// that all of them have been answered meanwhile.
func (a *appender) commit(ctx context.Context, items []*item) (*batch, error) {
	for attempt := 1; ; attempt++ {
		b, err := a.attempt(ctx, items)
		if err == nil || faultOfData(err) {
			return b, err
		}
		broke := a.session != nil && (a.session.broken() || unusable(err))
		if broke {
			a.disconnect()
		}
		uncertain := slices.ContainsFunc(items, func(it *item) bool { return it.maybeStored })
		// A connection that could not be made, or a server that says no, will not do better at once.
		if ctx.Err() != nil || !uncertain && (!broke || attempt == 2) {
			return nil, err
		}
		if attempt > 1 {
			pause(ctx, retryAfter)
		}
		if items = a.queue.admit(items); len(items) == 0 { // at the latest when their time is over
			return nil, nil //nolint:nilnil // see above
		}
	}
}

// retryAfter is the pause between attempts to learn what became of a commit.
const retryAfter = 50 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
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
	if b, err := a.attemptFromMemory(ctx, items); b != nil || err != nil {
		return b, err
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
		return nil, a.failed(ctx, b, err)
	}
	a.memory.learn(b)
	return b, nil
}

// attemptFromMemory makes one transaction of the items without looking anything up. No batch and no
// error mean that it could not be told, or was not so, and that nothing was stored.
func (a *appender) attemptFromMemory(ctx context.Context, items []*item) (*batch, error) {
	b := newBatch(items)
	now, known := a.session.clock.now(time.Now())
	if !known || !a.memory.foresee(b, now) {
		return nil, nil //nolint:nilnil // see above
	}
	b.judge()
	if len(b.rows) == 0 { // a refusal needs more than memory
		return nil, nil //nolint:nilnil // see above
	}
	stored, err := a.session.writeAt(ctx, b)
	switch {
	case code(err) == uniqueViolation:
		a.memory.wasWrong()
		return nil, a.session.rollback(ctx)
	case err != nil:
		return nil, a.failed(ctx, b, err)
	case !stored:
		a.memory.wasWrong()
		return nil, nil //nolint:nilnil // see above
	}
	a.memory.wasRight()
	a.memory.learn(b)
	return b, nil
}

// failed cleans up after a commit that did not succeed, as far as can be told.
func (a *appender) failed(ctx context.Context, b *batch, err error) error {
	if a.session.broken() {
		b.markMaybeStored()
	}
	return a.cleanUp(ctx, err)
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
	a.memory = newMemory() // it may be another server, or an older state of this one
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
	a.store.counts.failed.Add(uint64(len(items)))
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
		a.store.counts.again.Add(uint64(len(deferred)))
		a.queue.hold(deferred, followers)
	}
	for i, it := range deferred {
		it.retries++
		a.deciding.Go(func() { a.decideAgain(ctx, it, conflicts[i]) })
	}
	a.last = b
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
	if it.answered.Load() { // its time ended while it waited for its turn
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
	it.digests = appendDigests(it.digests[:0], next.Events)
}

// answers ends the appends of each settled batch.
func (a *appender) answers() {
	for b := range a.settled {
		stored := a.answer(b)
		close(b.answered)
		if len(stored) > 0 {
			a.cfg.OnBatch(Batch{Events: stored, Appends: len(b.items), Began: b.began, Took: b.took})
		}
	}
}

// answer returns what was stored.
func (a *appender) answer(b *batch) []event.Recorded {
	stored := b.recorded()
	earlier := b.earlier(stored)
	for again := range runs(earlier.of(b, recovered)) {
		a.cfg.OnCommit(again)
	}
	if len(stored) > 0 {
		a.cfg.OnCommit(stored)
	}
	for i, it := range b.items {
		switch r := b.rulings[i]; r.verdict {
		case accepted:
			a.queue.answer(it, eventstore.Result{Events: stored[r.from:r.to:r.to]}, nil)
		case duplicate, recovered:
			a.queue.answer(it, eventstore.Result{Events: earlier.events(it), Duplicate: r.verdict == duplicate}, nil)
		case conflicting:
			a.queue.answer(it, eventstore.Result{}, r.conflict)
		case undecided, waiting: // not yet
		}
	}
	return stored
}
