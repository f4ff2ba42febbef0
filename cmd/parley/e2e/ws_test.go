package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/eventstore/testenv"
)

// plainSocket is a client of /ws that does nothing on its own.
type plainSocket struct {
	t    testing.TB
	conn *websocket.Conn
}

// plainFrame is whatever /ws sends.
type plainFrame struct {
	ID json.RawMessage `json:"id"`
	ack
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

func plainURL(base string) string { return "ws" + strings.TrimPrefix(base, "http") + "/ws" }

func dialPlain(t testing.TB, n *node, query string, header http.Header) *plainSocket {
	t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second, EnableCompression: true}
	conn, response, err := dialer.DialContext(t.Context(), plainURL(n.URL)+query, header)
	if err != nil {
		t.Fatalf("dial %s: %v", n.name, err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &plainSocket{t, conn}
}

// dialPlainAs is dialAs by the plain door.
func dialPlainAs(ctx context.Context, base string, auth object, onEvent func(told)) (*socket, error) {
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	conn, response, err := dialer.DialContext(ctx, plainURL(base), nil)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", base, err)
	}
	_ = response.Body.Close()
	s := &socket{conn: conn, plain: true, done: make(chan struct{}), pending: map[int]func(ack, error){}, onEvent: onEvent}
	go s.read(nil)
	a, err := s.ask(ctx, "authenticate", auth)
	if err == nil && !a.Success {
		err = refusedError{a.Code}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// takePlain is take for the plain door.
func (s *socket) takePlain(raw string) {
	var f plainFrame
	if json.Unmarshal([]byte(raw), &f) != nil {
		return
	}
	if f.Event != "" {
		if s.onEvent != nil {
			s.onEvent(told{name: f.Event, data: f.Data})
		}
		return
	}
	id, err := strconv.Atoi(string(f.ID))
	if err != nil {
		return
	}
	if done := s.asked(id); done != nil {
		a := f.ack
		a.Data = f.Data
		done(a, nil)
	}
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func (s *plainSocket) say(frame any) {
	s.t.Helper()
	if err := s.conn.WriteJSON(frame); err != nil {
		s.t.Fatalf("say %v: %v", frame, err)
	}
}

func (s *plainSocket) read() (f plainFrame, err error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(settle))
	_, raw, err := s.conn.ReadMessage()
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, fmt.Errorf("frame %.200s: %w", raw, err)
	}
	return f, nil
}

// until reads up to the first frame that is wanted.
func (s *plainSocket) until(what string, wanted func(plainFrame) bool) plainFrame {
	s.t.Helper()
	for {
		f, err := s.read()
		if err != nil {
			s.t.Fatalf("waiting for %s: %v", what, err)
		}
		if wanted(f) {
			return f
		}
	}
}

func (s *plainSocket) event(name string) plainFrame {
	s.t.Helper()
	return s.until(name, func(f plainFrame) bool { return f.Event == name })
}

// must sends a command that has to succeed.
func (s *plainSocket) must(name string, payload any) json.RawMessage {
	s.t.Helper()
	s.say(object{"id": name, "event": name, "data": payload})
	f := s.until("the answer to "+name, func(f plainFrame) bool { return string(f.ID) == `"`+name+`"` })
	if !f.Success {
		s.t.Fatalf("%s: %s %s", name, f.Code, f.Error)
	}
	return f.Data
}

// wantEnd reads up to the end of the connection. Before that comes an error of the code, unless it is "".
func (s *plainSocket) wantEnd(closeCode int, code string) {
	s.t.Helper()
	defer s.conn.Close()
	var last plainFrame
	for {
		f, err := s.read()
		if e, ok := errors.AsType[*websocket.CloseError](err); ok {
			if e.Code != closeCode {
				s.t.Errorf("closed with %d %q, want %d", e.Code, e.Text, closeCode)
			}
			break
		}
		if err != nil {
			s.t.Errorf("ended with %v, want close code %d", err, closeCode)
			return
		}
		last = f
	}
	var refusal struct{ Event, Code string }
	_ = json.Unmarshal(last.Data, &refusal)
	if code != "" && (last.Event != "error" || refusal.Event != "authenticate" || refusal.Code != code) {
		s.t.Errorf("the last frame was %s %s, want an error of code %s", last.Event, last.Data, code)
	}
}

// Who comes by /ws and who comes by Socket.IO are in the same room, whatever the node.
func TestPlainWebSocket(t *testing.T) {
	inParallelIdly(t)
	database := testenv.DSN(t)
	shared := backends(database, testenv.StartRedis(t).URL).with(settings{"LOG_LEVEL": "debug"})
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	silent, opened := dialPlain(t, one, "", nil), time.Now()
	closed := make(chan time.Duration, 1)
	go func() {
		silent.wantEnd(4401, "UNAUTHENTICATED")
		closed <- time.Since(opened)
	}()
	t.Run("talk", func(t *testing.T) { testPlainTalk(t, one, two) })
	t.Run("tokens", func(t *testing.T) { testPlainTokens(t, one) })
	t.Run("handshakes", func(t *testing.T) { testPlainHandshakes(t, one) })
	t.Run("drain", func(t *testing.T) { testPlainDrain(t, two) })
	if after := <-closed; after < 8*time.Second || after > soon {
		t.Errorf("who says nothing was closed after %s, want 10 s", after)
	}
	soundLog(t, database)
}

// What is acknowledged, what is heard at either door, and what is in the history afterwards is the same.
func testPlainTalk(t *testing.T, one, two *node) {
	const each = 60
	alice, bob := one.as(t, unique("alice")), two.as(t, unique("bob"))
	room := alice.createRoom("public", "two doors", bob.user)

	a := dialPlain(t, one, "", nil)
	a.say(object{"id": 0, "event": "authenticate", "data": object{"token": alice.token, "rooms": []string{room}}})
	if f, err := a.read(); err != nil || string(f.ID) != "0" || !f.Success {
		t.Fatalf("let in with %+v, %v", f, err)
	}
	a.event("session")

	heardByBob := make(chan string, 4*each)
	b, err := dial(t.Context(), two.URL, bob.token, func(name string, data json.RawMessage) {
		if name == "new-message" {
			heardByBob <- idOf(data)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if _, err := b.must(t.Context(), "join-room", room); err != nil {
		t.Fatal(err)
	}

	said := make(chan error, 1)
	go func() { said <- talk(t.Context(), b, room, each) }()
	for i := range each {
		a.say(object{"id": i + 1, "event": "send-message", "data": object{"roomId": room, "content": fmt.Sprint("alice ", i)}})
	}
	var heardByAlice []string
	var newest string
	acked := map[string]bool{}
	for next := 1; len(acked) < each || len(heardByAlice) < 2*each; {
		f := a.until("acks and messages", func(f plainFrame) bool { return len(f.ID) > 0 || f.Event == "new-message" })
		switch {
		case f.Event != "":
			heardByAlice, newest = append(heardByAlice, idOf(f.Data)), positionOf(f.Data)
		case !f.Success || string(f.ID) != strconv.Itoa(next):
			t.Fatalf("answer %s: %s %s, want a success for %d", f.ID, f.Code, f.Error, next)
		default:
			next++
			acked[idOf(f.Data)] = true
		}
	}
	if err := <-said; err != nil {
		t.Fatal(err)
	}
	history := alice.history(room, newest)
	equal(t, "messages stored", len(history), 2*each)
	for i, m := range history {
		equal(t, "heard by /ws", heardByAlice[i], m.ID)
		equal(t, "heard by Socket.IO", <-heardByBob, m.ID)
		delete(acked, m.ID)
	}
	equal(t, "acknowledged and not stored", len(acked), 0)
}

func talk(ctx context.Context, s *socket, room string, times int) error {
	for i := range times {
		if _, err := s.must(ctx, "send-message", object{"roomId": room, "content": fmt.Sprint("bob ", i)}); err != nil {
			return err
		}
	}
	return nil
}

func idOf(data json.RawMessage) string {
	var m struct{ ID string }
	_ = json.Unmarshal(data, &m)
	return m.ID
}

func positionOf(data json.RawMessage) string {
	var m struct{ Position string }
	_ = json.Unmarshal(data, &m)
	return m.Position
}

func testPlainTokens(t *testing.T, n *node) {
	carol := n.as(t, unique("carol"))
	room := carol.createRoom("private", "header")
	s := dialPlain(t, n, "?rooms="+room, bearer(carol.token))
	s.event("session")
	sent := s.must("send-message", object{"roomId": room, "content": "x"})
	s.say(object{"id": "again", "event": "authenticate", "data": object{"token": carol.token}})
	again := s.until("the refusal", func(f plainFrame) bool { return len(f.ID) > 0 })
	if again.Code != "INVALID_PAYLOAD" {
		t.Errorf("a second authenticate: %+v", again)
	}

	expired := token(object{"userId": carol.user, "exp": time.Now().Add(-time.Hour).Unix()})
	dialPlain(t, n, "", bearer(expired)).wantEnd(4401, "TOKEN_EXPIRED")
	for token, code := range map[string]string{expired: "TOKEN_EXPIRED", carol.token + "x": "UNAUTHENTICATED", "": "UNAUTHENTICATED"} {
		s := dialPlain(t, n, "", nil)
		s.say(object{"event": "authenticate", "data": object{"token": token}})
		s.wantEnd(4401, code)
	}
	early := dialPlain(t, n, "", nil)
	early.say(object{"event": "send-message", "data": object{"roomId": room, "content": "x"}})
	early.wantEnd(4401, "UNAUTHENTICATED")
	equal(t, "messages stored", len(carol.history(room, positionOf(sent))), 1)
}

func testPlainHandshakes(t *testing.T, n *node) {
	dave := n.as(t, unique("dave"))
	for name, tc := range map[string]struct {
		query, origin string
		status        int
	}{
		"foreign origin":     {"", "https://evil.example", http.StatusForbidden},
		"own front end":      {"", "http://localhost:3000", http.StatusSwitchingProtocols},
		"own host":           {"", n.URL, http.StatusSwitchingProtocols},
		"token in the query": {"?token=" + dave.token, "", http.StatusForbidden},
	} {
		header := bearer(dave.token)
		if tc.origin != "" {
			header.Set("Origin", tc.origin)
		}
		conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), plainURL(n.URL)+tc.query, header)
		if response == nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = response.Body.Close()
		if err == nil {
			_ = conn.Close()
		}
		equal(t, name, response.StatusCode, tc.status)
	}
	dave.call("GET", "/ws", nil).want(http.StatusUpgradeRequired)
	binary := dialPlain(t, n, "", bearer(dave.token))
	_ = binary.conn.WriteMessage(websocket.BinaryMessage, []byte("{}"))
	binary.wantEnd(1003, "")
}

// A node that stops says so, and its clients may come back elsewhere.
func testPlainDrain(t *testing.T, n *node) {
	erin := n.as(t, unique("erin"))
	s := dialPlain(t, n, "", bearer(erin.token))
	s.event("session")
	n.Terminate()
	s.event("server-draining")
	s.wantEnd(1001, "")
	equal(t, "exit code", n.AwaitExit(), 0)
}
