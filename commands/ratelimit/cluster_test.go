package ratelimit_test

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/commands/ratelimit"
	"parley/eventstore/testenv"
)

// In a Redis cluster the processes together allow what they allow elsewhere, also to many keys at once.
func TestAClusterCountsForAll(t *testing.T) {
	t.Parallel()
	var addresses []string
	for url := range strings.SplitSeq(testenv.StartRedisCluster(t), ",") {
		options, err := redis.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, options.Addr)
	}
	cfg := patient(t)
	nodes := []*ratelimit.Redis{}
	for range 2 {
		nodes = append(nodes, run(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses, ContextTimeoutEnabled: true, MaxRedirects: -1}), cfg))
	}
	const keys, limit = 100, 2
	var allowed atomic.Int64
	var all sync.WaitGroup
	for i := range keys * 2 * limit {
		all.Go(func() {
			wait, err := nodes[i%2].Allow(t.Context(), "key "+strconv.Itoa(i/2%keys), limit, time.Hour)
			if err != nil {
				t.Error(err)
			}
			if wait == 0 {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	if got := allowed.Load(); got != keys*limit {
		t.Errorf("%d of %d keys that may act %d times were allowed", got, keys, limit)
	}
}
