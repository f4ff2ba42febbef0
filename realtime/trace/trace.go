package trace

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/domain/event"
	"parley/domain/wire"
)

// Config of a Trace. The zero value works.
type Config struct {
	// Node names this process among all that share the Redis.
	Node string
	// Prefix begins the key. Zero means "parley:trace:".
	Prefix string
	// Keep is how many marks this node remembers, at 40 bytes each. Zero means 65,536: a minute under full load.
	Keep int
	// Arrivals is how many commands this node remembers, at 24 bytes each. Zero means 16,384.
	Arrivals int
	// Chunks is for how many seconds in which a node has done something all nodes together are remembered in Redis, at some 2 KB at most
	// each. Zero means 8,192.
	Chunks int
	// Every is the time between two writes. Zero means 1 s.
	Every time.Duration
	// TTL is for how long Redis remembers what it is not told of any more. Zero means 1 h.
	TTL time.Duration
	// Timeout bounds one call of Redis. Zero means 1 s.
	Timeout time.Duration
	// Logger hears when Redis goes away and when it is back. Zero means nobody does.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Prefix = cmp.Or(c.Prefix, "parley:trace:")
	c.Keep = cmp.Or(c.Keep, 1<<16)
	c.Arrivals = cmp.Or(c.Arrivals, 1<<14)
	c.Chunks = cmp.Or(c.Chunks, 1<<13)
	c.Every = cmp.Or(c.Every, time.Second)
	c.TTL = cmp.Or(c.TTL, time.Hour)
	c.Timeout = cmp.Or(c.Timeout, time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Trace is one node's part. Make one with New; Run has to run. It is safe for concurrent use.
type Trace struct {
	cfg      Config
	client   redis.UniversalClient
	arrivals arrivals

	mu   sync.Mutex
	ring ring

	// What follows is of Run alone.
	written uint64
	away    bool
}

// New returns the trace of a node.
func New(client redis.UniversalClient, cfg Config) *Trace {
	cfg = cfg.withDefaults()
	return &Trace{
		cfg: cfg, client: client, ring: ring{marks: make([]mark, cfg.Keep)},
		arrivals: arrivals{seed: maphash.MakeSeed(), ring: make([]arrival, cfg.Arrivals)},
	}
}

func (t *Trace) key() string { return t.cfg.Prefix + "chunks" }

// Run tells Redis what this node marks until ctx ends. It returns nil.
func (t *Trace) Run(ctx context.Context) error {
	ticks := time.NewTicker(t.cfg.Every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = t.Write(context.WithoutCancel(ctx)) // what happened last; bounded by the timeout
			return nil
		case <-ticks.C:
		}
		err := t.Write(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil && !t.away:
			t.away = true
			t.cfg.Logger.WarnContext(ctx, "other nodes cannot trace what this one does", slog.Any("error", err))
		case err == nil && t.away:
			t.away = false
			t.cfg.Logger.InfoContext(ctx, "other nodes can trace again what this one does")
		}
	}
}

// Write tells Redis once what was marked since the last time. Run does so; it must not be called beside it.
func (t *Trace) Write(ctx context.Context) error {
	t.mu.Lock()
	marks, views := t.ring.since(t.written), slices.Clone(t.ring.views)
	t.written = t.ring.next
	t.mu.Unlock()
	if len(marks) == 0 {
		return nil
	}
	c := chunk{node: t.cfg.Node, views: views, marks: together(marks)}
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
	defer cancel()
	pipe := t.client.Pipeline()
	pipe.ZAdd(ctx, t.key(), redis.Z{Score: float64(c.last()), Member: c.encode()})
	pipe.ZRemRangeByRank(ctx, t.key(), 0, int64(-t.cfg.Chunks-1))
	pipe.PExpire(ctx, t.key(), t.cfg.TTL)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("write marks: %w", err)
	}
	return nil
}

// last is the last position that a chunk has marks of.
func (c chunk) last() event.Position {
	last := event.Position(0)
	for _, m := range c.marks {
		last = max(last, m.to)
	}
	return last
}

// maxRead is how many chunks are looked through for one event: those that end just behind it. A view may be late by as
// many seconds, divided by the number of nodes.
const maxRead = 256

// Of is what became of some events, in their order, which is that of their positions.
func (t *Trace) Of(ctx context.Context, events ...event.Recorded) []wire.Way {
	if len(events) == 0 {
		return nil
	}
	own := t.own(events[0].Position, events[len(events)-1].Position)
	ways := make([]wire.Way, len(events))
	var chunks []chunk
	var reach event.Position // up to where they tell all
	var err error
	for i, r := range events {
		if err == nil && r.Position > reach {
			chunks, reach, err = t.read(ctx, r.Position)
		}
		ways[i] = way(r, append([]chunk{own}, chunks...))
		ways[i].Complete = err == nil
	}
	return ways
}

// own is what this node has marked of a range.
func (t *Trace) own(from, to event.Position) chunk {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := chunk{node: t.cfg.Node, views: slices.Clone(t.ring.views)}
	for _, m := range t.ring.marks {
		if m.at != 0 && m.from <= to && from <= m.to {
			c.marks = append(c.marks, m)
		}
	}
	return c
}

// read is the chunks that may have marks of an event, and up to which position they tell all.
func (t *Trace) read(ctx context.Context, p event.Position) (list []chunk, reach event.Position, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
	defer cancel()
	members, err := t.client.ZRangeByScore(ctx, t.key(), &redis.ZRangeBy{
		Min: strconv.FormatInt(int64(p), 10), Max: "+inf", Count: maxRead,
	}).Result()
	if err != nil {
		return nil, 0, err
	}
	for _, m := range members {
		if c, err := decodeChunk([]byte(m)); err == nil { // else of another build
			list = append(list, c)
		}
	}
	if len(members) < maxRead {
		return list, math.MaxInt64, nil
	}
	return list, p, nil
}

// skew is by how much the clock of a node may be behind that of the one which stored an event. What is marked as done earlier was
// done with another event: of a log that was restored since.
const skew = time.Minute

// way looks for the first mark of each kind and node.
func way(r event.Recorded, chunks []chunk) wire.Way {
	type key struct {
		node, view string
		stage      stage
	}
	first := map[key]mark{}
	for _, c := range chunks {
		for _, m := range c.marks {
			if !m.covers(r.Position) || m.at < r.RecordedAt.Add(-skew).UnixMicro() {
				continue
			}
			k := key{node: c.node, stage: m.stage}
			if m.stage == applied {
				k.view = c.views[m.view]
			}
			if known, is := first[k]; !is || better(m, known) {
				first[k] = m
			}
		}
	}
	w := wire.Way{Projections: []wire.Projection{}, Deliveries: []wire.Delivery{}}
	by := r.Meta().Node
	for k, m := range first {
		at := wire.Time(time.UnixMicro(m.at))
		switch k.stage {
		case stored:
			if k.node == by { // what was put together may cover what another node has stored
				w.StoredAt = &at
			}
		case published:
			if k.node == by {
				w.Published = &wire.Publication{By: k.node, At: at}
			}
		case applied:
			w.Projections = append(w.Projections, wire.Projection{View: k.view, Node: k.node, At: at, Position: m.to})
		case told:
			w.Deliveries = append(w.Deliveries, wire.Delivery{
				Node: k.node, At: at, Sockets: int64(m.sockets), Events: int64(m.to - m.from + 1),
			})
		}
	}
	slices.SortFunc(w.Projections, func(a, b wire.Projection) int {
		return cmp.Or(time.Time(a.At).Compare(time.Time(b.At)), strings.Compare(a.View, b.View), strings.Compare(a.Node, b.Node))
	})
	slices.SortFunc(w.Deliveries, func(a, b wire.Delivery) int {
		return cmp.Or(time.Time(a.At).Compare(time.Time(b.At)), strings.Compare(a.Node, b.Node))
	})
	return w
}

// better reports whether m tells more than other: the same in more detail, or an earlier time.
func better(m, other mark) bool {
	if m.from >= other.from && m.to <= other.to {
		return m.from > other.from || m.to < other.to || m.at < other.at
	}
	return m.at < other.at
}
