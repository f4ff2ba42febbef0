package load_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"parley/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "0123456789abcdef0123456789abcdef"

// chat is a server as small as the generator lets it be, that treats one user's deliveries as a test wants: what has
// number to them is what becomes of it.
type chat struct {
	t      *testing.T
	user   string // the end of the user's id
	number uint64
	fault  fault

	mu    sync.Mutex
	rooms map[string]map[*guest]struct{}
	busy  bool // it was
}

type fault int

const (
	none fault = iota
	loses
	repeats
	swaps    // with the next one
	refuses  // its sender, and delivers it to nobody
	forgets  // the acknowledgement
	hangsUp  // on the user
	restless // pings all the time
	isBusy   // when the first comes
)

type guest struct {
	mu   sync.Mutex
	conn *websocket.Conn
	user string
	held string // what comes after the next delivery
}

func (g *guest) write(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.conn.WriteMessage(websocket.TextMessage, []byte(text))
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	g := &guest{conn: conn}
	defer c.bye(g)
	g.write(`0{"sid":"engine","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)
	for {
		_, packet, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if auth, ok := strings.CutPrefix(string(packet), "40"); ok {
			c.greet(g, auth)
		} else if rest, ok := strings.CutPrefix(string(packet), "42"); ok {
			c.command(g, rest)
		}
	}
}

func (c *chat) bye(g *guest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, members := range c.rooms {
		delete(members, g)
	}
	_ = g.conn.Close()
}

func (c *chat) greet(g *guest, auth string) {
	var hello struct{ Token string }
	claims := jwt.MapClaims{}
	if err := json.Unmarshal([]byte(auth), &hello); err != nil {
		c.t.Error(err)
	}
	if _, err := jwt.ParseWithClaims(hello.Token, claims, func(*jwt.Token) (any, error) { return []byte(secret), nil }); err != nil {
		g.write(`44{"message":"Authentication failed","data":{"code":"UNAUTHENTICATED"}}`)
		return
	}
	g.user, _ = claims["userId"].(string)
	g.write(`40{"sid":"socket"}`)
}

func (c *chat) command(g *guest, text string) {
	digits := strings.IndexByte(text, '[')
	var args []json.RawMessage
	var event string
	var data struct{ ID, RoomID, Content, ClientMessageID string }
	if err := json.Unmarshal([]byte(text[digits:]), &args); err != nil || len(args) != 2 {
		c.t.Errorf("%s: %v", text, err)
		return
	}
	if err := errors.Join(json.Unmarshal(args[0], &event), json.Unmarshal(args[1], &data)); err != nil {
		c.t.Error(err)
	}
	ack := func(answer string) { g.write("43" + text[:digits] + "[" + answer + "]") }
	c.mu.Lock()
	defer c.mu.Unlock()
	switch event {
	case "create-room":
		c.rooms[data.ID] = map[*guest]struct{}{}
	case "join-room":
		if c.fault == isBusy && !c.busy {
			c.busy = true
			ack(`{"success":false,"error":"try again","code":"UNAVAILABLE"}`)
			return
		}
		c.rooms[data.RoomID][g] = struct{}{}
	case "send-message":
		number, _ := strconv.ParseUint(data.Content[11:19], 16, 32)
		if number == c.number && c.fault == refuses {
			ack(`{"success":false,"error":"no","code":"RATE_LIMITED"}`)
			return
		}
		for member := range c.rooms[data.RoomID] {
			c.deliver(member, number, fmt.Sprintf(`42["new-message",{"content":%q}]`, data.Content))
		}
		if number == c.number && c.fault == forgets {
			return
		}
	}
	ack(`{"success":true,"data":{}}`)
}

func (c *chat) deliver(g *guest, number uint64, packet string) {
	if strings.HasSuffix(g.user, c.user) && number == c.number {
		switch c.fault {
		case loses:
			return
		case repeats:
			g.write(packet)
		case swaps:
			g.held = packet
			return
		case hangsUp:
			_ = g.conn.Close()
		default: // it is not about deliveries
		}
	}
	if c.fault == restless {
		g.write("2")
	}
	g.write(packet)
	if g.held != "" {
		g.write(g.held)
		g.held = ""
	}
}

func serve(t *testing.T, f fault) string {
	t.Helper()
	server := httptest.NewServer(&chat{t: t, user: "-u1", number: 5, fault: f, rooms: map[string]map[*guest]struct{}{}})
	t.Cleanup(server.Close)
	return server.URL
}

func options(url string) load.Options {
	return load.Options{
		Scenario: load.Order, URLs: []string{url}, Secret: secret, Clients: 4, RoomSize: 4, Outstanding: 4,
		Duration: 300 * time.Millisecond, Drain: time.Minute, Threads: 2,
	}
}

// thirty are options of a run that sends 30 messages, however slow the machine is.
func thirty(url string) load.Options {
	o := options(url)
	o.Rate = 100
	return o
}

// inVain is long enough to wait for what does not come.
const inVain = 3 * time.Second

// What a server does wrong is found, and counted exactly.
func TestFaultsOfAServerAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		fault                                  fault
		lost, repeated, reordered, disagreeing int64
		code                                   string
	}{
		"none":     {fault: none},
		"restless": {fault: restless},
		"loses":    {fault: loses, lost: 1, disagreeing: 1},
		"repeats":  {fault: repeats, repeated: 1, disagreeing: 1},
		"swaps":    {fault: swaps, reordered: 1, disagreeing: 1},
		"refuses":  {fault: refuses, code: "RATE_LIMITED"},
		"forgets":  {fault: forgets, code: "NO_ACK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := thirty(serve(t, c.fault))
			if c.fault == loses || c.fault == forgets {
				o.Drain = inVain
			}
			r, err := load.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Lost != c.lost || r.Repeated != c.repeated || r.Reordered != c.reordered || r.Disagreeing != c.disagreeing {
				t.Errorf("lost %d, repeated %d, reordered %d, disagreeing %d; want %+v", r.Lost, r.Repeated, r.Reordered, r.Disagreeing, c)
			}
			if r.Flawless() != (c.lost+c.repeated+c.reordered == 0) {
				t.Error("flawless:", r.Flawless())
			}
			if c.code != "" && r.Errors[c.code] != 1 || c.code == "" && len(r.Errors) > 0 {
				t.Errorf("errors %v, want one %q", r.Errors, c.code)
			}
			if r.Sent != 30 || r.Latency == nil || r.AckLatency == nil || r.GeneratorCPUSeconds <= 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A client that the server drops has lost what the others went on to hear.
func TestALostConnectionIsCounted(t *testing.T) {
	t.Parallel()
	o := thirty(serve(t, hangsUp))
	o.Drain = inVain
	r, err := load.Run(t.Context(), o)
	if err != nil || r.Disconnected != 1 || r.Lost == 0 || r.Errors["DISCONNECTED"] != 1 {
		t.Errorf("%v, %+v", err, r)
	}
}

// An open loop sends as many messages as it was told to, and its latencies are those of all of them.
func TestAnOpenLoopKeepsItsRate(t *testing.T) {
	t.Parallel()
	r, err := load.Run(t.Context(), thirty(serve(t, none)))
	if err != nil || r.Sent != 30 || r.AckLatency.Count != 30 || r.Latency.Count != 120 || r.Delivered != 120 || !r.Flawless() {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestClosedLoops(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{load.Fanout, load.Send, load.Order} {
		o := options(serve(t, none))
		o.Scenario = scenario
		r, err := load.Run(t.Context(), o)
		if err != nil || r.Delivered == 0 || r.Delivered%4 != 0 || !r.Flawless() {
			t.Errorf("%s: %v, %+v", scenario, err, r)
		}
	}
}

func TestWhomABusyServerTurnsAwayComesAgain(t *testing.T) {
	t.Parallel()
	r, err := load.Run(t.Context(), thirty(serve(t, isBusy)))
	if err != nil || r.Retries != 1 || r.Delivered != 120 || !r.Flawless() {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestAnInterruptedRunTellsWhatItFound(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	o := options(serve(t, none))
	o.Duration = time.Hour
	o.Progress = func(p load.Progress) {
		if p.Phase == "measure" && p.Deliveries > 0 {
			cancel()
		}
	}
	r, err := load.Run(ctx, o)
	if !errors.Is(err, context.Canceled) || r == nil || !r.Interrupted || r.Acks == 0 || r.Seconds <= 0 || r.Seconds > 3000 {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestServersThatAreNone(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	deaf := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(deaf.Close)
	wrong := options(serve(t, none))
	wrong.Secret = "another secret of more than 32 bytes"
	for want, o := range map[string]load.Options{
		"connection refused": options(closed.URL),
		"404":                options(deaf.URL),
		"UNAUTHENTICATED":    wrong,
	} {
		if r, err := load.Run(t.Context(), o); err == nil || r != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	for option, change := range map[string]func(o *load.Options){
		"clients":     func(o *load.Options) { o.Clients = 7 },
		"room-size":   func(o *load.Options) { o.RoomSize = -1 },
		"senders":     func(o *load.Options) { o.Senders = 5 },
		"outstanding": func(o *load.Options) { o.Outstanding = 1 << 20 },
		"size":        func(o *load.Options) { o.Size = 10 },
		"duration":    func(o *load.Options) { o.Duration = time.Millisecond },
		"url":         func(o *load.Options) { o.URLs = []string{"https://example.com"} },
		"door":        func(o *load.Options) { o.Door = "back" },
		"path":        func(o *load.Options) { o.Path = "socket.io" },
		"jwt-secret":  func(o *load.Options) { o.Secret = "" },
		"source":      func(o *load.Options) { o.Sources = []string{"here"} },
		"name":        func(o *load.Options) { o.Name = "no spaces" },
		"at":          func(o *load.Options) { o.At = []int{3, 2} },
		"rate":        func(o *load.Options) { o.Scenario, o.Rate = load.Connect, 10 },
	} {
		o := options("http://localhost:1")
		change(&o)
		_, err := load.Run(t.Context(), o)
		if wrong, ok := errors.AsType[*load.OptionError](err); !ok || wrong.Option != option {
			t.Errorf("--%s: %v", option, err)
		}
	}
	o := options("http://localhost:1")
	o.Scenario = "dance"
	if _, err := load.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "fanout") {
		t.Errorf("%v; want the scenarios' names", err)
	}
}
