package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"parley/eventstore/testenv"
)

// unrest is a crowd of clients under load whose connections, nodes and Redis break at random.
type unrest struct {
	seed     uint64
	clients  int           // of all kinds alike
	rooms    int           // each client hears two
	pace     time.Duration // of the writers, of which each room has one at each node; see load
	length   time.Duration // how long things break
	every    time.Duration // between two faults of connections
	blows    time.Duration // between two faults of nodes and Redis
	recovery time.Duration // what all may take to be up to date again
	program  string        // the build that runs; "" is the shared one
}

// TestCrowdUnderFaults is the short form of the test that `make chaos` runs for minutes.
func TestCrowdUnderFaults(t *testing.T) {
	inParallel(t)
	packages(t)
	u := unrest{
		seed: uint64(time.Now().UnixNano()), clients: 16, rooms: 3, pace: 200 * time.Millisecond,
		length: 8 * time.Second, every: 60 * time.Millisecond, blows: 1500 * time.Millisecond, recovery: 3 * settle,
	}
	u.mustBeSurvived(t)
}

// mustBeSurvived fails the test if anybody noticed, or if the faults hit nothing: in the short form no client that
// had missed something, which is what it is about, in the long one no send in flight either.
func (u unrest) mustBeSurvived(t *testing.T) {
	t.Helper()
	r := u.run(t)
	t.Log(r)
	if wrong := r.sum.wrong(); wrong > 0 {
		t.Errorf("%d things are wrong, the first of them:\n%s", wrong, strings.Join(r.wrongs, "\n"))
	}
	if r.sum.resyncs > 0 {
		t.Errorf("%d times a resync was required, within the limits", r.sum.resyncs)
	}
	if r.sum.fruitful == 0 || r.sum.expected == 0 || r.hit == 0 && u.length >= time.Minute {
		t.Errorf("void: the faults hit %d sends in flight, %d returns were told of something missed", r.hit, r.sum.fruitful)
	}
}

// report is what came of an unrest.
type report struct {
	seed   uint64
	kinds  []string
	by     map[string]verdict
	sum    verdict
	faults map[string]int
	hit    int // sends that were in flight when something broke
	sent   int
	wrongs []string // the first ones
}

func (r report) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "seed %d: %d messages sent, %d sends in flight were hit; faults %v\n\n", r.seed, r.sent, r.hit, r.faults)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tclients\tarrivals\ttold of missed\tmissed ones\tresyncs\texpected\tlost\trepeated\treordered\tunexpected\t")
	for _, name := range append(r.kinds, "all") {
		v := r.sum
		if name != "all" {
			v = r.by[name]
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, v.members, v.arrivals, v.fruitful, v.caughtUp, v.resyncs,
			v.expected, v.missed, v.repeated, v.reordered, v.unexpected)
	}
	_ = w.Flush() // a buffer does not fail
	return b.String()
}

// trouble is an unrest under way.
type trouble struct {
	unrest
	t        *testing.T
	database string
	broker   *testenv.RedisServer
	nodes    []*node
	host     caller
	rooms    []string
	loads    []*load
	members  []*member

	mu     sync.Mutex
	faults map[string]int
	hit    int
}

// run makes the crowd, lets it suffer, waits until it is whole again, and reads its books.
func (u unrest) run(t *testing.T) report {
	t.Helper()
	t.Logf("seed %d", u.seed)
	x := u.begin(t)
	ctx, cancel := context.WithCancel(t.Context())
	var crowd sync.WaitGroup
	defer crowd.Wait()
	defer cancel()
	x.gather(ctx, &crowd)
	x.load()
	x.suffer()
	for _, l := range x.loads {
		l.finish()
	}
	return x.judge()
}

// heartbeats are soon missed. The official client needs them when its WebSocket breaks after it has stopped polling and
// before it has moved: it then waits for nothing but the next ping, 85 s long as the settings are by default.
var heartbeats = settings{"SOCKET_PING_INTERVAL": "5000", "SOCKET_PING_TIMEOUT": "5000"}

func (u unrest) begin(t *testing.T) *trouble {
	t.Helper()
	x := &trouble{unrest: u, t: t, database: testenv.DSN(t), broker: testenv.StartRedis(t), faults: map[string]int{}}
	for _, name := range []string{"one", "two"} {
		n := newNode(t, name, backends(x.database, x.broker.URL).with(heartbeats).with(settings{"LOG_LEVEL": "warn"}))
		n.program = u.program
		n.start()
		n.awaitReady()
		x.nodes = append(x.nodes, n)
	}
	x.host = x.nodes[0].as(t, "host")
	for i := range u.rooms + 1 { // nobody hears the last
		room := x.host.createRoom("public", fmt.Sprint("room ", i))
		x.rooms, x.loads = append(x.rooms, room), append(x.loads, startLoadIn(t, room, u.pace))
	}
	return x
}

// gather returns when every member has joined its rooms.
func (x *trouble) gather(ctx context.Context, crowd *sync.WaitGroup) {
	x.t.Helper()
	kinds := kindsOfMembers()
	var official []*member
	for i := range x.clients {
		m := x.newMember(i, kinds[i%len(kinds)])
		x.members = append(x.members, m)
		if m.kind.official {
			official = append(official, m)
			continue
		}
		random := rand.New(rand.NewPCG(x.seed, uint64(i)))
		crowd.Go(func() { m.wander(ctx, random) })
	}
	startCrowd(x.t, official)
	x.await("every member has joined", func(m *member) bool { return m.book.hasJoined() })
}

func (x *trouble) newMember(i int, k kind) *member {
	m := &member{
		name: fmt.Sprintf("client %d (%s)", i, k.name), kind: k, user: fmt.Sprint("client-", i), book: newBook(x.head),
		rooms: []string{x.rooms[i%x.unrest.rooms], x.rooms[(i+1)%x.unrest.rooms]}, home: x.nodes[i/2%2],
	}
	m.line = testenv.TCPProxy(x.t, strings.TrimPrefix(m.home.URL, "http://"))
	if _, listed := k.auth["rooms"]; listed { // also a member of what it does not want to hear
		x.nodes[0].as(x.t, m.user)
		x.host.call("PUT", "/api/v1/rooms/"+x.rooms[x.unrest.rooms]+"/members/"+m.user, object{"role": "member"}).done()
	}
	return m
}

// head is the last position that is known to be in the log.
func (x *trouble) head() (head int64) {
	for _, l := range x.loads {
		head = max(head, l.ledger.highest())
	}
	return head
}

// load lets writers write in all rooms, at all nodes.
func (x *trouble) load() {
	x.t.Helper()
	for _, l := range x.loads {
		for _, n := range x.nodes {
			l.write(n, 1)
		}
	}
}

// await waits until every member is as wanted.
func (x *trouble) await(what string, wanted func(*member) bool) {
	x.t.Helper()
	deadline := time.Now().Add(x.recovery)
	for _, m := range x.members {
		for !wanted(m) {
			if time.Now().After(deadline) {
				x.t.Errorf("not within %s: %s (%s)", x.recovery, what, m.name)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// suffer breaks things for a while, and ends with all of them whole.
func (x *trouble) suffer() {
	x.t.Helper()
	ctx, cancel := context.WithCancel(x.t.Context())
	var lines sync.WaitGroup
	lines.Go(func() { x.breakLines(ctx) })
	x.strikeServers()
	cancel()
	lines.Wait()
}

// strikeServers deals blows from a shuffled deck: each kind comes before any comes again, and all come once
// however long that takes.
func (x *trouble) strikeServers() {
	x.t.Helper()
	end := time.Now().Add(x.length)
	random := rand.New(rand.NewPCG(x.seed, 1<<32))
	deck := x.blowsAt(random)
	for dealt := 0; time.Now().Before(end) || dealt < len(deck); dealt++ {
		if dealt == len(deck) {
			deck, dealt = x.blowsAt(random), 0
		}
		sleep(x.t.Context(), x.blows)
		b := deck[dealt]
		x.awaitSends()
		before := x.failures()
		b.strike()
		x.note(b.name, x.failures()-before)
	}
}

// awaitSends returns at a moment when something is in flight, unless that takes long.
func (x *trouble) awaitSends() {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if slices.ContainsFunc(x.loads, func(l *load) bool { return l.ledger.inFlight() > 0 }) {
			return
		}
	}
}

// blow is something that happens to a server.
type blow struct {
	name   string
	strike func()
}

func (x *trouble) blowsAt(random *rand.Rand) []blow {
	victim, other := random.IntN(2), random.IntN(2)
	deck := []blow{
		{"node killed", func() { x.bounce(x.nodes[victim], (*node).Kill) }},
		{"node drained", func() {
			x.bounce(x.nodes[other], func(n *node) {
				n.Terminate()
				if code := n.AwaitExit(); code != 0 {
					x.t.Errorf("node %s exited with %d", n.name, code)
				}
			})
		}},
		{"Redis flushed", x.broker.FlushAll},
		{"Redis killed", func() {
			x.broker.Kill()
			sleep(x.t.Context(), 300*time.Millisecond)
			x.broker.Start()
		}},
	}
	random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

// bounce ends a node and starts it again. Half of its members don't wait for it.
func (x *trouble) bounce(n *node, end func(*node)) {
	x.t.Helper()
	end(n)
	to := x.nodes[0]
	if to == n {
		to = x.nodes[1]
	}
	for i, m := range x.members {
		if m.at() == n && i%2 == 0 {
			m.move(to)
		}
	}
	n.Restart()
}

// failures are the sends that were refused, or whose connection closed before the answer.
func (x *trouble) failures() (n int) {
	for _, l := range x.loads {
		t := l.ledger.count()
		n += t.refused + t.unknown
	}
	return n
}

func (x *trouble) note(fault string, hit int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.faults[fault]++
	x.hit += hit
}

// breakLines breaks one connection after the other, and leaves them whole.
func (x *trouble) breakLines(ctx context.Context) {
	random := rand.New(rand.NewPCG(x.seed, 2<<32))
	var mending sync.WaitGroup
	defer mending.Wait()
	for sleep(ctx, x.every/2+time.Duration(random.Int64N(int64(x.every)))) {
		m := x.members[random.IntN(len(x.members))]
		away := time.Duration(100+random.IntN(1200)) * time.Millisecond
		node := x.nodes[random.IntN(2)]
		switch fault := random.IntN(10); {
		case fault < 4:
			m.line.Cut()
			m.line.Heal()
			x.note("connection cut", 0)
		case fault < 6:
			m.move(node)
			m.line.Cut()
			m.line.Heal()
			x.note("client moved", 0)
		case fault < 8:
			m.line.Cut()
			mending.Go(func() { m.mend(x.t.Context(), away) })
			x.note("client away", 0)
		default: // what is on the line is lost
			m.line.Blackhole()
			mending.Go(func() { m.mend(x.t.Context(), away/2) })
			x.note("line stalled and cut", 0)
		}
	}
}

func (m *member) mend(ctx context.Context, after time.Duration) {
	sleep(ctx, after)
	m.line.Cut()
	m.line.Heal()
}

// sleep is false when ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

const firstWrongs = 40 // that are shown

func (x *trouble) judge() report {
	x.t.Helper()
	histories, heads := map[string][]message{}, map[string]int64{}
	for i, l := range x.loads {
		history := l.history(x.nodes[i%2])
		l.ledger.settled(x.t, history)
		histories[l.room], heads[l.room] = history, toPosition(history[len(history)-1].Position)
	}
	deadline := time.Now().Add(x.recovery)
	for _, m := range x.members { // who never gets there has missed something, which the books tell
		for !m.book.upTo(heads, m.rooms) && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
		}
	}
	soundLog(x.t, x.database)
	r := report{seed: x.seed, by: map[string]verdict{}, faults: x.faults, hit: x.hit}
	for _, l := range x.loads {
		r.sent += l.ledger.count().acked
	}
	for _, m := range x.members {
		v := m.book.judge(m.rooms, histories, func(wrong string) {
			if len(r.wrongs) < firstWrongs {
				r.wrongs = append(r.wrongs, m.name+": "+wrong)
			}
		})
		if !slices.Contains(r.kinds, m.kind.name) {
			r.kinds = append(r.kinds, m.kind.name)
		}
		r.by[m.kind.name] = r.by[m.kind.name].plus(v)
		r.sum = r.sum.plus(v)
	}
	return r
}
