package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A frame that is no UTF-8 is not stored, whatever becomes of the connection.
func testInvalidUTF8(t *testing.T, d deployment) {
	alice := d.user(t, "alice")
	room := alice.createRoom("public", "utf-8")
	s, err := dial(t.Context(), d.strict.URL, alice.token, nil)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	s.emitRaw([]byte(`["send-message",{"roomId":"`+room+"\",\"content\":\"\xff\xfe\"}]"), func(a ack, err error) {
		if err == nil && (a.Success || a.Code != "INVALID_PAYLOAD") {
			err = fmt.Errorf("answered with %+v", a)
			answered <- err
			return
		}
		answered <- nil
	})
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(settle):
		t.Error("no answer")
	}
	s.close()

	path := "/api/v1/rooms/" + room + "/messages"
	alice.call("POST", path, []byte("{\"content\":\"\xff\xfe\"}")).want(400, 422)
	position := alice.call("POST", path, object{"content": "fine"}).done().position()
	equal(t, "messages stored", len(alice.history(room, position)), 1)
}

// Frames that no client sends cost at most their own connection.
func testGarbage(t *testing.T, d deployment) {
	alice := d.user(t, "alice")
	for _, frame := range []string{
		"", "4", "42", "42[", "42[]", "42{}", `42"x"`, "42[null]", "42[7,8]", `42["send-message"`, "42-1[]", `42999999999999999999999["x"]`,
		`42/other,["x"]`, "43[]", `437[{"success":true}]`, "44{}", "45", `451-["x",{"_placeholder":true,"num":0}]`,
		`4599999999-["x"]`, `42["disconnect"]`, `42["connect"]`, `42["error"]`, "40", `40{"token":"x"}`, "0{}", "1", "3", "3probe", "5", "6", "7", "9", "x", "\x00",
		`42["send-message",` + strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000) + "]",
		strings.Repeat("x", 1_000_001),
	} {
		s, err := dial(t.Context(), d.strict.URL, alice.token, nil)
		if err != nil {
			t.Fatalf("before %.40q: %v", frame, err)
		}
		s.write(frame)
		s.emit("leave-room", "nowhere", func(ack, error) {})
		s.close()
	}
	binary, err := open(t.Context(), d.strict.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = binary.WriteMessage(websocket.BinaryMessage, []byte{0xff, 0x00, 0x80})
	_ = binary.Close()
	d.strict.alive(t)
	room := alice.createRoom("public", "still here")
	alice.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": "x"}).done()
}

// A packet above SOCKET_MAX_HTTP_BUFFER_SIZE ends its connection.
func testHugePacket(t *testing.T, d deployment) {
	alice := d.user(t, "alice")
	s, err := dial(t.Context(), d.strict.URL, alice.token, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.write(`42["send-message",{"content":"` + strings.Repeat("x", 1_000_000) + `"}]`)
	select {
	case <-s.done:
	case <-time.After(settle):
		t.Error("the connection stays open")
	}
}

// A client that was refused may ask again on the same connection.
func testSecondTry(t *testing.T, d deployment) {
	alice := d.user(t, "alice")
	conn, err := open(t.Context(), d.strict.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, wrong := range []string{"", "wrong", alice.token + "x"} {
		refused, ok := errors.AsType[refusedError](connect(conn, object{"token": wrong}))
		if !ok || !strings.Contains(refused.payload, `"UNAUTHENTICATED"`) {
			t.Fatalf("token %q: %v", wrong, refused)
		}
	}
	if err := connect(conn, object{"token": alice.token}); err != nil {
		t.Fatalf("the right token: %v", err)
	}
	frame, err := readFrame(conn)
	if err != nil || !strings.HasPrefix(frame, `42["session",`) {
		t.Errorf("then came %.200q, %v", frame, err)
	}
}

// What is done by REST is heard on sockets like anything else.
func testRESTReachesSockets(t *testing.T, d deployment) {
	alice, bob := d.user(t, "alice"), d.user(t, "bob")
	room := alice.createRoom("public", "both doors", bob.user)
	pushed := make(chan string, 100)
	s, err := dial(t.Context(), d.open.URL, bob.token, func(name string, data json.RawMessage) {
		pushed <- name + " " + string(data)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := s.must(t.Context(), "join-room", room); err != nil {
		t.Fatal(err)
	}
	path := "/api/v1/rooms/" + room
	sent := alice.call("POST", path+"/messages", object{"content": "by REST"}).done()
	message := path + "/messages/" + text(sent.object(), "id")
	for _, step := range []struct {
		event string
		write answer
	}{
		{"new-message", sent},
		{"message-edited", alice.call("PATCH", message, object{"content": "changed"}).done()},
		{"message-deleted", alice.call("DELETE", message, nil).done()},
		{"room-updated", alice.call("PATCH", path, object{"topic": "x"}).done()},
		{"member-updated", alice.call("PUT", path+"/members/"+bob.user, object{"role": "moderator"}).done()},
		{"room-archived", alice.call("DELETE", path, nil).done()},
	} {
		for {
			select {
			case got := <-pushed:
				if !strings.HasPrefix(got, step.event+" ") {
					continue
				}
				if !strings.Contains(got, `"position":"`+step.write.position()+`"`) {
					t.Errorf("%s is not of position %s", got, step.write.position())
				}
			case <-time.After(settle):
				t.Fatalf("no %s", step.event)
			}
			break
		}
	}
}

// silence is a connection that never says who it is.
type silence struct {
	conn   *websocket.Conn
	opened time.Time
	closed chan struct{}
	when   time.Time // set before closed is closed
}

func openSilently(t *testing.T, n *node) *silence {
	t.Helper()
	conn, err := open(t.Context(), n.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := &silence{conn: conn, opened: time.Now(), closed: make(chan struct{})}
	_ = conn.SetReadDeadline(time.Now().Add(settle))
	go func() {
		defer close(s.closed)
		var err error
		for err == nil {
			_, err = readFrame(conn)
		}
		s.when = time.Now()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-s.closed
	})
	return s
}

// wantClosed checks that the server hung up after 10 s.
func (s *silence) wantClosed(t *testing.T) {
	t.Helper()
	<-s.closed
	after := s.when.Sub(s.opened)
	if after < 8*time.Second || after > 15*time.Second {
		t.Errorf("a socket that has not authenticated was closed after %s, want 10 s", after)
	}
}
