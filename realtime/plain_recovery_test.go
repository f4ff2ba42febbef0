package realtime_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/eventstore/testenv"
	"parley/realtime/gateway"
	"parley/realtime/recovery"
)

// comeBack connects with options in the first frame, or with the same in the query.
func comeBack(t testing.TB, base, user string, inQuery bool, options map[string]string) (*plainClient, began) {
	t.Helper()
	var c *plainClient
	if inQuery {
		query := url.Values{}
		for name, value := range options {
			query.Set(name, value)
		}
		c = dialPlain(t, base, "?"+query.Encode(), bearerOf(user))
	} else {
		c = dialPlain(t, base, "", nil)
		data := map[string]any{"token": user}
		for name, value := range options {
			switch name {
			case "rooms":
				data[name] = strings.Split(value, ",")
			case "batch", "recovery":
				data[name] = value == "true"
			default:
				data[name] = value
			}
		}
		frame, _ := json.Marshal(map[string]any{"event": "authenticate", "data": data})
		c.say(string(frame))
	}
	var hello struct {
		Event string
		Data  began
	}
	if err := json.Unmarshal([]byte(c.next()), &hello); err != nil || hello.Event != "session" {
		t.Fatalf("first came %+v, %v", hello, err)
	}
	return c, hello.Data
}

// said is one message that was heard.
type said struct{ Content, Position string }

// messages reads frames up to the next one with messages, single or in a batch.
func (c *plainClient) messages() []said {
	c.Helper()
	for {
		var f struct {
			Event string
			Data  json.RawMessage
		}
		if err := json.Unmarshal([]byte(c.next()), &f); err != nil {
			c.Fatal(err)
		}
		var list []said
		switch f.Event {
		case "new-message":
			list = make([]said, 1)
			_ = json.Unmarshal(f.Data, &list[0])
		case "batch:new-message":
			_ = json.Unmarshal(f.Data, &list)
		case "error", "resync-required":
			c.Fatalf("%s %s", f.Event, f.Data)
		}
		if len(list) > 0 {
			return list
		}
	}
}

// TestCutsAtAnyMomentLoseNothing for the plain door, in all the ways in which options are given.
func TestPlainCutsLoseNothing(t *testing.T) {
	t.Parallel()
	const messages = 600
	one := newChat(t, "ann", "bob")
	two := one.another()
	bob := one.login("bob")
	for _, room := range []string{"tea", "rum"} {
		bob.must("create-room", fmt.Sprintf(`{"id":%q,"name":"x","type":"public","memberIds":["ann"]}`, room))
	}
	options := map[string]string{"rooms": "tea,rum"}
	_, start := comeBack(t, one.url, "ann", false, options)

	var talking sync.WaitGroup
	ahead := make(chan struct{}, 400) // less than one may catch up on
	talking.Go(func() {
		for i := range messages {
			ahead <- struct{}{}
			[]*chat{one, two}[i%2].send("bob", []string{"tea", "rum"}[rand.IntN(2)], strconv.Itoa(i))
		}
	})
	defer talking.Wait()

	var got []string
	options["offset"] = start.Position
	for len(got) < messages {
		options["batch"] = strconv.FormatBool(rand.IntN(2) == 0)
		c, hello := comeBack(t, []*chat{one, two}[rand.IntN(2)].url, "ann", rand.IntN(2) == 0, options)
		options["offset"] = hello.Position
		for range rand.IntN(20) {
			if len(got) >= messages {
				break
			}
			for _, m := range c.messages() {
				<-ahead
				got = append(got, m.Content)
				options["offset"] = m.Position
			}
		}
		c.ws.Close()
	}
	want := make([]string, messages)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-sent +read):\n%s", diff)
	}
}

// A pid stands for what the session heard, at this door as well, for its own user alone.
func TestPlainPID(t *testing.T) {
	t.Parallel()
	sessions := recovery.NewSessions(testenv.Redis(t), []byte("key"), recovery.SessionsConfig{Prefix: testenv.Prefix(t)})
	c := &chat{start(t, realMenu(t), gateway.Config{Rate: -1, Sessions: sessions}), t}
	for _, u := range []string{"ann", "bob", "eve"} {
		if _, err := c.menu.RegisterUser.Do(t.Context(), commands.Actor{}, commands.RegisterUser{UserID: u, Username: u}); err != nil {
			t.Fatal(err)
		}
	}
	bob := c.login("bob")
	for _, room := range []string{"a", "b"} {
		bob.must("create-room", fmt.Sprintf(`{"id":%q,"name":"x","type":"private","memberIds":["ann"]}`, room))
	}
	for _, inQuery := range []bool{false, true} {
		ann, first := comeBack(t, c.url, "ann", inQuery, map[string]string{"recovery": "true"})
		ann.must("join-room", `"a"`)
		ann.ws.Close()
		c.send("bob", "b", "unheard")
		c.send("bob", "a", "missed")
		back := map[string]string{"recovery": "true", "pid": first.PID, "offset": first.Position}
		ann, second := comeBack(t, c.url, "ann", inQuery, back)
		if diff := cmp.Diff([]string{"a"}, second.Rooms); diff != "" || first.PID == "" || second.PID != first.PID {
			t.Errorf("came back as %+v, was %+v (-rooms +got):\n%s", second, first, diff)
		}
		if m := ann.messages(); len(m) != 1 || m[0].Content != "missed" {
			t.Errorf("missed %+v", m)
		}
		eve, foreign := comeBack(t, c.url, "eve", inQuery, back)
		if len(foreign.Rooms) != 0 || foreign.PID == first.PID {
			t.Errorf("with somebody else's pid: %+v", foreign)
		}
		eve.until("resync-required")
	}
}

func TestPlainBadOffset(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann")
	for _, offset := range []string{"x", "999999", "-1"} {
		for _, inQuery := range []bool{false, true} {
			ann, hello := comeBack(t, c.url, "ann", inQuery, map[string]string{"offset": offset})
			if e := ann.until("resync-required"); e.Data.Position != c.hub.Position().String() || hello.Position != "0" {
				t.Errorf("%s: resync up to %+v, session %+v", offset, e, hello)
			}
		}
	}
}
