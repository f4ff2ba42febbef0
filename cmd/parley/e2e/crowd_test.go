package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// member is one of a crowd: a client that listens to rooms, loses its connection again and again, and always
// comes back with its cursor. It joins rooms once; after that only recovery lets it hear them.
type member struct {
	name  string
	kind  kind
	user  string
	rooms []string // that it hears
	line  *testenv.Proxy
	book  *book

	mu   sync.Mutex
	home *node // where the line leads
}

// kind is how a member connects and comes back.
type kind struct {
	name       string
	auth       object   // what it says of itself; "rooms" is filled in
	official   bool     // the JavaScript client, else our own over WebSocket
	transports []string // of the official client
}

func kindsOfMembers() []kind {
	polling, socket := []string{"polling"}, []string{"websocket"}
	return []kind{
		{name: "offset", auth: object{}},
		{name: "offset and rooms", auth: object{"rooms": true}},
		{name: "pid and offset", auth: object{"recovery": true}},
		{name: "official, recovery", auth: object{"recovery": true}, official: true, transports: socket},
		{name: "official, recovery, polling", auth: object{"recovery": true}, official: true, transports: polling},
		{name: "official, recovery, upgrade", auth: object{"recovery": true}, official: true, transports: append(polling, socket...)},
		{name: "official, offset, polling", auth: object{}, official: true, transports: polling},
		{name: "official, offset and rooms", auth: object{"rooms": true}, official: true, transports: socket},
	}
}

// connectOptions are a member's, without cursor.
func (m *member) connectOptions() object {
	auth := maps.Clone(m.kind.auth)
	if auth["rooms"] == true {
		auth["rooms"] = m.rooms
	}
	return auth
}

// move lets the member's next connections end at another node.
func (m *member) move(to *node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.home = to
	m.line.Redirect(strings.TrimPrefix(to.URL, "http://"))
}

func (m *member) at() *node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.home
}

// receipt is one message that a member was told of.
type receipt struct {
	room     string
	id       string
	position int64
}

// book is what a member was told, over all of its connections.
type book struct {
	head func() int64 // the last position that is known to be in the log

	mu       sync.Mutex
	got      []receipt
	latest   map[string]int64 // by room
	arrivals int
	resyncs  int
	joined   bool
	known    int64 // the head when the member last arrived
	caughtUp int   // messages from before the arrival they came after
	fruitful int   // arrivals that such messages came after
	fresh    bool  // none has come since the last arrival
}

func newBook(head func() int64) *book { return &book{head: head, latest: map[string]int64{}} }

func (b *book) arrived() {
	head := b.head()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrivals++
	b.known, b.fresh = head, b.arrivals > 1
}

func (b *book) message(r receipt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, r)
	b.latest[r.room] = max(b.latest[r.room], r.position)
	if b.arrivals > 1 && r.position <= b.known {
		b.caughtUp++
		if b.fresh {
			b.fresh = false
			b.fruitful++
		}
	}
}

func (b *book) resync() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.resyncs++
}

func (b *book) setJoined() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.joined = true
}

func (b *book) hasJoined() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.joined
}

// upTo tells whether the rooms were heard up to these positions.
func (b *book) upTo(heads map[string]int64, rooms []string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !slices.ContainsFunc(rooms, func(room string) bool { return b.latest[room] < heads[room] })
}

// verdict is what a member's book is worth.
type verdict struct {
	members, arrivals, fruitful, caughtUp, resyncs int
	expected                                       int
	missed, repeated, reordered, unexpected        int
}

func (v verdict) wrong() int { return v.missed + v.repeated + v.reordered + v.unexpected }

func (v verdict) plus(o verdict) verdict {
	return verdict{
		v.members + o.members, v.arrivals + o.arrivals, v.fruitful + o.fruitful, v.caughtUp + o.caughtUp, v.resyncs + o.resyncs,
		v.expected + o.expected,
		v.missed + o.missed, v.repeated + o.repeated, v.reordered + o.reordered, v.unexpected + o.unexpected,
	}
}

// judge compares a book with the histories of the rooms that its member hears, from the first message on:
//
//   - missed: in a history and not in the book
//   - repeated: told more than once
//   - reordered: told after something of a higher position, in whatever room
//   - unexpected: in no history, or of a room that the member does not hear
//
// note is called with each thing that is wrong.
func (b *book) judge(rooms []string, histories map[string][]message, note func(string)) verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := verdict{members: 1, arrivals: b.arrivals, fruitful: b.fruitful, caughtUp: b.caughtUp, resyncs: b.resyncs}
	open := map[receipt]bool{} // true until it was told
	for _, room := range rooms {
		for _, m := range histories[room] {
			open[receipt{room, m.ID, toPosition(m.Position)}] = true
		}
	}
	v.expected = len(open)
	var last int64
	for i, r := range b.got {
		still, expected := open[r]
		switch {
		case !expected:
			v.unexpected++
			note(fmt.Sprintf("unexpected: %+v, number %d", r, i+1))
		case !still:
			v.repeated++
			note(fmt.Sprintf("repeated: %+v, number %d", r, i+1))
		case r.position < last:
			v.reordered++
			note(fmt.Sprintf("reordered: %+v, number %d, after position %d", r, i+1, last))
		}
		if expected {
			open[r] = false
			last = max(last, r.position)
		}
	}
	var missed []int64
	for r, still := range open {
		if still {
			missed = append(missed, r.position)
		}
	}
	if v.missed = len(missed); v.missed > 0 {
		slices.Sort(missed)
		note(fmt.Sprintf("missed: %d messages, positions %d to %d; it arrived %d times, last when the log was at %d; %d resyncs",
			v.missed, missed[0], missed[len(missed)-1], b.arrivals, b.known, b.resyncs))
	}
	return v
}

// The checker can fail: each kind of wrong is found.
func TestBooksOfACrowdFindWhatIsWrong(t *testing.T) {
	t.Parallel()
	histories := map[string][]message{}
	var right []receipt
	for i := range 6 {
		room := []string{"a", "b"}[i%2]
		m := message{ID: fmt.Sprint("id", i), Seq: int64(i/2 + 1), Position: strconv.Itoa(10 + i)}
		histories[room] = append(histories[room], m)
		right = append(right, receipt{room, m.ID, int64(10 + i)})
	}
	histories["c"] = []message{{ID: "other", Position: "16"}}
	for _, c := range []struct {
		name  string
		spoil func([]receipt) []receipt
		want  verdict
	}{
		{"nothing", func(r []receipt) []receipt { return r }, verdict{}},
		{"the last is missing", func(r []receipt) []receipt { return r[:5] }, verdict{missed: 1}},
		{"one in the middle is missing", func(r []receipt) []receipt { return slices.Delete(r, 2, 3) }, verdict{missed: 1}},
		{"one comes twice in a row", func(r []receipt) []receipt { return slices.Insert(r, 2, r[1]) }, verdict{repeated: 1}},
		{"one comes again later", func(r []receipt) []receipt { return append(r, r[1]) }, verdict{repeated: 1}},
		{"two changed places", func(r []receipt) []receipt { r[2], r[3] = r[3], r[2]; return r }, verdict{reordered: 1}},
		{"one late", func(r []receipt) []receipt { return append(r[1:], r[0]) }, verdict{reordered: 1}},
		{"one of another room", func(r []receipt) []receipt { return append(r, receipt{"c", "other", 16}) }, verdict{unexpected: 1}},
		{"one that nobody sent", func(r []receipt) []receipt { return append(r, receipt{"a", "x", 17}) }, verdict{unexpected: 1}},
		{"another position", func(r []receipt) []receipt { r[5].position = 99; return r }, verdict{unexpected: 1, missed: 1}},
	} {
		b := newBook(func() int64 { return 0 })
		for _, r := range c.spoil(slices.Clone(right)) {
			b.message(r)
		}
		got := b.judge([]string{"a", "b"}, histories, func(string) {})
		got.members, got.expected = 0, 0
		if got != c.want {
			t.Errorf("%s: found %+v, want %+v", c.name, got, c.want)
		}
	}
}

// wander is the life of a member with our own client, until ctx ends.
func (m *member) wander(ctx context.Context, random *rand.Rand) {
	w := &wanderer{member: m}
	for ctx.Err() == nil {
		w.connect(ctx)
		pause := time.NewTimer(time.Duration(10+random.IntN(60)) * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// wanderer is our own client of a member. Its fields belong to the connection under way.
type wanderer struct {
	member *member
	cursor string
	offset string // the last string that ended an event
	pid    string
}

// connect comes back and listens until the connection is gone.
func (w *wanderer) connect(ctx context.Context) {
	auth := w.member.connectOptions()
	auth["token"] = tokenOf(w.member.user)
	switch {
	case auth["recovery"] == true && w.offset != "":
		auth["pid"], auth["offset"] = w.pid, w.offset
	case w.cursor != "":
		auth["offset"] = w.cursor
	}
	s, err := dialAs(ctx, "http://"+w.member.line.Addr, auth, w.take)
	if err != nil {
		return
	}
	w.pid = s.pid
	if !w.member.book.hasJoined() {
		w.join(ctx, s)
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		s.close()
	}
}

func (w *wanderer) join(ctx context.Context, s *socket) {
	for _, room := range w.member.rooms {
		data, err := s.must(ctx, "join-room", object{"roomId": room})
		if err != nil {
			s.close()
			return
		}
		_ = data // the cursor is that of pushes: reading goes on on another goroutine
	}
	w.member.book.setJoined()
}

func (w *wanderer) take(e told) {
	var data struct {
		ID       string `json:"id"`
		RoomID   string `json:"roomId"`
		Position string `json:"position"`
	}
	if json.Unmarshal(e.data, &data) != nil {
		return
	}
	if len(e.rest) > 0 {
		var offset string
		if json.Unmarshal(e.rest[len(e.rest)-1], &offset) == nil {
			w.offset = offset
		}
	}
	switch e.name {
	case "session":
		w.member.book.arrived()
	case "resync-required":
		w.member.book.resync()
	case "new-message":
		w.member.book.message(receipt{data.RoomID, data.ID, toPosition(data.Position)})
	}
	if toPosition(data.Position) > toPosition(w.cursor) {
		w.cursor = data.Position
	}
}

// crowd is a process with the official clients of some members.
type crowd struct {
	t       testing.TB
	members []*member
	input   io.Closer
	read    chan struct{}
	cmd     *exec.Cmd
}

func startCrowd(t testing.TB, members []*member) *crowd {
	t.Helper()
	type client struct {
		URL         string   `json:"url"`
		Token       string   `json:"token"`
		Rooms       []string `json:"rooms"`
		Transports  []string `json:"transports"`
		Auth        object   `json:"auth"`
		KeepsCursor bool     `json:"keepsCursor"`
	}
	clients := make([]client, len(members))
	for i, m := range members {
		clients[i] = client{
			URL: "http://" + m.line.Addr, Token: tokenOf(m.user), Rooms: m.rooms,
			Transports: m.kind.transports, Auth: m.connectOptions(), KeepsCursor: m.kind.auth["recovery"] != true,
		}
	}
	config, err := json.Marshal(clients)
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{t: t, members: members, read: make(chan struct{}), cmd: exec.CommandContext(t.Context(), "node", "crowd.mjs")}
	c.cmd.Env = environment(settings{"CROWD": string(config)})
	c.cmd.Stderr = os.Stderr
	input, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.input = input
	go func() {
		defer close(c.read)
		c.take(output)
	}()
	t.Cleanup(c.stop)
	return c
}

func (c *crowd) stop() {
	_ = c.input.Close()
	<-c.read
	_ = c.cmd.Wait() // it may have been killed: the test's context is over
}

// take writes down what the clients print.
func (c *crowd) take(output io.Reader) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var line struct {
			C          int
			E, P, R, I string
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.C >= len(c.members) {
			c.t.Errorf("a client of the crowd printed %s", lines.Text())
			continue
		}
		b := c.members[line.C].book
		switch line.E {
		case "session":
			b.arrived()
		case "joined":
			b.setJoined()
		case "resync":
			b.resync()
		case "message":
			b.message(receipt{line.R, line.I, toPosition(line.P)})
		}
	}
}
