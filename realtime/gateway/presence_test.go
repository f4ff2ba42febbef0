package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

// register remembers who came and went, and who types.
type register struct {
	mu  sync.Mutex
	log []string
}

func (r *register) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *register) wants(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.log, want) {
		t.Errorf("told %q, want %q", r.log, want)
	}
	r.log = nil
}

func (r *register) Opened(user string, invisible bool) (closed func()) {
	r.add("%s came, invisible: %v", user, invisible)
	return func() { r.add("%s went", user) }
}

func (r *register) Start(room, user, _ string) { r.add("%s types in %s", user, room) }
func (r *register) Stop(room, user string)     { r.add("%s stops in %s", user, room) }
func (r *register) In(room, except string) []wire.Typing {
	return []wire.Typing{{RoomID: room, UserID: "not-" + except, Username: "U"}}
}

func changed(at event.Position, user string) *hub.Fact {
	return &hub.Fact{Position: at, Watched: user, Make: func() []*hub.Push {
		return []*hub.Push{hub.NewPush(wire.Push{Event: "presence-changed", Watched: user, Data: []byte(`"` + user + `"`)}, at)}
	}}
}

func TestPresenceIsToldWhoComesAndGoes(t *testing.T) {
	t.Parallel()
	var told register
	s := newStand(t, gateway.Config{Presence: &told})
	for options, invisible := range map[string]bool{
		`{"token":"ann"}`: false, `{"token":"ann","presence":"invisible"}`: true, `{"token":"ann","presence":7}`: false, `{"token":"ann","presence":"busy"}`: false,
	} {
		session, err := s.Open(t.Context(), newPeer("s"), addr("192.0.2.1"), gateway.ParseOptions([]byte(options)))
		if err != nil {
			t.Fatal(err)
		}
		session.Closed()
		told.wants(t, fmt.Sprintf("ann came, invisible: %v", invisible), "ann went")
	}
	if _, err := s.Open(t.Context(), newPeer("s"), addr("192.0.2.1"), gateway.Options{Token: "forged"}); err == nil {
		t.Fatal("let in")
	}
	told.wants(t)
}

func TestWatchPresence(t *testing.T) {
	t.Parallel()
	var fail error
	var s *stand
	s = newStand(t, gateway.Config{PresenceOf: func(_ context.Context, viewer string, asOf event.Position, ids []string) ([]wire.Presence, error) {
		if viewer != "ann" || asOf != s.hub.Position() {
			t.Errorf("asked for %s as of %d", viewer, asOf)
		}
		s.hub.Dispatch([]*hub.Fact{changed(asOf+1, "bob")}) // while it is read
		list := make([]wire.Presence, len(ids))
		for i, id := range ids {
			list[i] = wire.Presence{UserID: id, Status: event.StatusAway, Text: "x"}
		}
		return list, fail
	}})
	session, p := s.enter(t, "ann")
	const bob = `{"userId":"bob","status":"away","text":"x","lastSeenAt":null,"position":"0"}`
	want := `{"success":true,"data":{"users":[` + bob + `,` + strings.Replace(bob, "bob", "ann", 1) + `]}}`
	for _, payload := range []string{`{"userIds":["bob","ann"]}`, `["bob","ann"]`} {
		if got := ask(t, session, "watch-presence", payload); got != want {
			t.Errorf("%s: %s", payload, got)
		}
		p.wants(t, `presence-changed "bob"`)
	}
	at := s.hub.Position()
	s.hub.Dispatch([]*hub.Fact{changed(at+1, "bob"), changed(at+2, "cy"), changed(at+3, "ann")})
	p.wants(t, `presence-changed "bob"`)
	p.silent(t) // others, and what comes to its own devices anyway

	for _, payload := range []string{`{"userIds":["a b"]}`, `{"userIds":[""]}`, `{"userIds":"bob"}`, `[` + strings.Repeat(`"a",`, 200) + `"a"]`} {
		if got := ask(t, session, "watch-presence", payload); !strings.Contains(got, "INVALID_PAYLOAD") {
			t.Errorf("%.40s: %s", payload, got)
		}
	}
	fail = domain.Unavailable(errors.New("away"))
	if got := ask(t, session, "watch-presence", `["bob"]`); !strings.Contains(got, "UNAVAILABLE") {
		t.Error(got)
	}
	for len(p.said) > 0 {
		<-p.said
	}
	fail = nil
	if got := ask(t, session, "watch-presence", `[]`); got != `{"success":true,"data":{"users":[]}}` {
		t.Error(got)
	}
	s.hub.Dispatch([]*hub.Fact{changed(s.hub.Position()+1, "bob")})
	p.silent(t)
}

func TestTyping(t *testing.T) {
	t.Parallel()
	var told register
	s := newStand(t, gateway.Config{Typing: &told})
	for room, at := range map[string]event.Position{"r": 1, "s": 1, "public": -1} {
		s.directory.set(room, at)
	}
	session, p := s.enter(t, "ann", "r")
	const hint = `typing-started {"roomId":"r","userId":"not-ann","username":"U","expiresAt":"0001-01-01T00:00:00.000Z"}`
	p.wants(t, hint)
	for _, step := range []struct{ name, payload, code, told string }{
		{"typing-start", `{"roomId":"r"}`, "", "ann types in r"},
		{"typing:start", `"s"`, "", "ann types in s"},
		{"typing:stop", `"s"`, "", "ann stops in s"},
		{"typing-stop", `"s"`, "", ""}, // once
		{"typing-start", `"public"`, "NOT_A_MEMBER", ""},
		{"typing-start", `"nowhere"`, "ROOM_NOT_FOUND", ""},
		{"typing-start", `""`, "INVALID_PAYLOAD", ""},
		{"unsubscribe-room", `"r"`, "", "ann stops in r"},
		{"typing-start", `"s"`, "", "ann types in s"},
	} {
		got := ask(t, session, step.name, step.payload)
		if step.code == "" && !strings.Contains(got, `"success":true`) || !strings.Contains(got, step.code) {
			t.Errorf("%s %s: %s", step.name, step.payload, got)
		}
		if step.told == "" {
			told.wants(t)
		} else {
			told.wants(t, step.told)
		}
	}
	ask(t, session, "join-room", `"r"`)
	p.wants(t, hint)
	session.Closed()
	told.wants(t, "ann stops in s")
}
