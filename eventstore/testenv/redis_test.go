package testenv_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/eventstore/testenv"
)

func TestPrefixesDifferAndTheirKeysGo(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t)
	other := testenv.Prefix(t)
	if err := client.Set(t.Context(), other+"key", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	var prefix string
	t.Run("writes keys", func(t *testing.T) {
		prefix = testenv.Prefix(t)
		for _, key := range []string{"a", "b", "c"} {
			if err := client.Set(t.Context(), prefix+key, "1", 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
	if prefix == other {
		t.Fatal("two tests have the same prefix")
	}
	if keys := client.Keys(t.Context(), prefix+"*").Val(); len(keys) != 0 {
		t.Errorf("still there: %v", keys)
	}
	if keys := client.Keys(t.Context(), other+"*").Val(); len(keys) != 1 {
		t.Errorf("another test's keys: %v", keys)
	}
}

// dial connects without retries, so that a fault is seen at once.
func dial(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries = -1
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestRedisForgetsThroughKillStopAndFlush(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	for name, forget := range map[string]func(){
		"kill":  func() { server.Kill(); server.Start() },
		"stop":  func() { server.Stop(); server.Start() },
		"flush": server.FlushAll,
	} {
		if err := dial(t, server.URL).Set(t.Context(), "key", "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
		forget()
		if n := dial(t, server.URL).DBSize(t.Context()).Val(); n != 0 {
			t.Errorf("after %s: %d keys", name, n)
		}
	}
	server.Kill()
	if err := dial(t, server.URL).Ping(t.Context()).Err(); err == nil {
		t.Error("a killed server answers")
	}
}

func TestPausedRedisIsSilentAndGoesOn(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	client := dial(t, server.URL)
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := client.Ping(ctx).Err(); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a paused server answered: %v", err)
	}
	server.Resume()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}
