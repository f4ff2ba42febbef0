package admission_test

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"parley/domain"
	"parley/realtime/admission"
	"parley/realtime/gateway"
)

// The Redis client's dialler sleeps up to a second between attempts after its pool was closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const patience = 10 * time.Second

var home = netip.MustParseAddr("192.0.2.7")

// node is a limit with a client of its own, as in a process.
type node struct {
	*admission.Redis

	client *redis.Client
	stop   func() // orderly, and waits
}

// newNode runs a limit until the test ends, or until it is stopped.
func newNode(t testing.TB, url string, limit int, cfg admission.Config) *node {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	options.ContextTimeoutEnabled = true
	n := &node{client: redis.NewClient(options)}
	n.Redis = admission.NewRedis(n.client, limit, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		_ = n.client.Close()
	})
	t.Cleanup(n.stop)
	return n
}

// kill ends the node so that it cannot give anything back.
func (n *node) kill() {
	_ = n.client.Close()
	n.stop()
}

// admit expects to get in.
func admit(t *testing.T, a gateway.Admission, addr netip.Addr) (release func()) {
	t.Helper()
	release, err := a.Admit(t.Context(), addr)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return release
}

// refuse expects not to get in.
func refuse(t *testing.T, a gateway.Admission, addr netip.Addr) {
	t.Helper()
	if _, err := a.Admit(t.Context(), addr); domain.CodeOf(err) != domain.CodeTooManyConnections {
		t.Fatalf("got %v, want a refusal", err)
	}
}

// storm has n connections try at once on each of the nodes, and counts those that got in.
func storm(t *testing.T, n int, addr netip.Addr, nodes ...gateway.Admission) int64 {
	t.Helper()
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for _, a := range nodes {
		for range n {
			wg.Go(func() {
				switch _, err := a.Admit(t.Context(), addr); {
				case err == nil:
					admitted.Add(1)
				case domain.CodeOf(err) != domain.CodeTooManyConnections:
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	return admitted.Load()
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !yes(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func admitsEventually(t *testing.T, a gateway.Admission, addr netip.Addr) (release func()) {
	t.Helper()
	eventually(t, "admission", func() (in bool) {
		var err error
		release, err = a.Admit(t.Context(), addr)
		return err == nil
	})
	return release
}

// keys are those that a Redis of the test's own holds.
func keys(t *testing.T, n *node) []string {
	t.Helper()
	all, err := n.client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
