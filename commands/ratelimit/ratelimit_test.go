package ratelimit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"parley/commands/ratelimit"
	"parley/eventstore/testenv"
)

// The Redis client's dialler sleeps up to a second between attempts after its pool was closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

func TestLocalWindowSlides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ratelimit.NewLocal(time.Now)
		allow := func(want time.Duration) {
			t.Helper()
			if got, err := l.Allow(t.Context(), "a", 3, time.Minute); err != nil || got != want {
				t.Fatalf("at %v: wait %v, %v; want %v", time.Now(), got, err, want)
			}
		}
		allow(0)
		time.Sleep(10 * time.Second)
		allow(0)
		allow(0)
		allow(50 * time.Second)
		time.Sleep(50 * time.Second)
		allow(0)
		allow(10 * time.Second)
		time.Sleep(10 * time.Second)
		allow(0)
		allow(0)
		allow(50 * time.Second)
		if wait, _ := l.Allow(t.Context(), "b", 3, time.Minute); wait != 0 {
			t.Errorf("another key waits %v", wait)
		}
		time.Sleep(time.Hour)
		allow(0)
	})
}

func TestLocalIsExactUnderConcurrency(t *testing.T) {
	t.Parallel()
	l := ratelimit.NewLocal(time.Now)
	if got := storm(t, 100, func() time.Duration {
		wait, _ := l.Allow(t.Context(), "a", 30, time.Minute)
		return wait
	}); got != 30 {
		t.Errorf("%d allowed, want 30", got)
	}
}

// storm calls allow n times at once and counts what was allowed.
func storm(t *testing.T, n int, allow func() time.Duration) int64 {
	t.Helper()
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if allow() == 0 {
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	return allowed.Load()
}

// node runs a limiter on a client of its own, as a process would.
func node(t *testing.T, url string, cfg ratelimit.Config) *ratelimit.Redis {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	options.ContextTimeoutEnabled = true
	options.MaxRetries = -1
	return run(t, redis.NewClient(options), cfg)
}

// run runs a limiter until the test ends, and closes its client.
func run(t *testing.T, client redis.UniversalClient, cfg ratelimit.Config) *ratelimit.Redis {
	t.Helper()
	l := ratelimit.NewRedis(client, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		_ = client.Close()
	})
	return l
}

// patient is for tests of counting, which a slow machine must not turn into tests of falling back.
func patient(t *testing.T) ratelimit.Config {
	t.Helper()
	return ratelimit.Config{Prefix: testenv.Prefix(t), Wait: 10 * time.Second}
}

func take(t *testing.T, l *ratelimit.Redis, key string, limit int, window time.Duration) time.Duration {
	t.Helper()
	wait, err := l.Allow(t.Context(), key, limit, window)
	if err != nil {
		t.Errorf("Allow: %v", err)
	}
	return wait
}

func TestNodesCountTogether(t *testing.T) {
	t.Parallel()
	cfg := patient(t)
	url := testenv.RedisURL(t)
	nodes := []*ratelimit.Redis{node(t, url, cfg), node(t, url, cfg), node(t, url, cfg)}
	var turn atomic.Int64
	if got := storm(t, 300, func() time.Duration {
		return take(t, nodes[turn.Add(1)%3], "a", 30, time.Minute)
	}); got != 30 {
		t.Errorf("%d allowed, want exactly 30", got)
	}
	for i, n := range nodes {
		if wait := take(t, n, "a", 30, time.Minute); wait <= 55*time.Second || wait > time.Minute {
			t.Errorf("node %d says to wait %v", i, wait)
		}
		if wait := take(t, n, "b", 30, time.Minute); wait != 0 {
			t.Errorf("node %d: another key waits %v", i, wait)
		}
	}
}

func TestWaitingAsLongAsTold(t *testing.T) {
	t.Parallel()
	cfg := patient(t)
	url := testenv.RedisURL(t)
	a, b := node(t, url, cfg), node(t, url, cfg)
	const window = 400 * time.Millisecond
	for range 2 {
		if wait := take(t, a, "k", 2, window); wait != 0 {
			t.Fatalf("the burst waits %v", wait)
		}
	}
	wait := take(t, b, "k", 2, window)
	if wait <= 0 || wait > window {
		t.Fatalf("told to wait %v", wait)
	}
	<-time.After(wait)
	if again := take(t, b, "k", 2, window); again != 0 {
		t.Errorf("waited %v as told, and was told %v more", wait, again)
	}
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	l := ratelimit.NewRedis(nil, ratelimit.Config{})
	for range 100 {
		if wait := take(t, l, "a", 0, time.Minute); wait != 0 {
			t.Fatal("a limit of 0 must be none")
		}
	}
}

func TestScriptFlushIsSurvived(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	l := node(t, server.URL, ratelimit.Config{Wait: 10 * time.Second})
	take(t, l, "a", 2, time.Minute)
	server.FlushAll()
	options, _ := redis.ParseURL(server.URL)
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	take(t, l, "b", 1, time.Minute)
	if n, err := client.LLen(t.Context(), "{parley:rate:}b").Result(); err != nil || n != 1 {
		t.Errorf("Redis holds %d actions (%v), want 1", n, err)
	}
	if ttl := client.PTTL(t.Context(), "{parley:rate:}b").Val(); ttl <= 0 || ttl > time.Minute+time.Second {
		t.Errorf("the key lives for %v", ttl)
	}
}

func TestWithoutRedisEachNodeCounts(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	cfg := ratelimit.Config{Wait: 200 * time.Millisecond, Retry: 100 * time.Millisecond}
	a, b := node(t, server.URL, cfg), node(t, server.URL, cfg)
	for range 2 {
		if wait := take(t, a, "k", 3, time.Minute); wait != 0 {
			t.Fatalf("waits %v", wait)
		}
	}
	server.Kill()
	if wait := take(t, a, "k", 3, time.Minute); wait != 0 {
		t.Errorf("the third of three waits %v", wait)
	}
	if wait := take(t, a, "k", 3, time.Minute); wait == 0 {
		t.Error("what was allowed before Redis went does not count any more")
	}
	if got := storm(t, 50, func() time.Duration { return take(t, b, "k", 3, time.Minute) }); got != 3 {
		t.Errorf("%d allowed on the other node, want 3", got)
	}
	server.Start()
	for deadline := time.Now().Add(10 * time.Second); ; {
		options, _ := redis.ParseURL(server.URL)
		client := redis.NewClient(options)
		take(t, a, "fresh", 1000, time.Minute)
		n := client.LLen(t.Context(), "{parley:rate:}fresh").Val()
		_ = client.Close()
		if n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("Redis is back, and nobody asks it")
		}
		<-time.After(20 * time.Millisecond)
	}
}

func TestHangingRedisHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	l := node(t, server.URL, ratelimit.Config{Wait: 50 * time.Millisecond, Retry: time.Minute})
	take(t, l, "k", 5, time.Minute)
	server.Pause()
	defer server.Resume()
	start := time.Now()
	if got := storm(t, 200, func() time.Duration { return take(t, l, "k", 5, time.Minute) }); got != 4 {
		t.Errorf("%d allowed, want the 4 that were left", got)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
	start = time.Now()
	for range 1000 {
		take(t, l, "other", 5, time.Minute)
	}
	if took := time.Since(start); took > 40*time.Millisecond*25 {
		t.Errorf("1000 calls took %v though Redis was known to be away", took)
	}
}

func TestAskerThatGivesUp(t *testing.T) {
	t.Parallel()
	l := ratelimit.NewRedis(nil, ratelimit.Config{Wait: time.Minute}) // nobody runs it
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Allow(ctx, "k", 1, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkRedis(b *testing.B) {
	options, err := redis.ParseURL(testenv.RedisURL(b))
	if err != nil {
		b.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	l := ratelimit.NewRedis(client, ratelimit.Config{Prefix: testenv.Prefix(b), Wait: 10 * time.Second})
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	b.ReportAllocs()
	b.SetParallelism(100)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		key := "u" + time.Duration(n.Add(1)).String()
		for pb.Next() {
			if _, err := l.Allow(ctx, key, 1_000, time.Second); err != nil {
				b.Error(err)
			}
		}
	})
}
