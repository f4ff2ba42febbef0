package e2e_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/eventstore/testenv"
)

// What a node lets those do of whom it knows nothing yet.
func TestStrangers(t *testing.T) {
	inParallel(t)
	n := startNode(t, "strangers", backends(testenv.DSN(t), testenv.StartRedis(t).URL).with(settings{
		"SOCKET_MAX_CONNECTIONS_PER_IP": "3", "TRUSTED_PROXIES": "127.0.0.0/8",
	}))
	t.Run("are few of one address", func(t *testing.T) { t.Parallel(); testFewStrangers(t, n) })
	t.Run("have 5 s for a request's head", func(t *testing.T) { t.Parallel(); testSlowHead(t, n) })
}

// approach shakes hands as somebody from an address, and returns the response.
func approach(t *testing.T, url, from string) (*websocket.Conn, *http.Response) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	dialer := websocket.Dialer{EnableCompression: true}
	conn, response, err := dialer.DialContext(ctx, url, http.Header{"X-Forwarded-For": {from}})
	if response == nil {
		t.Fatal(err)
	}
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, response
}

// Four times as many as may be in, and at least 20, at both doors together.
func testFewStrangers(t *testing.T, n *node) {
	const here, there = "192.0.2.1", "192.0.2.2"
	doors := []string{socketURL(n.URL), plainURL(n.URL)}
	waiting := make([]*websocket.Conn, 0, 20)
	for i := range cap(waiting) {
		conn, response := approach(t, doors[i%2], here)
		if conn == nil {
			t.Fatalf("handshake %d: %s", i, response.Status)
		}
		if got := response.Header.Get("Sec-Websocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate;") {
			t.Errorf("agreed on %q", got)
		}
		waiting = append(waiting, conn)
	}
	for _, door := range doors {
		conn, response := approach(t, door, here)
		body, _ := io.ReadAll(response.Body)
		wait, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if conn != nil || response.StatusCode != http.StatusServiceUnavailable || err != nil || wait < 1 || wait > 10 ||
			string(body) != `{"code":7,"message":"Too many handshakes"}` {
			t.Errorf("one too many: %s, %v, %s", response.Status, response.Header, body)
		}
	}
	if conn, response := approach(t, doors[0], there); conn == nil {
		t.Errorf("another address: %s", response.Status)
	}

	// Who is let in makes room, and so does who goes.
	in := waiting[0]
	if frame, err := readFrame(in); err != nil || !strings.HasPrefix(frame, "0{") {
		t.Fatalf("%q, %v", frame, err)
	}
	if err := connect(in, object{"token": tokenOf("stranger")}); err != nil {
		t.Fatal(err)
	}
	if conn, response := approach(t, doors[1], here); conn == nil {
		t.Errorf("after one was let in: %s", response.Status)
	}
	_ = waiting[1].Close()
	for end := time.Now().Add(settle); ; time.Sleep(20 * time.Millisecond) {
		if conn, response := approach(t, doors[0], here); conn != nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("after one has gone: %s", response.Status)
		}
	}
}

// A connection on which nothing comes, or a head that never ends, is closed after 5 s.
func testSlowHead(t *testing.T, n *node) {
	for name, begin := range map[string]string{"nothing": "", "half a head": "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nX-Slow: "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(n.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			opened := time.Now()
			_, _ = io.WriteString(conn, begin)
			stop := context.AfterFunc(t.Context(), func() { _ = conn.Close() })
			defer stop()
			_ = conn.SetReadDeadline(opened.Add(soon))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Fatalf("it stays open: %v", err)
			}
			if after := time.Since(opened); after < 4*time.Second {
				t.Errorf("closed after %s", after)
			}
		})
	}
}
