package engineio_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/realtime/engineio"
)

// A body full of tiny packets is refused before any of them is acted on, and costs next to nothing.
func TestFloodsOfPacketsInOnePost(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"pings":  strings.Repeat("2\x1e", 499_999) + "2",
		"empty":  strings.Repeat("\x1e", 999_999),
		"noops":  strings.Repeat("6\x1e", 5000) + "6",
		"base64": strings.Repeat("b\x1e", 5000) + "b",
	} {
		t.Run(name, func(t *testing.T) {
			messages := 0
			c, p := start(t, engineio.Config{}, func(*peer, engineio.Message) { messages++ }).poll(t)
			if r := c.ask("POST", body); r.status != 400 {
				t.Errorf("%d %q", r.status, r.body)
			}
			p.wantClosed(t, engineio.TransportError)
			if messages != 0 {
				t.Errorf("%d messages arrived", messages)
			}
		})
	}
}

// bare sends a request as it is written, and returns what is read until the connection ends.
func (h *host) bare(t testing.TB, request string) (*net.TCPConn, <-chan string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(conn)
		answer <- string(text)
	}()
	tcp, _ := conn.(*net.TCPConn)
	return tcp, answer
}

// A body that is not as long as announced ends its session when that is known, and holds nothing up.
func TestBodiesThatAreNotAsAnnounced(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	web := httptest.NewUnstartedServer(h.Server)
	web.Config.ReadTimeout = 300 * time.Millisecond
	web.Start()
	t.Cleanup(web.Close)
	h.url = web.URL
	post := func(c *poller, length int, body string) string {
		return fmt.Sprintf("POST /?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", c.sid, length, body)
	}
	t.Run("shorter, and the client goes", func(t *testing.T) {
		c, p := h.poll(t)
		conn, _ := h.bare(t, post(c, 1000, "4hal"))
		_ = conn.CloseWrite()
		p.wantClosed(t, engineio.TransportError)
		c.wantGone()
	})
	t.Run("shorter, and the client waits", func(t *testing.T) {
		c, p := h.poll(t)
		_, answer := h.bare(t, post(c, 1000, "4hal"))
		p.wantClosed(t, engineio.TransportError)
		if got := <-answer; !strings.Contains(got, " 400 ") {
			t.Errorf("answered with %q", got)
		}
		c.wantGone()
	})
	t.Run("longer", func(t *testing.T) {
		c, _ := h.poll(t)
		_, answer := h.bare(t, post(c, 2, "4a4b and so on\r\n\r\n"))
		if got := <-answer; !strings.Contains(got, " 200 ") || !strings.Contains(got, " 400 ") {
			t.Errorf("answered with %q", got)
		}
		c.want("4a") // the rest was no request
	})
}

// Every request is answered, whatever its method, and frees what it took.
func TestStrangeRequestsOfASession(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	for _, method := range []string{"HEAD", "OPTIONS", "TRACE", "PATCH", "PUT", "DELETE", "PROPFIND"} {
		if r := c.ask(method, ""); r.status != 400 {
			t.Errorf("%s: %d %q", method, r.status, r.body)
		}
	}
	c.post("4still there")
	c.want("4still there")
	for range 200 {
		if r := c.ask("POST", "4a", "Content-Type", "application/octet-stream"); r.status != 400 {
			t.Errorf("%d %q", r.status, r.body)
		}
	}
	p.wantClosed(t, engineio.TransportError)
	await(t, func() bool { return h.Count() == 0 && engineio.Farewells(h.Server) == 0 })
}

// Of many WebSockets that want the same session at once, one gets it.
func TestManyProbesAtOnce(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	const many = 50
	ended, moved := make(chan int, many), make(chan *client, many)
	var all sync.WaitGroup
	for range many {
		ws := h.probe(c)
		all.Go(func() {
			for _, text := range []string{"2probe", "5"} {
				_ = ws.WriteMessage(websocket.TextMessage, []byte(text))
			}
			if _, data, err := ws.ReadMessage(); err == nil && string(data) == "3probe" {
				moved <- ws
				return
			}
			ended <- 1
		})
	}
	all.Wait()
	// A second one may have come when the first had failed, but none has.
	if len(moved) != 1 {
		t.Fatalf("%d were answered", len(moved))
	}
	ws := <-moved
	ws.say("4once")
	ws.want("4once")
	_ = p.Send(engineio.NewTextString("and once"))
	ws.want("4and once")
}

// A client that does not read its poll response holds its request up for WriteTimeout. Then the next one
// gets all of it.
func TestResponseThatIsNotRead(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{WriteTimeout: 3 * time.Second, QueueBytes: 1 << 30}, echo)
	c, p := h.poll(t)
	large := engineio.NewText([]byte(strings.Repeat("x", 4_000_000)))
	for range 3 {
		_ = p.Send(large)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	_, _ = fmt.Fprintf(conn, "GET /?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n", c.sid)
	await(t, func() bool { return engineio.Answers(p.Session) })
	got := packets(c.get())
	for _, text := range got {
		if len(text) != 4_000_001 {
			t.Errorf("a packet of %d bytes", len(text))
		}
	}
	if len(got) != 3 {
		t.Errorf("%d packets", len(got))
	}
	p.wantIdle(t)
}

// Thousands of clients that come and go leave nothing, whichever way they came.
func TestChurnOfPollingSessions(t *testing.T) {
	t.Parallel()
	a := engineio.NewArrivals(engineio.ArrivalsConfig{})
	h := start(t, engineio.Config{Arrivals: a, CloseGrace: 50 * time.Millisecond}, echo)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 100 {
				w := httptest.NewRecorder()
				poll(h, w, "GET", "", "")
				p := <-h.peers
				query := "&sid=" + p.ID()
				switch i % 3 {
				case 0:
					poll(h, httptest.NewRecorder(), "POST", query, "4a\x1e1")
				case 1:
					ctx, cancel := context.WithCancel(context.Background())
					cancel()
					h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/?EIO=4&transport=polling"+query, nil))
				case 2:
					p.Close(engineio.ForcedClose)
					poll(h, httptest.NewRecorder(), "GET", query, "")
				}
				select {
				case <-p.closed:
				case <-time.After(10 * time.Second):
					t.Error("a session was never closed")
				}
			}
		})
	}
	all.Wait()
	await(t, func() bool { return h.Count()+engineio.Farewells(h.Server)+a.Unsettled() == 0 })
}

// Nothing of one client's is in what another is told.
func TestRefusalsSayNothingOfTheRequest(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	for _, query := range []string{"transport=secret", "EIO=secret&transport=polling", "EIO=4&transport=polling&sid=secret", "EIO=4&transport=websocket&sid=secret"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?"+query, nil))
		if strings.Contains(w.Body.String()+fmt.Sprint(w.Header()), "secret") {
			t.Errorf("%s: %s", query, w.Body)
		}
	}
}
