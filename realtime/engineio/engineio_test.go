package engineio_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"parley/realtime/engineio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// suite is the timing that the public test suites expect.
var suite = engineio.Config{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}

// peer is the application's side of a session.
type peer struct {
	*engineio.Session
	onMessage func(p *peer, m engineio.Message)
	closed    chan engineio.Reason
}

func (p *peer) Message(m engineio.Message) {
	if p.onMessage != nil {
		p.onMessage(p, m)
	}
}

func (p *peer) Closed(reason engineio.Reason) { p.closed <- reason }

func echo(p *peer, m engineio.Message) {
	if m.Binary {
		_ = p.Send(engineio.NewBinary(m.Data))
	} else {
		_ = p.Send(engineio.NewText(m.Data))
	}
}

// host is a running server.
type host struct {
	*engineio.Server
	url   string
	peers chan *peer
	stop  func()
}

func start(t testing.TB, cfg engineio.Config, onMessage func(*peer, engineio.Message)) *host {
	t.Helper()
	peers := make(chan *peer, 8192)
	h := startServer(t, engineio.NewServer(cfg, func(s *engineio.Session, _ *http.Request) engineio.Handler {
		p := &peer{Session: s, onMessage: onMessage, closed: make(chan engineio.Reason, 2)}
		peers <- p
		return p
	}))
	h.peers = peers
	return h
}

// startServer runs a server until the test ends.
func startServer(t testing.TB, server *engineio.Server) *host {
	t.Helper()
	h := &host{Server: server}
	web := httptest.NewServer(h.Server)
	h.url = web.URL
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- h.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("Run: %v", err)
		}
		ran <- nil
		web.Close()
	}
	t.Cleanup(h.stop)
	return h
}

// client is a WebSocket client that speaks Engine.IO by hand.
type client struct {
	testing.TB
	*websocket.Conn
	sid string
}

func (h *host) dial(t testing.TB, query string, header ...string) *client {
	t.Helper()
	head := http.Header{}
	for i := 0; i < len(header); i += 2 {
		head.Add(header[i], header[i+1])
	}
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(h.url, "http")+"/?"+query, head)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{TB: t, Conn: conn}
}

// connect dials and reads the open packet.
func (h *host) connect(t testing.TB) (*client, *peer) {
	t.Helper()
	c := h.dial(t, "EIO=4&transport=websocket")
	var opened struct{ SID string }
	text := c.text()
	if err := json.Unmarshal([]byte(text[1:]), &opened); err != nil {
		t.Fatalf("open packet %q: %v", text, err)
	}
	c.sid = opened.SID
	return c, <-h.peers
}

func (c *client) read() (int, string) {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	kind, data, err := c.ReadMessage()
	if err != nil {
		c.Fatalf("read: %v", err)
	}
	return kind, string(data)
}

func (c *client) text() string {
	c.Helper()
	kind, data := c.read()
	if kind != websocket.TextMessage {
		c.Fatalf("got a binary frame %q, want text", data)
	}
	return data
}

func (c *client) say(text string) {
	c.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.Fatalf("write %.40q: %v", text, err)
	}
}

func (c *client) sayBinary(data string) {
	c.Helper()
	if err := c.WriteMessage(websocket.BinaryMessage, []byte(data)); err != nil {
		c.Fatalf("write: %v", err)
	}
}

// closeCode reads until the connection ends and returns the close code: 1006
// when there was none.
func (c *client) closeCode() int {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		_, _, err := c.ReadMessage()
		if err == nil {
			continue
		}
		if e, ok := errors.AsType[*websocket.CloseError](err); ok {
			return e.Code
		}
		if strings.Contains(err.Error(), "timeout") {
			c.Fatal("the connection stayed open")
		}
		return websocket.CloseAbnormalClosure
	}
}

func (c *client) want(text string) {
	c.Helper()
	if got := c.text(); got != text {
		c.Fatalf("got %q, want %q", got, text)
	}
}

func (p *peer) wantClosed(t testing.TB, reason engineio.Reason) {
	t.Helper()
	select {
	case got := <-p.closed:
		if got != reason {
			t.Fatalf("closed by %q, want %q", got, reason)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("not closed, want %q", reason)
	}
}
