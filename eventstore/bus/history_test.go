package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"parley/domain/event"
	"parley/eventstore/bus"
	"parley/eventstore/storetest"
)

// restore takes the log back to a position, as restoring a backup does.
func (c *cluster) restore(to event.Position) {
	c.t.Helper()
	pool := open(c.t, c.dsn)
	if _, err := pool.Exec(c.t.Context(), `DELETE FROM log.events WHERE position > $1`, int64(to)); err != nil {
		c.t.Fatal(err)
	}
}

// notices waits until the bus has ended because of another history.
func (n *node) notices(t *testing.T) {
	t.Helper()
	select {
	case <-n.ended:
	case <-time.After(patience):
		t.Fatal("another history was never noticed")
	}
	if !errors.Is(n.err, bus.ErrHistory) {
		t.Fatalf("run: %v", n.err)
	}
}

// following starts a follower and returns what it got and how it ended.
func following(t *testing.T, b *bus.Bus, after event.Position) (got *[]event.Recorded, ended <-chan error) {
	t.Helper()
	got, done := new([]event.Recorded), make(chan error, 1)
	go func() {
		done <- b.Follow(t.Context(), after, func(_ context.Context, batch []event.Recorded) error {
			*got = append(*got, batch...)
			return nil
		})
	}()
	return got, done
}

func TestLogThatGoesBackEndsTheBus(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(*cluster){
		"and stays there": func(*cluster) {},
		"and is overtaken by other commits": func(c *cluster) {
			c.nodes[0].setMute(true)
			c.nodes[0].send(c.t, 60)
		},
		"and is overtaken by commits of its own node": func(c *cluster) { c.nodes[1].send(c.t, 60) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, nil)
			live := follow(t, c.nodes[0].bus, 0, 0)
			c.nodes[0].send(t, 50)
			live.want(50)
			live.stop()
			b := c.nodes[1]
			eventually(t, "b has all", func() bool { return b.bus.Head() == 50 })
			got, ended := following(t, b.bus, 50)
			c.restore(30)
			after(c)
			b.notices(t)
			if err := <-ended; !errors.Is(err, bus.ErrHistory) {
				t.Errorf("follow: %v", err)
			}
			if len(*got) > 0 {
				t.Errorf("%d events of the other history were handed on", len(*got))
			}
		})
	}
}

func TestFollowerOfARestoredLogGetsNothingForgotten(t *testing.T) {
	t.Parallel()
	// The head is never looked at: the follower itself must ask.
	c := newCluster(t, func(cfg *bus.Config) { cfg.HeadEvery = time.Hour })
	a := c.nodes[0]
	a.send(t, 50)
	c.restore(30)
	got, ended := following(t, a.bus, 30)
	select {
	case err := <-ended:
		if !errors.Is(err, bus.ErrHistory) {
			t.Errorf("follow: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("follow goes on")
	}
	if len(*got) > 0 {
		t.Errorf("%d forgotten events were handed on", len(*got))
	}
}

func TestFollowFromBeyondTheLogFails(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	c.nodes[0].send(t, 3)
	_, ended := following(t, c.nodes[0].bus, 4)
	if err := <-ended; !errors.Is(err, bus.ErrHistory) {
		t.Errorf("follow from 4 of 3: %v", err)
	}
	_, ended = following(t, c.nodes[1].bus, 3)
	select {
	case err := <-ended:
		t.Errorf("follow from the head: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
}

// TestLatePublicationOfAForgottenCommit: a node that was frozen through a restore publishes what it had
// committed before. Its positions fit, but it never happened.
func TestLatePublicationOfAForgottenCommit(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *bus.Config) { cfg.HeadEvery = time.Hour })
	a, b := c.nodes[0], c.nodes[1]
	long := time.Now().Add(-time.Minute)
	const head = 20
	a.send(t, head)
	eventually(t, "b has all", func() bool { return b.bus.Head() == head })
	f := follow(t, b.bus, 0, 0)
	for _, pos := range []event.Position{head + 1, head + 3} { // just the next one, and early
		before := b.bus.Stats().Received
		c.publish(storetest.Sent(t, "forgotten").Record(pos, 1, 1, long))
		eventually(t, "seen", func() bool { return b.bus.Stats().Received > before })
	}
	a.send(t, 20)
	f.want(head + 20)
	f.same(b.store)
}

// publish adds a message of one event, as a node does.
func (c *cluster) publish(e event.Recorded) {
	c.t.Helper()
	rogue := bus.New(c.nodes[0].store, c.cfg)
	rogue.Committed([]event.Recorded{e})
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan error, 1)
	go func() { done <- rogue.Run(ctx) }()
	eventually(c.t, "published", func() bool { return rogue.Stats().Published == 1 })
	cancel()
	if err := <-done; err != nil {
		c.t.Error(err)
	}
}

func TestDamagedLogIsReported(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *bus.Config) { cfg.RingEvents = 10 })
	c.nodes[0].send(t, 100)
	pool := open(t, c.dsn)
	if _, err := pool.Exec(t.Context(), `DELETE FROM log.events WHERE position = 40`); err != nil {
		t.Fatal(err)
	}
	got, ended := following(t, c.nodes[0].bus, 0)
	select {
	case err := <-ended:
		if err == nil {
			t.Error("follow ended without an error")
		}
	case <-time.After(patience):
		t.Fatal("follow goes on")
	}
	if len(*got) != 39 {
		t.Errorf("%d events were handed on, 39 stand before the hole", len(*got))
	}
}

// TestRedisThatRefusesPublications: a Redis out of memory lets itself be read, so the subscription is well,
// but nothing comes.
func TestRedisThatRefusesPublications(t *testing.T) {
	t.Parallel()
	c := newCluster(t, nil)
	a, b := c.nodes[0], c.nodes[1]
	client := c.client()
	for _, set := range [][2]string{{"maxmemory-policy", "noeviction"}, {"maxmemory", "1"}} {
		if err := client.ConfigSet(t.Context(), set[0], set[1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	f := follow(t, b.bus, 0, 0)
	a.send(t, 1)
	f.want(1)
	start := time.Now()
	const n = 20
	for i := range n {
		a.send(t, 1)
		f.want(event.Position(i + 2))
	}
	took := time.Since(start)
	t.Logf("%d messages took %v; b subscribed %d times", n, took, b.bus.Stats().Subscriptions)
	if took > n*500*time.Millisecond/2 {
		t.Error("messages wait for the slow look at the head")
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	before := b.bus.Stats().Received
	eventually(t, "Redis carries commits again", func() bool {
		a.send(t, 1)
		return b.bus.Stats().Received > before
	})
}
