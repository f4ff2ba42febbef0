package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/bus"
	"parley/eventstore/postgres"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
)

// The Redis client's dialler sleeps up to a second between attempts after its pool was closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// node is a process of its own: a store and a bus, as the wiring joins them.
type node struct {
	store *postgres.Store
	bus   *bus.Bus
	name  string

	mu   sync.Mutex
	mute bool // commits do not reach the bus

	ended chan struct{} // closed when the bus has ended with err
	err   error
}

// cluster is two nodes on one log and one Redis.
type cluster struct {
	t     *testing.T
	dsn   string
	redis *testenv.RedisServer
	cfg   bus.Config
	nodes []*node
}

func newCluster(t *testing.T, change func(*bus.Config)) *cluster {
	t.Helper()
	c := &cluster{t: t, dsn: testenv.DSN(t), redis: testenv.StartRedis(t)}
	options, err := bus.ParseRedisURL(c.redis.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.cfg = bus.Config{Redis: options}
	if change != nil {
		change(&c.cfg)
	}
	c.nodes = []*node{c.node("a"), c.node("b")}
	return c
}

// node starts one. It ends with the test.
func (c *cluster) node(name string) *node {
	c.t.Helper()
	n := &node{name: name, ended: make(chan struct{})}
	pool := open(c.t, c.dsn)
	n.store = postgres.New(pool, postgres.Config{OnCommit: n.committed})
	cfg := c.cfg
	cfg.Node = name
	n.bus = bus.New(n.store, cfg)
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.t.Context()))
	var running errgroup.Group
	running.Go(func() error { return n.store.Run(ctx) })
	running.Go(func() error {
		defer close(n.ended)
		n.err = n.bus.Run(ctx)
		return nil
	})
	c.t.Cleanup(func() {
		cancel()
		if err := running.Wait(); err != nil {
			c.t.Errorf("node %s: %v", name, err)
		}
		if n.err != nil && !errors.Is(n.err, bus.ErrHistory) {
			c.t.Errorf("bus of node %s: %v", name, n.err)
		}
	})
	eventually(c.t, "subscribed", func() bool { return n.bus.Stats().RedisUp })
	return n
}

func open(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func (n *node) committed(batch []event.Recorded) {
	n.mu.Lock()
	mute := n.mute
	n.mu.Unlock()
	if !mute {
		n.bus.Committed(batch)
	}
}

func (n *node) setMute(mute bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute = mute
}

// send stores n messages, some at a time.
func (n *node) send(t *testing.T, count int) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(20)
	for i := range count {
		a := eventstore.Append{Events: []event.New{storetest.Sent(t, fmt.Sprint("r", i%5))}}
		group.Go(func() error {
			_, err := n.store.Append(context.WithoutCancel(t.Context()), a)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// follower collects what a Follow hands on.
type follower struct {
	t      *testing.T
	stop   func()
	mu     sync.Mutex
	events []event.Recorded
	faults int
	moved  chan struct{}
}

func follow(t *testing.T, f eventstore.Follower, after event.Position, delay time.Duration) *follower {
	t.Helper()
	fo := &follower{t: t, moved: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() {
		next := after + 1
		done <- f.Follow(ctx, after, func(_ context.Context, batch []event.Recorded) error {
			time.Sleep(delay)
			fo.mu.Lock()
			defer fo.mu.Unlock()
			for _, e := range batch {
				if e.Position != next { // lost, repeated or reordered
					fo.faults++
				}
				next = e.Position + 1
			}
			fo.events = append(fo.events, batch...)
			select {
			case fo.moved <- struct{}{}:
			default:
			}
			return nil
		})
	}()
	fo.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("follow: %v", err)
		}
	})
	t.Cleanup(fo.stop)
	return fo
}

// want waits for the event at a position and checks everything up to it.
func (f *follower) want(pos event.Position) {
	f.t.Helper()
	timeout := time.After(patience)
	for {
		f.mu.Lock()
		n, faults := len(f.events), f.faults
		var last event.Position
		if n > 0 {
			last = f.events[n-1].Position
		}
		f.mu.Unlock()
		if faults > 0 {
			f.t.Fatalf("%d events lost, repeated or out of order", faults)
		}
		if last >= pos {
			return
		}
		select {
		case <-f.moved:
		case <-timeout:
			f.t.Fatalf("got as far as %d of %d", last, pos)
		}
	}
}

// same checks what a follower from 0 got against the log.
func (f *follower) same(log eventstore.Reader) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	storetest.CheckOrder(f.t, f.events)
	for after := event.Position(0); int(after) < len(f.events); {
		page, err := log.All(f.t.Context(), after, 0)
		if err != nil || len(page) == 0 {
			f.t.Fatalf("read the log after %d: %v", after, err)
		}
		for _, want := range page {
			if int(want.Position) > len(f.events) {
				return
			}
			got := f.events[want.Position-1]
			if got.ID != want.ID || string(got.Data) != string(want.Data) || string(got.Metadata) != string(want.Metadata) ||
				got.Stream != want.Stream || !got.RecordedAt.Equal(want.RecordedAt) || got.Subject != want.Subject {
				f.t.Fatalf("followed %+v, the log has %+v", got, want)
			}
			after = want.Position
		}
	}
}

const patience = 30 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *cluster) client() *redis.Client {
	c.t.Helper()
	options, err := redis.ParseURL(c.redis.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	client := redis.NewClient(options)
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

// traffic has both nodes send while do happens, and checks that followers on both got everything.
func (c *cluster) traffic(rounds, each int, do func(round int)) {
	c.t.Helper()
	var followers []*follower
	for _, n := range c.nodes {
		followers = append(followers, follow(c.t, n.bus, 0, 0))
	}
	for round := range rounds {
		var wg sync.WaitGroup
		for _, n := range c.nodes {
			wg.Go(func() { n.send(c.t, each) })
		}
		if do != nil {
			do(round)
		}
		wg.Wait()
	}
	for i, f := range followers {
		f.want(event.Position(rounds * each * len(c.nodes)))
		f.same(c.nodes[i].store)
	}
}

func TestTwoNodesSeeOneOrder(t *testing.T) {
	t.Parallel()
	// The head is never looked at: what arrives came by Redis, or by a gap that Redis showed.
	c := newCluster(t, func(cfg *bus.Config) { cfg.HeadEvery = time.Hour })
	c.traffic(5, 100, nil)
	for _, n := range c.nodes {
		s := n.bus.Stats()
		if s.Received == 0 || s.Dropped != 0 || s.Junk != 0 {
			t.Errorf("node %s: %+v", n.name, s)
		}
	}
}

func TestRedisMayBeFlushed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.traffic(8, 50, func(round int) {
		if round%2 == 1 {
			c.redis.FlushAll()
		}
	})
}

func TestRedisMayComeBackEmpty(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.traffic(6, 50, func(round int) {
		switch round {
		case 1, 4:
			c.redis.Kill()
		case 2, 5:
			c.redis.Start()
		}
	})
	eventually(t, "subscribed again", func() bool {
		return c.nodes[0].bus.Stats().RedisUp && c.nodes[1].bus.Stats().RedisUp
	})
	before := c.nodes[1].bus.Stats().Received
	eventually(t, "Redis carries commits again", func() bool {
		c.nodes[0].send(t, 1) // the publisher may try to connect only once a second
		return c.nodes[1].bus.Stats().Received > before
	})
}

func TestChatGoesOnWithoutRedis(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*testenv.RedisServer){
		"killed": (*testenv.RedisServer).Kill,
		"frozen": (*testenv.RedisServer).Pause,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, nil)
			f := follow(t, c.nodes[1].bus, 0, 0)
			away(c.redis)
			eventually(t, "noticed", func() bool { return !c.nodes[1].bus.Stats().RedisUp })
			slowest := time.Duration(0)
			for i := range 20 {
				c.nodes[0].send(t, 1)
				start := time.Now()
				f.want(event.Position(i + 1))
				slowest = max(slowest, time.Since(start))
			}
			t.Logf("slowest of 20 messages without Redis: %v", slowest)
			if slowest > time.Second {
				t.Errorf("a message took %v", slowest)
			}
			if name == "frozen" {
				c.redis.Resume()
			}
		})
	}
}

func TestStreamMayBeTrimmed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *bus.Config) { cfg.MaxLen = 1 })
	client := c.client()
	c.traffic(5, 60, func(int) {
		if err := client.XTrimMaxLen(t.Context(), "parley:commits", 0).Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestJunkIsSkipped(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	client := c.client()
	c.traffic(4, 25, func(int) {
		for _, values := range []map[string]any{
			{"what": "ever"},
			{"_watermill_message_uuid": "x", "payload": "no json", "metadata": "no msgpack"},
			{"_watermill_message_uuid": "x", "payload": "[]"},
			{"_watermill_message_uuid": "x"},
		} {
			if err := client.XAdd(t.Context(), &redis.XAddArgs{Stream: "parley:commits", Values: values}).Err(); err != nil {
				t.Error(err)
			}
		}
	})
	for _, n := range c.nodes {
		eventually(t, "all junk seen", func() bool { return n.bus.Stats().Junk >= 16 })
		if s := n.bus.Stats(); s.Subscriptions != 1 {
			t.Errorf("node %s subscribed %d times", n.name, s.Subscriptions)
		}
	}
}

func TestPositionsThatDoNotExistAreForgotten(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	for _, n := range c.nodes {
		far := storetest.Sent(t, "a").Record(1000, 1, 1, time.Now())
		n.bus.Committed([]event.Recorded{far})
	}
	c.traffic(2, 30, nil)
	for _, n := range c.nodes {
		eventually(t, "forgotten", func() bool { return n.bus.Stats().Behind == 0 })
	}
}

func TestCommitThatWasNeverPublished(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	a, b := c.nodes[0], c.nodes[1]
	f, own := follow(t, b.bus, 0, 0), follow(t, a.bus, 0, 0)
	a.send(t, 3)
	a.setMute(true) // as if it were killed between the commit and the publication
	a.send(t, 3)
	f.want(6)
	own.want(6)
	b.send(t, 3)
	f.want(9)
	a.setMute(false)
	a.send(t, 3)
	f.want(12)
	f.same(b.store)
	if s := b.bus.Stats(); s.Repaired == 0 || s.LastRepair.IsZero() {
		t.Errorf("nothing was repaired: %+v", s)
	}
}

func TestSlowFollowerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *bus.Config) { cfg.RingEvents = 50 })
	a := c.nodes[0]
	slow := follow(t, a.bus, 0, 100*time.Millisecond)
	fast := follow(t, a.bus, 0, 0)
	for round := range 5 {
		a.send(t, 100)
		fast.want(event.Position(100 * (round + 1)))
	}
	slow.want(500) // out of the ring long ago
	slow.same(a.store)
	if s := a.bus.Stats(); s.RingEvents > 50 || s.Followers != 2 {
		t.Errorf("%+v", s)
	}
}

func TestLateAndManyFollowers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *bus.Config) { cfg.RingEvents = 64 })
	a := c.nodes[0]
	a.send(t, 300)
	var followers []*follower
	for i := range 60 {
		followers = append(followers, follow(t, c.nodes[i%2].bus, event.Position(i*5), 0))
	}
	a.send(t, 100)
	for i, f := range followers {
		f.want(400)
		if f.mu.Lock(); f.events[0].Position != event.Position(i*5+1) {
			t.Errorf("follower %d began at %d", i, f.events[0].Position)
		}
		f.mu.Unlock()
	}
	followers[0].same(a.store)
}

func TestRingAfterARestart(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *bus.Config) { cfg.RingEvents = 100 })
	c.nodes[0].send(t, 200)
	late := c.node("late")
	eventually(t, "the newest events are in memory", func() bool { return late.bus.Head() == 200 })
	events, ok := late.bus.Ring(180)
	if !ok || len(events) != 20 || events[0].Position != 181 {
		t.Errorf("ring after 180: %d events, %v", len(events), ok)
	}
	if _, ok := late.bus.Ring(10); ok {
		t.Error("the ring reaches back to 10")
	}
	if events, ok := late.bus.Ring(200); !ok || len(events) != 0 {
		t.Errorf("ring after its end: %d events, %v", len(events), ok)
	}
}

func TestHandlerErrorEndsFollow(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.nodes[0].send(t, 1)
	want := errors.New("enough")
	err := c.nodes[0].bus.Follow(t.Context(), 0, func(context.Context, []event.Recorded) error { return want })
	if err != want { //nolint:errorlint // the very error
		t.Errorf("follow: %v", err)
	}
}
