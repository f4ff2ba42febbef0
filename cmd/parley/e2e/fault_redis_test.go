package e2e_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/eventstore/testenv"
)

// Redis carries the news between nodes and holds nothing that can't be lost: without it,
// and when it comes back empty, sends are accepted and every socket gets everything.
func TestRedisKilledDuringSends(t *testing.T) {
	inParallel(t)
	broker := testenv.StartRedis(t)
	shared := backends(testenv.DSN(t), broker.URL).with(settings{
		"SOCKET_RATE_LIMIT_MESSAGES": "1000000", // the limiter counts in Redis: it has to bear this too
	})
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)

	l := startLoad(t, one)
	first, second := l.read(one), l.read(two)
	l.write(one, 2)
	l.write(two, 1)
	l.strike("kill -9 of Redis", requestsFlying, func() {
		if streamed(t, broker.URL) == 0 {
			t.Error("nothing went through Redis Streams")
		}
		broker.Kill()
		l.more("messages without Redis", 300)
		for _, n := range []*node{one, two} {
			n.alive(t)
			if body := n.awaitReadiness(t, http.StatusServiceUnavailable); !strings.Contains(strings.ToLower(body), "redis") {
				t.Errorf("/readyz of node %s does not name Redis: %s", n.name, body)
			}
		}
		broker.Start()
	})
	one.awaitReadiness(t, http.StatusOK)
	two.awaitReadiness(t, http.StatusOK)
	l.more("messages after Redis came back", 300)
	l.finish()

	history := l.history(one)
	l.ledger.settled(t, history)
	heard(t, "the reader at node one", first.upTo(t, len(history)), history)
	heard(t, "the reader at node two", second.upTo(t, len(history)), history)
	if sums := l.ledger.count(); sums.refused+sums.unknown > 0 {
		t.Errorf("clients noticed: %s, codes %v", sums, l.ledger.codes)
	}
	if streamed(t, broker.URL) == 0 {
		t.Error("nothing went through Redis Streams after it came back")
	}
	soundLog(t, shared["DATABASE_URL"])
}

// A Redis that hangs is as bad as one that is gone, and no worse: sends are accepted at once.
func TestRedisPausedDuringSends(t *testing.T) {
	inParallel(t)
	broker := testenv.StartRedis(t)
	shared := backends(testenv.DSN(t), broker.URL).with(settings{"SOCKET_RATE_LIMIT_MESSAGES": "1000000"})
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)

	l := startLoad(t, one)
	first, second := l.read(one), l.read(two)
	l.write(one, 2)
	l.write(two, 1)
	l.strike("SIGSTOP of Redis", requestsFlying, func() {
		broker.Pause()
		defer broker.Resume()
		l.more("messages without Redis", 300)
		for _, n := range []*node{one, two} {
			n.alive(t)
			n.awaitReadiness(t, http.StatusServiceUnavailable)
		}
		l.more("messages without Redis, later", 100)
	})
	l.more("messages after Redis woke up", 300)
	l.finish()

	history := l.history(two)
	l.ledger.settled(t, history)
	heard(t, "the reader at node one", first.upTo(t, len(history)), history)
	heard(t, "the reader at node two", second.upTo(t, len(history)), history)
	if sums := l.ledger.count(); sums.refused+sums.unknown > 0 {
		t.Errorf("clients noticed: %s, codes %v", sums, l.ledger.codes)
	}
	if l.ledger.slowest > 3*time.Second {
		t.Errorf("a send waited %s for Redis", l.ledger.slowest)
	}
	soundLog(t, shared["DATABASE_URL"])
}

// streamed counts the entries of all Redis Streams.
func streamed(t testing.TB, url string) (entries int64) {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), settle)
	defer cancel()
	keys := client.ScanType(ctx, 0, "*", 1000, "stream").Iterator()
	for keys.Next(ctx) {
		n, err := client.XLen(ctx, keys.Val()).Result()
		if err != nil {
			t.Fatalf("count the entries of a stream: %v", err)
		}
		entries += n
	}
	if err := keys.Err(); err != nil {
		t.Fatalf("list the streams: %v", err)
	}
	return entries
}
