package realtime_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/realtime/gateway"
	"parley/realtime/recovery"
)

// began is the event session.
type began struct {
	PID      string
	Position string
	Rooms    []string
	offset   string // the last argument, if it is a string
}

func session(t testing.TB, frame string) began {
	t.Helper()
	var args []json.RawMessage
	body, ok := strings.CutPrefix(frame, "42")
	if !ok || json.Unmarshal([]byte(body), &args) != nil || string(args[0]) != `"session"` {
		t.Fatalf("first event is %s", frame)
	}
	var b began
	if err := json.Unmarshal(args[1], &b); err != nil {
		t.Fatal(err)
	}
	if len(args) > 2 {
		_ = json.Unmarshal(args[2], &b.offset)
	}
	return b
}

// send has a user say something without a socket.
func (c *chat) send(user, room, text string) wire.Message {
	c.t.Helper()
	m, err := c.menu.SendMessage.Do(c.t.Context(), commands.Actor{Principal: domain.Principal{UserID: user}},
		commands.SendMessage{RoomID: room, Content: text})
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// A client that is cut off at any moment, and comes back to one node or the other, reads every message once and in
// order, if it names the last position that it read.
func TestCutsAtAnyMomentLoseNothing(t *testing.T) {
	t.Parallel()
	const messages = 1500
	one := newChat(t, "ann", "bob")
	two := one.another()
	bob := one.login("bob")
	for _, room := range []string{"tea", "rum"} {
		bob.must("create-room", fmt.Sprintf(`{"id":%q,"name":"x","type":"public","memberIds":["ann"]}`, room))
	}
	start := session(t, dialAnd(t, one.url, "ann", `,"rooms":["tea","rum"]`))
	var talking sync.WaitGroup
	ahead := make(chan struct{}, 500) // less than one may catch up on
	talking.Go(func() {
		for i := range messages {
			ahead <- struct{}{}
			node := []*chat{one, two}[i%2]
			node.send("bob", []string{"tea", "rum"}[rand.IntN(2)], strconv.Itoa(i))
		}
	})
	defer talking.Wait()

	var got []string
	cursor, cuts := start.Position, 0
	for last := ""; last != strconv.Itoa(messages-1); cuts++ {
		c := dial(t, []*chat{one, two}[rand.IntN(2)].url, nil)
		hello := session(t, c.login("ann", `,"rooms":["tea","rum"],"offset":"`+cursor+`"`))
		if hello.Position != cursor {
			cursor = hello.Position // nothing was missed
		}
		for range rand.IntN(40) {
			e := c.until("new-message")
			<-ahead
			last, cursor = e.Data.Content, e.Data.Position
			if got = append(got, last); last == strconv.Itoa(messages-1) {
				break
			}
		}
		c.ws.Close()
	}
	want := make([]string, messages)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after %d cuts (-sent +read):\n%s", cuts, diff)
	}
}

// dialAnd logs in and returns the event session.
func dialAnd(t testing.TB, url, user string, more ...string) string {
	t.Helper()
	return dial(t, url, nil).login(user, more...)
}

func TestWhichRoomsAreOnesOwn(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	bob := c.login("bob")
	for _, room := range []string{"a", "b", "c"} {
		bob.must("create-room", fmt.Sprintf(`{"id":%q,"name":"x","type":"private","memberIds":["ann"]}`, room))
	}
	bob.must("create-room", `{"id":"den","name":"x","type":"private"}`)
	start := session(t, dialAnd(t, c.url, "ann"))
	for _, room := range []string{"a", "b", "c", "den"} {
		c.send("bob", room, room)
	}
	for name, s := range map[string]struct {
		options string
		rooms   []string
	}{
		"all, if none are named": {"", []string{"a", "b", "c"}},
		"those that are named":   {`,"rooms":["b","den","c","b"]`, []string{"b", "c"}},
		"none, if that is said":  {`,"rooms":[]`, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ann := dial(t, c.url, nil)
			hello := session(t, ann.login("ann", `,"offset":"`+start.Position+`"`+s.options))
			if diff := cmp.Diff(s.rooms, hello.Rooms); diff != "" {
				t.Errorf("hears (-want +got):\n%s", diff)
			}
			got := []string{}
			for range s.rooms {
				got = append(got, ann.until("new-message").Data.Content)
			}
			if diff := cmp.Diff(s.rooms, got); diff != "" {
				t.Errorf("missed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatCannotBeToldHasToBeReadAnew(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	bob := c.login("bob")
	bob.must("create-room", `{"id":"tea","name":"x","type":"public","memberIds":["ann"]}`)
	start := session(t, dialAnd(t, c.url, "ann"))
	for i := range 1001 {
		c.send("bob", "tea", strconv.Itoa(i))
	}
	for name, offset := range map[string]string{
		"too many": `"` + start.Position + `"`, "beyond the log": `"999999"`, "garbage": `"x"`, "an object": `{}`,
		"negative": `"-1"`, "too large": `"99999999999999999999"`, "a list": `["1"]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ann := dial(t, c.url, nil)
			hello := session(t, ann.login("ann", `,"offset":`+offset))
			e := ann.until("resync-required")
			// A connection that breaks between the two has not moved the cursor.
			if seen := strings.Trim(offset, `"`); hello.Position != seen && hello.Position != "0" {
				t.Errorf("the session moves the cursor from %s to %s", seen, hello.Position)
			}
			if head := c.hub.Position().String(); e.Data.Position != head {
				t.Errorf("resync up to %q, want %q", e.Data.Position, head)
			}
			if diff := cmp.Diff([]string{"tea"}, hello.Rooms); diff != "" {
				t.Errorf("hears (-want +got):\n%s", diff)
			}
		})
	}
	for name, offset := range map[string]string{"none": "null", "empty": `""`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ann := dial(t, c.url, nil)
			if hello := session(t, ann.login("ann", `,"offset":`+offset)); len(hello.Rooms) != 0 {
				t.Errorf("a new client hears %v", hello.Rooms)
			}
			if a, before := ann.ask("sync", `{"position":"`+start.Position+`","limit":1}`); !a.Success || len(before) != 0 {
				t.Errorf("%s, before it %v", a.raw, before)
			}
		})
	}
}

// Socket.IO's state recovery, on two nodes that share a Redis.
func TestStateRecovery(t *testing.T) {
	t.Parallel()
	sessions := recovery.NewSessions(testenv.Redis(t), []byte("key"), recovery.SessionsConfig{Prefix: testenv.Prefix(t)})
	cfg := gateway.Config{Rate: -1, Sessions: sessions}
	one := &chat{start(t, realMenu(t), cfg), t}
	two := &chat{one.second(t, realMenu(t), cfg), t}
	for _, u := range []string{"ann", "bob", "eve"} {
		if _, err := one.menu.RegisterUser.Do(t.Context(), commands.Actor{}, commands.RegisterUser{UserID: u, Username: u}); err != nil {
			t.Fatal(err)
		}
	}
	bob := one.login("bob")
	for _, room := range []string{"a", "b", "c"} {
		bob.must("create-room", fmt.Sprintf(`{"id":%q,"name":"x","type":"private","memberIds":["ann"]}`, room))
	}
	ann := dial(t, one.url, nil)
	first := session(t, ann.login("ann", `,"recovery":true`))
	if first.PID == "" || first.offset != first.Position {
		t.Fatalf("began with %+v", first)
	}
	ann.must("join-room", `"a"`)
	ann.must("join-rooms", `["b","c"]`)
	ann.must("unsubscribe-room", `"c"`)
	ann.ws.Close()
	for _, room := range []string{"c", "a", "b"} {
		one.send("bob", room, room)
	}

	back := func(node *chat, user, pid, offset string) (*client, began) {
		t.Helper()
		c := dial(t, node.url, nil)
		return c, session(t, c.login(user, fmt.Sprintf(`,"recovery":true,"pid":%q,"offset":%q`, pid, offset)))
	}
	ann, second := back(two, "ann", first.PID, first.offset)
	if diff := cmp.Diff([]string{"a", "b"}, second.Rooms); diff != "" || second.PID != first.PID || second.offset != first.offset {
		t.Errorf("came back as %+v (-rooms +got):\n%s", second, diff)
	}
	offset := ""
	for _, want := range []string{"a", "b"} {
		frame := ann.next()
		e, _ := parseEventWithOffset(t, frame, &offset)
		if e.Data.Content != want || offset != e.Data.Position {
			t.Errorf("missed %s", frame)
		}
	}
	ann.ws.Close()
	for range 5 { // quiet ones, again and again
		var again began
		if ann, again = back(one, "ann", first.PID, offset); again.PID != first.PID || len(again.Rooms) != 2 {
			t.Errorf("came back as %+v", again)
		}
		offset = again.offset
		ann.ws.Close()
	}

	bob.must("remove-member", `{"roomId":"b","userId":"ann"}`)
	one.send("bob", "a", "last")
	ann, third := back(two, "ann", first.PID, offset)
	if third.PID == first.PID || len(third.Rooms) != 1 {
		t.Errorf("as if nothing were missing: %+v", third)
	}
	if e, _ := parseEvent(ann.next()); e.Data.Content != "last" {
		t.Errorf("missed %+v", e)
	}

	eve, foreign := back(one, "eve", first.PID, first.offset)
	if foreign.PID == first.PID || foreign.PID == "" || len(foreign.Rooms) != 0 {
		t.Errorf("with somebody else's pid: %+v", foreign)
	}
	if e := eve.until("resync-required"); e.Data.Position != one.hub.Position().String() || foreign.Position != first.offset {
		t.Errorf("resync up to %+v, session at %+v", e, foreign)
	}
}

// parseEventWithOffset also takes the last argument.
func parseEventWithOffset(t testing.TB, frame string, offset *string) (heard, bool) {
	t.Helper()
	var e heard
	body, ok := strings.CutPrefix(frame, "42")
	if !ok || json.Unmarshal([]byte(body), &[]any{&e.Name, &e.Data, offset}) != nil {
		t.Errorf("no event: %s", frame)
		return heard{}, false
	}
	return e, true
}

func TestSync(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	bob, ann := c.login("bob"), c.login("ann")
	for _, room := range []string{"a", "b"} {
		bob.must("create-room", fmt.Sprintf(`{"id":%q,"name":"x","type":"private","memberIds":["ann"]}`, room))
	}
	bob.must("create-room", `{"id":"den","name":"x","type":"private"}`)
	var all []string
	first := c.send("bob", "a", "first")
	for i := range 25 {
		m := c.send("bob", []string{"a", "b"}[i%2], strconv.Itoa(i))
		all = append(all, m.Content)
		c.send("bob", "den", "secret")
	}
	type answer struct {
		Success bool
		Code    string
		Data    struct {
			Events []struct {
				Event, Offset string
				Data          struct{ Content, RoomID, Position string }
			}
			Position string
			More     bool
			Denied   []struct{ RoomID, Code string }
		}
	}
	ask := func(payload string) (a answer) {
		t.Helper()
		raw, _ := ann.ask("sync", payload)
		if err := json.Unmarshal([]byte(raw.raw), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}

	var got []string
	pages, position := 0, first.Position.String()
	for more := true; more; pages++ {
		a := ask(fmt.Sprintf(`{"position":%q,"limit":10}`, position))
		for _, e := range a.Data.Events {
			if got = append(got, e.Data.Content); e.Event != "new-message" || e.Offset != e.Data.Position {
				t.Errorf("%+v", e)
			}
		}
		if position == a.Data.Position {
			t.Fatal("does not go on")
		}
		position, more = a.Data.Position, a.Data.More
	}
	if diff := cmp.Diff(all, got); diff != "" || pages != 3 {
		t.Errorf("in %d pages (-sent +synced):\n%s", pages, diff)
	}

	named := ask(`{"rooms":{"a":13,"b":0,"den":0,"none":5}}`)
	got = nil
	for _, e := range named.Data.Events {
		got = append(got, e.Data.RoomID+" "+e.Data.Content)
	}
	want := []string{"b "} // the room itself, which ann was in from the beginning
	for i := range 25 {
		if i%2 == 1 {
			want = append(want, "b "+strconv.Itoa(i))
		}
	}
	want = append(want, "a 24")
	if diff := cmp.Diff(want, got); diff != "" || named.Data.More {
		t.Errorf("more %v (-want +got):\n%s", named.Data.More, diff)
	}
	if d := named.Data.Denied; len(d) != 2 || d[0].Code != "ROOM_NOT_FOUND" || d[1].RoomID != "none" {
		t.Errorf("denied %+v", d)
	}

	for _, bad := range []string{
		`{}`, `{"position":"1","rooms":{"a":1}}`, `{"position":"x"}`, `{"position":"999999"}`, `{"position":5}`, `{"rooms":{}}`,
		`{"rooms":{"a":-1}}`, `{"rooms":{"a":15}}`, `{"position":"1","limit":-1}`, `"1"`,
	} {
		if a := ask(bad); a.Success || a.Code != "INVALID_PAYLOAD" {
			t.Errorf("%s: %+v", bad, a)
		}
	}
}

// Of several rooms the first pushes are told, wherever they are, and from their end sync goes on.
func TestSyncOfSeveralRoomsInPages(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	bob, ann := c.login("bob"), c.login("ann")
	rooms := []string{"a", "b", "c"}
	for _, room := range rooms {
		bob.must("create-room", fmt.Sprintf(`{"id":%q,"name":"x","type":"private","memberIds":["ann"]}`, room))
		c.send("bob", room, "seen")
	}
	var all []string
	for i := range 20 {
		all = append(all, c.send("bob", rooms[(i*i)%3], strconv.Itoa(i)).Content)
	}
	var got []string
	for payload := `{"rooms":{"c":1,"a":1,"b":1},"limit":3}`; payload != ""; {
		var a struct {
			Data struct {
				Events   []struct{ Data struct{ Content string } }
				Position string
				More     bool
			}
		}
		raw, _ := ann.ask("sync", payload)
		if err := json.Unmarshal([]byte(raw.raw), &a); err != nil || len(a.Data.Events) > 3 {
			t.Fatalf("%v: %s", err, raw.raw)
		}
		for _, e := range a.Data.Events {
			got = append(got, e.Data.Content)
		}
		if payload = ""; a.Data.More {
			payload = fmt.Sprintf(`{"position":%q,"limit":3}`, a.Data.Position)
		}
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("(-sent +synced):\n%s", diff)
	}
}

// A list of commands is no way to have the server answer a hundred times what it answers at once.
func TestSyncsInAListAreBounded(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	bob, ann := c.login("bob"), c.login("ann")
	bob.must("create-room", `{"id":"tea","name":"x","type":"private","memberIds":["ann"]}`)
	for range 100 {
		c.send("bob", "tea", strings.Repeat("x", 4000))
	}
	prefix := "43" + ann.emit("batch-update",
		"["+strings.Repeat(`{"event":"sync","data":{"position":"0"}},`, 20)+`{"event":"unsubscribe-room","data":"tea"}]`)
	frame := ann.next()
	for !strings.HasPrefix(frame, prefix) {
		frame = ann.next()
	}
	var a []struct {
		Data []struct {
			Success bool
			Code    string
		}
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(frame, prefix)), &a); err != nil || len(a) != 1 || len(a[0].Data) != 21 {
		t.Fatalf("%v: %.200s", err, frame)
	}
	told := 0
	for i, part := range a[0].Data {
		switch {
		case part.Success:
			told++
		case part.Code != "UNAVAILABLE":
			t.Errorf("command %d: %s", i, part.Code)
		}
	}
	if told != 3 || !a[0].Data[20].Success || len(frame) > 1<<20 { // two sync, and what is no sync
		t.Errorf("%d answered, with %d bytes", told, len(frame))
	}
}
