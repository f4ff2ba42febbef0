package engineio_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/realtime/engineio"
)

func TestRefusedRequestsGetTheProtocolsJSON(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	known, _ := h.connect(t)
	polled, _ := h.poll(t)
	const upgrade = "upgrade"
	for _, tc := range []struct {
		name, method, query, mode string
		code, status              int
	}{
		{"transport missing", "GET", "EIO=4", "", 0, 400},
		{"transport unknown", "GET", "EIO=4&transport=abc", "", 0, 400},
		{"transport of the prototype", "GET", "EIO=4&transport=__proto__", "", 0, 400},
		{"polling of a WebSocket session", "GET", "EIO=4&transport=polling&sid=" + known.sid, "", 3, 400},
		{"polling without EIO", "GET", "transport=polling", "", 5, 400},
		{"polling with EIO=abc", "GET", "EIO=abc&transport=polling", "", 5, 400},
		{"polling with another EIO than the session's", "GET", "EIO=3&transport=polling&sid=" + polled.sid, "", 3, 400},
		{"polling of an unknown session", "POST", "EIO=4&transport=polling&sid=abc", "", 1, 400},
		{"polling by POST", "POST", "EIO=4&transport=polling", "", 2, 400},
		{"polling by PUT", "PUT", "EIO=4&transport=polling", "", 2, 400},
		{"polling session, PUT", "PUT", "EIO=4&transport=polling&sid=" + polled.sid, "", 3, 400},
		{"polling session, DELETE", "DELETE", "EIO=4&transport=polling&sid=" + polled.sid, "", 3, 400},
		{"polling session, no upgrade", "GET", "EIO=4&transport=websocket&sid=" + polled.sid, "", 3, 400},
		{"OPTIONS without Origin", "OPTIONS", "EIO=4&transport=polling", "", 2, 400},
		{"POST", "POST", "EIO=4&transport=websocket", "", 2, 400},
		{"PUT", "PUT", "EIO=4&transport=websocket", "", 2, 400},
		{"no upgrade", "GET", "EIO=4&transport=websocket", "", 3, 400},
		{"EIO missing", "GET", "transport=websocket", upgrade, 5, 400},
		{"EIO=abc", "GET", "EIO=abc&transport=websocket", upgrade, 5, 400},
		{"EIO=3", "GET", "EIO=3&transport=websocket", upgrade, 5, 400},
		{"EIO=4.0", "GET", "EIO=4.0&transport=websocket", upgrade, 5, 400},
		{"no key", "GET", "EIO=4&transport=websocket", upgrade, 3, 400},
		{"sid unknown", "GET", "EIO=4&transport=websocket&sid=abc", upgrade, 1, 400},
		{"sid empty", "GET", "EIO=4&transport=websocket&sid=", upgrade, 1, 400},
		{"sid in use", "GET", "EIO=4&transport=websocket&sid=" + known.sid, upgrade, 3, 400},
		{"query too long", "GET", "EIO=4&transport=websocket&x=" + strings.Repeat("x", 9000), upgrade, 3, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			req, _ := http.NewRequestWithContext(t.Context(), tc.method, h.url+"/?"+tc.query, nil)
			if tc.mode == upgrade {
				req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
			}
			wantRefusal(t, req, tc.status, tc.code)
		})
	}
	known.say("4still here")
	known.want("4still here")
}

func wantRefusal(t *testing.T, req *http.Request, status, code int) string {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body struct {
		Code    int
		Message string
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status || body.Code != code || body.Message == "" {
		t.Errorf("got %d %+v, want %d with code %d", res.StatusCode, body, status, code)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	return body.Message
}

func request(t testing.TB, h *host, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", h.url+"/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return req
}

func TestAuthorizeRefusesWithItsOwnText(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{Authorize: func(*http.Request) error { return errors.New("no room") }}, echo)
	if got := wantRefusal(t, request(t, h), 403, 4); got != "no room" {
		t.Errorf("message is %q", got)
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	allow := engineio.AllowOrigins("https://app.example.com", " http://localhost:3000", "not a url", "")
	for _, tc := range []struct {
		name, host string
		origins    []string
		want       bool
	}{
		{"none, as native clients do", "chat.example.com", nil, true},
		{"own host", "chat.example.com", []string{"https://chat.example.com"}, true},
		{"own host with a port", "chat.example.com:3001", []string{"http://chat.example.com:3001"}, true},
		{"own host, explicit default port (Swift)", "chat.example.com:443", []string{"wss://chat.example.com"}, true},
		{"own host, any scheme (Python)", "chat.example.com:8443", []string{"http://chat.example.com:8443"}, true},
		{"own host in capitals", "Chat.Example.com", []string{"https://chat.EXAMPLE.com"}, true},
		{"own IPv6 host", "[::1]:3001", []string{"http://[::1]:3001"}, true},
		{"own host, other port", "chat.example.com:3001", []string{"http://chat.example.com:3002"}, false},
		{"allowed", "chat.example.com", []string{"https://app.example.com"}, true},
		{"allowed with a port", "chat.example.com", []string{"http://localhost:3000"}, true},
		{"allowed host, other scheme", "chat.example.com", []string{"http://app.example.com"}, false},
		{"allowed host, other port", "chat.example.com", []string{"http://localhost:3001"}, false},
		{"foreign", "chat.example.com", []string{"https://evil.example"}, false},
		{"foreign with an allowed prefix", "chat.example.com", []string{"https://app.example.com.evil.example"}, false},
		{"allowed as user info", "chat.example.com", []string{"https://app.example.com@evil.example"}, false},
		{"null", "chat.example.com", []string{"null"}, false},
		{"empty", "chat.example.com", []string{""}, false},
		{"two", "chat.example.com", []string{"https://chat.example.com", "https://evil.example"}, false},
		{"no host", "chat.example.com", []string{"file://"}, false},
	} {
		r := &http.Request{Host: tc.host, Header: http.Header{}}
		for _, o := range tc.origins {
			r.Header.Add("Origin", o)
		}
		if got := allow(r); got != tc.want {
			t.Errorf("%s: got %v", tc.name, got)
		}
	}
}

func TestForeignOriginIsForbidden(t *testing.T) {
	t.Parallel()
	h := start(t, suite, echo)
	wantRefusal(t, request(t, h, "Origin", "https://evil.example"), 403, 4)
	h.dial(t, "EIO=4&transport=websocket", "Origin", h.url).text()
}

func TestDrainRefusesThenClosesTransports(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{RetryAfter: 7 * time.Second}, echo)
	c, p := h.connect(t)
	second, _ := h.connect(t)
	drained := make(chan error, 1)
	code := make(chan int, 2)
	for _, c := range []*client{c, second} {
		go func() { code <- c.closeCode() }()
	}
	go func() { drained <- h.Drain(t.Context(), 50*time.Millisecond) }()
	p.wantClosed(t, engineio.ServerShuttingDown)
	if err := <-drained; err != nil || h.Count() != 0 {
		t.Errorf("Drain: %v, %d sessions left", err, h.Count())
	}
	if a, b := <-code, <-code; a != websocket.CloseGoingAway || b != a {
		t.Errorf("close codes are %d and %d", a, b)
	}
	res, err := http.DefaultTransport.RoundTrip(request(t, h))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "7" {
		t.Errorf("a handshake got %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
}

// Whatever a query holds, the answer is one of the protocol's.
func TestStrangeQueries(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	for _, query := range []string{
		"", "&&&", "transport=%00", "transport=constructor", "transport=websocket&transport=polling", "EIO=4&transport=websocket&sid[]=x",
		"EIO=4&EIO=3&transport=websocket&sid=a&sid=b", "EIO=4&transport=websocket&%zz", "EIO=4;transport=websocket", strings.Repeat("a=b&", 2000),
		"transport=hasOwnProperty", "EIO=4.0&transport=polling", "EIO=%34%00&transport=polling", strings.Repeat("x&", 10_000) + "transport=polling&EIO=4",
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", h.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.RawQuery = query
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 400 || res.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%.40q: %d %s", query, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
}

func TestPermessageDeflateIsNotNegotiated(t *testing.T) {
	t.Parallel()
	h := start(t, suite, echo)
	res, err := http.DefaultTransport.RoundTrip(request(t, h, "Sec-Websocket-Extensions", "permessage-deflate"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 101 || res.Header.Get("Sec-Websocket-Extensions") != "" {
		t.Errorf("got %d with extensions %q", res.StatusCode, res.Header.Get("Sec-Websocket-Extensions"))
	}
}
