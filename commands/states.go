package commands

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

// snapshot is a folded stream. It is shared and never changed.
type snapshot[S any] struct {
	State S
	// Version and Position are those of the last event in it; 0 for a stream without events.
	Version  int64
	Position event.Position
}

// states keeps folded streams of one category, by key, and the most recently used of them
// only. A snapshot that is read from it may be stale; what was refreshed is not.
type states[S any] struct {
	reader  eventstore.Reader
	stream  func(key string) event.Stream
	fold    func(S, ...event.Recorded) S
	entries *lru.Cache[string, *entry[S]]
	// learnt is what the cache was told of the log.
	learnt *learnt
	// tails, unless nil, reads the ends of streams.
	tails *tails
	// short says that a state can be folded from the end of its stream.
	short bool
}

// entry is one stream. The log is read by one goroutine at a time, and whoever waits
// for it takes its answer when that read began after the wait: a storm of refreshes of
// one stream costs two reads, and each is as fresh as one of its own.
type entry[S any] struct {
	current atomic.Pointer[snapshot[S]] // nil until it was read
	known   atomic.Int64                // the highest version that the stream is known to have

	mu sync.Mutex // held while current is replaced

	reading chan struct{} // holds a token while the log is read
	started atomic.Int64  // counts reads
	good    atomic.Int64  // number of the last read that did not fail

	// gate holds a token while a command that changes the stream is under way, see pipeline.
	gate chan struct{}
}

func newStates[S any](
	r eventstore.Reader, l *learnt, size int, stream func(string) event.Stream, fold func(S, ...event.Recorded) S,
) (*states[S], error) {
	entries, err := lru.New[string, *entry[S]](size)
	if err != nil {
		return nil, fmt.Errorf("make a cache of %d streams: %w", size, err)
	}
	return &states[S]{reader: r, stream: stream, fold: fold, entries: entries, learnt: l}, nil
}

// many says that many streams are asked for at once: their ends, of so many events, are read together. short says that what came
// before does not matter to the state.
func (s *states[S]) many(length int, short bool) {
	s.tails, s.short = newTails(s.reader, s.stream, length), short
}

// get reads the cache, or the log when the cache has nothing or is known to be behind.
// cached says that the log was not read.
func (s *states[S]) get(ctx context.Context, key string) (snap *snapshot[S], cached bool, err error) {
	e := s.entry(key)
	if snap := e.current.Load(); snap != nil && snap.Version >= e.known.Load() {
		return snap, true, nil
	}
	snap, err = s.readOn(ctx, key)
	return snap, false, err
}

// refresh returns what is as new as the moment of the call.
func (s *states[S]) refresh(ctx context.Context, key string) (*snapshot[S], error) {
	if e, ok := s.entries.Peek(key); ok && e.current.Load() != nil {
		all, err := s.learnt.all(ctx)
		if err != nil {
			return nil, err
		}
		if all {
			snap, _, err := s.get(ctx, key)
			return snap, err
		}
	}
	return s.readOn(ctx, key)
}

// readOn is refresh by reading on in the log.
func (s *states[S]) readOn(ctx context.Context, key string) (*snapshot[S], error) {
	e := s.entry(key)
	before := e.started.Load()
	select {
	case e.reading <- struct{}{}:
	case <-ctx.Done():
		return nil, domain.Unavailable(ctx.Err())
	}
	defer func() { <-e.reading }()
	if e.good.Load() > before {
		return e.current.Load(), nil // somebody's read began after our call
	}
	number := e.started.Add(1)
	if err := s.read(ctx, key, e); err != nil {
		return nil, err
	}
	e.good.Store(number)
	snap := e.current.Load()
	if snap.Version == 0 {
		s.forget(key, e) // ids that nobody has must not push out what is in use
	}
	return snap, nil
}

func (s *states[S]) read(ctx context.Context, key string, e *entry[S]) error {
	var after int64
	if snap := e.current.Load(); snap != nil {
		after = snap.Version
	}
	if s.tails != nil {
		events, err := s.tails.Read(ctx, key)
		if err != nil {
			return err
		}
		if s.short || len(events) < s.tails.length || events[0].Version <= after+1 {
			s.advance(e, events)
			return nil
		}
	}
	for {
		page, err := s.reader.Stream(ctx, s.stream(key), after, eventstore.MaxPage)
		if err != nil {
			return fmt.Errorf("read %s after version %d: %w", s.stream(key), after, err)
		}
		s.advance(e, page)
		if len(page) < eventstore.MaxPage {
			return nil
		}
		after = page[len(page)-1].Version
	}
}

// advance folds what follows the current snapshot.
func (s *states[S]) advance(e *entry[S], events []event.Recorded) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := snapshot[S]{}
	if snap := e.current.Load(); snap != nil {
		next = *snap
		for len(events) > 0 && events[0].Version <= next.Version {
			events = events[1:]
		}
		if len(events) == 0 {
			return
		}
	}
	if len(events) > 0 {
		last := events[len(events)-1]
		next = snapshot[S]{State: s.fold(next.State, events...), Version: last.Version, Position: last.Position}
		e.raise(last.Version)
	}
	e.current.Store(&next)
}

// apply takes in an event of the log that somebody has read or written, if its stream is
// cached. One that does not follow what is cached is only noted.
func (s *states[S]) apply(r event.Recorded) {
	e, ok := s.entries.Peek(r.Stream.Key())
	if !ok {
		return
	}
	if snap := e.current.Load(); snap != nil && snap.Version == r.Version-1 {
		s.advanceBy(e, r)
	}
	e.raise(r.Version)
}

// advanceBy is advance for one event, unless somebody was faster.
func (s *states[S]) advanceBy(e *entry[S], r event.Recorded) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if snap := e.current.Load(); snap != nil && snap.Version == r.Version-1 {
		e.current.Store(&snapshot[S]{State: s.fold(snap.State, r), Version: r.Version, Position: r.Position})
	}
}

// note says that the stream has reached that version.
func (s *states[S]) note(key string, version int64) {
	if e, ok := s.entries.Peek(key); ok {
		e.raise(version)
	}
}

// forgetAll empties the cache.
func (s *states[S]) forgetAll() { s.entries.Purge() }

func (s *states[S]) forget(key string, e *entry[S]) {
	if now, ok := s.entries.Peek(key); ok && now == e {
		s.entries.Remove(key)
	}
}

func (s *states[S]) entry(key string) *entry[S] {
	if e, ok := s.entries.Get(key); ok {
		return e
	}
	e := &entry[S]{reading: make(chan struct{}, 1), gate: make(chan struct{}, 1)}
	if before, ok, _ := s.entries.PeekOrAdd(key, e); ok {
		return before
	}
	return e
}

// lock waits until no other command of this node changes the stream, and returns what
// unlocks it. Writers that would only make each other decide again take turns.
func (s *states[S]) lock(ctx context.Context, key string) (unlock func(), err error) {
	e := s.entry(key)
	select {
	case e.gate <- struct{}{}:
		return func() { <-e.gate }, nil
	case <-ctx.Done():
		return nil, domain.Unavailable(ctx.Err())
	}
}

func (e *entry[S]) raise(version int64) {
	for known := e.known.Load(); known < version; known = e.known.Load() {
		if e.known.CompareAndSwap(known, version) {
			return
		}
	}
}
