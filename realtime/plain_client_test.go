package realtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// plainClient speaks the plain door's JSON by hand.
type plainClient struct {
	testing.TB
	ws    *websocket.Conn
	asked int
	kept  []string
}

// dialPlain opens a connection that is nobody's, unless the header has a token.
func dialPlain(t testing.TB, url, query string, header http.Header) *plainClient {
	t.Helper()
	ws, resp, err := websocket.DefaultDialer.DialContext(context.Background(), strings.Replace(url, "http", "ws", 1)+"/ws"+query, header)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	resp.Body.Close()
	t.Cleanup(func() { ws.Close() })
	return &plainClient{TB: t, ws: ws}
}

// loginPlain connects a user and returns the client after its session event.
func loginPlain(t testing.TB, url, token string, more ...string) *plainClient {
	t.Helper()
	c := dialPlain(t, url, "", nil)
	c.say(`{"event":"authenticate","data":{"token":"` + token + `"` + strings.Join(more, "") + `}}`)
	if f := c.next(); !strings.HasPrefix(f, `{"event":"session",`) {
		t.Fatalf("let in with %s", f)
	}
	return c
}

func (c *plainClient) say(frame string) {
	c.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		c.Fatalf("write %.60s: %v", frame, err)
	}
}

func (c *plainClient) read() (string, error) {
	_ = c.ws.SetReadDeadline(time.Now().Add(patience))
	_, data, err := c.ws.ReadMessage()
	return string(data), err
}

func (c *plainClient) next() string {
	c.Helper()
	if len(c.kept) > 0 {
		f := c.kept[0]
		c.kept = c.kept[1:]
		return f
	}
	f, err := c.read()
	if err != nil {
		c.Fatalf("read: %v", err)
	}
	return f
}

func (c *plainClient) want(frames ...string) {
	c.Helper()
	for _, want := range frames {
		if got := c.next(); got != want {
			c.Errorf("got %s, want %s", got, want)
		}
	}
}

// ends reads to the end of the connection, and says how it ended.
func (c *plainClient) ends() (code int, text string, before []string) {
	c.Helper()
	for {
		f, err := c.read()
		if e, ok := errors.AsType[*websocket.CloseError](err); ok {
			return e.Code, e.Text, before
		}
		if err != nil {
			c.Fatalf("ended with %v", err)
		}
		before = append(before, f)
	}
}

func (c *plainClient) wantEnd(code int, text string) {
	c.Helper()
	if gotCode, gotText, _ := c.ends(); gotCode != code || gotText != text {
		c.Errorf("ended with %d %q, want %d %q", gotCode, gotText, code, text)
	}
}

// ask sends a command and returns its answer. What came before it is read next.
func (c *plainClient) ask(event, payload string) answer {
	c.Helper()
	c.asked++
	id := strconv.Itoa(c.asked)
	c.say(`{"id":` + id + `,"event":"` + event + `","data":` + payload + `}`)
	for before := []string(nil); ; {
		f, err := c.read()
		if err != nil {
			c.Fatalf("%s is not answered: %v", event, err)
		}
		if strings.HasPrefix(f, `{"id":`+id+`,`) {
			c.kept = append(c.kept, before...)
			return parse(c, f)
		}
		before = append(before, f)
	}
}

func (c *plainClient) must(event, payload string) answer {
	c.Helper()
	a := c.ask(event, payload)
	if !a.Success {
		c.Fatalf("%s: %s", event, a.raw)
	}
	return a
}

// until reads events up to the first of that name.
func (c *plainClient) until(name string) heard {
	c.Helper()
	for {
		var e struct {
			Event string
			heard
		}
		f := c.next()
		if err := json.Unmarshal([]byte(f), &e); err != nil {
			c.Fatalf("frame %s: %v", f, err)
		}
		if e.Event == name {
			e.Name = name
			return e.heard
		}
	}
}
