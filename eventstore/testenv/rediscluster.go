package testenv

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// slots are those of every Redis cluster.
const slots = 16384

// StartRedisCluster starts a cluster of a test's own, of two servers that have half of the keys each, in some seconds. It
// returns the comma list of their addresses. They are gone when the test ends.
func StartRedisCluster(tb testing.TB) (urls string) {
	tb.Helper()
	var one, two *RedisServer
	for _, s := range []**RedisServer{&one, &two} {
		gossip, err := freePort()
		if err != nil {
			tb.Fatal(err)
		}
		*s = startRedis(tb, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(gossip))
	}
	one.check(one.do(func(ctx context.Context, client *redis.Client) error {
		return client.ClusterAddSlotsRange(ctx, 0, slots/2-1).Err()
	}))
	two.check(two.do(func(ctx context.Context, client *redis.Client) error {
		if err := client.ClusterAddSlotsRange(ctx, slots/2, slots-1).Err(); err != nil {
			return err
		}
		return client.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", one.port, one.args[len(one.args)-1]).Err()
	}))
	for _, s := range []*RedisServer{one, two} {
		s.awaitCluster()
	}
	return one.URL + "," + two.URL
}

// awaitCluster waits until the server knows who has which keys.
func (s *RedisServer) awaitCluster() {
	s.tb.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := s.do(func(ctx context.Context, client *redis.Client) error {
			info, err := client.ClusterInfo(ctx).Result()
			if err == nil && (!strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d", slots))) {
				err = fmt.Errorf("the cluster is not ready:\n%s", info)
			}
			return err
		})
		if err == nil {
			return
		}
		if time.Now().After(end) {
			s.check(err)
		}
	}
}
