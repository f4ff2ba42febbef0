package main

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests of the public Engine.IO v4 suite, in its order: what both suites ask at their endpoint,
// and what needs the echo.
func TestEngineIOSuite(t *testing.T) {
	t.Parallel()
	quick, patient := begin(t, false), begin(t, true)
	for _, path := range []string{"/engine.io/", "/socket.io/"} {
		each(t, door{address: quick, path: path}, timedTests)
		each(t, door{address: patient, path: path, patient: true}, engineTests)
	}
	each(t, door{address: patient, path: "/engine.io/", patient: true}, echoTests)
}

func each(t *testing.T, d door, tests map[string]func(door)) {
	for name, test := range tests {
		t.Run(d.path+" "+name, func(t *testing.T) {
			t.Parallel()
			test(d.on(t))
		})
	}
}

var engineTests = map[string]func(door){
	"polling with an invalid EIO": func(d door) {
		d.want(400, "", "GET", "transport=polling", "")
		d.want(400, "", "GET", "EIO=abc&transport=polling", "")
	},
	"polling with an invalid transport": func(d door) {
		d.want(400, "", "GET", "EIO=4", "")
		d.want(400, "", "GET", "EIO=4&transport=abc", "")
	},
	"polling with an invalid method": func(d door) {
		d.want(400, "", "POST", polling, "")
		d.want(400, "", "PUT", polling, "")
	},
	"WebSocket with an invalid EIO": func(d door) {
		d.refuses("transport=websocket")
		d.refuses("EIO=abc&transport=websocket")
	},
	"WebSocket with an invalid transport": func(d door) {
		d.refuses("EIO=4")
		d.refuses("EIO=4&transport=abc")
	},
	"polling close": func(d door) {
		q := d.poll()
		get, post := d.later(d.Context(), "GET", q, ""), d.later(d.Context(), "POST", q, "1")
		if got := <-get; got != "200 6" {
			d.Errorf("GET: %q", got)
		}
		if got := <-post; got != "200 ok" {
			d.Errorf("POST: %q", got)
		}
		d.want(400, "", "GET", q, "")
	},
	"WebSocket close": func(d door) {
		p := d.connect()
		p.says("1")
		p.wantClose()
	},
	"upgrade": func(d door) {
		q := d.poll()
		p := d.dial(toWebSocket(q))
		p.says("2probe")
		p.hears("3probe")
		d.want(200, "6", "GET", q, "")
		p.says("5")
	},
	"upgrade, then HTTP": func(d door) {
		q, p := d.upgrade()
		d.want(400, "", "GET", q, "")
		d.want(400, "", "POST", q, "4hello")
		p.says("3")
	},
}

var timedTests = map[string]func(door){
	"polling opens a session":   func(d door) { d.poll() },
	"WebSocket opens a session": func(d door) { d.connect() },
	"polling heartbeat": func(d door) {
		q := d.poll()
		for range 3 {
			d.want(200, "2", "GET", q, "")
			d.want(200, "", "POST", q, "3")
		}
	},
	"polling ping timeout": func(d door) {
		q := d.poll()
		time.Sleep(500 * time.Millisecond)
		d.want(400, "", "GET", q, "")
	},
	"WebSocket heartbeat": func(d door) {
		p := d.connect()
		for range 3 {
			p.hears("2")
			p.says("3")
		}
	},
	"WebSocket ping timeout": func(d door) { d.connect().wantClose() },
	"upgrade, then another WebSocket": func(d door) {
		q, p := d.upgrade()
		d.dial(toWebSocket(q)).wantClose()
		p.hears("2")
	},
}

func toWebSocket(query string) string { return strings.Replace(query, "polling", "websocket", 1) }

// upgrade moves without looking after the poll, as the suites do.
func (d door) upgrade() (query string, p peer) {
	d.Helper()
	query = d.poll()
	p = d.dial(toWebSocket(query))
	p.says("2probe", "5")
	p.hears("3probe")
	// The answer to the probe leaves before the hand-over, which nothing announces.
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if status, _, err := d.ask(d.Context(), "GET", query, ""); err == nil && status == 400 {
			return query, p
		}
	}
	d.Fatal("the session did not move")
	return "", p
}

// refuses says that a WebSocket handshake fails.
func (d door) refuses(query string) {
	d.Helper()
	if conn, err := d.tryDial(query); err == nil {
		conn.Close()
		d.Errorf("%s was let in", query)
	}
}

var echoTests = map[string]func(door){
	"polling, a text packet":       func(d door) { d.echoes("4hello") },
	"polling, several packets":     func(d door) { d.echoes("4test1\x1e4test2\x1e4test3") },
	"polling, binary packets, too": func(d door) { d.echoes("4hello\x1ebAQIDBA==") },
	"polling, invalid packet": func(d door) {
		q := d.poll()
		d.want(400, "", "POST", q, "abc")
		d.want(400, "", "GET", q, "")
	},
	"polling, duplicate GET": func(d door) {
		q := d.poll()
		// Nothing tells which comes first.
		one, other := d.later(d.Context(), "GET", q, ""), d.later(d.Context(), "GET", q, "")
		got := []string{<-one, <-other}
		slices.Sort(got)
		if got[0] != "200 1" || !strings.HasPrefix(got[1], "400 ") {
			d.Errorf("the GETs got %q", got)
		}
		d.want(400, "", "GET", q, "")
	},
	"polling, cancelled GET": func(d door) {
		q := d.poll()
		conn, err := net.Dial("tcp", d.address)
		if err != nil {
			d.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "GET %s?%s HTTP/1.1\r\nHost: x\r\n\r\n", d.path, q)
		conn.Close()
		// The next one may overtake it: then there are two at a time, which is no better.
		if got := <-d.later(d.Context(), "GET", q, ""); got != "200 1" && !strings.HasPrefix(got, "400 ") {
			d.Errorf("second GET: %q", got)
		}
		d.want(400, "", "GET", q, "")
	},
	"WebSocket, a text packet": func(d door) {
		p := d.connect()
		p.says("4hello")
		p.hears("4hello")
	},
	"WebSocket, a binary packet": func(d door) {
		p := d.connect()
		p.saysBinary("\x01\x02\x03\x04")
		p.hearsBinary("\x01\x02\x03\x04")
	},
	"WebSocket, invalid packet": func(d door) {
		p := d.connect()
		p.says("abc")
		p.wantClose()
	},
	"upgrade, then echo": func(d door) {
		q, p := d.upgrade()
		p.says("4hello")
		p.hears("4hello")
		d.dial(toWebSocket(q)).wantClose()
		p.says("4again")
		p.hears("4again")
	},
}

func (d door) echoes(payload string) {
	d.Helper()
	q := d.poll()
	d.want(200, "ok", "POST", q, payload)
	d.want(200, payload, "GET", q, "")
}
