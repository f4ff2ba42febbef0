package socketio_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/realtime/engineio"
	"parley/realtime/socketio"
)

// Names that mean something to other languages are names like any other.
func TestStrangeEventNamesAreNames(t *testing.T) {
	t.Parallel()
	names := make(chan string, 1)
	h := start(t, socketio.Config{}, &room{onEvent: func(_ *member, e socketio.Event) { names <- e.Name }})
	c, _ := h.connect(t)
	for name, want := range map[string]string{
		"__proto__": "__proto__", "constructor": "constructor", "toString": "toString", "error": "error", "": "",
		"message\u200b": "message\u200b", "m\u0435ssage": "m\u0435ssage", `\u0000`: "\x00", `\ud800`: "\ufffd", "a\U0001F600": "a\U0001F600",
		strings.Repeat("n", 128): strings.Repeat("n", 128),
	} {
		c.say(`42["` + name + `"]`)
		if got := <-names; got != want {
			t.Errorf("%q arrived as %q", name, got)
		}
	}
}

// Acknowledgements that nobody waits for cost a look into a map.
func TestFloodOfUnknownAcks(t *testing.T) {
	t.Parallel()
	c, m := start(t, socketio.Config{}, &room{}).connect(t)
	for i := range 10_000 {
		c.say(fmt.Sprintf(`43%d["x"]`, i))
	}
	got := ask(t, m, 0)
	c.want(`420["ask"]`)
	c.say(`430["real"]`)
	if o := <-got; o.err != nil || string(o.reply.Args[0]) != `"real"` {
		t.Errorf("got %s, %v", o.reply.Args, o.err)
	}
}

// The time for a CONNECT is the same over polling, at the beginning and after the last namespace is left.
func TestPollingWithoutNamespaceIsClosedInTime(t *testing.T) {
	t.Parallel()
	arrivals := engineio.NewArrivals(engineio.ArrivalsConfig{})
	h := start(t, socketio.Config{
		ConnectTimeout: 300 * time.Millisecond,
		Engine:         engineio.Config{Arrivals: arrivals},
	}, &room{})
	ask := func(method, query, body string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, h.url+"/?EIO=4&transport=polling"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return fmt.Sprint(res.StatusCode, " ", string(text))
	}
	open := func() (query string) {
		t.Helper()
		text := ask("GET", "", "")
		_, rest, ok := strings.Cut(text, `"sid":"`)
		if sid, _, more := strings.Cut(rest, `"`); ok && more {
			return "&sid=" + sid
		}
		t.Fatalf("handshake: %q", text)
		return ""
	}
	for name, texts := range map[string][]string{
		"never connected":   nil,
		"refused":           {"40/nowhere"},
		"left the last one": {"40", "41"},
	} {
		query := open()
		for _, text := range texts {
			ask("POST", query, text)
		}
		began := time.Now()
		var got []string
		for len(got) < 3 && (len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "400")) {
			got = append(got, ask("GET", query, ""))
		}
		if last := got[len(got)-1]; !strings.HasPrefix(last, "400") || !strings.HasSuffix(strings.Join(got[:len(got)-1], "\x1e"), "1") {
			t.Errorf("%s: %q", name, got)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: closed after %v", name, took)
		}
	}
	// A session is told of its end before it is taken off the list.
	for deadline := time.Now().Add(10 * time.Second); h.Count() != 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if h.Count() != 0 || arrivals.Unsettled() != 0 {
		t.Errorf("%d sessions are left, %d have not settled", h.Count(), arrivals.Unsettled())
	}
}
