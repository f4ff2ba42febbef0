package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// most is RECOVERY_MAX_EVENTS of these tests.
const most = 100

// A client that comes back with its cursor is told what it missed: once, in order, no more than it
// may see, whatever happened to the nodes and to Redis meanwhile.
func TestRecovery(t *testing.T) {
	inParallel(t)
	broker := testenv.StartRedis(t)
	shared := backends(testenv.DSN(t), broker.URL).with(settings{"RECOVERY_MAX_EVENTS": strconv.Itoa(most)})
	s := &scene{one: startNode(t, "one", shared), two: startNode(t, "two", shared), broker: broker, shared: shared}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *scene)
	}{
		{"everything that was missed", testMissed},
		{"of a room list", testRoomList},
		{"quiet visitors", testQuiet},
		{"removed while away", testRemoved},
		{"brought in while away", testBroughtIn},
		{"someone else's pid", testForeignPID},
		{"a pid that is used twice at once", testSharedPID},
		{"too many", testTooMany},
		{"too old", testTooOld},
		{"beyond the head", testBeyondHead},
		{"garbage", testGarbageOffsets},
		{"the offset argument", testOffsetArgument},
		{"sync", testSync},
		{"who may not come in is told nothing", testShutOut},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
	t.Run("official client", func(t *testing.T) {
		packages(t)
		runJS(t, "recovery.test.mjs", s.one.URL, s.two.URL)
	})
	for _, test := range []struct {
		name  string
		fault func()
	}{ // these break what all share, so they come last
		{"after FLUSHALL", broker.FlushAll},
		{"after kill -9 of the node", func() { s.one.Kill(); s.one.Restart() }},
		{"after kill -9 of both nodes and of Redis", func() {
			s.one.Kill()
			s.two.Kill()
			broker.Kill()
			broker.Start()
			s.one.Restart()
			s.two.Restart()
		}},
		{"without Redis", broker.Kill},
	} {
		t.Run(test.name, func(t *testing.T) { testMissedThrough(t, s, test.fault) })
	}
	broker.Start()
	soundLog(t, shared["DATABASE_URL"])
}

// scene is where visitors come and go.
type scene struct {
	one, two *node
	broker   *testenv.RedisServer
	shared   settings
}

// host is somebody who talks while others are away.
type host struct {
	caller
	t *testing.T
}

func (s *scene) host(t *testing.T) host {
	t.Helper()
	return host{s.two.as(t, unique("host")), t}
}

// known makes a user who exists.
func (s *scene) known(t *testing.T, name string) string {
	t.Helper()
	return s.two.as(t, unique(name)).user
}

// reached returns when a node's sockets have been told of everything that has happened by now, anywhere.
func (s *scene) reached(t *testing.T, n *node) {
	t.Helper()
	h := s.host(t)
	room := h.createRoom("private", "fence")
	v := newVisitor(t, h.user, nil).arrive(n).join(room)
	v.upTo(h.say(room, "fence"))
	v.leave()
}

// say sends messages and returns the position of the last.
func (h host) say(room string, contents ...string) (position string) {
	h.t.Helper()
	for _, content := range contents {
		position = h.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": content}).done().position()
	}
	return position
}

// bustle does to a room whatever there is, and returns the position of the last.
func (h host) bustle(room, guest string) (position string) {
	h.t.Helper()
	path := "/api/v1/rooms/" + room
	messages := path + "/messages/"
	first := text(h.call("POST", path+"/messages", object{"content": "first"}).done().object(), "id")
	second := text(h.call("POST", path+"/messages", object{"content": unsaid}).done().object(), "id")
	h.call("PATCH", messages+first, object{"content": "edited"}).done()
	h.call("DELETE", messages+second, nil).done()
	h.call("PATCH", path, object{"topic": unique("topic")}).done()
	h.call("PUT", path+"/members/"+guest, object{"role": "member"}).done()
	h.call("PUT", path+"/members/"+guest, object{"role": "moderator"}).done()
	h.call("DELETE", path+"/members/"+guest, nil).done()
	return h.say(room, "last")
}

// unsaid is what a bustle deletes.
const unsaid = "second"

// bustled is how many durable events a bustle is.
const bustled = 9

func (h host) addMember(room, user string) (position string) {
	h.t.Helper()
	return h.call("PUT", "/api/v1/rooms/"+room+"/members/"+user, object{"role": "member"}).done().position()
}

func (h host) removeMember(room, user string) (position string) {
	h.t.Helper()
	return h.call("DELETE", "/api/v1/rooms/"+room+"/members/"+user, nil).done().position()
}

// kinds are the ways to come back.
var kinds = map[string]object{
	"offset":           {},
	"pid and offset":   {"recovery": true},
	"offset, no rooms": {"rooms": nil},
}

// The oracle is a second connection of the same user that never went away.
func testMissed(t *testing.T, s *scene) {
	for kind, auth := range kinds {
		for where, n := range map[string]*node{"the same node": s.one, "the other node": s.two} {
			t.Run(kind+" at "+where, func(t *testing.T) {
				h := s.host(t)
				user, guest := s.known(t, "visitor"), s.known(t, "guest")
				rooms := []string{h.createRoom("private", "a", user), h.createRoom("private", "b", user)}
				stays := newVisitor(t, user, nil).arrive(s.two).join(rooms...)
				there := newVisitor(t, user, nil).arrive(n).join(rooms...)
				v := newVisitor(t, user, auth).arrive(s.one).join(rooms...)
				v.upTo(h.say(rooms[0], "before"))
				began := v.cursor()
				pid := v.pid
				for round := range 3 {
					v.leave()
					h.bustle(rooms[round%2], guest)
					last := h.say(rooms[1-round%2], "elsewhere")
					there.upTo(last) // the node knows of what was deleted, too
					v.arrive(n)
					v.upTo(last)
					first := v.notes()[0]
					if first.name != "session" || first.position != 0 {
						t.Errorf("it is greeted with %s", first)
					}
					if v.recovers() && (pid == "" || v.pid != pid) {
						t.Errorf("pid %q became %q although nothing is missing", pid, v.pid)
					}
					v.upTo(h.say(rooms[0], "live again"))
					stays.upTo(v.cursor())
					alike(t, began, v, stays)
				}
				if slices.ContainsFunc(v.after(began), func(n note) bool { return text(n.data, "content") == unsaid }) {
					t.Errorf("what was deleted meanwhile is told: %q", names(v.after(began)))
				}
				if got, want := len(v.after(began)), 3*(bustled+2); got != want {
					t.Errorf("%d events, want %d", got, want)
				}
				if len(v.notesOf("resync-required")) > 0 {
					t.Error("a resync is required")
				}
			})
		}
	}
}

func testMissedThrough(t *testing.T, s *scene, fault func()) {
	h := s.host(t)
	user, guest := s.known(t, "visitor"), s.known(t, "guest")
	room := h.createRoom("private", "a", user)
	visitors := map[string]*visitor{}
	for kind, auth := range kinds {
		visitors[kind] = newVisitor(t, user, auth).arrive(s.one).join(room)
	}
	position := h.say(room, "before")
	for _, v := range visitors {
		v.upTo(position)
		v.leave()
	}
	h.bustle(room, guest)
	fault()
	last := h.bustle(room, guest)
	var told *visitor
	for kind, v := range visitors {
		v.arrive(s.one)
		v.upTo(last)
		if got := len(v.after(position)); got != 2*bustled {
			t.Errorf("%s: %d events, want %d: %q", kind, got, 2*bustled, names(v.after(position)))
		}
		if told != nil {
			alike(t, position, v, told)
		}
		told = v
	}
	live := h.say(room, "live again")
	for _, v := range visitors {
		v.upTo(live)
		v.leave()
		v.arrive(s.two)
	}
	live = h.say(room, "live elsewhere")
	for _, v := range visitors {
		v.upTo(live)
	}
	for _, v := range visitors {
		alike(t, position, v, told)
	}
	h.sameAsHistory(room, live, told)
}

// sameAsHistory checks that what a visitor was told of a room's new messages, in all its visits, is what REST
// tells of them.
func (h host) sameAsHistory(room, position string, v *visitor) {
	h.t.Helper()
	var got []string
	for _, n := range v.after("0") {
		if n.name == "new-message" && n.of(room) {
			got = append(got, text(n.data, "id"))
		}
	}
	var want []string
	for _, m := range h.history(room, position) {
		want = append(want, m.ID)
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("%s was told of messages %q, the history has %q", v.user, got, want)
	}
}

// Who names rooms hears those, as far as it is a member.
func testRoomList(t *testing.T, s *scene) {
	h := s.host(t)
	user := s.known(t, "visitor")
	mine, other, foreign := h.createRoom("private", "mine", user), h.createRoom("private", "other", user), h.createRoom("private", "foreign")
	v := newVisitor(t, user, object{"rooms": []string{mine, foreign, "no-such-room", ""}}).arrive(s.one)
	for _, n := range []*node{s.two, s.one} {
		v.leave()
		for _, room := range []string{foreign, other, mine} {
			h.say(room, "missed")
		}
		v.arrive(n)
		for _, room := range []string{foreign, other} {
			h.say(room, "live")
		}
		v.upTo(h.say(mine, "live"))
	}
	told := v.messages()
	if len(told) != 4 || slices.ContainsFunc(told, func(n note) bool { return !n.of(mine) }) {
		t.Errorf("told %q", names(told))
	}
}

// A cursor stays good although nothing is told for a while.
func testQuiet(t *testing.T, s *scene) {
	for kind, auth := range kinds {
		h := s.host(t)
		user := s.known(t, "quiet")
		room := h.createRoom("private", "quiet", user)
		v := newVisitor(t, user, auth).arrive(s.one).join(room)
		pid := v.pid
		for round := range 5 {
			h.createRoom("public", "noise elsewhere")
			v.leave()
			v.arrive([]*node{s.two, s.one}[round%2])
			if v.recovers() && (v.pid == "" || v.pid != pid) {
				t.Errorf("%s: return %d: pid %q became %q", kind, round, pid, v.pid)
			}
		}
		v.leave()
		last := h.say(room, "one", "two")
		v.arrive(s.two)
		v.upTo(last)
		v.upTo(h.say(room, "three"))
		if told := v.messages(); len(told) != 3 {
			t.Errorf("%s: told %q", kind, names(told))
		}
		if v.recovers() && v.pid != pid {
			t.Errorf("%s: pid %q became %q", kind, pid, v.pid)
		}
	}
}

// Of a room that the user was removed from meanwhile nothing is told, and nothing is heard. Who is brought
// in again is told what followed.
func testRemoved(t *testing.T, s *scene) {
	for kind, auth := range map[string]func(left, stays string) object{
		"offset":         func(_, _ string) object { return object{} },
		"pid and offset": func(_, _ string) object { return object{"recovery": true} },
		"rooms":          func(left, stays string) object { return object{"rooms": []string{left, stays}} },
	} {
		t.Run(kind, func(t *testing.T) {
			h := s.host(t)
			user := s.known(t, "removed")
			left, stays := h.createRoom("private", "left", user), h.createRoom("private", "stays", user)
			v := newVisitor(t, user, auth(left, stays)).arrive(s.one).join(left, stays)
			h.say(left, "for all")
			v.upTo(h.say(stays, "for all"))
			began := v.cursor()
			v.leave()
			h.say(left, "missed")
			h.removeMember(left, user)
			h.say(left, "secret")
			last := h.say(stays, "missed")
			s.reached(t, s.two)
			v.arrive(s.two)
			v.upTo(last)
			h.say(left, "secret, too")
			v.upTo(h.say(stays, "live"))
			told := v.after(began)
			if len(told) != 2 || slices.ContainsFunc(told, func(n note) bool { return n.of(left) }) {
				t.Errorf("told %q", names(told))
			}
			for _, n := range v.notes() {
				if n.of(left) {
					t.Errorf("told %s %v", n.name, n.data)
				}
			}
			v.leave()
			h.say(left, "secret still")
			back := h.addMember(left, user)
			last = h.say(left, "welcome back")
			s.reached(t, s.one)
			v.arrive(s.one)
			v.upTo(back)
			if kind != "pid and offset" { // whose session did not hear the room any more
				v.upTo(last)
			}
			for _, n := range v.after(began) {
				if n.of(left) && n.position < toPosition(back) {
					t.Errorf("told %s of before it was brought in again", n)
				}
			}
		})
	}
}

// A visitor that names neither rooms nor a session is told of new rooms, and hears them.
func testBroughtIn(t *testing.T, s *scene) {
	h := s.host(t)
	user := s.known(t, "visitor")
	old := h.createRoom("private", "old", user)
	old2 := h.createRoom("private", "without the visitor")
	v := newVisitor(t, user, nil).arrive(s.one).join(old)
	p := newVisitor(t, user, object{"recovery": true}).arrive(s.one).join(old)
	v.upTo(h.say(old, "before"))
	p.upTo(v.cursor())
	began := v.cursor()
	v.leave()
	p.leave()
	h.say(old2, "not for the visitor yet")
	fresh := h.createRoom("private", "fresh", user)
	h.say(fresh, "first")
	h.addMember(old2, user)
	last := h.say(old2, "welcome")
	s.reached(t, s.two)
	v.arrive(s.two)
	v.upTo(last)
	h.say(fresh, "live")
	v.upTo(h.say(old2, "live"))
	want := []string{"room-created", "new-message", "user-joined", "new-message", "new-message", "new-message"}
	var got []string
	for _, n := range v.after(began) {
		got = append(got, n.name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", names(v.after(began)), want)
	}
	p.arrive(s.two)
	p.upTo(h.say(old, "for both"))
	for _, name := range []string{"room-created", "user-joined"} {
		if len(p.notesOf(name)) != 1 {
			t.Errorf("a session that is found again is told %q: no %s", names(p.notes()), name)
		}
	}
}

// A pid is its user's alone.
func testForeignPID(t *testing.T, s *scene) {
	h := s.host(t)
	user := s.known(t, "visitor")
	room := h.createRoom("private", "private", user)
	v := newVisitor(t, user, object{"recovery": true}).arrive(s.one).join(room)
	began := v.cursor()
	v.leave()
	h.say(room, "missed")
	eve := newVisitor(t, s.known(t, "eve"), object{"recovery": true, "pid": v.pid, "offset": began})
	for _, n := range []*node{s.one, s.two} {
		eve.arrive(n)
		if eve.pid == v.pid || eve.pid == "" {
			t.Errorf("eve's pid is %q, the visitor's %q", eve.pid, v.pid)
		}
		h.say(room, "live")
		own := eve.must("create-room", object{"name": "fence", "type": "public"})
		eve.upTo(text(own, "position"))
		for _, n := range eve.notes() {
			if n.of(room) {
				t.Errorf("eve is told %s", n)
			}
		}
		eve.leave()
	}
	pid := v.pid
	v.arrive(s.one) // which eve has not spoilt
	v.upTo(h.say(room, "live"))
	if got := len(v.after(began)); got != 4 || v.pid != pid {
		t.Errorf("told %q, pid %q became %q", names(v.after(began)), pid, v.pid)
	}
}

// Two connections that claim the same pid are both served, as two.
func testSharedPID(t *testing.T, s *scene) {
	h := s.host(t)
	user := s.known(t, "visitor")
	room := h.createRoom("private", "shared", user)
	v := newVisitor(t, user, object{"recovery": true}).arrive(s.one).join(room)
	v.upTo(h.say(room, "before"))
	began := v.cursor()
	v.leave()
	h.say(room, "one", "two", "three")
	twins := make([]*visitor, 4)
	var arriving sync.WaitGroup
	errs := make([]error, len(twins))
	for i := range twins {
		twins[i] = newVisitor(t, user, object{"recovery": true, "pid": v.pid, "offset": began})
		arriving.Go(func() { errs[i] = twins[i].try(t.Context(), []*node{s.one, s.two}[i%2].URL) })
	}
	arriving.Wait()
	ids := map[string]bool{}
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	last := h.say(room, "live")
	for _, twin := range twins {
		twin.upTo(last)
		ids[twin.socket.id] = true
		if told := twin.messages(); len(told) != 4 {
			t.Errorf("told %q", names(told))
		}
	}
	if len(ids) != len(twins) {
		t.Errorf("%d connections have %d ids", len(twins), len(ids))
	}
}

// RECOVERY_MAX_EVENTS may be caught up on, and no more.
func testTooMany(t *testing.T, s *scene) {
	h := s.host(t)
	user := s.known(t, "visitor")
	room := h.createRoom("private", "busy", user)
	talker := newVisitor(t, h.user, nil).arrive(s.two).join(room)
	within, beyond := newVisitor(t, user, object{"recovery": true}), newVisitor(t, user, object{"recovery": true})
	for _, v := range []*visitor{within, beyond} {
		v.arrive(s.one).join(room)
	}
	beyond.upTo(h.say(room, "for both"))
	beyond.leave()
	first := h.say(room, "one too many")
	within.upTo(first)
	within.leave()
	last := talker.talk(room, most)
	within.arrive(s.two)
	within.upTo(last)
	if got := len(within.after(first)); got != most || len(within.notesOf("resync-required")) > 0 {
		t.Errorf("%d events missed: told %q", most, names(within.notes()))
	}
	pid, began := beyond.pid, beyond.cursor()
	beyond.arrive(s.two)
	resync := beyond.await("resync-required")
	if at := text(resync.data, "position"); toPosition(at) < toPosition(last) {
		t.Errorf("resync-required says position %q, want at least %s", at, last)
	}
	if beyond.pid == pid || beyond.pid == "" {
		t.Errorf("pid %q became %q although something is missing", pid, beyond.pid)
	}
	h.say(room, "live")
	if told := beyond.after(began); len(told) > 0 && told[0].position <= toPosition(last) {
		t.Errorf("it is told %s, and then has to resync", told[0])
	}
	beyond.join(room) // as after a first arrival
	beyond.upTo(h.say(room, "live again"))
	// The new cursor is good.
	beyond.leave()
	last = h.say(room, "missed")
	beyond.arrive(s.one)
	beyond.upTo(last)
	if len(beyond.notesOf("resync-required")) > 0 {
		t.Errorf("a resync is required again: %q", names(beyond.notes()))
	}
}

// talk sends so many messages at once and returns the position of the last.
func (v *visitor) talk(room string, many int) (position string) {
	v.t.Helper()
	type outcome struct {
		ack ack
		err error
	}
	answers := make(chan outcome, many)
	for i := range many {
		v.socket.emit("send-message", object{"roomId": room, "content": fmt.Sprintf("%s %d", v.user, i)},
			func(a ack, err error) { answers <- outcome{a, err} })
	}
	var last int64
	for range many {
		o := <-answers
		if o.err != nil || !o.ack.Success {
			v.t.Fatalf("send: %+v, %v", o.ack, o.err)
		}
		var m message
		if err := json.Unmarshal(o.ack.Data, &m); err != nil {
			v.t.Fatal(err)
		}
		last = max(last, toPosition(m.Position))
	}
	return strconv.FormatInt(last, 10)
}

// RECOVERY_MAX_AGE bounds how far back one may come.
func testTooOld(t *testing.T, s *scene) {
	young := startNode(t, "young", s.shared.with(settings{"RECOVERY_MAX_AGE": "1s"}))
	h := s.host(t)
	user := s.known(t, "visitor")
	room := h.createRoom("private", "old", user)
	v := newVisitor(t, user, nil).arrive(young).join(room)
	v.leave()
	h.say(room, "missed")
	late := time.After(1500 * time.Millisecond)
	<-late
	v.arrive(young)
	v.await("resync-required")
	v.leave()
	last := h.say(room, "fresh") // the cursor is that of the resync
	v.arrive(young)
	v.upTo(last)
	if told := v.messages(); len(told) != 1 {
		t.Errorf("told %q", names(told))
	}
}

// A position that is not in the log, perhaps of another database, is good for nothing.
func testBeyondHead(t *testing.T, s *scene) {
	h := s.host(t)
	user := s.known(t, "visitor")
	room := h.createRoom("private", "beyond", user)
	witness := newVisitor(t, user, nil).arrive(s.one).join(room)
	last := h.say(room, "last")
	witness.upTo(last) // this node knows the head
	witness.leave()
	head := toPosition(last)
	for _, ahead := range []int64{1_000, 1 << 62} {
		v := newVisitor(t, user, object{"recovery": true, "offset": strconv.FormatInt(head+ahead, 10), "pid": "unknown"}).arrive(s.one)
		resync := v.await("resync-required")
		if at := toPosition(text(resync.data, "position")); at < head || at >= head+ahead {
			t.Errorf("resync-required says position %d, the head is %d", at, head)
		}
		if v.pid == "unknown" {
			t.Error("a pid that was never given is taken")
		}
		v.join(room)
		v.upTo(h.say(room, "live"))
		if told := v.messages(); len(told) != 1 {
			t.Errorf("told %q", names(told))
		}
	}
}

// What is no position does no harm.
func testGarbageOffsets(t *testing.T, s *scene) {
	h := s.host(t)
	user := s.known(t, "visitor")
	room := h.createRoom("private", "garbage", user)
	witness := newVisitor(t, user, nil).arrive(s.one).join(room)
	witness.upTo(h.say(room, "before")) // this node has told it, so nobody who comes later is told live
	witness.leave()
	for _, garbage := range []any{
		nil, "", "x", "-1", " 5", "5 ", "1e3", "0x10", "1.5", "1-0", "99999999999999999999999999", "\x00", "٣", 12.5, -3, true,
		object{"offset": "1"},
		[]string{"1"},
	} {
		for _, auth := range []object{
			{"offset": garbage},
			{"offset": garbage, "recovery": true, "pid": garbage},
			{"offset": garbage, "rooms": garbage, "recovery": garbage},
		} {
			v := newVisitor(t, user, auth).arrive(s.one)
			v.join(room)
			v.upTo(h.say(room, "live"))
			if told := v.messages(); len(told) != 1 {
				t.Errorf("offset %#v: told %q", garbage, names(told))
			}
			v.leave()
		}
	}
}

// With recovery: true a durable event ends in its position; nothing volatile ends in a string. Others
// get one argument, which is all that handlers in most languages bear.
func testOffsetArgument(t *testing.T, s *scene) {
	h := s.host(t)
	user, guest := s.known(t, "visitor"), s.known(t, "guest")
	room := h.createRoom("private", "arguments", user)
	asks := newVisitor(t, user, object{"recovery": true}).arrive(s.one).join(room)
	plain := newVisitor(t, user, object{"recovery": false}).arrive(s.one).join(room)
	if asks.pid == "" || plain.pid != "" || text(asks.await("session").data, "pid") != asks.pid {
		t.Errorf("pids %q and %q, session %v", asks.pid, plain.pid, asks.await("session").data)
	}
	h.bustle(room, guest)
	h.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": "you", "mentions": []string{user}}).done()
	asks.socket.emit("no-such-command", object{}, func(ack, error) {})
	asks.write(`42["no-such-command",{}]`)
	asks.await("error")
	asks.await("notification")
	last := h.say(room, "last")
	asks.upTo(last)
	plain.upTo(last)
	asks.leave()
	h.bustle(room, guest)
	asks.arrive(s.two)
	last = h.say(room, "very last")
	asks.upTo(last)
	plain.upTo(last)
	for _, n := range asks.all() {
		switch at := strconv.FormatInt(n.position, 10); {
		case n.position > 0 && (n.args != 2 || n.offset != at):
			t.Errorf("%s has %d arguments and offset %q", n, n.args, n.offset)
		case n.name == "session" && (n.args != 2 || n.offset != text(n.data, "position")):
			t.Errorf("session %v has %d arguments and offset %q", n.data, n.args, n.offset)
		case n.position == 0 && n.name != "session" && n.offset != "":
			t.Errorf("volatile %s ends in %q", n.name, n.offset)
		}
	}
	for _, n := range plain.all() {
		if n.args != 1 {
			t.Errorf("%s has %d arguments for a client that did not ask", n, n.args)
		}
	}
}

// all are the events of all visits.
func (v *visitor) all() []note {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.book)
}

// write sends a frame as it is.
func (v *visitor) write(frame string) { v.socket.write(frame) }

// sync gives on request what recovery gives unasked, a page at a time.
func testSync(t *testing.T, s *scene) {
	h := s.host(t)
	user, guest := s.known(t, "visitor"), s.known(t, "guest")
	room, other := h.createRoom("private", "sync", user), h.createRoom("private", "other", user)
	foreign := h.createRoom("private", "foreign")
	stays := newVisitor(t, user, nil).arrive(s.two).join(room, other)
	talker := newVisitor(t, h.user, nil).arrive(s.two).join(room)
	asks := newVisitor(t, user, nil).arrive(s.one).join(room, other)
	stays.upTo(h.say(room, "before"))
	began := stays.cursor()
	h.bustle(room, guest)
	h.say(foreign, "secret")
	talker.talk(room, 2*most)
	last := h.bustle(other, guest)
	stays.upTo(last)
	asks.upTo(last) // its node knows as much

	got, pages := asks.sync(began)
	want := stays.after(began)
	for _, n := range got {
		if n.offset != strconv.FormatInt(n.position, 10) || text(n.data, "content") == unsaid {
			t.Errorf("sync gives %s with offset %q", n, n.offset)
		}
	}
	if !slices.EqualFunc(got, want, sameAs(want)) {
		t.Errorf("sync gives\n%q\ntold was\n%q", names(got), names(want))
	}
	if pages < 2 {
		t.Errorf("%d events in %d pages", len(got), pages)
	}
	if again, _ := asks.sync(last); len(again) > 0 {
		t.Errorf("sync after the last position gives %q", names(again))
	}

	history := h.history(room, last)
	seq := history[len(history)-6].Seq
	answer := asks.must("sync", object{"rooms": object{room: seq, foreign: 0}})
	var seqs []int64
	for _, n := range syncedNotes(t, answer) {
		if n.name == "new-message" {
			seqs = append(seqs, int64(n.data["seq"].(float64)))
		}
		if n.of(foreign) || n.of(other) {
			t.Errorf("sync of a room gives %s", n)
		}
	}
	if want := []int64{seq + 1, seq + 2, seq + 3, seq + 4, seq + 5}; !slices.Equal(seqs, want) {
		t.Errorf("sync after seq %d gives %d, want %d", seq, seqs, want)
	}
}

// sync asks until there is no more.
func (v *visitor) sync(position string) (all []note, pages int) {
	v.t.Helper()
	for {
		answer := v.must("sync", object{"position": position})
		all = append(all, syncedNotes(v.t, answer)...)
		pages++
		next := text(answer, "position")
		if !isPosition(next) || toPosition(next) < toPosition(position) {
			v.t.Fatalf("sync after %s goes on after %q", position, next)
		}
		if answer["more"] != true {
			return all, pages
		}
		if next == position {
			v.t.Fatalf("sync after %s stands still", position)
		}
		position = next
	}
}

func syncedNotes(t testing.TB, answer object) []note {
	t.Helper()
	events, ok := answer["events"].([]any)
	if !ok {
		t.Fatalf("sync answers %v", answer)
	}
	notes := make([]note, len(events))
	for i, e := range events {
		entry, _ := e.(object)
		data, _ := entry["data"].(object)
		notes[i] = note{name: text(entry, "event"), data: data, offset: text(entry, "offset"), position: toPosition(text(data, "position"))}
	}
	return notes
}

// Authentication comes first: a pid and an offset open no door.
func testShutOut(t *testing.T, s *scene) {
	h := s.host(t)
	user := s.known(t, "banned")
	room := h.createRoom("private", "room", user)
	v := newVisitor(t, user, object{"recovery": true}).arrive(s.one).join(room)
	v.upTo(h.say(room, "before"))
	v.leave()
	admin := s.two.as(t, unique("admin"), "admin")
	admin.call("POST", "/api/v1/users/"+user+"/deactivate", nil).want(200, 204)
	last := h.say(room, "secret")
	for _, n := range []*node{s.one, s.two} {
		n.awaitRefusal(t, v)
	}
	v.auth["token"] = "nonsense"
	if err := v.try(t.Context(), s.one.URL); err == nil {
		t.Error("a bad token is let in")
	}
	for _, n := range v.all() {
		if n.position >= toPosition(last) {
			t.Errorf("told %s", n)
		}
	}
}

// awaitRefusal waits until a node does not let a visitor in any more.
func (n *node) awaitRefusal(t *testing.T, v *visitor) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); v.try(t.Context(), n.URL) == nil; {
		v.leave()
		if time.Now().After(end) {
			t.Fatalf("node %s lets %s in", n.name, v.user)
		}
	}
}
