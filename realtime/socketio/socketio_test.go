package socketio_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"parley/realtime/engineio"
	"parley/realtime/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick is a configuration whose time-outs can be waited for.
var quick = socketio.Config{
	Engine:         engineio.Config{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond},
	ConnectTimeout: time.Second,
}

// member is the application's side of a socket.
type member struct {
	*socketio.Socket
	auth    json.RawMessage
	onEvent func(*member, socketio.Event)
	left    chan socketio.Reason
}

func (m *member) Event(e socketio.Event) {
	if m.onEvent != nil {
		m.onEvent(m, e)
	}
}

func (m *member) Disconnected(reason socketio.Reason) { m.left <- reason }

func (m *member) wantLeft(t testing.TB, reason socketio.Reason) {
	t.Helper()
	select {
	case got := <-m.left:
		if got != reason {
			t.Fatalf("left by %q, want %q", got, reason)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("still connected, want %q", reason)
	}
}

// room is a namespace that takes everybody, or asks onConnect.
type room struct {
	onConnect func(ctx context.Context, m *member) error
	onEvent   func(*member, socketio.Event)
	members   chan *member
}

func (r *room) Connect(ctx context.Context, s *socketio.Socket, auth json.RawMessage) (socketio.Events, error) {
	m := &member{Socket: s, auth: auth, onEvent: r.onEvent, left: make(chan socketio.Reason, 2)}
	if r.onConnect != nil {
		if err := r.onConnect(ctx, m); err != nil {
			return nil, err
		}
	}
	r.members <- m
	return m, nil
}

// suite behaves as the public protocol test suite expects.
func suite() *room {
	return &room{
		onConnect: func(_ context.Context, m *member) error {
			if m.auth == nil {
				m.auth = json.RawMessage("{}")
			}
			return m.Emit("auth", m.auth)
		},
		onEvent: func(m *member, e socketio.Event) {
			switch e.Name {
			case "message":
				f, err := socketio.EncodeBinaryEvent(m.Namespace(), "message-back", e.Args, e.Attachments)
				if err == nil {
					_ = m.Send(f)
				}
			case "message-with-ack":
				args, _ := json.Marshal(e.Args)
				_ = e.AckRaw(args, e.Attachments...)
			}
		},
	}
}

type host struct {
	*socketio.Server
	url  string
	room *room // namespace "/"
	stop func()
}

// start runs a server with r at "/" and at "/custom".
func start(t testing.TB, cfg socketio.Config, r *room) *host {
	t.Helper()
	r.members = make(chan *member, 4096)
	h := &host{Server: socketio.NewServer(cfg), room: r}
	h.Handle("/", r)
	h.Handle("/custom", r)
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

// client speaks Socket.IO by hand.
type client struct {
	testing.TB
	*websocket.Conn
}

// dial opens a connection that belongs to no namespace.
func (h *host) dial(t testing.TB) *client {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(h.url, "http")+"/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{t, conn}
	if open := c.text(); open[0] != '0' {
		t.Fatalf("open packet is %q", open)
	}
	return c
}

// connect dials and joins "/".
func (h *host) connect(t testing.TB) (*client, *member) {
	t.Helper()
	c := h.dial(t)
	c.say("40")
	c.wantPrefix(`40{"sid":"`)
	return c, <-h.room.members
}

func (c *client) frame() (int, string) {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	kind, data, err := c.ReadMessage()
	if err != nil {
		c.Fatalf("read: %v", err)
	}
	return kind, string(data)
}

// text reads a text frame; it answers pings on the way.
func (c *client) text() string {
	c.Helper()
	for {
		kind, data := c.frame()
		switch {
		case kind != websocket.TextMessage:
			c.Fatalf("got a binary frame %q, want text", data)
		case data == "2":
			c.say("3")
		default:
			return data
		}
	}
}

func (c *client) want(texts ...string) {
	c.Helper()
	for _, text := range texts {
		if got := c.text(); got != text {
			c.Fatalf("got %q, want %q", got, text)
		}
	}
}

func (c *client) wantPrefix(prefix string) string {
	c.Helper()
	got := c.text()
	if !strings.HasPrefix(got, prefix) {
		c.Fatalf("got %q, want %q…", got, prefix)
	}
	return got[len(prefix):]
}

func (c *client) wantBinary(data string) {
	c.Helper()
	if kind, got := c.frame(); kind != websocket.BinaryMessage || got != data {
		c.Fatalf("got kind %d %q, want binary %q", kind, got, data)
	}
}

func (c *client) say(texts ...string) {
	c.Helper()
	for _, text := range texts {
		if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			c.Fatalf("write %.40q: %v", text, err)
		}
	}
}

func (c *client) sayBinary(data string) {
	c.Helper()
	if err := c.WriteMessage(websocket.BinaryMessage, []byte(data)); err != nil {
		c.Fatalf("write: %v", err)
	}
}

// wantClosed reads until the connection ends, without answering pings.
func (c *client) wantClosed() {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			if strings.Contains(err.Error(), "timeout") {
				c.Fatal("the connection stayed open")
			}
			return
		}
	}
}
