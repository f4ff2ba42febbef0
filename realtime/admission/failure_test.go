package admission_test

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/eventstore/testenv"
	"parley/realtime/admission"
)

func TestStoppedNodeGivesEverythingBack(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	cfg := admission.Config{Wait: patience, Batch: 3}
	a, b := newNode(t, server.URL, 1, cfg), newNode(t, server.URL, 1, cfg)
	release := admit(t, a, home)
	for i := range 10 {
		admit(t, a, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	refuse(t, b, home)
	a.stop()
	if left := keys(t, b); len(left) != 0 {
		t.Errorf("redis still holds %v", left)
	}
	admit(t, b, home)
	refuse(t, a, home) // counts by itself now
	release()
	admit(t, a, home)
}

func TestKilledNodeFreesItsShareAfterTheLease(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	cfg := admission.Config{Wait: patience, Lease: 2 * time.Second}
	a, b := newNode(t, server.URL, 2, cfg), newNode(t, server.URL, 2, cfg)
	admit(t, a, home)
	admit(t, b, home)
	killed := time.Now()
	a.kill()
	refuse(t, b, home)
	admitsEventually(t, b, home)
	if took := time.Since(killed); took < cfg.Lease/2 {
		t.Errorf("the share was free after %v, before its lease can have lapsed", took)
	}
	refuse(t, b, home) // the own share is still there
}

func TestNodeStartedAnewTakesOverItsName(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	cfg := admission.Config{Wait: patience, Node: "a"}
	first := newNode(t, server.URL, 2, cfg)
	admit(t, first, home)
	admit(t, first, home)
	first.kill()
	second := newNode(t, server.URL, 2, cfg)
	admit(t, second, home)
	admit(t, second, home)
	refuse(t, second, home)
}

func TestWhatRedisForgetsItHearsAgain(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	cfg := admission.Config{Wait: patience, Lease: 3 * time.Second}
	a, b := newNode(t, server.URL, 2, cfg), newNode(t, server.URL, 2, cfg)
	admit(t, a, home)
	admit(t, a, home)
	server.FlushAll()
	if err := a.client.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "renewal", func() bool { return len(keys(t, b)) > 0 })
	refuse(t, b, home)
}

func TestWithoutRedisEachNodeCounts(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	cfg := admission.Config{Wait: time.Second, Retry: 50 * time.Millisecond, Lease: time.Minute, Batch: 1}
	a, b := newNode(t, server.URL, 3, cfg), newNode(t, server.URL, 3, cfg)
	onA := []func(){admit(t, a, home), admit(t, a, home)}
	onB := []func(){admit(t, b, home)}
	server.Kill()
	onA = append(onA, admit(t, a, home))
	refuse(t, a, home)
	onB = append(onB, admit(t, b, home), admit(t, b, home))
	refuse(t, b, home)
	for i := range 10 {
		admit(t, a, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	server.Start()
	eventually(t, "redis is told of all addresses", func() bool {
		n, err := a.client.DBSize(t.Context()).Result()
		return err == nil && n == 11
	})
	eventually(t, "both nodes are back", func() bool {
		nodes, err := b.client.HLen(t.Context(), "parley:admission:"+home.String()).Result()
		return err == nil && nodes == 2
	})
	for _, release := range onA {
		refuse(t, a, home)
		release()
	}
	refuse(t, a, home) // the other node has three
	onB[0]()
	admitsEventually(t, a, home)
	refuse(t, a, home)
	refuse(t, b, home)
}

func TestHangingRedisHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	log := new(safeBuffer)
	cfg := admission.Config{Retry: time.Minute, Logger: slog.New(slog.NewTextHandler(log, nil))}
	a := newNode(t, server.URL, 5, cfg)
	admit(t, a, home)
	server.Pause()
	defer server.Resume()
	start := time.Now()
	if got := storm(t, 200, home, a); got != 4 {
		t.Errorf("%d got in, want the 4 that were left", got)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
	start = time.Now()
	for i := range 1000 {
		admit(t, a, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))()
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("1000 admissions took %v though Redis was known to be away", took)
	}
	start = time.Now()
	a.stop()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if text := log.String(); strings.Count(text, "by this node alone") != 1 || strings.Contains(text, home.String()) {
		t.Errorf("logged: %s", text)
	}
}

func TestPausedRedisEndsUpRight(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	log := new(safeBuffer)
	cfg := admission.Config{
		Wait: 100 * time.Millisecond, Retry: 100 * time.Millisecond, Lease: 3 * time.Second,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	a, b := newNode(t, server.URL, 3, cfg), newNode(t, server.URL, 3, cfg)
	first := admit(t, a, home)
	server.Pause()
	admit(t, a, home) // its command lies in Redis's inbox now, and is carried out late
	first()
	eventually(t, "the node noticed", func() bool { return strings.Contains(log.String(), "by this node alone") })
	server.Resume()
	eventually(t, "redis holds the right count", func() bool {
		values, err := b.client.HVals(t.Context(), "parley:admission:"+home.String()).Result()
		return err == nil && len(values) == 1 && strings.HasPrefix(values[0], "1:")
	})
	admitsEventually(t, b, home)
	admitsEventually(t, b, home)
	admitsEventually(t, b, netip.MustParseAddr("192.0.2.9"))
}

func TestLeasesThatCannotBeAreDropped(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	a := newNode(t, server.URL, 2, admission.Config{Wait: patience})
	future := time.Now().Add(time.Hour).UnixMilli() // written before the clock was set back
	key := "parley:admission:" + home.String()
	if err := a.client.HSet(t.Context(), key, "x", "2:"+strconv.FormatInt(future, 10), "y", "nonsense").Err(); err != nil {
		t.Fatal(err)
	}
	admit(t, a, home)
	admit(t, a, home)
	refuse(t, a, home)
	if nodes := a.client.HLen(t.Context(), key).Val(); nodes != 1 {
		t.Errorf("redis holds %d nodes, want 1", nodes)
	}
}

func TestRedisThatRefusesLeavesTheNodeAlone(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	a := newNode(t, server.URL, 2, admission.Config{Wait: patience, Retry: 20 * time.Millisecond})
	key := "parley:admission:" + home.String()
	if err := a.client.Set(t.Context(), key, "of a wrong type", 0).Err(); err != nil {
		t.Fatal(err)
	}
	admit(t, a, home)
	admit(t, a, home)
	refuse(t, a, home)
	if err := a.client.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "redis is told", func() bool {
		value, err := a.client.HVals(t.Context(), key).Result()
		return err == nil && len(value) == 1 && strings.HasPrefix(value[0], "2:")
	})
}

func TestWithoutRunTheNodeCountsAlone(t *testing.T) {
	t.Parallel()
	l := admission.NewRedis(nil, 2, admission.Config{Wait: time.Millisecond})
	release := admit(t, l, home)
	admit(t, l, home)
	refuse(t, l, home)
	release()
	admit(t, l, home)
}

// safeBuffer is a bytes.Buffer for several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
