package realtime_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const patience = 10 * time.Second

// client speaks Socket.IO by hand.
type client struct {
	t      testing.TB
	ws     *websocket.Conn
	frames chan string // closed with the connection
	kept   []string    // frames that came before an answer and are still to be read
	acks   int
	asked  map[string]string // the commands that wait for an answer, by its id
	madeUp bool              // what is pushed is nothing that happens
}

// dial opens a connection that is in no namespace.
func dial(t testing.TB, url string, header http.Header) *client {
	t.Helper()
	ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(),
		strings.Replace(url, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket", header)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	resp.Body.Close()
	c := &client{t: t, ws: ws, frames: make(chan string, 4096)}
	over, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		c.read(over)
	}()
	t.Cleanup(func() {
		close(over)
		ws.Close()
		<-read
	})
	if open := c.next(); !strings.HasPrefix(open, "0{") {
		t.Fatalf("opened with %s", open)
	}
	return c
}

func (c *client) read(over <-chan struct{}) {
	defer close(c.frames)
	for {
		_, data, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		select {
		case c.frames <- string(data):
		case <-over:
			return
		}
	}
}

func (c *client) say(text string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// next is the next frame, "" when the connection is closed.
func (c *client) next() string {
	c.t.Helper()
	if len(c.kept) > 0 {
		f := c.kept[0]
		c.kept = c.kept[1:]
		return f
	}
	select {
	case f := <-c.frames:
		if !c.madeUp {
			asDescribed(c.t, f, c.asked)
		}
		return f
	case <-time.After(patience):
		c.t.Fatal("no frame")
		return ""
	}
}

// login connects to the namespace and returns the session event.
func (c *client) login(token string, more ...string) string {
	c.t.Helper()
	c.say(`40{"token":"` + token + `"` + strings.Join(more, "") + `}`)
	if reply := c.next(); !strings.HasPrefix(reply, `40{"sid":`) {
		c.t.Fatalf("connect answered with %s", reply)
	}
	return c.next()
}

// emit sends a command and returns the id of its acknowledgement.
func (c *client) emit(event, payload string) string {
	c.t.Helper()
	c.acks++
	id := strconv.Itoa(c.acks)
	if c.asked == nil {
		c.asked = map[string]string{}
	}
	c.asked[id] = event
	c.say("42" + id + `["` + event + `",` + payload + `]`)
	return id
}

// ask sends a command and returns the answer, and what came before it.
func (c *client) ask(event, payload string) (ack answer, before []string) {
	c.t.Helper()
	prefix := "43" + c.emit(event, payload) + "["
	for {
		f := c.next()
		if f == "" {
			c.t.Fatalf("closed while waiting for the answer to %s", event)
		}
		if strings.HasPrefix(f, prefix) {
			return parse(c.t, f[len(prefix):len(f)-1]), before
		}
		before = append(before, f)
	}
}

// must is ask for commands that succeed. What came before is read next: a push may outrun the
// answer to the command that caused it.
func (c *client) must(event, payload string) answer {
	c.t.Helper()
	a, before := c.ask(event, payload)
	c.kept = append(before, c.kept...)
	if !a.Success {
		c.t.Fatalf("%s: %s %s", event, a.Code, a.Error)
	}
	return a
}

// until reads events up to the first of that name, and returns it.
func (c *client) until(name string) heard {
	c.t.Helper()
	for {
		f := c.next()
		if f == "" {
			c.t.Fatalf("closed while waiting for %s", name)
		}
		if e, ok := parseEvent(f); ok && e.Name == name {
			return e
		}
	}
}

// closed waits for the end of the connection, and returns what came before it.
func (c *client) closed() []string {
	c.t.Helper()
	var frames []string
	for {
		f := c.next()
		if f == "" {
			return frames
		}
		frames = append(frames, f)
	}
}

type answer struct {
	Success bool
	Error   string
	Code    string
	Data    struct {
		ID       string
		RoomID   string
		Seq      int64
		Position string
		Room     struct{ ID string }
		Content  string
	}
	raw string
}

func parse(t testing.TB, raw string) answer {
	t.Helper()
	a := answer{raw: raw}
	if err := json.Unmarshal([]byte(raw), &a); err != nil {
		t.Fatalf("answer %s: %v", raw, err)
	}
	return a
}

// heard is a push as a client reads it.
type heard struct {
	Name string
	Data struct {
		RoomID   string
		UserID   string
		Seq      int64
		Position string
		Content  string
	}
}

func parseEvent(frame string) (heard, bool) {
	var e heard
	body, ok := strings.CutPrefix(frame, "42")
	if !ok || json.Unmarshal([]byte(body), &[]any{&e.Name, &e.Data}) != nil {
		return heard{}, false
	}
	return e, true
}
