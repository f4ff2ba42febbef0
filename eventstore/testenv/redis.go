package testenv

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
)

// RedisURL returns the address of the shared test Redis. Use keys below
// [Prefix] only, and never FLUSHALL: other tests run on it at the same time.
func RedisURL(tb testing.TB) string {
	tb.Helper()
	return address(tb, "REDIS_URL")
}

// Redis returns a client of the shared test Redis, closed when the test ends.
func Redis(tb testing.TB) *redis.Client {
	tb.Helper()
	client := redisClient(tb, RedisURL(tb))
	if err := client.Ping(tb.Context()).Err(); err != nil {
		tb.Fatalf("reach the test Redis: %v", err)
	}
	return client
}

// Prefix returns a key prefix that no other test has. All keys that start with
// it, or with it in braces, are removed when the test ends; close what writes them before that, which
// is the case for whatever registered its own cleanup after calling Prefix.
func Prefix(tb testing.TB) string {
	tb.Helper()
	prefix := "parley:test:" + randomHex() + ":"
	client := Redis(tb)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), adminTimeout)
		defer cancel()
		if err := removeKeys(ctx, client, prefix); err != nil {
			tb.Errorf("remove the keys below %s: %v", prefix, err)
		}
	})
	return prefix
}

func removeKeys(ctx context.Context, client *redis.Client, prefix string) error {
	for _, pattern := range []string{prefix + "*", "{" + prefix + "}*"} {
		keys := client.Scan(ctx, 0, pattern, 1000).Iterator()
		for keys.Next(ctx) {
			if err := client.Unlink(ctx, keys.Val()).Err(); err != nil {
				return err
			}
		}
		if err := keys.Err(); err != nil {
			return err
		}
	}
	return nil
}

func redisClient(tb testing.TB, address string) *redis.Client {
	tb.Helper()
	options, err := redis.ParseURL(address)
	if err != nil {
		tb.Fatalf("read the Redis URL: %v", err)
	}
	client := redis.NewClient(options)
	tb.Cleanup(func() { _ = client.Close() })
	return client
}
