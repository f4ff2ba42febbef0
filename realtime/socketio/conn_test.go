package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/realtime/engineio"
	"parley/realtime/socketio"
)

func TestWhatClosesTheConnection(t *testing.T) {
	t.Parallel()
	cfg := socketio.Config{MaxAttachmentBytes: 1000, AttachmentTimeout: 100 * time.Millisecond, MaxConnects: 5}
	h := start(t, cfg, &room{})
	say := func(texts ...string) func(*client) { return func(c *client) { c.say(texts...) } }
	cases := map[string]func(*client){
		"event for a namespace that is not connected": say(`42/custom,["a"]`),
		"ack for a namespace that is not connected":   say(`43/custom,1[]`),
		"binary event for a namespace that is not":    say(`451-/custom,["a"]`),
		"disconnect from a namespace that is not":     say(`41/custom,`),
		"second CONNECT":                                   say(`40`),
		"disconnect twice":                                 say(`41`, `41`),
		"event after disconnect":                           say(`41`, `42["a"]`),
		"CONNECT_ERROR":                                    say(`44{"message":"no"}`),
		"text in place of an attachment":                   say(`451-["a"]`, `42["b"]`),
		"a second binary packet in place of an attachment": say(`451-["a"]`, `451-["b"]`),
		"disconnect in place of an attachment":             say(`451-["a"]`, `41`),
		"attachment that nobody announced":                 func(c *client) { c.sayBinary("x") },
		"one attachment too many": func(c *client) {
			c.say(`451-["a"]`)
			c.sayBinary("x")
			c.sayBinary("x")
		},
		"attachments too large together": func(c *client) {
			c.say(`452-["a"]`)
			c.sayBinary(strings.Repeat("x", 501))
			c.sayBinary(strings.Repeat("x", 500))
		},
		"attachments that never arrive": say(`452-["a"]`),
		"too many CONNECTs":             say(`40/a`, `40/b`, `40/c`, `40/d`, `40/e`, `40/f`),
		"CONNECT and DISCONNECT in turns": func(c *client) {
			for range 5 {
				c.say(`41`, `40`)
			}
		},
	}
	for _, text := range malformed {
		if len(text) < 900_000 {
			cases[fmt.Sprintf("malformed %.50q", text)] = say("4" + text)
		}
	}
	for name, do := range cases {
		t.Run(name, func(t *testing.T) {
			c, m := h.connect(t)
			do(c)
			c.wantClosed()
			select {
			case reason := <-m.left:
				if reason != engineio.ForcedClose && reason != engineio.ForcedServerClose && reason != socketio.ClientNamespaceDisconnect {
					t.Errorf("left by %q", reason)
				}
			case <-time.After(5 * time.Second):
				t.Error("Disconnected was not called")
			}
		})
	}
}

func TestFirstPacketMustBeConnect(t *testing.T) {
	t.Parallel()
	h := start(t, socketio.Config{}, &room{})
	for _, text := range []string{`42["a"]`, `41`, `431[]`, `451-["a"]`, `44{}`, `4abc`} {
		c := h.dial(t)
		c.say(text)
		c.wantClosed()
	}
}

func TestHeartbeatMayComeBetweenAttachments(t *testing.T) {
	t.Parallel()
	c, _ := start(t, socketio.Config{}, suite()).connect(t)
	c.want(`42["auth",{}]`)
	c.say(`452-["message",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]`)
	c.say("3")
	c.sayBinary("a")
	c.say("6")
	c.say("bYg==") // base64 is as good
	c.want(`452-["message-back",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]`)
	c.wantBinary("a")
	c.wantBinary("b")
}

func TestConnectionWithoutNamespaceIsClosedInTime(t *testing.T) {
	t.Parallel()
	h := start(t, socketio.Config{ConnectTimeout: 300 * time.Millisecond, MaxConnects: 1000}, &room{})
	for name, do := range map[string]func(*client){
		"never connected": func(*client) {},
		"refused": func(c *client) {
			for range 10 {
				c.say("40/nowhere")
				time.Sleep(20 * time.Millisecond)
			}
		},
		"left the last one": func(c *client) {
			c.say("40")
			time.Sleep(350 * time.Millisecond) // longer than the time-out: it does not run now
			c.say("40/custom", "41/custom", "41")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := h.dial(t)
			do(c)
			began := time.Now()
			c.wantClosed()
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestRefusalsReachTheClientWhichMayTryAgain(t *testing.T) {
	t.Parallel()
	type data struct {
		Code string `json:"code"`
	}
	answers := map[string]error{
		`{"token":"bad"}`:    &socketio.ConnectError{Message: "Authentication failed <&>", Data: data{"UNAUTHENTICATED"}},
		`{"token":"none"}`:   fmt.Errorf("check token: %w", &socketio.ConnectError{Message: "Authentication required"}),
		`{"token":"broken"}`: errors.New("the database says a secret"),
	}
	h := start(t, socketio.Config{}, &room{onConnect: func(_ context.Context, m *member) error {
		_ = m.Emit("never seen")
		return answers[string(m.auth)]
	}})
	c := h.dial(t)
	c.say(`40{"token":"bad"}`)
	c.want(`44{"message":"Authentication failed <&>","data":{"code":"UNAUTHENTICATED"}}`)
	c.say(`40/custom,{"token":"none"}`)
	c.want(`44/custom,{"message":"Authentication required"}`)
	c.say(`40{"token":"broken"}`)
	c.want(`44{"message":"Internal error"}`)
	c.say(`40{"token":"good"}`)
	c.wantPrefix(`40{"sid":`)
	c.want(`42["never seen"]`)
}

func TestWhatConnectSendsFollowsTheReply(t *testing.T) {
	t.Parallel()
	var socket *socketio.Socket
	h := start(t, socketio.Config{}, &room{onConnect: func(_ context.Context, m *member) error {
		socket = m.Socket
		m.SetPID(`p"1`)
		for i := range 3 {
			if err := m.Emit("early", i); err != nil {
				return err
			}
		}
		if m.SendVolatile(engineio.NewText(nil)) {
			return errors.New("a volatile event was taken before the reply")
		}
		return nil
	}})
	c := h.dial(t)
	c.say("40")
	if rest := c.wantPrefix(`40{"sid":"`); !strings.HasSuffix(rest, `","pid":"p\"1"}`) || len(rest) != 20+len(`","pid":"p\"1"}`) {
		t.Errorf("reply ends with %s", rest)
	}
	c.want(`42["early",0]`, `42["early",1]`, `42["early",2]`)
	if socket.ID() == socket.Session().ID() || len(socket.ID()) != 20 {
		t.Errorf("public id %q, secret id %q", socket.ID(), socket.Session().ID())
	}
}

func TestWhatIsHeldDuringConnectIsBounded(t *testing.T) {
	t.Parallel()
	result := make(chan error, 1)
	h := start(t, socketio.Config{Engine: engineio.Config{QueueFrames: 10}}, &room{onConnect: func(ctx context.Context, m *member) (err error) {
		for range 11 {
			err = m.Emit("early")
		}
		result <- err
		<-ctx.Done() // the connection is closing
		return ctx.Err()
	}})
	c := h.dial(t)
	c.say("40")
	if err := <-result; !errors.Is(err, engineio.ErrSlowConsumer) {
		t.Errorf("got %v", err)
	}
	c.wantClosed()
}

func TestConnectEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	h := start(t, socketio.Config{ConnectTimeout: 100 * time.Millisecond}, &room{onConnect: func(ctx context.Context, _ *member) error {
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}})
	c := h.dial(t)
	c.say("40")
	c.wantClosed()
	if err := <-ended; err == nil {
		t.Error("the context has no error")
	}
}

func TestEventsArriveInOrderOneAtATime(t *testing.T) {
	t.Parallel()
	const n = 500
	var running sync.Mutex
	got := make(chan string, n)
	h := start(t, socketio.Config{}, &room{onEvent: func(_ *member, e socketio.Event) {
		if !running.TryLock() {
			t.Error("two events at a time")
			return
		}
		got <- string(e.Args[0])
		running.Unlock()
	}})
	c, _ := h.connect(t)
	for i := range n {
		c.say(fmt.Sprintf(`42["n",%d]`, i))
	}
	for i := range n {
		if g := <-got; g != strconv.Itoa(i) {
			t.Fatalf("got %s, want %d", g, i)
		}
	}
}

func TestDisconnectByTheServer(t *testing.T) {
	t.Parallel()
	h := start(t, socketio.Config{}, &room{onEvent: func(m *member, e socketio.Event) {
		if e.Name == "kick me" {
			m.Disconnect() // from within Event
		}
		_ = e.Ack()
	}})
	t.Run("the last namespace: the connection goes, too", func(t *testing.T) {
		c, m := h.connect(t)
		c.say(`42["kick me"]`)
		c.want(`41`)
		c.wantClosed()
		m.wantLeft(t, socketio.ServerNamespaceDisconnect)
		m.Disconnect()
		if err := m.Emit("a"); !errors.Is(err, socketio.ErrDisconnected) {
			t.Errorf("Emit returned %v", err)
		}
	})
	t.Run("one of two: what was on its way is dropped", func(t *testing.T) {
		c, _ := h.connect(t)
		c.say(`40/custom`)
		c.wantPrefix(`40/custom,{"sid"`)
		custom := <-h.room.members
		custom.Disconnect()
		c.want(`41/custom,`)
		custom.wantLeft(t, socketio.ServerNamespaceDisconnect)
		c.say(`42/custom,1["late"]`, `43/custom,1[]`, `451-/custom,["late"]`)
		c.sayBinary("x")
		c.say(`427["still here"]`)
		c.want(`437[]`)
		c.say(`40/custom`)
		c.wantPrefix(`40/custom,{"sid"`)
		c.say(`42/custom,8["again"]`)
		c.want(`43/custom,8[]`)
	})
	t.Run("during Connect: the client learns that it was connected", func(t *testing.T) {
		h := start(t, socketio.Config{}, &room{onConnect: func(_ context.Context, m *member) error {
			m.Disconnect()
			return nil
		}})
		c := h.dial(t)
		c.say("40")
		c.wantPrefix(`40{"sid"`)
		c.want("41")
		c.wantClosed()
		(<-h.room.members).wantLeft(t, socketio.ServerNamespaceDisconnect)
	})
}

func TestCloseAndDrainSendNoDisconnectPacket(t *testing.T) {
	t.Parallel()
	h := start(t, socketio.Config{}, &room{})
	rest := func(c *client) (texts []string) {
		for {
			_, data, err := c.ReadMessage()
			if err != nil {
				return texts
			}
			texts = append(texts, string(data))
		}
	}
	c, m := h.connect(t)
	m.Close(engineio.ForcedClose)
	if got := rest(c); got != nil {
		t.Errorf("Close sent %q", got)
	}
	m.wantLeft(t, engineio.ForcedClose)

	c, m = h.connect(t)
	drained := make(chan error, 1)
	go func() { drained <- h.Drain(t.Context(), 0) }()
	if got := rest(c); got != nil {
		t.Errorf("Drain sent %q", got)
	}
	m.wantLeft(t, engineio.ServerShuttingDown)
	if err := <-drained; err != nil || h.Count() != 0 {
		t.Errorf("Drain: %v, %d connections", err, h.Count())
	}
}

func TestPanicsCloseThatConnectionOnly(t *testing.T) {
	t.Parallel()
	h := start(t, socketio.Config{}, &room{
		onConnect: func(_ context.Context, m *member) error {
			if string(m.auth) == `{"panic":true}` {
				panic("told to")
			}
			return nil
		},
		onEvent: func(_ *member, e socketio.Event) {
			if e.Name == "panic" {
				panic("told to")
			}
			_ = e.Ack()
		},
	})
	good, _ := h.connect(t)
	bad, m := h.connect(t)
	bad.say(`42["panic"]`)
	bad.wantClosed()
	m.wantLeft(t, engineio.ForcedClose)
	worse := h.dial(t)
	worse.say(`40{"panic":true}`)
	worse.wantClosed()
	good.say(`421["fine"]`)
	good.want(`431[]`)
}

// A handler may close every door at once; each socket is still told once.
func TestDisconnectedIsCalledOnceUnderRaces(t *testing.T) {
	t.Parallel()
	h := start(t, socketio.Config{}, &room{})
	for range 50 {
		c, m := h.connect(t)
		c.say("40/custom")
		custom := <-h.room.members
		var all sync.WaitGroup
		all.Go(m.Disconnect)
		all.Go(custom.Disconnect)
		all.Go(func() { m.Close(engineio.ForcedClose) })
		all.Go(func() { _ = c.WriteMessage(1, []byte("41")) })
		all.Go(func() { _ = c.Close() })
		all.Wait()
		for _, s := range []*member{m, custom} {
			select {
			case <-s.left:
			case <-time.After(5 * time.Second):
				t.Fatal("Disconnected was not called")
			}
		}
		for h.Count() > 0 {
			time.Sleep(time.Millisecond)
		}
		if len(m.left)+len(custom.left) != 0 {
			t.Fatal("Disconnected was called twice")
		}
	}
}

func TestHandshakeIsKeptForTheSocket(t *testing.T) {
	t.Parallel()
	c, m := start(t, socketio.Config{Handshake: func(r *http.Request) any { return r.URL.Query().Get("EIO") }}, &room{}).connect(t)
	if m.Handshake() != "4" {
		t.Errorf("got %v", m.Handshake())
	}
	_ = c
}

func TestArgumentsAreWhatWasSent(t *testing.T) {
	t.Parallel()
	got := make(chan socketio.Event, 1)
	h := start(t, socketio.Config{}, &room{onEvent: func(_ *member, e socketio.Event) { got <- e }})
	c, _ := h.connect(t)
	c.say(`452-12["up", {"a": [1.0, 1e2]} ,{"_placeholder":true,"num":1},"x",{"deep":{"_placeholder":true,"num":0}}]`)
	c.sayBinary("zero")
	c.sayBinary("one")
	e := <-got
	want := []json.RawMessage{
		json.RawMessage(`{"a": [1.0, 1e2]}`), json.RawMessage(`{"_placeholder":true,"num":1}`),
		json.RawMessage(`"x"`), json.RawMessage(`{"deep":{"_placeholder":true,"num":0}}`),
	}
	if e.Name != "up" || !e.HasAck() || e.AckID() != "12" || !equalArgs(e.Args, want) || len(e.Attachments) != 2 {
		t.Errorf("got %+v", e)
	}
	if b, ok := e.Binary(1); !ok || string(b) != "one" {
		t.Errorf("argument 1 is %q, %v", b, ok)
	}
	for _, i := range []int{-1, 0, 2, 3, 4} {
		if b, ok := e.Binary(i); ok {
			t.Errorf("argument %d is said to be an attachment, %q", i, b)
		}
	}
}

// A connection has settled when a namespace has let it in, and not before.
func TestConnectionsSettleWhenTheyAreLetIn(t *testing.T) {
	t.Parallel()
	arrivals := engineio.NewArrivals(engineio.ArrivalsConfig{Unsettled: 2})
	r := &room{onConnect: func(_ context.Context, m *member) error {
		if m.auth == nil {
			return &socketio.ConnectError{Message: "no"}
		}
		return nil
	}}
	h := start(t, socketio.Config{Engine: engineio.Config{Arrivals: arrivals}}, r)
	c := h.dial(t)
	c.say("40")
	c.want(`44{"message":"no"}`)
	c.say("40/nowhere")
	c.want(`44/nowhere,{"message":"Invalid namespace"}`)
	if n := arrivals.Unsettled(); n != 1 {
		t.Errorf("refused: %d have not settled", n)
	}
	c.say("40{}", `40/custom,{}`)
	<-r.members
	<-r.members
	c.text()
	c.text()
	if n := arrivals.Unsettled(); n != 0 {
		t.Errorf("let in: %d have not settled", n)
	}
}
