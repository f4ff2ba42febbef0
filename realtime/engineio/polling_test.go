package engineio_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/realtime/engineio"
)

// poller is a long-polling client that speaks Engine.IO by hand.
type poller struct {
	testing.TB
	url, sid string
	web      *http.Client
}

// poll opens a polling session.
func (h *host) poll(t testing.TB) (*poller, *peer) {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	c := &poller{TB: t, url: h.url + "/?EIO=4&transport=polling", web: &http.Client{Transport: transport}}
	text := c.get()
	var opened struct {
		SID      string
		Upgrades []string
	}
	if err := json.Unmarshal([]byte(text[1:]), &opened); err != nil || text[0] != '0' || len(opened.Upgrades) != 1 {
		t.Fatalf("open packet %q: %v", text, err)
	}
	c.sid = opened.SID
	c.url += "&sid=" + opened.SID
	return c, <-h.peers
}

type reply struct {
	status int
	body   string
	header http.Header
}

func (c *poller) do(ctx context.Context, method, body string, header ...string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.web.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, string(text), res.Header}, err
}

func (c *poller) ask(method, body string, header ...string) reply {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 10*time.Second)
	defer cancel()
	r, err := c.do(ctx, method, body, header...)
	if err != nil {
		c.Fatalf("%s: %v", method, err)
	}
	return r
}

func (c *poller) get() string {
	c.Helper()
	r := c.ask("GET", "")
	if r.status != 200 {
		c.Fatalf("GET: %d %q", r.status, r.body)
	}
	return r.body
}

func (c *poller) post(body string) {
	c.Helper()
	if r := c.ask("POST", body); r.status != 200 || r.body != "ok" {
		c.Fatalf("POST %.40q: %d %q", body, r.status, r.body)
	}
}

func (c *poller) want(body string) {
	c.Helper()
	if got := c.get(); got != body {
		c.Fatalf("GET: got %q, want %q", got, body)
	}
}

// wantGone says that the session is no longer known.
func (c *poller) wantGone() {
	c.Helper()
	if r := c.ask("GET", ""); r.status != 400 || !strings.Contains(r.body, `"code":1`) {
		c.Errorf("GET after the end: %d %q", r.status, r.body)
	}
}

// pend sends a GET and returns when the server holds it.
func (c *poller) pend(p *peer) <-chan reply {
	c.Helper()
	answer := make(chan reply, 1)
	go func() {
		r, _ := c.do(context.Background(), "GET", "")
		answer <- r
	}()
	await(c, func() bool { return engineio.Holds(p.Session) })
	return answer
}

func await(t testing.TB, ready func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come about")
		}
	}
}

// The rows of the public Engine.IO suite about messages over polling.
func TestSuitePollingMessages(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		"4hello",
		"4test1\x1e4test2\x1e4test3",
		"4hello\x1ebAQIDBA==",
		"4ä€😀",
	} {
		c, _ := start(t, engineio.Config{}, echo).poll(t)
		c.post(payload)
		c.want(payload)
	}
}

func TestSuitePollingOpen(t *testing.T) {
	t.Parallel()
	h := start(t, suite, echo)
	res, err := http.Get(h.url + "/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	var keys map[string]any
	if err := json.Unmarshal(text[1:], &keys); err != nil || text[0] != '0' {
		t.Fatalf("%q: %v", text, err)
	}
	delete(keys, "sid")
	want := map[string]any{"upgrades": []any{"websocket"}, "pingInterval": 300.0, "pingTimeout": 200.0, "maxPayload": 1e6}
	if fmt.Sprint(keys) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", keys, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain; charset=UTF-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Content-Length": strconv.Itoa(len(text)),
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// onFakePolls runs f with two sessions of a server on a clock that jumps ahead while everybody waits. ask is
// for requests of the first.
func onFakePolls(t *testing.T, cfg engineio.Config, f func(t *testing.T, s *engineio.Server, ask func(method, body string) string, peers []*peer)) {
	synctest.Test(t, func(t *testing.T) {
		var peers []*peer
		server := engineio.NewServer(cfg, func(s *engineio.Session, _ *http.Request) engineio.Handler {
			peers = append(peers, &peer{Session: s, closed: make(chan engineio.Reason, 2)})
			return peers[len(peers)-1]
		})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- server.Run(ctx) }()
		time.Sleep(7 * time.Millisecond) // the wheel turns at other moments
		for range 2 {
			poll(server, httptest.NewRecorder(), "GET", "", "")
		}
		f(t, server, func(method, body string) string {
			w := httptest.NewRecorder()
			poll(server, w, method, "&sid="+peers[0].ID(), body)
			return fmt.Sprint(w.Code, " ", w.Body)
		}, peers)
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}

func TestSuitePollingHeartbeat(t *testing.T) {
	t.Parallel()
	onFakePolls(t, suite, func(t *testing.T, _ *engineio.Server, ask func(method, body string) string, peers []*peer) {
		for range 3 {
			before := time.Now()
			if got := ask("GET", ""); got != "200 2" {
				t.Fatalf("GET: %q", got)
			}
			within(t, "ping", before, 300*time.Millisecond)
			time.Sleep(190 * time.Millisecond)
			if got := ask("POST", "3"); got != "200 ok" {
				t.Fatalf("POST: %q", got)
			}
		}
		peers[1].wantClosed(t, engineio.PingTimeout)
	})
}

// The session has to be dead at that very moment, and nobody may have to ask for it.
func TestSuitePollingPingTimeout(t *testing.T) {
	t.Parallel()
	onFakePolls(t, suite, func(t *testing.T, s *engineio.Server, ask func(method, body string) string, peers []*peer) {
		time.Sleep(500 * time.Millisecond)
		if got := ask("GET", ""); !strings.HasPrefix(got, `400 {"code":1,`) {
			t.Errorf("GET: %q", got)
		}
		time.Sleep(20 * time.Millisecond) // a tick or two
		for _, p := range peers {
			p.wantClosed(t, engineio.PingTimeout)
		}
		if n := s.Count(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

func TestPollingHeartbeatWithAGetPending(t *testing.T) {
	t.Parallel()
	onFakePolls(t, suite, func(t *testing.T, _ *engineio.Server, ask func(method, body string) string, peers []*peer) {
		for _, want := range []string{"200 2", "200 1", "400 "} { // no pong
			if got := ask("GET", ""); !strings.HasPrefix(got, want) {
				t.Errorf("GET: %q, want %q", got, want)
			}
		}
		peers[0].wantClosed(t, engineio.PingTimeout)
	})
}

func TestSuitePollingClose(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{CloseGrace: 200 * time.Millisecond}, echo)
	t.Run("with a GET pending", func(t *testing.T) {
		c, p := h.poll(t)
		pending := c.pend(p)
		c.post("1")
		if r := <-pending; r.status != 200 || r.body != "6" {
			t.Errorf("GET: %d %q", r.status, r.body)
		}
		p.wantClosed(t, engineio.TransportClose)
		c.wantGone()
	})
	t.Run("before the GET", func(t *testing.T) {
		c, p := h.poll(t)
		c.post("1")
		p.wantClosed(t, engineio.TransportClose)
		c.want("6")
		c.wantGone()
	})
	t.Run("without any GET", func(t *testing.T) {
		c, p := h.poll(t)
		c.post("4ping me\x1e1")
		p.wantClosed(t, engineio.TransportClose)
		await(t, func() bool { return engineio.Farewells(h.Server) == 0 })
		c.wantGone()
	})
	if n := h.Count(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestSuiteOverlappingGets(t *testing.T) {
	t.Parallel()
	c, p := start(t, engineio.Config{}, echo).poll(t)
	pending := c.pend(p)
	if r := c.ask("GET", ""); r.status != 400 {
		t.Errorf("second GET: %d %q", r.status, r.body)
	}
	if r := <-pending; r.status != 200 || r.body != "1" {
		t.Errorf("first GET: %d %q", r.status, r.body)
	}
	p.wantClosed(t, engineio.TransportError)
	c.wantGone()
}

func TestSuiteCancelledGet(t *testing.T) {
	t.Parallel()
	c, p := start(t, engineio.Config{}, echo).poll(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := c.do(ctx, "GET", "")
		done <- err
	}()
	await(t, func() bool { return engineio.Holds(p.Session) })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if r := c.ask("GET", ""); r.status != 400 {
		t.Errorf("GET: %d %q", r.status, r.body)
	}
	p.wantClosed(t, engineio.TransportError)
	c.wantGone()
}

// Each of these ends the session, and what came before it in the same body has arrived.
func TestBadPosts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body, kind string
		status           int
		reason           engineio.Reason
		arrived          int
	}{
		{"unknown type", "abc", "", 400, engineio.ParseError, 0},
		{"empty", "", "", 400, engineio.ParseError, 0},
		{"empty packet", "4a\x1e\x1e4b", "", 400, engineio.ParseError, 1},
		{"separator at the end", "4a\x1e", "", 400, engineio.ParseError, 1},
		{"bad base64", "4a\x1eb%%", "", 400, engineio.ParseError, 1},
		{"not UTF-8", "4a\x1e4\xff", "", 400, engineio.ParseError, 1},
		{"ping", "4a\x1e2\x1e4b", "", 400, engineio.TransportError, 1},
		{"octet-stream", "4a", "application/octet-stream", 400, engineio.TransportError, 0},
		{"too many packets", strings.Repeat("4\x1e", 100) + "4", "", 400, engineio.TransportError, 0},
		{"too large", "4" + strings.Repeat("x", 1000), "", 413, engineio.TransportError, 0},
		{"all else", "4a\x1e0\x1e5\x1e6\x1e3probe\x1e4b", "application/json", 200, "", 2},
		{"as large as may be", "4" + strings.Repeat("x", 999), "", 200, "", 1},
		{"as many as may be", strings.Repeat("4\x1e", 99) + "4", "", 200, "", 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := 0
			c, p := start(t, engineio.Config{MaxPayload: 1000, MaxPackets: 100},
				func(*peer, engineio.Message) { got++ }).poll(t)
			r := c.ask("POST", tc.body, "Content-Type", tc.kind)
			if r.status != tc.status || got != tc.arrived {
				t.Errorf("%d %q, %d messages", r.status, r.body, got)
			}
			if tc.reason != "" {
				p.wantClosed(t, tc.reason)
				c.wantGone()
			}
		})
	}
}

func TestLargeBodyWithoutALengthIsNotBuffered(t *testing.T) {
	t.Parallel()
	c, p := start(t, engineio.Config{MaxPayload: 1000}, echo).poll(t)
	sent := &endless{}
	req, err := http.NewRequestWithContext(t.Context(), "POST", c.url, io.LimitReader(sent, 100<<20))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := c.web.Do(req); err == nil {
		res.Body.Close()
		if res.StatusCode != 413 {
			t.Errorf("status is %d", res.StatusCode)
		}
	}
	p.wantClosed(t, engineio.TransportError)
	c.wantGone()
	if n := sent.bytes.Load(); n > 50<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

// endless is a body without end. It counts, since it may still be read when the answer is there.
type endless struct{ bytes atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '4'
	}
	e.bytes.Add(int64(len(p)))
	return len(p), nil
}

func TestOverlappingPostsEndTheSession(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	body, feed := io.Pipe()
	first := make(chan int, 1)
	go func() {
		req, _ := http.NewRequestWithContext(context.Background(), "POST", c.url, body)
		res, err := c.web.Do(req)
		if err != nil {
			first <- 0
			return
		}
		res.Body.Close()
		first <- res.StatusCode
	}()
	_, _ = feed.Write([]byte("4hal"))
	await(t, func() bool { return engineio.Receives(p.Session) })
	if r := c.ask("POST", "4b"); r.status != 400 {
		t.Errorf("second POST: %d %q", r.status, r.body)
	}
	if status := <-first; status == 200 {
		t.Error("the first POST succeeded")
	}
	feed.Close()
	p.wantClosed(t, engineio.TransportError)
	c.wantGone()
}

func TestServerClosesAPollingSession(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	t.Run("with a GET pending", func(t *testing.T) {
		c, p := h.poll(t)
		pending := c.pend(p)
		p.Close(engineio.ForcedClose)
		if r := <-pending; r.status != 200 || r.body != "1" {
			t.Errorf("GET: %d %q", r.status, r.body)
		}
		p.wantClosed(t, engineio.ForcedClose)
		c.wantGone()
	})
	t.Run("without, what is queued is still delivered", func(t *testing.T) {
		c, p := h.poll(t)
		for i := range 20 {
			_ = p.Send(engineio.NewTextString(strconv.Itoa(i)))
		}
		p.Close(engineio.ForcedServerClose)
		p.wantClosed(t, engineio.ForcedServerClose)
		if r := c.ask("POST", "4late"); r.status != 400 {
			t.Errorf("POST: %d %q", r.status, r.body)
		}
		if got := packets(c.get()); len(got) != 16 || got[15] != "415" {
			t.Errorf("first GET: %q", got)
		}
		c.want("416\x1e417\x1e418\x1e419\x1e1")
		c.wantGone()
	})
	t.Run("in a message", func(t *testing.T) {
		h := start(t, engineio.Config{}, func(p *peer, _ engineio.Message) {
			_ = p.Send(engineio.NewTextString("bye"))
			p.Close(engineio.ForcedClose)
		})
		c, p := h.poll(t)
		c.post("4a\x1e4b")
		p.wantClosed(t, engineio.ForcedClose)
		c.want("4bye\x1e1")
		c.wantGone()
	})
	t.Run("not accepted", func(t *testing.T) {
		h := startServer(t, engineio.NewServer(engineio.Config{}, func(*engineio.Session, *http.Request) engineio.Handler { return nil }))
		c := &poller{TB: t, url: h.url + "/?EIO=4&transport=polling", web: http.DefaultClient}
		if got := packets(c.get()); len(got) != 2 || got[1] != "1" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("after a panic", func(t *testing.T) {
		c, p := start(t, engineio.Config{}, func(*peer, engineio.Message) { panic("no") }).poll(t)
		if r := c.ask("POST", "4a"); r.status != 400 {
			t.Errorf("POST: %d %q", r.status, r.body)
		}
		p.wantClosed(t, engineio.ForcedClose)
		c.want("1")
	})
}

// wantIdle says that nothing is counted as queued, soon after the client has it.
func (p *peer) wantIdle(t *testing.T) {
	t.Helper()
	await(t, func() bool {
		bytes, frames := p.Queued()
		return bytes == 0 && frames == 0
	})
}

func packets(body string) []string { return strings.Split(body, "\x1e") }

// The official Python client gives up above 16.
func TestNoMoreThan16PacketsInAPoll(t *testing.T) {
	t.Parallel()
	c, p := start(t, engineio.Config{}, echo).poll(t)
	var want []string
	for i := range 15 {
		want = append(want, fmt.Sprintf("4%d", i))
		_ = p.Send(engineio.NewTextString(strconv.Itoa(i)))
	}
	// A binary event with its attachments lies across the border, as one frame and as several.
	event := []*engineio.Frame{engineio.NewTextString("event"), engineio.NewBinary([]byte{1}), engineio.NewBinary([]byte{2})}
	for range 20 {
		want = append(want, "4event", "bAQ==", "bAg==", "4event", "bAQ==", "bAg==")
		_ = p.SendAll(event...)
		_ = p.Send(engineio.Batch(event...))
	}
	var got []string
	for len(got) < len(want) {
		part := packets(c.get())
		if len(part) > 16 || len(part) < 16 && len(got)+len(part) != len(want) {
			t.Fatalf("%d packets in a response", len(part))
		}
		got = append(got, part...)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q", got)
	}
	p.wantIdle(t)
}

// What could not be written comes with the next GET, before what was sent since.
func TestFailedResponseLosesNothing(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	for i := range 20 {
		_ = p.Send(engineio.NewTextString(strconv.Itoa(i)))
	}
	for _, w := range []http.ResponseWriter{brokenWriter{httptest.NewRecorder()}, brokenFlusher{httptest.NewRecorder()}} {
		h.ServeHTTP(w, httptest.NewRequest("GET", "/?EIO=4&transport=polling&sid="+c.sid, nil))
	}
	_ = p.Send(engineio.NewTextString("20"))
	got := append(packets(c.get()), packets(c.get())...)
	for i, text := range got {
		if text != fmt.Sprintf("4%d", i) {
			t.Fatalf("got %q", got)
		}
	}
	if len(got) != 21 {
		t.Errorf("got %d packets", len(got))
	}
	p.wantIdle(t)
}

type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

type brokenFlusher struct{ http.ResponseWriter }

func (brokenFlusher) FlushError() error { return io.ErrClosedPipe }

func TestPollingSlowConsumer(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{QueueFrames: 10}, echo)
	c, p := h.poll(t)
	var err error
	for i := 0; i < 11 && err == nil; i++ { // the first packet of the session may still be queued, too
		err = p.Send(text200)
	}
	if !errors.Is(err, engineio.ErrSlowConsumer) {
		t.Errorf("got %v", err)
	}
	p.wantClosed(t, engineio.SlowConsumer)
	c.wantGone()
}

// Thousands of sessions that nobody polls cost no goroutine and go by themselves.
func TestAbandonedPollingSessionsAreReaped(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{PingInterval: 400 * time.Millisecond, PingTimeout: 400 * time.Millisecond}, echo)
	const many = 500
	var peers []*peer
	for range many {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/?EIO=4&transport=polling", nil))
		if w.Code != 200 {
			t.Fatalf("handshake: %d", w.Code)
		}
		peers = append(peers, <-h.peers)
	}
	for _, p := range peers {
		p.wantClosed(t, engineio.PingTimeout)
	}
	if h.Count() != 0 || engineio.Farewells(h.Server) != 0 {
		t.Errorf("%d sessions, %d farewells are left", h.Count(), engineio.Farewells(h.Server))
	}
}

func TestDrainWithPollingSessions(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c, p := h.poll(t)
	away, absent := h.poll(t)
	pending := c.pend(p)
	if err := h.Drain(t.Context(), 0); err != nil || h.Count() != 0 {
		t.Errorf("Drain: %v, %d left", err, h.Count())
	}
	if r := <-pending; r.body != "1" {
		t.Errorf("GET: %d %q", r.status, r.body)
	}
	p.wantClosed(t, engineio.ServerShuttingDown)
	absent.wantClosed(t, engineio.ServerShuttingDown)
	away.want("1")
	c.url, _, _ = strings.Cut(c.url, "&sid")
	if r := c.ask("GET", ""); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("handshake: %d %v", r.status, r.header)
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	c, p := start(t, engineio.Config{CompressAbove: 1024}, echo).poll(t)
	long := strings.Repeat("long ", 1000)
	for _, tc := range []struct {
		accept, text string
		want         bool
	}{
		{"gzip", long, true},
		{"br;q=1.0, GZIP;q=0.5", long, true},
		{"gzip;q=0", long, false},
		{"", long, false},
		{"br", long, false},
		{"gzip", "short", false},
	} {
		_ = p.Send(engineio.NewTextString(tc.text))
		r := c.ask("GET", "", "Accept-Encoding", tc.accept)
		if got := r.header.Get("Content-Encoding") == "gzip"; got != tc.want {
			t.Errorf("%q, %d bytes: compressed is %v", tc.accept, len(tc.text), got)
		}
		text := r.body
		if tc.want {
			z, err := gzip.NewReader(bytes.NewReader([]byte(text)))
			if err != nil {
				t.Fatal(err)
			}
			plain, _ := io.ReadAll(z)
			text = string(plain)
		}
		if text != "4"+tc.text {
			t.Errorf("%q: got %.40q", tc.accept, text)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const app = "https://app.example.com"
	h := start(t, engineio.Config{CheckOrigin: engineio.AllowOrigins(app)}, echo)
	c, _ := h.poll(t)
	for _, tc := range []struct {
		name, method, query, origin string
		status                      int
		echoed                      bool
	}{
		{"handshake", "GET", "&transport=polling", app, 200, true},
		{"POST", "POST", "&transport=polling&sid=" + c.sid, app, 200, true},
		{"error", "GET", "&transport=polling&sid=none", app, 400, true},
		{"foreign handshake", "GET", "&transport=polling", "https://evil.example", 403, false},
		{"foreign POST", "POST", "&transport=polling&sid=" + c.sid, "https://evil.example", 403, false},
		{"no origin", "GET", "&transport=polling", "", 200, false},
		{"null", "GET", "&transport=polling", "null", 403, false},
		{"preflight", "OPTIONS", "&transport=polling", app, 204, true},
		{"foreign preflight", "OPTIONS", "&transport=polling", "https://evil.example", 403, false},
	} {
		req, _ := http.NewRequestWithContext(t.Context(), tc.method, h.url+"/?EIO=4"+tc.query, strings.NewReader("4a"))
		if tc.origin != "" {
			req.Header.Set("Origin", tc.origin)
		}
		req.Header.Set("Access-Control-Request-Headers", "authorization")
		res, err := c.web.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		allowed, credentials := res.Header.Get("Access-Control-Allow-Origin"), res.Header.Get("Access-Control-Allow-Credentials")
		if res.StatusCode != tc.status || (allowed == app && credentials == "true") != tc.echoed || !tc.echoed && allowed+credentials != "" {
			t.Errorf("%s: %d, allowed %q with %q", tc.name, res.StatusCode, allowed, credentials)
		}
		if !strings.Contains(strings.Join(res.Header.Values("Vary"), ","), "Origin") {
			t.Errorf("%s: Vary is %q", tc.name, res.Header.Values("Vary"))
		}
		if tc.status == 204 && (res.Header.Get("Access-Control-Allow-Headers") != "authorization" ||
			res.Header.Get("Access-Control-Allow-Methods") != "GET,POST") {
			t.Errorf("%s: %v", tc.name, res.Header)
		}
	}
}

// A server's ReadTimeout is about requests that do not arrive, not about answers that take long.
func TestReadTimeoutDoesNotEndAPoll(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	web := httptest.NewUnstartedServer(h.Server)
	web.Config.ReadTimeout = 100 * time.Millisecond
	web.Config.WriteTimeout = 100 * time.Millisecond
	web.Start()
	t.Cleanup(web.Close)
	h.url = web.URL
	c, p := h.poll(t)
	pending := c.pend(p)
	time.Sleep(300 * time.Millisecond)
	_ = p.Send(engineio.NewTextString("late"))
	if r := <-pending; r.status != 200 || r.body != "4late" {
		t.Errorf("GET: %d %q", r.status, r.body)
	}
	c.post("4hello")
	c.want("4hello")
}
