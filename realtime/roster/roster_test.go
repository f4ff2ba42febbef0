package roster_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"parley/domain"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/realtime/roster"
)

// The Redis client's dialler sleeps up to a second between attempts after its pool was closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// node is one of several that share a Redis.
type node struct {
	*roster.Roster

	mu      sync.Mutex
	sockets []wire.Connection
}

func (n *node) live() []wire.Connection {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.sockets)
}

// has replaces the sockets by so many.
func (n *node) has(name string, count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sockets = nil
	for i := range count {
		n.sockets = append(n.sockets, wire.Connection{
			ID: fmt.Sprintf("%s-%04d", name, i), UserID: "user-" + strconv.Itoa(i%3), Transport: []string{"websocket", "polling"}[i%2],
			Node: name, Rooms: []string{"a", "b"}, RoomCount: 2, HandshakeTime: wire.Time(time.Unix(int64(i), 0).UTC()), QueuedBytes: 1,
		})
	}
}

func newNode(client redis.UniversalClient, prefix, name string, sockets int) *node {
	n := &node{}
	n.has(name, sockets)
	n.Roster = roster.New(client, n.live, roster.Config{Node: name, Prefix: prefix, Every: time.Minute, Timeout: 10 * time.Second})
	return n
}

func (n *node) tell(t testing.TB) {
	t.Helper()
	if err := n.Tell(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (n *node) list(t testing.TB, q wire.ConnectionQuery) wire.Connections {
	t.Helper()
	q.Limit = cmp.Or(q.Limit, 1000)
	found, err := n.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNodesKnowOfEachOther(t *testing.T) {
	t.Parallel()
	client, prefix := testenv.Redis(t), testenv.Prefix(t)
	one, two := newNode(client, prefix, "one", 5), newNode(client, prefix, "two", 200)
	one.tell(t)
	two.tell(t)

	all := one.list(t, wire.ConnectionQuery{})
	if all.Total != 205 || all.ByTransport["websocket"] != 103 || all.ByTransport["polling"] != 102 || !all.Complete || len(all.Connections) != 205 {
		t.Errorf("%d, %v, %d listed, complete %v", all.Total, all.ByTransport, len(all.Connections), all.Complete)
	}
	if len(all.Nodes) != 2 || all.Nodes[0].Node != "one" || all.Nodes[1].Total != 200 {
		t.Errorf("nodes %+v", all.Nodes)
	}
	far := all.Connections[204]
	if far.ID != "two-0199" || far.Node != "two" || far.UserID != "user-1" || !slices.Equal(far.Rooms, []string{"a", "b"}) ||
		far.RoomCount != 2 || !time.Time(far.HandshakeTime).Equal(time.Unix(199, 0)) || far.QueuedBytes != 0 {
		t.Errorf("%+v", far)
	}

	for _, q := range []wire.ConnectionQuery{{UserID: "user-0"}, {Node: "two"}, {Transport: "polling"}, {UserID: "user-1", Node: "one"}} {
		found := one.list(t, q).Connections
		if len(found) == 0 || slices.ContainsFunc(found, func(c wire.Connection) bool { return !q.Wants(c) }) {
			t.Errorf("%+v finds %d", q, len(found))
		}
	}

	two.has("two", 3) // what has gone is gone, what was said of the rest stays
	two.tell(t)
	if found := one.list(t, wire.ConnectionQuery{}); found.Total != 8 || len(found.Connections) != 8 {
		t.Errorf("%d sockets, %d listed", found.Total, len(found.Connections))
	}
}

func TestPagesHaveEachSocketOnce(t *testing.T) {
	t.Parallel()
	client, prefix := testenv.Redis(t), testenv.Prefix(t)
	one, two := newNode(client, prefix, "one", 7), newNode(client, prefix, "two", 5)
	two.tell(t)
	var seen []string
	q := wire.ConnectionQuery{Limit: 3}
	for page := 0; ; page++ {
		found := one.list(t, q)
		for _, c := range found.Connections {
			seen = append(seen, c.ID)
		}
		if q.After = found.NextCursor; q.After == "" {
			break
		}
		if page > 10 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != 12 || !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != 12 {
		t.Errorf("%q", seen)
	}
	if _, err := one.List(t.Context(), wire.ConnectionQuery{After: "nonsense", Limit: 1}); domain.CodeOf(err) != domain.CodeInvalidPayload {
		t.Errorf("a made-up cursor: %v", err)
	}
}

// Redis may be emptied, and come and go.
func TestLoss(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries = -1
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	one, two := newNode(client, "", "one", 1), newNode(client, "", "two", 40)
	two.tell(t)
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	two.tell(t)
	if found := one.list(t, wire.ConnectionQuery{}); found.Total != 41 || len(found.Connections) != 41 {
		t.Errorf("after a flush: %d sockets, %d listed", found.Total, len(found.Connections))
	}

	server.Stop()
	if err := two.Tell(t.Context()); err == nil {
		t.Error("told nobody")
	}
	if found := one.list(t, wire.ConnectionQuery{}); found.Complete || found.Total != 1 || len(found.Connections) != 1 {
		t.Errorf("without Redis: %+v", found)
	}
	server.Start()
	two.tell(t)
	if found := one.list(t, wire.ConnectionQuery{}); !found.Complete || found.Total != 41 || len(found.Connections) != 41 {
		t.Errorf("with Redis again: %d sockets, %d listed", found.Total, len(found.Connections))
	}
}

func TestNodesGo(t *testing.T) {
	t.Parallel()
	client, prefix := testenv.Redis(t), testenv.Prefix(t)
	watcher := newNode(client, prefix, "watcher", 0)
	orderly := newNode(client, prefix, "orderly", 2)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- orderly.Run(ctx) }()
	await(t, func() bool { return watcher.list(t, wire.ConnectionQuery{}).Total == 2 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if found := watcher.list(t, wire.ConnectionQuery{}); found.Total != 0 || len(found.Nodes) != 1 {
		t.Errorf("a node that stopped: %+v", found)
	}

	killed := &node{}
	killed.has("killed", 2)
	killed.Roster = roster.New(client, killed.live, roster.Config{Node: "killed", Prefix: prefix, Every: 50 * time.Millisecond})
	killed.tell(t)
	await(t, func() bool { return watcher.list(t, wire.ConnectionQuery{}).Total == 0 })
}

func await(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to be so")
		}
	}
}

// What a turn of a node with many sockets costs, when nothing has changed and when a few come and go.
func BenchmarkTell(b *testing.B) {
	for _, changes := range []int{0, 50} {
		b.Run("changes="+strconv.Itoa(changes), func(b *testing.B) {
			client, prefix := testenv.Redis(b), testenv.Prefix(b)
			n := newNode(client, prefix, "one", 10_000)
			n.tell(b)
			for turn := 0; b.Loop(); turn++ {
				for i := range changes {
					n.sockets[(turn*changes+i)%len(n.sockets)].RoomCount++
				}
				n.tell(b)
			}
		})
	}
}
