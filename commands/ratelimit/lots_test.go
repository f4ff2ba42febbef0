package ratelimit_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/commands/ratelimit"
	"parley/eventstore/testenv"
)

// acts lets a key act, and fails when it may not.
func acts(t *testing.T, l *ratelimit.Redis, key string, times, limit int, window time.Duration) {
	t.Helper()
	for i := range times {
		if wait := take(t, l, key, limit, window); wait != 0 {
			t.Fatalf("action %d of %d waits %v", i+1, times, wait)
		}
	}
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// standing is a clock that moves when it is told to.
type standing struct {
	mu  sync.Mutex
	now time.Time
}

func (c *standing) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *standing) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestBusyKeyIsCountedInLots(t *testing.T) {
	t.Parallel()
	// Given a node on which a key has acted ten times within a second
	const limit, window = 1000, time.Minute
	server := testenv.StartRedis(t)
	clock := &standing{now: time.Now()}
	l := node(t, server.URL, ratelimit.Config{Wait: 10 * time.Second, Now: clock.Now})
	acts(t, l, "k", 1, limit, window)
	for range 9 {
		clock.pass(50 * time.Millisecond)
		acts(t, l, "k", 1, limit, window)
	}
	clock.pass(500 * time.Millisecond)
	before := scriptCalls(t, server.URL)
	// When it goes on at that rate
	for range 10 {
		clock.pass(50 * time.Millisecond)
		acts(t, l, "k", 1, limit, window)
	}
	// Then Redis is asked less often than it acts
	if calls := scriptCalls(t, server.URL) - before; calls > 5 {
		t.Errorf("%d calls of the script for 10 actions", calls)
	}
}

func scriptCalls(t *testing.T, url string) (calls int) {
	t.Helper()
	info, err := client(t, url).Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if rest, ok := strings.CutPrefix(line, "cmdstat_evalsha:calls="); ok {
			if _, err := fmt.Sscanf(rest, "%d", &calls); err != nil {
				t.Fatal(err)
			}
		}
	}
	return calls
}

func TestBusyKeyHasItsWholeLimit(t *testing.T) {
	t.Parallel()
	// Given a node on which a key is as busy as can be
	l := node(t, testenv.RedisURL(t), patient(t))
	const limit, window = 500, time.Hour
	// When it acts as often as it may
	acts(t, l, "k", limit, limit, window)
	// Then the next action has to wait
	if wait := take(t, l, "k", limit, window); wait <= 0 || wait > window+time.Second {
		t.Errorf("one more waits %v", wait)
	}
}

func TestLotThatEndsComesBack(t *testing.T) {
	t.Parallel()
	// Given a node that took a lot for a key, of which most is left
	const limit, window = 100, time.Minute
	clock := &standing{now: time.Now()}
	cfg, url := patient(t), testenv.RedisURL(t)
	redis := client(t, url)
	counted := func() int64 { return redis.LLen(t.Context(), "{"+cfg.Prefix+"}k").Val() }
	cfg.Now = clock.Now
	l := node(t, url, cfg)
	for range 5 {
		acts(t, l, "k", 1, limit, window)
		clock.pass(250 * time.Millisecond)
	}
	acts(t, l, "k", 1, limit, window)
	if n := counted(); n <= 6 {
		t.Fatalf("Redis counts %d actions, so there is no lot", n)
	}
	// When it acts again after the lot's end
	clock.pass(time.Second)
	acts(t, l, "k", 1, limit, window)
	// Then Redis counts what it did
	if n := counted(); n != 7 {
		t.Errorf("Redis counts %d actions, want 7", n)
	}
}

func TestLotIsUsedUpWithoutRedis(t *testing.T) {
	t.Parallel()
	// Given a node that has taken a lot, and whose Redis is gone
	const limit, window = 100, time.Minute
	server := testenv.StartRedis(t)
	l := node(t, server.URL, ratelimit.Config{Wait: 10 * time.Second, Retry: time.Minute})
	acts(t, l, "k", 5, limit, window)
	server.Kill()
	// When the key goes on to its limit
	acts(t, l, "k", limit-5, limit, window)
	// Then it may not act more often than that
	if wait := take(t, l, "k", limit, window); wait == 0 {
		t.Errorf("more than %d actions", limit)
	}
}

func TestNoWindowHasMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	// Given two nodes and a key with a short window
	const limit, window, actors = 100, 640 * time.Millisecond, 4
	cfg, url := patient(t), testenv.RedisURL(t)
	nodes := []*ratelimit.Redis{node(t, url, cfg), node(t, url, cfg)}
	// When it acts as often as it can on both, for some windows
	type action struct{ began, ended time.Time }
	var (
		mu      sync.Mutex
		allowed []action
		wg      sync.WaitGroup
	)
	ctx, cancel := context.WithTimeout(t.Context(), 4*window)
	defer cancel()
	for i := range actors {
		wg.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				wait, err := nodes[i%len(nodes)].Allow(t.Context(), "k", limit, window)
				ended := time.Now()
				if err != nil {
					t.Error(err)
					return
				}
				if wait > 0 {
					<-time.After(wait / 4)
					continue
				}
				mu.Lock()
				allowed = append(allowed, action{began, ended})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	// Then no stretch of time as long as the window has certainly more actions in it than the limit
	for _, first := range allowed {
		within := 0
		for _, a := range allowed {
			if !a.began.Before(first.began) && a.ended.Sub(first.began) < window {
				within++
			}
		}
		if within > limit {
			t.Fatalf("%d actions within the window, want %d at most", within, limit)
		}
	}
	if len(allowed) < 2*limit {
		t.Errorf("%d actions in 4 windows, so the window does not slide", len(allowed))
	}
}
