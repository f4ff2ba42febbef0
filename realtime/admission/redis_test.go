package admission_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/eventstore/testenv"
	"parley/realtime/admission"
	"parley/realtime/gateway"
)

// shared are settings for nodes on the shared Redis, which a busy machine may make slow.
func shared(t *testing.T) admission.Config {
	return admission.Config{Prefix: testenv.Prefix(t), Wait: patience}
}

func TestNodesShareTheLimit(t *testing.T) {
	t.Parallel()
	cfg := shared(t)
	a, b := newNode(t, testenv.RedisURL(t), 3, cfg), newNode(t, testenv.RedisURL(t), 3, cfg)
	admit(t, a, home)
	admit(t, b, home)
	admit(t, a, home)
	refuse(t, a, home)
	refuse(t, b, home)
	admit(t, b, netip.MustParseAddr("192.0.2.8"))
}

func TestReleaseMakesRoom(t *testing.T) {
	t.Parallel()
	cfg := shared(t)
	a, b := newNode(t, testenv.RedisURL(t), 2, cfg), newNode(t, testenv.RedisURL(t), 2, cfg)
	first := admit(t, a, home)
	admit(t, a, home)
	refuse(t, b, home)
	first()
	first() // counts once
	admitsEventually(t, b, home)
	refuse(t, a, home)
	refuse(t, b, home)
}

func TestNodeSeesItsOwnReleasesAtOnce(t *testing.T) {
	t.Parallel()
	cfg := shared(t)
	a, b := newNode(t, testenv.RedisURL(t), 2, cfg), newNode(t, testenv.RedisURL(t), 2, cfg)
	admit(t, b, home)
	for range 200 {
		admit(t, a, home)()
	}
}

func TestStormIsCountedExactly(t *testing.T) {
	t.Parallel()
	cfg := shared(t)
	cfg.Batch = 16
	for _, limit := range []int{1, 37, 400} {
		a, b := newNode(t, testenv.RedisURL(t), limit, cfg), newNode(t, testenv.RedisURL(t), limit, cfg)
		if got := storm(t, 250, netip.AddrFrom4([4]byte{10, 0, byte(limit >> 8), byte(limit)}), a, b); got != int64(limit) {
			t.Errorf("%d of 500 got in, want %d", got, limit)
		}
	}
}

func TestComingAndGoingNeverExceedsTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 5
	cfg := shared(t)
	a, b := newNode(t, testenv.RedisURL(t), limit, cfg), newNode(t, testenv.RedisURL(t), limit, cfg)
	var mu sync.Mutex
	in, most := 0, 0
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		in += by
		most = max(most, in)
	}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			for range 25 {
				release, err := []*node{a, b}[i%2].Admit(t.Context(), home)
				if err != nil {
					continue
				}
				count(1)
				<-time.After(time.Millisecond)
				count(-1)
				release()
			}
		})
	}
	wg.Wait()
	if most > limit {
		t.Errorf("%d were in at once, the limit is %d", most, limit)
	}
	// All have left, so all places are free again, on either node.
	for i := range limit {
		admitsEventually(t, []*node{a, b}[i%2], home)
	}
	refuse(t, a, home)
	refuse(t, b, home)
}

func TestManyAddressesAtOnce(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	cfg := admission.Config{Wait: patience, Batch: 64, Lease: 2 * time.Second}
	a := newNode(t, server.URL, 2, cfg)
	var wg sync.WaitGroup
	releases := make([]func(), 1000)
	for i := range releases {
		wg.Go(func() { releases[i] = admit(t, a, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})) })
	}
	wg.Wait()
	<-time.After(2 * cfg.Lease) // without renewals all would have lapsed
	eventually(t, "redis holds all addresses", func() bool { return len(keys(t, a)) == len(releases) })
	for _, release := range releases {
		release()
	}
	eventually(t, "redis holds nothing", func() bool { return len(keys(t, a)) == 0 })
}

func TestIPv6NetworkIsOneAddress(t *testing.T) {
	t.Parallel()
	cfg := shared(t)
	url := testenv.RedisURL(t)
	one, again, other := netip.MustParseAddr("2001:db8:0:1::1"), netip.MustParseAddr("2001:db8:0:1:ffff::2%eth0"),
		netip.MustParseAddr("2001:db8:0:2::1")
	limits := map[string][2]gateway.Admission{
		"redis": {newNode(t, url, 1, cfg), newNode(t, url, 1, cfg)},
	}
	local := gateway.NewAddressLimit(1)
	limits["local"] = [2]gateway.Admission{local, local}
	for name, nodes := range limits {
		t.Run(name, func(t *testing.T) {
			admit(t, nodes[0], one)
			refuse(t, nodes[1], again)
			admit(t, nodes[1], other)
			mapped := netip.MustParseAddr("::ffff:192.0.2.7")
			admit(t, nodes[0], mapped)
			refuse(t, nodes[1], home)
			admit(t, nodes[1], netip.Addr{})
			admit(t, nodes[1], netip.Addr{})
		})
	}
}

func TestNoLimitAsksNobody(t *testing.T) {
	t.Parallel()
	l := admission.NewRedis(nil, 0, admission.Config{}) // a call would panic
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	for range 100 {
		admit(t, l, home)()
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestZeroConfigWorks(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	a := newNode(t, server.URL, 2, admission.Config{})
	admit(t, a, home)
	admit(t, a, home)
	refuse(t, a, home)
	eventually(t, "redis holds the address", func() bool {
		return strings.Join(keys(t, a), " ") == "parley:admission:192.0.2.7"
	})
	if ttl := a.client.PTTL(t.Context(), "parley:admission:192.0.2.7").Val(); ttl <= 25*time.Second || ttl > 30*time.Second {
		t.Errorf("the key lives for %v, want about 30s", ttl)
	}
}

// lateCancel is a context that is found to have ended just when the answer is there.
type lateCancel struct {
	context.Context

	answered func()
}

func (c lateCancel) Done() <-chan struct{} {
	c.answered()
	done := make(chan struct{})
	close(done)
	return done
}

func (lateCancel) Err() error { return context.Canceled }

func TestCallerThatGivesUpIsNotCounted(t *testing.T) {
	t.Parallel()
	for name, answered := range map[string]func(){
		"before the answer": func() {},
		"with the answer":   func() { <-time.After(20 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newNode(t, testenv.RedisURL(t), 1, shared(t))
			for range 20 {
				release, err := a.Admit(lateCancel{t.Context(), answered}, home)
				switch {
				case err == nil:
					release()
				case !errors.Is(err, context.Canceled):
					t.Fatalf("got %v", err)
				}
			}
			admitsEventually(t, a, home)
		})
	}
}

func BenchmarkAdmit(b *testing.B) {
	bench := func(b *testing.B, parallelism int) {
		a := newNode(b, testenv.RedisURL(b), 1_000_000, admission.Config{Prefix: testenv.Prefix(b), Wait: patience})
		b.ReportAllocs()
		b.SetParallelism(parallelism)
		var n atomic.Uint32
		b.RunParallel(func(pb *testing.PB) {
			addr := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n.Add(1))))
			for pb.Next() {
				release, err := a.Admit(b.Context(), addr)
				if err != nil {
					b.Error(err)
					return
				}
				release()
			}
		})
	}
	b.Run("few", func(b *testing.B) { bench(b, 1) })
	b.Run("storm", func(b *testing.B) { bench(b, 200) })
}
