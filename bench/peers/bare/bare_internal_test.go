package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// connect opens a connection and joins it to a room.
func connect(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	expect(t, ws, `0{"sid":`)
	say(t, ws, `40{"token":"any"}`)
	expect(t, ws, `40{"sid":`)
	say(t, ws, `420["join-room",{"roomId":"a"}]`)
	expect(t, ws, `430[{"success":true`)
	return ws
}

func say(t *testing.T, ws *websocket.Conn, packet string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(packet)); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, ws *websocket.Conn, parts ...string) {
	t.Helper()
	if err := ws.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, packet, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if !strings.Contains(string(packet), part) {
			t.Fatalf("got %s, want %s in it", packet, part)
		}
	}
}

func TestBroadcast(t *testing.T) {
	server := httptest.NewServer(newBroadcaster(t.Context()).routes())
	t.Cleanup(server.Close)
	sender, listener := connect(t, server.URL), connect(t, server.URL)
	for _, text := range []string{"short", strings.Repeat("long", 100), strings.Repeat("longer", 20_000)} {
		say(t, sender, `421["send-message",{"roomId":"a","content":"`+text+`","clientMessageId":"m1"}]`)
		expect(t, listener, `42["new-message",{`, `"content":"`+text+`"`, `"clientMessageId":"m1"`)
		expect(t, sender, `42["new-message",{`, `"content":"`+text+`"`)
		expect(t, sender, `431[{"success":true`)
	}
}
