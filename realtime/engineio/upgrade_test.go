package engineio_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/realtime/engineio"
)

// probe dials a WebSocket for a polling session.
func (h *host) probe(c *poller) *client {
	c.Helper()
	return h.dial(c, "EIO=4&transport=websocket&sid="+c.sid)
}

// upgrade goes the whole way.
func (h *host) upgrade(c *poller) *client {
	c.Helper()
	ws := h.probe(c)
	ws.say("2probe")
	ws.want("3probe")
	ws.say("5")
	return ws
}

func (ws *client) wantEnd() {
	ws.Helper()
	if code := ws.closeCode(); code != websocket.CloseNoStatusReceived {
		ws.Errorf("close code is %d", code)
	}
}

func TestSuiteUpgrade(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo) // a ping would come between on a busy machine
	c, p := h.poll(t)
	if got := p.Transport(); got != "polling" {
		t.Errorf("transport is %q", got)
	}
	ws := h.probe(c)
	ws.say("2probe")
	ws.want("3probe")
	c.want("6")
	ws.say("5")
	ws.say("4hello")
	ws.want("4hello")
	if got := p.Transport(); got != "websocket" {
		t.Errorf("transport is %q", got)
	}

	for _, method := range []string{"GET", "POST"} {
		if r := c.ask(method, "4lost"); r.status != 400 || !strings.Contains(r.body, `"code":3`) {
			t.Errorf("%s after the upgrade: %d %q", method, r.status, r.body)
		}
	}
	h.probe(c).wantEnd()
	ws.say("4hello again")
	ws.want("4hello again")
	ws.Close()
	p.wantClosed(t, engineio.TransportClose)
	c.wantGone()
}

// However the probing socket misbehaves, it alone is closed.
func TestMisusedProbeEndsAlone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		say  []string
	}{
		{"message first", []string{"4early"}},
		{"upgrade without probe", []string{"5"}},
		{"another probe", []string{"2"}},
		{"message before upgrade", []string{"2probe", "4early"}},
		{"probe twice", []string{"2probe", "2probe"}},
		{"close", []string{"2probe", "1"}},
		{"longer upgrade", []string{"2probe", "5probe"}},
		{"not UTF-8", []string{"\xff"}},
		{"never upgrades", []string{"2probe"}},
		{"silent", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := start(t, engineio.Config{UpgradeTimeout: 300 * time.Millisecond}, echo)
			c, p := h.poll(t)
			ws := h.probe(c)
			for i, text := range tc.say {
				ws.say(text)
				if i == 0 && text == "2probe" {
					ws.want("3probe")
				}
			}
			ws.wantEnd()
			c.post("4still polling")
			c.want("4still polling")
			await(t, func() bool { return !engineio.Probing(p.Session) })
			ws = h.upgrade(c)
			ws.say("4and can move")
			ws.want("4and can move")
		})
	}
}

func TestSecondProbeEndsAlone(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	ws := h.probe(c)
	ws.say("2probe")
	ws.want("3probe")
	for range 20 {
		h.probe(c).wantEnd()
	}
	ws.say("5")
	ws.say("4hello")
	ws.want("4hello")
	p.Close(engineio.ForcedClose)
	if code := ws.closeCode(); code != websocket.CloseNormalClosure {
		t.Errorf("close code is %d", code)
	}
}

// A WebSocket ping needs its answer while the session is still elsewhere.
func TestPingOnTheProbingSocket(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, _ := h.poll(t)
	ws := h.probe(c)
	ponged := false
	ws.SetPongHandler(func(string) error { ponged = true; return nil })
	_ = ws.WriteControl(websocket.PingMessage, []byte("x"), time.Now().Add(time.Second))
	ws.say("2probe")
	ws.want("3probe")
	if !ponged {
		t.Error("no pong")
	}
}

// While the client makes ready to move, polling goes on.
func TestPollingDuringTheProbe(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	pending := c.pend(p)
	ws := h.probe(c)
	ws.say("2probe")
	ws.want("3probe")
	if r := <-pending; r.body != "6" {
		t.Errorf("the GET that waited got %q", r.body)
	}
	for range 2 {
		c.post("4during")
		c.want("4during")
		began := time.Now()
		c.want("6")
		if took := time.Since(began); took < 90*time.Millisecond {
			t.Errorf("a noop after %v", took)
		}
	}
	_ = p.Send(engineio.NewTextString("before"))
	ws.say("5")
	ws.want("4before")
}

// Python moves without waiting for its GET.
func TestUpgradeReleasesAPendingGet(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	ws := h.probe(c)
	ws.say("2probe")
	ws.want("3probe")
	pending := c.pend(p)
	ws.say("5")
	ws.say("4hello")
	ws.want("4hello")
	if r := <-pending; r.status != 200 || r.body != "6" {
		t.Errorf("GET: %d %q", r.status, r.body)
	}
}

// A session that ends takes its probing socket with it.
func TestCloseDuringTheProbe(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	ws := h.probe(c)
	ws.say("2probe")
	ws.want("3probe")
	p.Close(engineio.ForcedClose)
	ws.wantEnd()
	p.wantClosed(t, engineio.ForcedClose)
	c.want("1")
	c.wantGone()
}

// What a POST brings that began before the upgrade comes before what the WebSocket brings.
func TestUpgradeWaitsForThePost(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	body, feed := io.Pipe()
	posted := make(chan int, 1)
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", c.url, body)
		res, err := c.web.Do(req)
		if err != nil {
			posted <- 0
			return
		}
		res.Body.Close()
		posted <- res.StatusCode
	}()
	_, _ = io.WriteString(feed, "4by P")
	await(t, func() bool { return engineio.Receives(p.Session) })
	ws := h.upgrade(c)
	ws.say("4by WebSocket")
	_, _ = io.WriteString(feed, "OST")
	feed.Close()
	ws.want("4by POST")
	ws.want("4by WebSocket")
	if status := <-posted; status != 200 {
		t.Errorf("POST: %d", status)
	}
}

// A ping that left by polling just before the move is not held against the client.
func TestUpgradeRestartsTheHeartbeat(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{PingInterval: 300 * time.Millisecond, PingTimeout: 500 * time.Millisecond}, echo)
	c, p := h.poll(t)
	c.want("2")
	ws := h.upgrade(c)
	began := time.Now()
	ws.want("2")
	if took := time.Since(began); took < 250*time.Millisecond {
		t.Errorf("the next ping came after %v", took)
	}
	ws.say("3")
	ws.want("2")
	p.Close(engineio.ForcedClose)
}

func TestBase64AfterTheUpgrade(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, _ := h.poll(t)
	ws := h.dial(t, "EIO=4&transport=websocket&b64=1&sid="+c.sid)
	ws.say("2probe")
	ws.want("3probe")
	ws.say("5")
	ws.sayBinary("\x01\x02\x03\x04")
	ws.want("bAQIDBA==")
}

// A message each way every millisecond while the client moves as the official one does: it stops
// polling and posting, then says 5.
func TestNothingIsLostRepeatedOrReorderedByAnUpgrade(t *testing.T) {
	t.Parallel()
	for round := range 5 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			const upstream = 400
			var heard []string
			received := make(chan struct{})
			h := start(t, engineio.Config{}, func(_ *peer, m engineio.Message) {
				if heard = append(heard, string(m.Data)); len(heard) == upstream {
					close(received)
				}
			})
			c, p := h.poll(t)
			sent := make(chan int)
			stop := make(chan struct{})
			go func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						sent <- n
						return
					case <-time.After(time.Millisecond):
						_ = p.Send(engineio.NewTextString(strconv.Itoa(n)))
					}
				}
			}()

			var got []string
			var polls, posts sync.WaitGroup
			pause := make(chan struct{})
			polls.Go(func() {
				for !closed(pause) {
					got = append(got, packets(c.get())...)
				}
			})
			said := 0
			posts.Go(func() {
				for ; !closed(pause); said++ {
					c.post(fmt.Sprintf("4%d", said))
				}
			})
			time.Sleep(100 * time.Millisecond)
			ws := h.probe(c)
			ws.say("2probe")
			ws.want("3probe")
			close(pause)
			polls.Wait()
			posts.Wait()
			ws.say("5")
			for ; said < upstream; said++ {
				ws.say(fmt.Sprintf("4%d", said))
			}
			<-received
			close(stop)
			total := <-sent
			for count(got) < total {
				got = append(got, ws.text())
			}
			wantRow(t, got, total)
			for i, text := range heard {
				if text != strconv.Itoa(i) {
					t.Fatalf("message %d from the client is %q", i, text)
				}
			}
		})
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func count(packets []string) (messages int) {
	for _, text := range packets {
		if text[0] == '4' {
			messages++
		}
	}
	return messages
}

func wantRow(t *testing.T, packets []string, total int) {
	t.Helper()
	next := 0
	for _, text := range packets {
		if text[0] != '4' {
			continue
		}
		if text != fmt.Sprintf("4%d", next) {
			t.Fatalf("message %d is %q", next, text)
		}
		next++
	}
	if next != total {
		t.Errorf("got %d messages of %d", next, total)
	}
}

func TestUpgradesLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	var clients sync.WaitGroup
	for i := range 50 {
		c, p := h.poll(t)
		clients.Go(func() {
			ws := h.upgrade(c)
			ws.say("4hello")
			ws.want("4hello")
			if i%2 == 0 {
				ws.Close()
			} else {
				ws.say("1")
				ws.closeCode()
			}
			p.wantClosed(t, engineio.TransportClose)
		})
	}
	clients.Wait()
	if h.Count() != 0 || engineio.Farewells(h.Server) != 0 {
		t.Errorf("%d sessions, %d farewells are left", h.Count(), engineio.Farewells(h.Server))
	}
}
