package consumers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/event"
	"parley/eventstore"
)

// Recent is the newest part of the log in memory: see bus.Bus.
type Recent interface {
	eventstore.Follower
	// Head is the last position that is told.
	Head() event.Position
	// Ring is everything in memory after a position; false when memory does not reach back so far.
	Ring(after event.Position) ([]event.Recorded, bool)
}

// Feed hands out parts of the log to many readers. It is safe for concurrent use.
type Feed struct {
	pool   *pgxpool.Pool
	log    eventstore.Reader
	recent Recent

	mu    sync.Mutex
	moved chan struct{} // closed when the head has moved
}

// NewFeed makes a feed. The pool must be that of the primary. Who waits is woken while Run runs.
func NewFeed(pool *pgxpool.Pool, log eventstore.Reader, recent Recent) *Feed {
	return &Feed{pool: pool, log: log, recent: recent, moved: make(chan struct{})}
}

const (
	retryAfter = 200 * time.Millisecond
	// tailAfter is between two looks at what is in memory.
	tailAfter = 5 * time.Millisecond
)

// Run wakes those who wait until ctx ends (nil), or until the log turns out to have another history.
func (f *Feed) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		head, err := f.log.Head(ctx)
		if err == nil {
			f.wake()
			// The last event may not be told yet: it is followed, too.
			return f.recent.Follow(ctx, max(head-1, 0), f.told)
		}
		pause(ctx, retryAfter)
	}
	return nil
}

// told wakes who waits once what was told is in memory, too; a follower may get it from the log before.
func (f *Feed) told(ctx context.Context, batch []event.Recorded) error {
	for f.recent.Head() < batch[len(batch)-1].Position && ctx.Err() == nil {
		pause(ctx, tailAfter)
	}
	f.wake()
	return nil
}

func (f *Feed) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.moved)
	f.moved = make(chan struct{})
}

// Head is the end of the log as this node knows it.
func (f *Feed) Head() event.Position { return f.recent.Head() }

// Await waits until there is something after a position. It is false if ctx ended or stop was closed first.
func (f *Feed) Await(ctx context.Context, after event.Position, stop <-chan struct{}) bool {
	for {
		f.mu.Lock()
		moved := f.moved
		f.mu.Unlock()
		if f.recent.Head() > after {
			return true
		}
		select {
		case <-moved:
		case <-stop:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// Page is a part of the log.
type Page struct {
	Events []event.Recorded
	// UpTo is up to where everything was looked at.
	UpTo event.Position
}

// Limit bounds a page. A page holds at least one event, whatever its size.
type Limit struct{ Events, Bytes int }

// full reports whether one more event is too much.
func (l Limit) full(events, bytes int, next *event.Recorded) bool {
	return events >= l.Events || events > 0 && bytes+size(next) > l.Bytes
}

// size is about that of the event's envelope.
func size(e *event.Recorded) int {
	return 200 + len(e.Stream) + len(e.Type) + len(e.Data) + len(e.Metadata)
}

// Page reads on after s.After, up to s.UpTo (0: the head). A page may be empty although there is more: then nothing
// of what was looked at is wanted.
func (f *Feed) Page(ctx context.Context, s event.Selection, limit Limit) (Page, error) {
	head := f.recent.Head()
	if s.UpTo == 0 || s.UpTo > head {
		s.UpTo = head
	}
	if s.UpTo <= s.After {
		return Page{UpTo: s.After}, nil
	}
	if recent, ok := f.recent.Ring(s.After); ok {
		return pageOf(recent, &s, limit), nil
	}
	page, err := scan(ctx, f.pool, &s, limit)
	if err != nil {
		return Page{}, fmt.Errorf("read the log after %d: %w", s.After, err)
	}
	return page, nil
}

// pageOf picks from what is in memory.
func pageOf(recent []event.Recorded, s *event.Selection, limit Limit) Page {
	page, bytes := Page{UpTo: s.After}, 0
	for i := range recent {
		e := &recent[i]
		if e.Position > s.UpTo {
			break
		}
		if s.Wants(e) {
			if limit.full(len(page.Events), bytes, e) {
				break
			}
			bytes += size(e)
			page.Events = append(page.Events, *e)
		}
		page.UpTo = e.Position
	}
	return page
}

// pause waits until ctx ends, but no longer than that.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
