package engineio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"parley/realtime/engineio"
)

// startPlain runs a plain server.
func startPlain(t testing.TB, cfg engineio.Config, onMessage func(*peer, engineio.Message)) *host {
	t.Helper()
	peers := make(chan *peer, 8192)
	h := startServer(t, engineio.NewPlainServer(cfg, func(s *engineio.Session, _ *http.Request) engineio.Handler {
		p := &peer{Session: s, onMessage: onMessage, closed: make(chan engineio.Reason, 2)}
		peers <- p
		return p
	}))
	h.peers = peers
	return h
}

func echoPlain(p *peer, m engineio.Message) { _ = p.Send(engineio.NewPlain(m.Data)) }

// ends reads up to the end of the connection.
func (c *client) ends() (code int, text string) {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		_, _, err := c.ReadMessage()
		if e, ok := errors.AsType[*websocket.CloseError](err); ok {
			return e.Code, e.Text
		}
		if err != nil {
			c.Fatalf("ended with %v", err)
		}
	}
}

func TestPlainMessagesAreWhatTheyAre(t *testing.T) {
	t.Parallel()
	c := startPlain(t, engineio.Config{}, echoPlain).dial(t, "")
	for _, text := range []string{"", "2", "2probe", "x", `{"event":"x"}`, strings.Repeat("é", 100_000)} {
		c.say(text)
		c.want(text)
	}
}

func TestPlainFramesAreBuiltInPlace(t *testing.T) {
	t.Parallel()
	h := startPlain(t, engineio.Config{}, nil)
	c := h.dial(t, "")
	p := <-h.peers
	for _, text := range []string{"", "x", strings.Repeat("x", 125), strings.Repeat("x", 126), strings.Repeat("x", 1<<16)} {
		f := engineio.NewPlainFunc(0, func(dst []byte) []byte { return append(dst, text...) })
		if want := engineio.NewPlain([]byte(text)).Size(); f.Size() != want || f.Packets() != 1 {
			t.Errorf("%d bytes: size %d, want %d", len(text), f.Size(), want)
		}
		if err := p.Send(f); err != nil {
			t.Fatal(err)
		}
		c.want(text)
	}
}

func TestPlainMisuseEndsWithItsCode(t *testing.T) {
	t.Parallel()
	h := startPlain(t, engineio.Config{MaxPayload: 1000}, echoPlain)
	for name, tc := range map[string]struct {
		kind   int
		data   string
		code   int
		reason engineio.Reason
	}{
		"binary":    {websocket.BinaryMessage, "x", 1003, engineio.TransportError},
		"too large": {websocket.TextMessage, strings.Repeat("x", 1001), 1009, engineio.TransportError},
		"not UTF-8": {websocket.TextMessage, "\xff", 1007, engineio.ParseError},
	} {
		c := h.dial(t, "")
		p := <-h.peers
		if err := c.WriteMessage(tc.kind, []byte(tc.data)); err != nil {
			t.Fatal(err)
		}
		if code, _ := c.ends(); code != tc.code {
			t.Errorf("%s: close code %d, want %d", name, code, tc.code)
		}
		p.wantClosed(t, tc.reason)
	}
}

func TestPlainPingFloodEndsTheSession(t *testing.T) {
	t.Parallel()
	c := startPlain(t, engineio.Config{}, nil).dial(t, "")
	for range 50 {
		_ = c.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
	}
	if code, _ := c.ends(); code != websocket.ClosePolicyViolation {
		t.Errorf("close code %d", code)
	}
}

func TestPlainHandshakeIsRefused(t *testing.T) {
	t.Parallel()
	h := startPlain(t, engineio.Config{Authorize: func(r *http.Request) error {
		if r.URL.Query().Has("no") {
			return errors.New("no")
		}
		return nil
	}}, nil)
	for name, tc := range map[string]struct {
		method, query string
		header        http.Header
		status, code  int
	}{
		"no WebSocket":   {"GET", "", nil, http.StatusUpgradeRequired, 3},
		"no GET":         {"POST", "", nil, http.StatusBadRequest, 2},
		"foreign origin": {"GET", "", http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden, 4},
		"long query":     {"GET", "?x=" + strings.Repeat("x", 9000), nil, http.StatusBadRequest, 3},
		"unauthorized":   {"GET", "?no=1", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}, http.StatusForbidden, 4},
		"half a handshake": {
			"GET", "", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}, http.StatusBadRequest, 3,
		},
	} {
		r := httptest.NewRequest(tc.method, "/ws"+tc.query, nil)
		maps.Copy(r.Header, tc.header)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var body struct {
			Code    int
			Message string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != tc.status || body.Code != tc.code || body.Message == "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if w.Code == http.StatusUpgradeRequired && w.Header().Get("Upgrade") != "websocket" {
			t.Errorf("%s: does not say to what", name)
		}
	}
}

func TestPlainServerThatDrains(t *testing.T) {
	t.Parallel()
	h := startPlain(t, engineio.Config{RetryAfter: 3 * time.Second}, nil)
	c := h.dial(t, "")
	<-h.peers
	drained := make(chan error, 1)
	go func() { drained <- h.Drain(context.Background(), 0) }()
	if code, _ := c.ends(); code != websocket.CloseGoingAway {
		t.Errorf("close code %d", code)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	_, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(h.url, "http")+"/", nil)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the next one: %v", err)
	}
	resp.Body.Close()
}

func TestPlainCloseSaysWhy(t *testing.T) {
	t.Parallel()
	h := startPlain(t, engineio.Config{}, nil)
	c := h.dial(t, "")
	p := <-h.peers
	_ = p.Send(engineio.NewPlain([]byte("last words")))
	p.CloseWith(engineio.ForcedClose, 4401, "token expired")
	c.want("last words")
	if code, text := c.ends(); code != 4401 || text != "token expired" {
		t.Errorf("ended with %d %q", code, text)
	}
	p.wantClosed(t, engineio.ForcedClose)
}

// overflow sends until the queue is full.
func overflow(t *testing.T, p *peer, f *engineio.Frame) {
	t.Helper()
	var err error
	for err == nil {
		err = p.Send(f)
	}
	if !errors.Is(err, engineio.ErrSlowConsumer) {
		t.Fatal(err)
	}
}

// A client that stops reading for a while and goes on within CloseGrace is told to come back.
func TestPlainSlowConsumerIsTold(t *testing.T) {
	t.Parallel()
	h := startPlain(t, engineio.Config{CloseGrace: time.Minute, WriteTimeout: time.Minute}, nil)
	c := h.dial(t, "")
	p := <-h.peers
	f := engineio.NewPlain(make([]byte, 100<<10))
	overflow(t, p, f)
	p.wantClosed(t, engineio.SlowConsumer)
	if code, text := c.ends(); code != websocket.CloseTryAgainLater || text != "slow consumer" {
		t.Errorf("ended with %d %q", code, text)
	}
}

// One that does not is cut off, and what was queued for it is gone.
func TestPlainSlowConsumerIsCutOff(t *testing.T) {
	t.Parallel()
	h := startPlain(t, engineio.Config{CloseGrace: 50 * time.Millisecond, WriteTimeout: time.Minute, PingInterval: time.Second}, nil)
	h.dial(t, "") // never reads
	p := <-h.peers
	f := engineio.NewPlain(make([]byte, 100<<10))
	overflow(t, p, f)
	p.wantClosed(t, engineio.SlowConsumer)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := p.Flush(ctx); !errors.Is(err, engineio.ErrClosed) {
		t.Errorf("what was queued is still there: %v", err)
	}
}

// onPlainClock is onFakeClock for a plain server; pings counts the ping frames that have come.
func onPlainClock(t *testing.T, f func(t *testing.T, conn net.Conn, p *peer)) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{closed: make(chan engineio.Reason, 2)}
		server := engineio.NewPlainServer(engineio.Config{}, func(s *engineio.Session, _ *http.Request) engineio.Handler {
			p.Session = s
			return p
		})
		l := &pipes{make(chan net.Conn), make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- server.Run(ctx) }()
		web := &http.Server{Handler: server, ReadHeaderTimeout: time.Second}
		served := make(chan error)
		go func() { served <- web.Serve(l) }()
		conn, err := l.dial(ctx, "", "")
		if err != nil {
			t.Fatal(err)
		}
		upgrade(t, conn)
		synctest.Wait()
		f(t, conn, p)
		conn.Close()
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		_ = web.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// wants reads exactly these bytes.
func wants(t *testing.T, conn net.Conn, bytes string) {
	t.Helper()
	got := make([]byte, len(bytes))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != bytes {
		t.Fatalf("read %q, %v; want %q", got, err, bytes)
	}
}

const (
	pingBytes = "\x89\x00"
	pongBytes = "\x8a\x80\x00\x00\x00\x00"
)

func TestPlainHeartbeat(t *testing.T) {
	t.Parallel()
	onPlainClock(t, func(t *testing.T, conn net.Conn, p *peer) {
		for range 3 {
			last := time.Now()
			wants(t, conn, pingBytes)
			within(t, "ping", last, 25*time.Second)
			time.Sleep(59 * time.Second) // late, but in time
			_, _ = io.WriteString(conn, pongBytes)
			synctest.Wait()
		}
		wants(t, conn, pingBytes)
		asked := time.Now()
		wants(t, conn, "\x88\x02\x03\xe9") // 1001
		within(t, "close", asked, 60*time.Second)
		p.wantClosed(t, engineio.PingTimeout)
	})
}
