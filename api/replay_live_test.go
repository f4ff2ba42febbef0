package api_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
)

// serveReplays is a server that reads requests as impatiently as those of nodes do, only more so.
func serveReplays(t *testing.T, w *world) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(w)
	server.Config.ReadTimeout = 200 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// From the past to live there is no gap and no repetition, and what comes live are the bytes that a replay gives later.
func TestFollowGoesFromThePastToLive(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	server := serveReplays(t, l.world)
	const more = 300
	from := time.Now()
	answer := follow(t, t.Context(), server, "limit="+event.Position(len(l.lines)+more).String(), l.analyst.token)
	defer answer.Body.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		actor := commands.Actor{Principal: domain.Principal{UserID: l.analyst.id}}
		for i := range more {
			if i == more/2 { // longer than the server waits for a request
				time.Sleep(max(0, 300*time.Millisecond-time.Since(from)))
			}
			if _, err := l.menu.SendMessage.Do(t.Context(), actor, commands.SendMessage{RoomID: l.room, Content: "live"}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	<-sent
	again := l.get(t, "limit="+event.Position(len(l.lines)+more).String())
	if diff := cmp.Diff(linesOf(again.body), linesOf(body)); diff != "" {
		t.Errorf("later, and live:\n%s", diff)
	}
	for i, line := range linesOf(body) {
		var e struct{ Position event.Position }
		must(t, json.Unmarshal([]byte(line), &e))
		if e.Position != event.Position(i+1) {
			t.Fatalf("line %d has position %d", i+1, e.Position)
		}
	}
}

// Who follows some of the log gets that alone, with signs of life between, until the node drains.
func TestFollowingEventSource(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	server := serveReplays(t, l.world)
	head := l.events[len(l.events)-1].Position
	answer := follow(t, t.Context(), server, "format=sse&types=UserRegistered&from="+(head+1).String(), l.analyst.token)
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	next := func() string {
		line, err := lines.ReadString('\n')
		must(t, err)
		return strings.TrimSuffix(line, "\n")
	}
	for range 2 {
		if beat := next() + next(); beat != ":" {
			t.Fatalf("instead of a sign of life: %q", beat)
		}
	}
	l.message(t, l.analyst, l.room, "not asked for")
	l.person(t, "new")
	line := next()
	for line == ":" || line == "" {
		line = next()
	}
	if line != "id: "+(head+2).String() {
		t.Errorf("got %q", line)
	}
	if data := next(); !strings.Contains(data, `"type":"UserRegistered"`) {
		t.Errorf("got %q", data)
	}
	l.Drain()
	if rest, err := io.ReadAll(lines); err != nil {
		t.Errorf("drained: %v after %q", err, rest)
	}
}

// Who may not listen any more is not told any more.
func TestFollowingEndsWithTheAccount(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	server := serveReplays(t, l.world)
	answer := follow(t, t.Context(), server, "", l.analyst.token)
	defer answer.Body.Close()
	admin := l.person(t, "admin", domain.RoleAdmin)
	l.as(t, admin, "POST", "/users/"+l.analyst.id+"/deactivate", "").want(t, "deactivate", 200, "")
	if _, err := io.ReadAll(answer.Body); err != nil {
		t.Errorf("ended with %v", err)
	}
}
