package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/domain"
	"parley/eventstore"
)

var (
	errQueueFull = errors.New("the append queue is full")
	errStopped   = errors.New("the appender has stopped")
	errTooLate   = errors.New("no answer from Postgres in time")
)

// item is one append on its way to its answer.
type item struct {
	ctx      context.Context //nolint:containedctx // it travels with the append that it belongs to
	append   eventstore.Append
	digests  []digests  // of its events
	room     [1]digests // for them: most appends are of one
	done     func(eventstore.Result, error)
	size     int
	deadline int64 // tick of the queue's clock
	retries  int
	answered atomic.Bool
	// decidedAgain: it comes back from its decider; see queue.hold.
	decidedAgain bool
	// maybeStored: a COMMIT with it was sent and the connection broke before the answer.
	maybeStored bool
}

func newItem(ctx context.Context, a eventstore.Append, done func(eventstore.Result, error)) *item {
	it := &item{ctx: ctx, append: a, done: done, size: a.Size()}
	it.digests = appendDigests(it.room[:0], a.Events)
	return it
}

// queue holds every append that has no answer yet.
//
//	put ──► fresh ──┐                    ┌──► answer
//	                ├─► take ─► a batch ─┤
//	      ┌► first ─┘                    └──► hold ──► decided again, alone
//	      │                                                │
//	      └─────────────── resume ◄────────────────────────┘
//
// While an append is decided again, later ones with its Order key wait in held.
type queue struct {
	maxCount, maxBytes int64
	lifetime           int64 // ticks from put to the deadline
	count, bytes       atomic.Int64
	clock              atomic.Int64
	wake               chan struct{}

	mu      sync.Mutex
	closed  bool
	fresh   fifo
	first   []*item
	held    map[string][]*item
	overdue fifo // every item, in the order of their deadlines
}

// sweepAt is how many answered appends may be kept in memory by older ones that wait.
const sweepAt = 1024

// tick is how exact deadlines are. One counter that a ticker moves is cheaper than a timer or a clock
// reading for each append.
const tick = 25 * time.Millisecond

func newQueue(cfg Config) *queue {
	return &queue{
		maxCount: int64(cfg.QueueCommands), maxBytes: int64(cfg.QueueBytes), lifetime: max(1, int64(cfg.Timeout/tick)),
		wake: make(chan struct{}, 1), held: map[string][]*item{},
	}
}

// put takes an append in. The error says why not.
func (q *queue) put(it *item) error {
	count, bytes := q.count.Add(1), q.bytes.Add(int64(it.size))
	if count > q.maxCount || bytes > q.maxBytes && count > 1 {
		q.release(it)
		return errQueueFull
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		q.release(it)
		return errStopped
	}
	it.deadline = q.clock.Load() + q.lifetime
	q.fresh.push(it)
	q.overdue.push(it)
	if q.overdue.len() > sweepAt+2*int(count) { // an old one without an answer keeps many with one
		q.overdue.sweep()
	}
	q.mu.Unlock()
	q.signal()
	return nil
}

// take moves what waits into a batch, up to so many appends and bytes, but at least one.
// Appends that were decided again come first, each with what waited behind it.
func (q *queue) take(batch []*item, maxCount, maxBytes int) []*item {
	q.mu.Lock()
	bytes := 0
	for len(batch) < maxCount {
		it := q.next()
		if it == nil {
			break
		}
		if len(batch) > 0 && bytes+it.size > maxBytes {
			q.first = append([]*item{it}, q.first...)
			break
		}
		bytes += it.size
		batch = append(batch, it)
	}
	q.mu.Unlock()
	return batch
}

// waiting is how many appends the next batch could be made of.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.first) + q.fresh.len()
}

// next is the next append that no other holds up, nil for none.
func (q *queue) next() *item {
	for {
		var it *item
		switch {
		case len(q.first) > 0:
			it = q.first[0]
			q.first = q.first[1:]
		case q.fresh.len() > 0:
			it = q.fresh.pop()
		default:
			return nil
		}
		key := it.append.Order
		followers, busy := q.held[key]
		switch {
		case it.decidedAgain: // it frees its key, and its followers come right behind it
			it.decidedAgain = false
			if busy {
				delete(q.held, key)
				if len(followers) > 0 {
					q.first = append(followers, q.first...)
				}
			}
		case busy:
			q.held[key] = append(followers, it)
			continue
		}
		if !it.answered.Load() {
			return it
		}
	}
}

// admit is the part of items that may be tried now: without what has been answered, and without what
// must wait behind an append with the same key.
func (q *queue) admit(items []*item) []*item {
	var ended []*item
	admitted := items[:0:0]
	q.mu.Lock()
	for _, it := range items {
		followers, busy := q.held[it.append.Order]
		switch {
		case it.answered.Load():
		case it.ctx.Err() != nil && !it.maybeStored:
			ended = append(ended, it)
		case busy:
			q.held[it.append.Order] = append(followers, it)
		default:
			admitted = append(admitted, it)
		}
	}
	q.mu.Unlock()
	for _, it := range ended {
		q.answer(it, eventstore.Result{}, domain.Unavailable(it.ctx.Err()))
	}
	return admitted
}

// hold makes an append's key wait for it, and the followers behind it.
func (q *queue) hold(deferred, followers []*item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range deferred {
		if key := it.append.Order; key != "" {
			q.held[key] = nil
		}
	}
	for _, it := range followers {
		key := it.append.Order
		q.held[key] = append(q.held[key], it)
	}
}

// resume brings back an append that hold was called with, answered or with a new decision.
func (q *queue) resume(it *item) {
	q.mu.Lock()
	it.decidedAgain = true
	q.first = append(q.first, it)
	q.mu.Unlock()
	q.signal()
}

// answer ends an append's life. Only the first call counts.
func (q *queue) answer(it *item, result eventstore.Result, err error) {
	if it.answered.Swap(true) {
		return
	}
	it.done(result, err)
	q.release(it)
}

func (q *queue) release(it *item) {
	q.bytes.Add(-int64(it.size))
	if q.count.Add(-1) == 0 {
		q.signal() // whoever drains the queue wants to know
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// expire moves the clock and answers what is overdue.
func (q *queue) expire() {
	now := q.clock.Add(1)
	q.answerWhile(errTooLate, func(it *item) bool { return it.deadline <= now })
}

// close lets nothing more in.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

// drained reports whether nothing is left and nothing can come.
func (q *queue) drained() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && q.count.Load() == 0
}

// abandon answers everything that is left.
func (q *queue) abandon() {
	q.answerWhile(errStopped, func(*item) bool { return true })
}

func (q *queue) answerWhile(reason error, overdue func(*item) bool) {
	var late []*item
	q.mu.Lock()
	for q.overdue.len() > 0 {
		it := q.overdue.peek()
		if !it.answered.Load() {
			if !overdue(it) {
				break
			}
			late = append(late, it)
		}
		q.overdue.pop()
	}
	q.mu.Unlock()
	for _, it := range late {
		q.answer(it, eventstore.Result{}, domain.Unavailable(reason))
	}
}

// fifo is a queue that reuses its memory.
type fifo struct {
	items []*item
	head  int
}

func (f *fifo) len() int      { return len(f.items) - f.head }
func (f *fifo) peek() *item   { return f.items[f.head] }
func (f *fifo) push(it *item) { f.items = append(f.items, it) }

func (f *fifo) pop() *item {
	it := f.items[f.head]
	f.items[f.head] = nil
	f.head++
	if f.head == len(f.items) {
		f.items, f.head = f.items[:0], 0
	} else if f.head > 1024 && f.head > len(f.items)/2 {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	return it
}

// sweep drops what has been answered.
func (f *fifo) sweep() {
	kept := slices.DeleteFunc(f.items[f.head:], func(it *item) bool { return it.answered.Load() })
	n := copy(f.items, kept)
	clear(f.items[n : f.head+len(kept)])
	f.items, f.head = f.items[:n], 0
}
