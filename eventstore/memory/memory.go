package memory

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

// Config is optional.
type Config struct {
	// Now is the clock. Nil means time.Now. A clock that goes back is not followed.
	Now func() time.Time
	// OnCommit is called after each commit of this node with what it stored. It must not call the log.
	OnCommit func([]event.Recorded)
}

// Node is one process's door to a log in memory. It is safe for concurrent use.
type Node struct {
	log      *log
	onCommit func([]event.Recorded)

	mu      sync.Mutex
	queue   []request
	working bool // a goroutine is answering the queue
}

var _ eventstore.Log = (*Node)(nil)

// log is what nodes share.
type log struct {
	now func() time.Time

	mu       sync.RWMutex
	away     error
	events   []event.Recorded
	ids      map[event.ID]event.Position
	streams  map[event.Stream][]event.Position
	subjects map[string][]event.Position
}

type request struct {
	ctx    context.Context //nolint:containedctx // it travels with the append that it belongs to
	append eventstore.Append
	done   func(eventstore.Result, error)
}

// New makes an empty log and its first node.
func New(cfg Config) *Node {
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	return &Node{onCommit: cfg.OnCommit, log: &log{
		now: now, ids: map[event.ID]event.Position{},
		streams: map[event.Stream][]event.Position{}, subjects: map[string][]event.Position{},
	}}
}

// Node is another node on the same log. onCommit may be nil.
func (n *Node) Node(onCommit func([]event.Recorded)) *Node {
	return &Node{log: n.log, onCommit: onCommit}
}

// Fail makes every call on the log answer UNAVAILABLE because of err, until Fail(nil).
func (n *Node) Fail(err error) {
	n.log.mu.Lock()
	defer n.log.mu.Unlock()
	n.log.away = err
}

// Append queues a and waits for the answer.
func (n *Node) Append(ctx context.Context, a eventstore.Append) (eventstore.Result, error) {
	type answer struct {
		result eventstore.Result
		err    error
	}
	answers := make(chan answer, 1)
	n.Submit(ctx, a, func(r eventstore.Result, err error) { answers <- answer{r, err} })
	select {
	case a := <-answers:
		return a.result, a.err
	case <-ctx.Done():
		return eventstore.Result{}, domain.Unavailable(ctx.Err())
	}
}

// Submit queues a and returns.
func (n *Node) Submit(ctx context.Context, a eventstore.Append, done func(eventstore.Result, error)) {
	if err := a.Validate(); err != nil {
		done(eventstore.Result{}, err)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queue = append(n.queue, request{ctx, a, done})
	if !n.working {
		n.working = true
		go n.work()
	}
}

// work answers what is queued, then ends.
func (n *Node) work() {
	for {
		n.mu.Lock()
		if len(n.queue) == 0 {
			n.working = false
			n.mu.Unlock()
			return
		}
		next := n.queue[0]
		n.queue = n.queue[1:]
		n.mu.Unlock()
		next.done(n.answer(next))
	}
}

// answer stores one append, deciding again as often as it may.
func (n *Node) answer(r request) (eventstore.Result, error) {
	again := r.append.Again
	for try := 0; ; try++ {
		result, err := n.store(r.ctx, &r.append)
		conflict, ok := errors.AsType[*eventstore.ConflictError](err)
		if !ok || again == nil || try == eventstore.MaxRetries {
			return result, err
		}
		if r.append, err = again(r.ctx, conflict); err != nil {
			return eventstore.Result{}, err
		}
		if err := r.append.Validate(); err != nil {
			return eventstore.Result{}, err
		}
	}
}

func (n *Node) store(ctx context.Context, a *eventstore.Append) (eventstore.Result, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Result{}, domain.Unavailable(err)
	}
	n.log.mu.Lock()
	defer n.log.mu.Unlock()
	result, err := n.log.append(a)
	if err == nil && !result.Duplicate && n.onCommit != nil {
		n.onCommit(result.Events) // under the lock: commits of all nodes are told in their order
	}
	return result, err
}

func (l *log) append(a *eventstore.Append) (eventstore.Result, error) {
	if l.away != nil {
		return eventstore.Result{}, domain.Unavailable(l.away)
	}
	if l.ids[a.Events[0].ID] > 0 {
		return eventstore.Result{Events: l.recorded(a), Duplicate: true}, nil
	}
	for i, c := range a.Conditions {
		if actual, ok := l.holds(c); !ok {
			return eventstore.Result{}, &eventstore.ConflictError{Index: i, Condition: c, Actual: actual}
		}
	}
	for _, e := range a.Events {
		if l.ids[e.ID] > 0 {
			return eventstore.Result{}, &eventstore.ConflictError{Index: -1, Condition: eventstore.EventAbsent(e.ID)}
		}
		if !storable(e) {
			return eventstore.Result{}, domain.Invalid("events", "must be JSON, with names of text")
		}
	}
	return eventstore.Result{Events: l.insert(a.Events)}, nil
}

// storable reports whether Postgres could hold it: JSON, and UTF-8 without NUL.
func storable(e event.New) bool {
	for _, document := range []json.RawMessage{e.Data, e.Metadata} {
		if !json.Valid(document) || !utf8.Valid(document) {
			return false
		}
	}
	for _, name := range []string{string(e.Stream), e.Type, e.Subject} {
		if !utf8.ValidString(name) || strings.Contains(name, "\x00") {
			return false
		}
	}
	return true
}

// holds tells what a condition finds, and whether it is satisfied.
func (l *log) holds(c eventstore.Condition) (int64, bool) {
	switch c.Kind {
	case eventstore.ConditionStreamAt:
		version := int64(len(l.streams[c.Stream]))
		return version, version == c.Version
	case eventstore.ConditionStreamExists:
		version := int64(len(l.streams[c.Stream]))
		return version, version > 0
	case eventstore.ConditionEventAbsent:
		return 0, l.ids[c.ID] == 0
	case eventstore.ConditionEventPresent:
		return 0, l.ids[c.ID] > 0
	case eventstore.ConditionSubjectAt:
		last := event.Position(0)
		if all := l.subjects[c.Subject]; len(all) > 0 {
			last = all[len(all)-1]
		}
		return int64(last), last == c.Last
	default:
		return 0, false
	}
}

func (l *log) insert(events []event.New) []event.Recorded {
	at := l.now().UTC().Truncate(time.Microsecond)
	if len(l.events) > 0 {
		if last := l.events[len(l.events)-1].RecordedAt; at.Before(last) {
			at = last
		}
	}
	first := len(l.events)
	for _, e := range events {
		pos := event.Position(len(l.events) + 1)
		seq := int64(0)
		filed := l.streams[e.Stream]
		if len(filed) > 0 {
			seq = l.events[filed[len(filed)-1]-1].Seq
		}
		if e.Numbered {
			seq++
		}
		l.events = append(l.events, e.Record(pos, int64(len(filed)+1), seq, at))
		l.ids[e.ID] = pos
		l.streams[e.Stream] = append(filed, pos)
		if e.Subject != "" {
			l.subjects[e.Subject] = append(l.subjects[e.Subject], pos)
		}
	}
	return slices.Clone(l.events[first:])
}

// recorded is the append's events as they are in the log.
func (l *log) recorded(a *eventstore.Append) []event.Recorded {
	ids := make([]event.ID, len(a.Events))
	for i := range a.Events {
		ids[i] = a.Events[i].ID
	}
	return l.byID(ids)
}

func (l *log) byID(ids []event.ID) []event.Recorded {
	var positions []event.Position
	for _, id := range ids {
		if pos := l.ids[id]; pos > 0 {
			positions = append(positions, pos)
		}
	}
	slices.Sort(positions)
	return l.at(slices.Compact(positions))
}

func (l *log) at(positions []event.Position) []event.Recorded {
	found := make([]event.Recorded, len(positions))
	for i, pos := range positions {
		found[i] = l.events[pos-1]
	}
	return found
}
