package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begin runs the program and returns its address. A patient one has the times of a real server:
// for tests in which a ping would come between on a busy machine. The other has those of the suites.
func begin(t *testing.T, patient bool) string {
	t.Helper()
	args := []string{"-port", "0"}
	if patient {
		args = append(args, "-ping-interval", "25000", "-ping-timeout", "20000", "-connect-timeout", "20000")
	}
	o, err := parse(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	address, served := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		served <- serve(ctx, o, slog.New(slog.DiscardHandler), func(a net.Addr) { address <- a })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	tcp, _ := (<-address).(*net.TCPAddr)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
}

// door is one of the program's two endpoints.
type door struct {
	*testing.T
	address, path string
	patient       bool
	web           *http.Client
}

func (d door) on(t *testing.T) door {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	d.T, d.web = t, &http.Client{Transport: transport}
	return d
}

// ask sends a request with a query and returns status and body.
func (d door) ask(ctx context.Context, method, query, body string) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+d.address+d.path+"?"+query, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	res, err := d.web.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, string(data), err
}

func (d door) want(status int, body, method, query, payload string) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), 5*time.Second)
	defer cancel()
	got, text, err := d.ask(ctx, method, query, payload)
	if err != nil || got != status || body != "" && text != body {
		d.Fatalf("%s %s: %d %q, %v; want %d %q", method, query, got, text, err, status, body)
	}
}

// later does a request on another goroutine.
func (d door) later(ctx context.Context, method, query, payload string) <-chan string {
	answer := make(chan string, 1)
	go func() {
		status, text, err := d.ask(ctx, method, query, payload)
		if err != nil {
			text = err.Error()
		}
		answer <- strconv.Itoa(status) + " " + text
	}()
	return answer
}

const polling = "EIO=4&transport=polling"

// poll opens a polling session and returns the query of its requests.
func (d door) poll() string {
	d.Helper()
	status, text, err := d.ask(d.Context(), "GET", polling, "")
	if err != nil || status != 200 {
		d.Fatalf("handshake: %d %q, %v", status, text, err)
	}
	return polling + "&sid=" + d.opened(text, "websocket")
}

// opened checks an open packet and returns its sid.
func (d door) opened(text string, upgrades ...string) string {
	d.Helper()
	var open map[string]any
	if len(text) == 0 || text[0] != '0' || json.Unmarshal([]byte(text[1:]), &open) != nil {
		d.Fatalf("open packet is %q", text)
	}
	sid, _ := open["sid"].(string)
	delete(open, "sid")
	if upgrades == nil {
		upgrades = []string{}
	}
	interval, timeout := 300, 200
	if d.patient {
		interval, timeout = 25_000, 20_000
	}
	want, _ := json.Marshal(map[string]any{"upgrades": upgrades, "pingInterval": interval, "pingTimeout": timeout, "maxPayload": 1_000_000})
	if got, _ := json.Marshal(open); sid == "" || !bytes.Equal(got, want) {
		d.Fatalf("open packet is %q", text)
	}
	return sid
}

// peer is a WebSocket.
type peer struct {
	*testing.T
	*websocket.Conn
}

func (d door) tryDial(query string) (*websocket.Conn, error) {
	conn, res, err := websocket.DefaultDialer.DialContext(d.Context(), "ws://"+d.address+d.path+"?"+query, nil)
	if err != nil && res != nil {
		res.Body.Close()
	}
	return conn, err
}

func (d door) dial(query string) peer {
	d.Helper()
	conn, err := d.tryDial(query)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { conn.Close() })
	return peer{d.T, conn}
}

// connect dials a fresh session.
func (d door) connect() peer {
	d.Helper()
	p := d.dial("EIO=4&transport=websocket")
	_, text := p.read()
	d.opened(text)
	return p
}

func (p peer) read() (kind int, text string) {
	p.Helper()
	_ = p.SetReadDeadline(time.Now().Add(5 * time.Second))
	kind, data, err := p.ReadMessage()
	if err != nil {
		p.Fatal(err)
	}
	return kind, string(data)
}

// hears reads these texts, and answers pings that come between.
func (p peer) hears(texts ...string) {
	p.Helper()
	for _, want := range texts {
		kind, got := p.read()
		for got == "2" && want != "2" {
			p.says("3")
			kind, got = p.read()
		}
		if kind != websocket.TextMessage || got != want {
			p.Fatalf("got %q, want %q", got, want)
		}
	}
}

func (p peer) hearsBinary(datas ...string) {
	p.Helper()
	for _, want := range datas {
		if kind, got := p.read(); kind != websocket.BinaryMessage || got != want {
			p.Fatalf("got %q, want %q", got, want)
		}
	}
}

func (p peer) says(texts ...string) {
	p.Helper()
	for _, text := range texts {
		if err := p.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			p.Fatal(err)
		}
	}
}

func (p peer) saysBinary(datas ...string) {
	p.Helper()
	for _, data := range datas {
		if err := p.WriteMessage(websocket.BinaryMessage, []byte(data)); err != nil {
			p.Fatal(err)
		}
	}
}

// wantClose says that the connection ends within 2 s.
func (p peer) wantClose() {
	p.Helper()
	_ = p.SetReadDeadline(time.Now().Add(2 * time.Second))
	for {
		_, _, err := p.ReadMessage()
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			p.Fatal("still open")
		}
		if err != nil {
			return
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args string
		code int
	}{
		{"-h", 0},
		{"-port 65536", 2},
		{"-port abc", 2},
		{"-ping-interval 0", 2},
		{"-unknown", 2},
		{"argument", 2},
	} {
		var said bytes.Buffer
		if code := run(t.Context(), strings.Fields(tc.args), &said); code != tc.code || said.Len() == 0 {
			t.Errorf("%s: exit %d, %q", tc.args, code, &said)
		}
	}
}

func TestTakenPortFails(t *testing.T) {
	t.Parallel()
	address := begin(t, false)
	_, port, _ := net.SplitHostPort(address)
	var said bytes.Buffer
	if code := run(t.Context(), []string{"-port", port}, &said); code != 1 || said.Len() == 0 {
		t.Errorf("exit %d, %q", code, &said)
	}
}
