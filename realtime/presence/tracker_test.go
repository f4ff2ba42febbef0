package presence_test

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	presencedomain "parley/domain/presence"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/memory"
	"parley/eventstore/testenv"
	"parley/realtime/presence"
)

// The tests wait for time to pass, all of them at once. The Redis client's dialler sleeps up to a second between attempts
// after its pool was closed.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "16")
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const patience = 20 * time.Second

// world is a log in memory that several nodes share, and what its views would say.
type world struct {
	*memory.Node
	t    testing.TB
	url  string
	name string

	mu   sync.Mutex
	grew chan struct{} // closed and replaced with each commit
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	w := &world{t: t, url: url, name: testenv.Prefix(t), grew: make(chan struct{})}
	w.Node = memory.New(memory.Config{OnCommit: func([]event.Recorded) {
		w.mu.Lock()
		defer w.mu.Unlock()
		close(w.grew)
		w.grew = make(chan struct{})
	}})
	return w
}

// Follow implements eventstore.Follower.
func (w *world) Follow(ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error) error {
	for {
		w.mu.Lock()
		more := w.grew
		w.mu.Unlock()
		batch, err := w.All(ctx, after, 0)
		if err != nil {
			return nil //nolint:nilerr // the context has ended
		}
		if len(batch) > 0 {
			after = batch[len(batch)-1].Position
			if err := handle(ctx, batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

// there folds the log.
func (w *world) there(ctx context.Context, after string, limit int) ([]string, error) {
	states := map[string]presencedomain.State{}
	for at := event.Position(0); ; {
		page, err := w.All(ctx, at, 0)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			states[r.Stream.Key()] = presencedomain.Evolve(states[r.Stream.Key()], r)
			at = r.Position
		}
		if len(page) < eventstore.MaxPage {
			break
		}
	}
	var ids []string
	for id, s := range states {
		if s.There() && id > after {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(limit, len(ids))], nil
}

// log is what happened to a user.
func (w *world) log(id string) []string {
	w.t.Helper()
	events, err := w.Stream(w.t.Context(), event.PresenceStream(id), 0, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	var types []string
	for _, r := range events {
		types = append(types, r.Type)
	}
	return types
}

// state is how a user is there as the log has it.
func (w *world) state(id string) presencedomain.State {
	w.t.Helper()
	events, err := w.Stream(w.t.Context(), event.PresenceStream(id), 0, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return presencedomain.Fold(presencedomain.State{}, events...)
}

// await waits until the log of a user is as wanted.
func (w *world) await(id string, want ...string) {
	w.t.Helper()
	for over := time.After(patience); ; {
		got := w.log(id)
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-over:
			w.t.Fatalf("the log of %s is %v, want %v", id, got, want)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// node is a tracker with a client of its own, as in a process.
type node struct {
	*presence.Tracker
	kill func() // leaves everything as it is
}

func (w *world) node(name string, change ...func(*presence.Config, *presence.Deps)) *node {
	w.t.Helper()
	return w.nodeAt(w.url, name, change...)
}

func (w *world) nodeAt(url, name string, change ...func(*presence.Config, *presence.Deps)) *node {
	w.t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		w.t.Fatal(err)
	}
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	menu, err := commands.New(commands.Deps{Log: w.Node, Node: name}, commands.Config{})
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := presence.Config{
		Node: name, Prefix: w.name, TTL: 3 * time.Second, Grace: 500 * time.Millisecond, Lease: 1500 * time.Millisecond,
		Look: time.Second, Retry: 50 * time.Millisecond, Batch: 10,
	}
	deps := presence.Deps{Come: menu.ComeOnline, Go: menu.GoOffline, There: w.there, Head: w.Head, Follower: w}
	for _, c := range change {
		c(&cfg, &deps)
	}
	n := &node{Tracker: presence.New(client, deps, cfg)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.kill = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
		_ = client.Close()
	})
	w.t.Cleanup(n.kill)
	return n
}

const (
	came    = event.TypeUserCameOnline
	changed = event.TypeUserPresenceChanged
	gone    = event.TypeUserWentOffline
)

func TestDevicesOnSeveralNodesAreOnePresence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.RedisURL(t))
	one, two := w.node("one"), w.node("two")
	phone := one.Opened("ann", false)
	w.await("ann", came)
	laptop := two.Opened("ann", false)
	tablet := two.Opened("ann", false)
	time.Sleep(2 * time.Second) // nobody is in doubt any more
	phone()
	laptop()
	laptop() // counts once
	time.Sleep(time.Second)
	w.await("ann", came)
	tablet()
	w.await("ann", came, gone)
	if n := one.Users() + two.Users(); n != 0 {
		t.Errorf("%d users are remembered", n)
	}
}

// onceKnown is ComeOnline, which finds that Redis knows the user.
type onceKnown struct {
	commands.UseCase[commands.ComeOnline, wire.Presence]
	known func(id string)
}

func (u onceKnown) Do(ctx context.Context, by commands.Actor, c commands.ComeOnline) (wire.Presence, error) {
	u.known(c.UserID)
	return u.UseCase.Do(ctx, by, c)
}

// The log is told of users once Redis knows them, or other nodes would find them in the log and nowhere else.
func TestRedisIsToldFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.RedisURL(t))
	options, err := redis.ParseURL(w.url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	one := w.node("one", func(_ *presence.Config, d *presence.Deps) {
		d.Come = onceKnown{d.Come, func(id string) {
			if known, err := client.SIsMember(context.Background(), "{"+w.name+"}of:one", id).Result(); err != nil || !known {
				t.Errorf("Redis does not know %s: %v", id, err)
			}
		}}
	})
	for i := range 100 { // ten times what is told at once
		one.Opened(fmt.Sprint("user-", i), false)
	}
	for i := range 100 {
		w.await(fmt.Sprint("user-", i), came)
	}
}

// A storm of clients that come back within the grace leaves no trace.
func TestShortDropsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.RedisURL(t))
	longer := func(c *presence.Config, _ *presence.Deps) { c.Grace, c.Batch = 4*time.Second, 500 }
	one, two := w.node("one", longer), w.node("two", longer)
	closers := make([]func(), 1000)
	for i := range closers {
		closers[i] = one.Opened(fmt.Sprint("user-", i), false)
	}
	for i := range closers {
		w.await(fmt.Sprint("user-", i), came)
	}
	head, _ := w.Head(t.Context())
	for i := range closers {
		closers[i]()
		closers[i] = []*node{one, two}[i%2].Opened(fmt.Sprint("user-", i), false)
	}
	time.Sleep(6 * time.Second)
	if now, _ := w.Head(t.Context()); now != head {
		t.Errorf("%d events of those who came back", now-head)
	}
	for _, closed := range closers {
		closed()
	}
	for i := range closers {
		w.await(fmt.Sprint("user-", i), came, gone)
	}
}

func TestAKilledNodesUsersGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.RedisURL(t))
	one, two := w.node("one"), w.node("two")
	one.Opened("ann", false)
	one.Opened("bob", false)
	two.Opened("bob", false)
	w.await("ann", came)
	w.await("bob", came)
	one.kill()
	w.await("ann", came, gone)
	w.await("bob", came)
	two.kill()
	three := w.node("three") // finds what nobody was there to see
	w.await("bob", came, gone)
	three.Opened("bob", true)
	w.await("bob", came, gone, came)
}

func TestAnEmptiedRedisMakesNobodyGo(t *testing.T) {
	t.Parallel()
	broker := testenv.StartRedis(t)
	w := newWorld(t, broker.URL)
	one, two := w.node("one"), w.node("two")
	ann, bob := one.Opened("ann", false), two.Opened("bob", false)
	w.await("ann", came)
	w.await("bob", came)
	time.Sleep(2 * time.Second)
	for range 3 {
		broker.FlushAll()
		time.Sleep(time.Second)
	}
	broker.Kill()
	bob()
	cy := two.Opened("cy", false)
	w.await("cy", came) // Redis is not needed for that
	broker.Start()
	w.await("bob", came, gone)
	ann()
	cy()
	w.await("ann", came, gone)
	w.await("cy", came, gone)
}

// Whoever leaves while Redis does not answer is not there for ever after.
func TestWhoLeavesWhileRedisIsAwayIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.RedisURL(t))
	line, url := cable(t, w.url)
	shorter := func(c *presence.Config, _ *presence.Deps) { c.TTL, c.Timeout = time.Minute, 300*time.Millisecond }
	one := w.nodeAt(url, "one", shorter)
	leave := one.Opened("ann", false)
	w.await("ann", came)
	time.Sleep(2 * time.Second) // nobody is in doubt any more
	line.Cut()
	leave()
	time.Sleep(1200 * time.Millisecond) // the grace is over, and what was asked of Redis
	line.Heal()
	w.await("ann", came, gone)
}

// Who comes back while it is asked whether anybody has seen them was never gone.
func TestWhoIsBackInTimeWasNeverGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.RedisURL(t))
	zero := w.node("zero")
	time.Sleep(2 * time.Second) // nobody is in doubt any more
	line, url := cable(t, w.url)
	one := w.nodeAt(url, "one", func(c *presence.Config, _ *presence.Deps) {
		c.Lease, c.TTL, c.Timeout = 20*time.Second, time.Minute, time.Minute
		c.Grace, c.Look = 200*time.Millisecond, time.Minute
	})
	leave := one.Opened("ann", false)
	w.await("ann", came)
	zero.kill()
	line.Blackhole()
	leave()
	time.Sleep(time.Second) // the grace is over, and Redis is asked
	one.Opened("ann", false)
	line.Heal()
	leave = one.Opened("bob", false)
	w.await("bob", came)
	leave()
	w.await("bob", came, gone) // whoever leaves later is told later
	w.await("ann", came)
}

// Nodes that come, as in a deployment, keep nobody online.
func TestNewNodesRaiseNoDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.RedisURL(t))
	one := w.node("one")
	leave := one.Opened("ann", false)
	w.await("ann", came)
	time.Sleep(2 * time.Second) // nobody is in doubt any more
	leave()
	for i := 0; i < 15 && len(w.log("ann")) < 2; i++ {
		w.node(fmt.Sprint("new ", i))
		time.Sleep(time.Second)
	}
	if got := w.log("ann"); len(got) < 2 {
		t.Errorf("the log of ann is %v as long as nodes come", got)
	}
}

// A node that has no line to Redis while the others have does not quarrel with them about who is there.
func TestACutOffNodeDoesNotQuarrel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.RedisURL(t))
	line, url := cable(t, w.url)
	one := w.nodeAt(url, "one")
	w.node("two")
	one.Opened("ann", false)
	w.await("ann", came)
	time.Sleep(2 * time.Second)
	line.Cut()
	w.await("ann", came, gone)
	time.Sleep(3 * time.Second) // some looks at everybody
	line.Heal()
	w.await("ann", came, gone, came)
}

// cable is a line to a Redis that can be cut.
func cable(t *testing.T, target string) (*testenv.Proxy, string) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	line := testenv.TCPProxy(t, u.Host)
	u.Host = line.Addr
	return line, u.String()
}

// What was judged wrongly is taken back, and shows nobody who does not want to be seen.
func TestAWrongJudgementIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.RedisURL(t))
	var wrong commands.UseCase[commands.UserRef, wire.Presence]
	one := w.node("one", func(_ *presence.Config, d *presence.Deps) { wrong = d.Go })
	menu, err := commands.New(commands.Deps{Log: w.Node}, commands.Config{})
	if err != nil {
		t.Fatal(err)
	}
	one.Opened("ann", false)
	one.Opened("bob", true)
	w.await("ann", came)
	w.await("bob", came)
	ann := commands.Actor{Principal: domain.Principal{UserID: "ann"}}
	if _, err := menu.RegisterUser.Do(t.Context(), ann, commands.RegisterUser{UserID: "ann", Username: "ann"}); err != nil {
		t.Fatal(err)
	}
	working := commands.UpdatePresence{Status: event.StatusBusy, Text: new("working")}
	if _, err := menu.UpdatePresence.Do(t.Context(), ann, working); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"ann", "bob"} {
		if _, err := wrong.Do(t.Context(), commands.Actor{}, commands.UserRef{UserID: id}); err != nil {
			t.Fatal(err)
		}
	}
	w.await("ann", came, changed, gone, came)
	w.await("bob", came, gone, came)
	if s := w.state("ann"); s.Status != event.StatusBusy || s.Text != "working" {
		t.Errorf("ann is %+v afterwards", s)
	}
	events, _ := w.Stream(t.Context(), event.PresenceStream("bob"), 0, 0)
	for _, r := range events {
		payload, _ := r.Payload()
		if e, ok := payload.(event.UserCameOnline); ok && e.Status != event.StatusInvisible {
			t.Errorf("bob is shown %s", e.Status)
		}
	}
}
