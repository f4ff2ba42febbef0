package realtime_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/domain"
	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

const turnedAway = `{"event":"error","data":{"event":"authenticate","message":%q,"code":%q}}`

func bearerOf(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// The whole conversation of TestConversation, with one side on each door.
func TestPlainConversation(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	ann, bob := c.login("ann"), loginPlain(t, c.url, "bob")
	bob.must("create-room", `{"id":"tea","name":"Tea","type":"public"}`)
	bob.until("room-created")
	ann.must("join-room", `"tea"`)
	if e := bob.until("user-joined"); e.Data.UserID != "ann" {
		t.Errorf("joined: %+v", e)
	}
	bob.must("update-room", `{"roomId":"tea","topic":"leaves"}`)
	ann.until("room-updated")
	sent := bob.must("send-message", send("tea", "<b>hi</b> \u00e9"))
	for _, e := range []heard{ann.until("new-message"), bob.until("new-message")} {
		if e.Data.Content != "<b>hi</b> é" || e.Data.Seq != 1 || e.Data.Position != sent.Data.Position {
			t.Errorf("heard %+v, sent %s", e, sent.raw)
		}
	}
	ann.must("send-message", send("tea", "hello"))
	if e := bob.until("new-message"); e.Data.Content != "hello" || e.Data.Seq != 2 {
		t.Errorf("heard %+v", e)
	}
	bob.must("edit-message", fmt.Sprintf(`{"roomId":"tea","messageId":%q,"content":"hey"}`, sent.Data.ID))
	ann.until("message-edited")
	bob.must("set-role", `{"roomId":"tea","userId":"ann","role":"owner"}`)
	ann.until("member-updated")
	bob.must("delete-message", fmt.Sprintf(`{"roomId":"tea","messageId":%q}`, sent.Data.ID))
	ann.until("message-deleted")
	bob.must("unsubscribe-room", `"tea"`)
	if a := bob.must("join-rooms", `["tea"]`); !strings.Contains(a.raw, `"joined":[{"roomId":"tea"`) {
		t.Errorf("joined again: %s", a.raw)
	}
	bob.must("leave-room", `"tea"`)
	if e := ann.until("user-left"); e.Data.UserID != "bob" {
		t.Errorf("left: %+v", e)
	}
	if a := bob.ask("send-message", send("tea", "hi")); a.Code != "NOT_A_MEMBER" {
		t.Errorf("a stranger's message: %s", a.raw)
	}
	ann.must("add-member", `{"roomId":"tea","userId":"bob"}`)
	bob.until("notification")
	ann.must("remove-member", `{"roomId":"tea","userId":"bob"}`)
	bob.until("user-left")
	ann.must("archive-room", `"tea"`)
}

func TestPlainOptions(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann")
	ann := c.login("ann")
	for _, id := range []string{"r1", "r2", "r3"} {
		ann.must("create-room", fmt.Sprintf(`{"id":%q,"name":"x","type":"private"}`, id))
	}
	byFrame := loginPlain(t, c.url, "ann", `,"rooms":["r1","r2","nowhere"]`)
	byComma := dialPlain(t, c.url, "?rooms=r1,r2,nowhere&other=x", bearerOf("ann"))
	repeated := dialPlain(t, c.url, "?rooms=r1&rooms=r2", bearerOf("ann"))
	byComma.until("session")
	repeated.until("session")
	for _, id := range []string{"r3", "r1", "r2"} {
		ann.must("send-message", send(id, "to "+id))
	}
	for name, cl := range map[string]*plainClient{"frame": byFrame, "comma": byComma, "repeated": repeated} {
		for _, id := range []string{"r1", "r2"} {
			if e := cl.until("new-message"); e.Data.RoomID != id {
				t.Errorf("%s: heard %+v, want a message in %s", name, e, id)
			}
		}
	}
}

func TestPlainFramesOfAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, fixedMenu, gateway.Config{})
	s.hub.Start(20)
	c := dialPlain(t, s.url, "", nil)
	c.say(`{"id":"in","event":"authenticate","data":{"token":"ann"}}`)
	golden(t, "plain-authenticated", c.next())
	golden(t, "plain-session", c.next())
	for _, tc := range []struct{ name, say string }{
		{"ack-message", `{"id":1,"event":"send-message","data":{"roomId":"r-1","content":"x"}}`},
		{"ack-join", `{"event":"join-room","data":"r-1","id":"\u0061b"}`},
		{"ack-rate-limited", ` { "id" : -1.5e3 , "event" : "edit-message" , "data" : { } , "more" : [ ] } `},
		{"ack-invalid", `{"id":0,"event":"update-room","data":{}}`},
		{"ack-unavailable", `{"id":4,"event":"archive-room","data":"r-1"}`},
		{"ack-unknown", `{"id":5,"event":"no-such-event"}`},
		{"ack-missing", `{"id":6,"event":"join-room"}`},
		{"ack-again", `{"id":7,"event":"authenticate","data":{"token":"ann"}}`},
		{"ack-no-event", `{"id":8,"data":{}}`},
		{"error-rate-limited", `{"event":"edit-message","data":{}}`},
		{"error-unknown", `{"id":null,"event":"<no> \"such\" \u0065vent","data":1}`},
		{"error-no-object", `["send-message",{}]`},
		{"error-id", `{"id":{},"event":"send-message","data":{}}`},
	} {
		c.say(tc.say)
		golden(t, "plain-"+tc.name, c.next())
	}
	s.hub.Dispatch([]*hub.Fact{{Position: 21, Users: []string{"ann"}, Make: func() []*hub.Push {
		return []*hub.Push{{Event: "new-message", Users: []string{"ann"}, Data: []byte(`{"content":"<b> & \u2028"}`), Durable: true, Position: 21}}
	}}})
	golden(t, "plain-push", c.next())
}

// Nothing that a client may write changes anything or ends the connection, as long as it does so at
// a pace that is bearable.
func TestPlainGarbage(t *testing.T) {
	t.Parallel()
	_, _, url := door(t, gateway.Config{Rate: -1}, gateway.PlainConfig{}, anybody)
	c := dialPlain(t, url, "", bearerOf("ann"))
	c.until("session")
	const frame, id, name = "frame", "id", "event"
	for _, tc := range []struct{ say, wrong string }{
		{"", frame},
		{"x", frame},
		{"null", frame},
		{"[]", frame},
		{`"event"`, frame},
		{"{", frame},
		{"{}x", frame},
		{"{}{}", frame},
		{`{"event":"send-message"`, frame},
		{`{"event":"send-message","data":}`, frame},
		{`{"event":"send-message","event":"send-message"}`, frame},
		{`{"event":"send-message","\u0065vent":"send-message"}`, frame},
		{`{"id":1,"event":"send-message","id":1}`, frame},
		{`{"event":"send-message","data":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, frame},
		{`{"event":"send-message","data":` + strings.Repeat(`{"a":`, 100_000), frame},
		{"{}", name},
		{`{"Event":"send-message"}`, name},
		{`{"event":7}`, name},
		{`{"event":""}`, name},
		{`{"event":null}`, name},
		{`{"event":"` + strings.Repeat("x", 129) + `"}`, name},
		{`{"id":true,"event":"send-message"}`, id},
		{`{"id":[],"event":"send-message"}`, id},
		{`{"id":"` + strings.Repeat("x", 63) + `","event":"send-message"}`, id},
		{`{"id":` + strings.Repeat("1", 65) + `,"event":"send-message"}`, id},
	} {
		c.say(tc.say)
		f := c.next()
		if !strings.HasPrefix(f, `{"event":"error","data":{`) || !strings.Contains(f, `"message":"`+tc.wrong+` must be `) ||
			!strings.Contains(f, `"code":"INVALID_PAYLOAD"`) {
			t.Errorf("%.60s: %s", tc.say, f)
		}
	}
	c.must("join-room", `"r-1"`)
}

func TestPlainGarbageCountsAsCommands(t *testing.T) {
	t.Parallel()
	_, _, url := door(t, gateway.Config{Rate: 1, Burst: 5}, gateway.PlainConfig{}, anybody)
	c := dialPlain(t, url, "", bearerOf("ann"))
	c.until("session")
	for range 20 {
		if c.ws.WriteMessage(websocket.TextMessage, []byte("garbage")) != nil {
			break
		}
	}
	code, text, before := c.ends()
	if code != websocket.ClosePolicyViolation || text != "Too many commands" {
		t.Errorf("ended with %d %q", code, text)
	}
	if n := strings.Count(strings.Join(before, ""), "INVALID_PAYLOAD"); n < 5 || n > 7 {
		t.Errorf("%d frames were looked at", n)
	}
}

func TestPlainTurnsAway(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann")
	for _, tc := range []struct{ name, say, message, code string }{
		{"no token", `{"event":"authenticate","data":{}}`, "Authentication required", "UNAUTHENTICATED"},
		{"no data", `{"event":"authenticate"}`, "Authentication required", "UNAUTHENTICATED"},
		{"expired", `{"event":"authenticate","data":{"token":"expired"}}`, "Authentication failed", "TOKEN_EXPIRED"},
		{"nobody", `{"event":"authenticate","data":{"token":"nobody"}}`, "Invalid user", "INVALID_USER"},
		{"a command", `{"event":"join-room","data":"tea"}`, "Authentication required", "UNAUTHENTICATED"},
		{"garbage", `garbage`, "Authentication required", "UNAUTHENTICATED"},
	} {
		cl := dialPlain(t, c.url, "", nil)
		cl.say(tc.say)
		cl.want(fmt.Sprintf(turnedAway, tc.message, tc.code))
		cl.wantEnd(4401, tc.message)
	}
	cl := dialPlain(t, c.url, "", bearerOf("expired"))
	cl.want(fmt.Sprintf(turnedAway, "Authentication failed", "TOKEN_EXPIRED"))
	cl.wantEnd(4401, "Authentication failed")

	asked := dialPlain(t, c.url, "", nil)
	asked.say(`{"id":"x","event":"authenticate","data":{"token":"expired"}}`)
	asked.want(`{"id":"x","success":false,"error":"Authentication failed","code":"TOKEN_EXPIRED"}`,
		fmt.Sprintf(turnedAway, "Authentication failed", "TOKEN_EXPIRED"))
	asked.wantEnd(4401, "Authentication failed")
}

func TestPlainTokenInTheQueryIsRefused(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann")
	_, resp, err := websocket.DefaultDialer.Dial(strings.Replace(c.url, "http", "ws", 1)+"/ws?token=ann", nil)
	if err == nil || resp.StatusCode != http.StatusForbidden {
		t.Fatalf("%v", err)
	}
	resp.Body.Close()
}

// door runs a plain door of its own, to commands with fixed answers.
func door(
	t testing.TB, cfg gateway.Config, plain gateway.PlainConfig, authenticate gateway.Authenticate,
) (*gateway.Gateway, *gateway.Plain, string) {
	t.Helper()
	g := gateway.New(fixedCommands(), startedHub(), authenticate, cfg)
	d := gateway.NewPlain(g, nil, plain)
	return g, d, serve(t, d)
}

func startedHub() *hub.Hub {
	h := hub.New(hub.Config{})
	h.Start(20)
	return h
}

// serve runs a door until the test ends.
func serve(t testing.TB, d *gateway.Plain) (url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	web := httptest.NewServer(d)
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return web.URL
}

// anybody is who its token says.
func anybody(_ context.Context, token string) (domain.Principal, wire.User, error) {
	return domain.Principal{UserID: token}, wire.User{ID: token, Active: true}, nil
}

func TestPlainSilenceIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	short := gateway.PlainConfig{AuthTimeout: 50 * time.Millisecond}
	short.Engine.PingInterval = time.Second
	_, _, url := door(t, gateway.Config{}, short, anybody)
	c := dialPlain(t, url, "", nil)
	c.want(fmt.Sprintf(turnedAway, "Authentication required", "UNAUTHENTICATED"))
	c.wantEnd(4401, "Authentication required")
}

// Who cannot be told apart is neither let in nor sent away for good.
func TestPlainTryAgainLater(t *testing.T) {
	t.Parallel()
	away := func(ctx context.Context, token string) (p domain.Principal, u wire.User, err error) {
		if token == "slow" {
			<-ctx.Done()
			return p, u, ctx.Err()
		}
		return p, u, domain.Unavailable(context.DeadlineExceeded)
	}
	_, _, url := door(t, gateway.Config{}, gateway.PlainConfig{AuthTimeout: 100 * time.Millisecond}, away)
	for _, token := range []string{"slow", "quick"} {
		c := dialPlain(t, url, "", bearerOf(token))
		c.want(fmt.Sprintf(turnedAway, "Unavailable", "UNAVAILABLE"))
		c.wantEnd(1013, "Unavailable")
	}
}

func TestPlainConnectionsOfOneAddress(t *testing.T) {
	t.Parallel()
	_, _, url := door(t, gateway.Config{Admission: gateway.NewAddressLimit(1)}, gateway.PlainConfig{}, anybody)
	first := dialPlain(t, url, "", bearerOf("ann"))
	first.until("session")
	second := dialPlain(t, url, "", bearerOf("ann"))
	second.want(fmt.Sprintf(turnedAway, "Too many connections", "TOO_MANY_CONNECTIONS"))
	second.wantEnd(1013, "Too many connections")
}

// A panic ends the connection that met with it, and no other.
func TestPlainPanics(t *testing.T) {
	t.Parallel()
	_, _, url := door(t, gateway.Config{}, gateway.PlainConfig{}, func(ctx context.Context, token string) (domain.Principal, wire.User, error) {
		if token == "panic" {
			panic("on purpose")
		}
		return anybody(ctx, token)
	})
	other := dialPlain(t, url, "", bearerOf("ann"))
	other.until("session")
	dialPlain(t, url, "", bearerOf("panic")).wantEnd(1011, "")
	other.must("join-room", `"r-1"`)
}

// Commands may follow the token without waiting for the session.
func TestPlainCommandsWaitForTheToken(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	_, _, url := door(t, gateway.Config{}, gateway.PlainConfig{}, func(ctx context.Context, token string) (domain.Principal, wire.User, error) {
		<-gate
		return anybody(ctx, token)
	})
	c := dialPlain(t, url, "", nil)
	c.say(`{"event":"authenticate","data":{"token":"ann"}}`)
	c.say(`{"id":1,"event":"join-room","data":"r-1"}`)
	close(gate)
	for _, begin := range []string{`{"event":"session"`, `{"id":1,"success":true`} {
		if f := c.next(); !strings.HasPrefix(f, begin) {
			t.Errorf("got %s, want %s", f, begin)
		}
	}
}

// A client that goes while it is being let in leaves nothing behind.
func TestPlainClientsThatGoTooSoon(t *testing.T) {
	t.Parallel()
	entered := make(chan context.Context, 1)
	g, d, url := door(t, gateway.Config{}, gateway.PlainConfig{}, func(ctx context.Context, _ string) (p domain.Principal, u wire.User, err error) {
		entered <- ctx
		<-ctx.Done()
		return p, u, ctx.Err()
	})
	c := dialPlain(t, url, "", nil)
	c.say(`{"event":"authenticate","data":{"token":"ann"}}`)
	ctx := <-entered
	c.ws.Close()
	select {
	case <-ctx.Done():
	case <-time.After(patience):
		t.Fatal("still waiting for somebody who has gone")
	}
	empty(t, d)
	if n := len(g.Connections()); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// empty waits until a door has no connections.
func empty(t *testing.T, d *gateway.Plain) {
	t.Helper()
	for end := time.Now().Add(patience); d.Count() > 0; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d connections are left", d.Count())
		}
	}
}

func TestPlainDrain(t *testing.T) {
	t.Parallel()
	g, d, url := door(t, gateway.Config{}, gateway.PlainConfig{}, anybody)
	in, outside := dialPlain(t, url, "", bearerOf("ann")), dialPlain(t, url, "", nil)
	in.until("session")
	if list := g.Connections(); len(list) != 1 || list[0].Transport != "websocket" || list[0].UserID != "ann" {
		t.Errorf("connections: %+v", list)
	}
	drained := make(chan error, 1)
	go func() {
		g.Drain(context.Background(), 0)
		drained <- d.Drain(context.Background(), 0)
	}()
	code, text, before := in.ends()
	if code != 1001 || text == "" || len(before) != 1 || !strings.HasPrefix(before[0], `{"event":"server-draining","data":{"reconnectInMs":`) {
		t.Errorf("ended with %d %q after %q", code, text, before)
	}
	outside.wantEnd(1001, "")
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// While the node drains but listens still, newcomers are sent on.
func TestPlainNewcomersOfADrainingNode(t *testing.T) {
	t.Parallel()
	g, _, url := door(t, gateway.Config{}, gateway.PlainConfig{}, anybody)
	g.Drain(t.Context(), 0)
	c := dialPlain(t, url, "", bearerOf("ann"))
	c.want(fmt.Sprintf(turnedAway, "Unavailable", "UNAVAILABLE"))
	c.wantEnd(1001, "Server is shutting down")
}

func TestPlainSlowConsumer(t *testing.T) {
	t.Parallel()
	var small gateway.PlainConfig
	small.Engine.QueueBytes = 64 << 10
	small.Engine.CloseGrace, small.Engine.WriteTimeout = time.Minute, time.Minute
	h := startedHub()
	g := gateway.New(fixedCommands(), h, anybody, gateway.Config{})
	url := serve(t, gateway.NewPlain(g, nil, small))
	c := dialPlain(t, url, "", bearerOf("ann"))
	c.until("session")
	p := &hub.Push{Event: "new-message", Users: []string{"ann"}, Data: []byte(`"` + strings.Repeat("x", 32<<10) + `"`), Durable: true}
	for at := h.Position() + 1; h.Count() > 0; at++ {
		h.Dispatch([]*hub.Fact{{Position: at, Users: p.Users, Make: func() []*hub.Push { return []*hub.Push{p} }}})
	}
	c.wantEnd(1013, "slow consumer")
}

// Whose account is shut is told not to come back.
func TestPlainRemoved(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann")
	cl := loginPlain(t, c.url, "ann")
	at := c.hub.Position() + 1
	c.hub.Dispatch([]*hub.Fact{{Position: at, Shut: "ann"}})
	cl.wantEnd(4401, "Removed")
}

// It counts goroutines, so it runs alone.
func TestPlainConnectionsLeaveNothing(t *testing.T) {
	_, d, url := door(t, gateway.Config{}, gateway.PlainConfig{}, anybody)
	before := runtime.NumGoroutine()
	for i := range 1000 {
		c := dialPlain(t, url, "", bearerOf("ann"))
		if i%2 == 0 {
			c.until("session")
		}
		if i%3 == 0 {
			_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
		}
		c.ws.Close()
	}
	empty(t, d)
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before+3; runtime.Gosched() { // web server and client have their own
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
