package bus

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/domain/event"
	"parley/eventstore"
)

// ErrHistory is what Run and Follow return when the log is not the one that was followed so far: its
// database has been restored from a backup, or a standby that lacked the last commits was promoted.
// What this process keeps in memory is then of a past that never was. It must start afresh.
var ErrHistory = errors.New("the log has another history than the one followed")

// Bus is the one of a node. It is safe for concurrent use.
type Bus struct {
	cfg    Config
	reader eventstore.Reader
	tail   *tail

	outgoing     chan []event.Recorded
	gap          chan struct{} // something is missing
	lookNow      chan struct{} // look at the head
	renew        chan struct{} // make the subscription anew
	redisChanged chan struct{}

	outgoingBytes atomic.Int64

	ran          atomic.Bool
	redisUp      atomic.Bool
	postgresAway atomic.Bool
	followers    atomic.Int64
	counts       counts
}

var _ eventstore.Follower = (*Bus)(nil)

type counts struct {
	published, dropped, received, known, junk, repairs, repaired, subscriptions atomic.Uint64
	lastRepair                                                                  atomic.Int64
}

// Stats is what a Bus has seen. The counts are of this process, since its start.
type Stats struct {
	// RedisUp: the subscription is established.
	RedisUp bool
	// PostgresUp: the last read of the log succeeded.
	PostgresUp bool
	// Head is the last position that followers can have; Behind is how many later ones are known to exist.
	Head   event.Position
	Behind int64
	// RingEvents and RingBytes are what the ring holds.
	RingEvents, RingBytes int
	Followers             int
	// Outgoing and OutgoingBytes are the commits that wait to be published.
	Outgoing, OutgoingBytes int
	// Published and Dropped count commits of this node. Received counts messages, Known those
	// that were old, Junk what was no commit.
	Published, Dropped, Received, Known, Junk uint64
	// Repairs and Repaired count reads of missing events, and those events.
	Repairs, Repaired uint64
	// LastRepair is zero if there was none.
	LastRepair time.Time
	// Subscriptions counts how often one was made.
	Subscriptions uint64
}

// New makes a bus that reads gaps from the log. It must be the primary, not a replica. Nothing happens until Run.
func New(reader eventstore.Reader, cfg Config) *Bus {
	cfg = cfg.withDefaults()
	return &Bus{
		cfg: cfg, reader: reader, tail: newTail(cfg.RingEvents, cfg.RingBytes),
		outgoing: make(chan []event.Recorded, cfg.PublishQueue),
		gap:      make(chan struct{}, 1), lookNow: make(chan struct{}, 1),
		renew: make(chan struct{}, 1), redisChanged: make(chan struct{}, 1),
	}
}

// Run publishes, subscribes and repairs until ctx ends (nil), or until the log turns out to have another
// history (ErrHistory). It may be called once, and returns when all of its goroutines are gone; what
// is queued for Redis by then is sent first.
func (b *Bus) Run(ctx context.Context) error {
	if b.ran.Swap(true) {
		return errors.New("the bus runs already, or has run")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.publish(ctx) })
	group.Go(func() error { b.subscribe(ctx); return nil })
	group.Go(func() error { return b.keep(ctx) })
	return group.Wait()
}

// Committed hands a commit of this node to its followers and to Redis. It does not block and must be
// called in the order of commits. The events must not be changed afterwards.
func (b *Bus) Committed(batch []event.Recorded) {
	if len(batch) == 0 {
		return
	}
	b.offer(batch)
	b.enqueue(batch)
}

// Head is the last position that followers can have.
func (b *Bus) Head() event.Position {
	b.tail.mu.Lock()
	defer b.tail.mu.Unlock()
	return b.tail.last
}

// Ring is everything in memory after a position, shared and not to be changed. It is false when
// memory does not reach back so far; the log does.
func (b *Bus) Ring(after event.Position) ([]event.Recorded, bool) {
	events, _, ok := b.tail.after(after, b.cfg.RingEvents)
	return events, ok
}

// Stats is a snapshot for diagnostics.
func (b *Bus) Stats() Stats {
	b.tail.mu.Lock()
	s := Stats{
		Head: b.tail.last, Behind: int64(max(0, b.tail.target-b.tail.last)),
		RingEvents: len(b.tail.ring), RingBytes: b.tail.bytes,
	}
	b.tail.mu.Unlock()
	s.RedisUp, s.PostgresUp = b.redisUp.Load(), !b.postgresAway.Load()
	s.Followers = int(b.followers.Load())
	s.Outgoing, s.OutgoingBytes = len(b.outgoing), int(b.outgoingBytes.Load())
	c := &b.counts
	s.Published, s.Dropped, s.Received = c.published.Load(), c.dropped.Load(), c.received.Load()
	s.Known, s.Junk = c.known.Load(), c.junk.Load()
	s.Repairs, s.Repaired, s.Subscriptions = c.repairs.Load(), c.repaired.Load(), c.subscriptions.Load()
	if at := c.lastRepair.Load(); at != 0 {
		s.LastRepair = time.Unix(0, at).UTC()
	}
	return s
}

func (b *Bus) offer(batch []event.Recorded) {
	switch b.tail.offer(batch) {
	case gap:
		signal(b.gap)
	case foreign:
		b.look() // the log decides who is right
	case taken:
	}
}

// look has the keeper look at the head now.
func (b *Bus) look() { signal(b.lookNow) }

func (b *Bus) requestRenewal() {
	if b.redisUp.Load() {
		signal(b.renew)
	}
}

func (b *Bus) redisIs(up bool, err error) {
	if up {
		b.counts.subscriptions.Add(1)
	}
	if b.redisUp.Swap(up) == up {
		return
	}
	if up {
		b.cfg.Logger.Info("subscribed to redis")
	} else if err != nil {
		b.cfg.Logger.Warn("redis subscription ended", "err", err)
	}
	signal(b.redisChanged)
}

func (b *Bus) postgresIs(err error) {
	away := err != nil
	if errors.Is(err, context.Canceled) || b.postgresAway.Swap(away) == away {
		return
	}
	if away {
		b.cfg.Logger.Warn("the log cannot be read", "err", err)
	} else {
		b.cfg.Logger.Info("the log can be read again")
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
