package typing_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/realtime/typing"
)

// The Redis client's dialler sleeps up to a second between attempts after its pool was closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// log is one that tests write.
type log struct {
	mu     sync.Mutex
	events []event.Recorded
	grew   chan struct{}
}

func newLog() *log { return &log{grew: make(chan struct{})} }

func (l *log) add(t *testing.T, e event.Event) {
	t.Helper()
	n, err := event.Encode(event.ID{1}, nil, e)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, n.Record(event.Position(len(l.events)+1), 1, 1, time.Now()))
	close(l.grew)
	l.grew = make(chan struct{})
}

func (l *log) head(context.Context) (event.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return event.Position(len(l.events)), nil
}

// Follow implements eventstore.Follower.
func (l *log) Follow(ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error) error {
	for {
		l.mu.Lock()
		batch, grew := slices.Clone(l.events[after:]), l.grew
		l.mu.Unlock()
		if len(batch) > 0 {
			after += event.Position(len(batch))
			if err := handle(ctx, batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-grew:
		case <-ctx.Done():
			return nil
		}
	}
}

// node is a service, and what its sockets were told.
type node struct {
	*typing.Service
	t    *testing.T
	told chan string
	stop func()
}

func start(t *testing.T, l *log, cfg typing.Config) *node {
	t.Helper()
	n := &node{t: t, told: make(chan string, 10_000)}
	n.Service = typing.New(typing.Deps{
		Tell: func(p wire.Push, except string) {
			var data wire.Typing
			if err := json.Unmarshal(p.Data, &data); err != nil || p.Durable || data.UserID != except || data.RoomID != p.Room {
				t.Errorf("%+v: %v", p, err)
			}
			n.told <- strings.TrimPrefix(p.Event, "typing-") + " " + p.Room + " " + data.UserID + " " + data.Username
		},
		Head: l.head, Follower: l,
	}, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(n.stop)
	return n
}

func (n *node) hears(want ...string) {
	n.t.Helper()
	for _, w := range want {
		select {
		case got := <-n.told:
			if got != w {
				n.t.Fatalf("told %q, want %q", got, w)
			}
		case <-time.After(20 * time.Second):
			n.t.Fatalf("told nothing, want %q", w)
		}
	}
}

func (n *node) silent() {
	n.t.Helper()
	select {
	case got := <-n.told:
		n.t.Fatalf("told %q", got)
	default:
	}
}

// alone runs a test of one node in a bubble.
func alone(t *testing.T, test func(t *testing.T, n *node, l *log)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		n := start(t, l, typing.Config{})
		synctest.Wait()
		test(t, n, l)
		n.stop()
	})
}

func TestTypingIsThrottledAndEndsByItself(t *testing.T) {
	alone(t, func(_ *testing.T, n *node, _ *log) {
		for range 10 {
			n.Start("r", "ann", "Ann")
		}
		n.hears("started r ann Ann")
		n.silent()
		time.Sleep(3 * time.Second)
		n.Start("r", "ann", "Ann")
		n.hears("started r ann Ann") // later
		time.Sleep(4999 * time.Millisecond)
		n.silent()
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		n.hears("stopped r ann Ann")
		n.silent()
		n.Stop("r", "ann")
		n.silent()
		n.Start("r", "ann", "Ann")
		n.Stop("r", "ann")
		n.Start("r", "ann", "Ann")
		n.hears("started r ann Ann", "stopped r ann Ann", "started r ann Ann")
		if list := n.In("r", "bob"); len(list) != 1 || list[0].Username != "Ann" || time.Until(time.Time(list[0].ExpiresAt)) != 5*time.Second {
			n.t.Errorf("%+v", list)
		}
		if list := n.In("r", "ann"); len(list) != 0 {
			n.t.Errorf("ann is told of herself: %+v", list)
		}
	})
}

func TestTheLogEndsTyping(t *testing.T) {
	alone(t, func(t *testing.T, n *node, l *log) {
		for _, e := range []event.Event{
			event.MessageSent{Message: event.Message{RoomID: "r", Sender: event.Sender{ID: "ann"}}},
			event.MemberLeft{RoomID: "r", UserID: "ann"},
			event.MemberRemoved{RoomID: "r", UserID: "ann"},
			event.RoomArchived{Room: event.Room{RoomID: "r"}},
		} {
			n.Start("r", "ann", "Ann")
			n.Start("s", "ann", "Ann")
			n.hears("started r ann Ann", "started s ann Ann")
			l.add(t, event.MessageSent{Message: event.Message{RoomID: "r", Sender: event.Sender{ID: "bob"}}})
			l.add(t, e)
			synctest.Wait()
			n.hears("stopped r ann Ann")
			n.silent()
			n.Stop("s", "ann")
			n.hears("stopped s ann Ann")
		}
	})
}

func TestAFloodIsBounded(t *testing.T) {
	alone(t, func(t *testing.T, n *node, _ *log) {
		for i := range 1000 {
			n.Start(fmt.Sprint("r", i), "ann", "Ann")
			n.Start("r", "ann", "Ann")
			n.Stop("r", "ann")
		}
		if told := len(n.told); told > 100 {
			t.Errorf("a flood in 1001 rooms is told %d times", told)
		}
		n.Start("r", "bob", "Bob")
		if list := n.In("r", ""); len(list) != 1 || list[0].UserID != "bob" {
			t.Errorf("others are not heard: %+v", list)
		}
	})
}

func TestNodesTellEachOther(t *testing.T) {
	t.Parallel()
	broker := testenv.StartRedis(t)
	options, err := redis.ParseURL(broker.URL)
	if err != nil {
		t.Fatal(err)
	}
	l := newLog()
	topic := testenv.Prefix(t) + "typing"
	at := func(name string) *node {
		return start(t, l, typing.Config{
			Redis: &redis.UniversalOptions{Addrs: []string{options.Addr}}, Topic: topic, Node: name,
			TTL: 2 * time.Second, Timeout: 500 * time.Millisecond,
		})
	}
	one, two := at("one"), at("two")
	connected := func() {
		t.Helper()
		for over := time.After(20 * time.Second); ; {
			one.Start("probe", "eve", "Eve")
			one.hears("started probe eve Eve")
			one.Stop("probe", "eve")
			one.hears("stopped probe eve Eve")
			select {
			case <-two.told:
				time.Sleep(300 * time.Millisecond)
				for len(two.told) > 0 {
					<-two.told
				}
				return
			case <-over:
				t.Fatal("the nodes do not hear each other")
			case <-time.After(250 * time.Millisecond):
			}
		}
	}
	connected()
	one.Start("r", "ann", "Ann")
	one.hears("started r ann Ann")
	two.hears("started r ann Ann")
	one.Stop("r", "ann")
	one.hears("stopped r ann Ann")
	two.hears("stopped r ann Ann")

	one.Start("r", "bob", "Bob")
	one.hears("started r bob Bob", "stopped r bob Bob")
	two.hears("started r bob Bob", "stopped r bob Bob") // each by its own clock
	two.silent()

	broker.Kill()
	one.Start("r", "ann", "Ann")
	one.hears("started r ann Ann", "stopped r ann Ann") // those who are here
	broker.Start()
	connected()
}
