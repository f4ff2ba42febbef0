package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"parley/api"
	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/rooms"
)

// The fakes stand in for what is behind the pipeline where a test is about the pipeline alone. What
// the whole does is tested on real servers, see world_test.go.

// use is a use case made of a function.
type use[C, R any] func(commands.Actor, C) (R, error)

func (f use[C, R]) Do(_ context.Context, actor commands.Actor, c C) (R, error) { return f(actor, c) }

func (f use[C, R]) Submit(_ context.Context, actor commands.Actor, c C, done func(R, error)) {
	done(f(actor, c))
}

// fakeAuth takes the token "user", "admin", or an error by its code.
type fakeAuth struct{}

func (fakeAuth) Authenticate(_ context.Context, token string) (domain.Principal, wire.User, error) {
	p := domain.Principal{UserID: "u1", Username: "Ada"}
	switch token {
	case "user":
	case "admin":
		p.Roles = []domain.Role{domain.RoleAdmin}
	default:
		return domain.Principal{}, wire.User{}, domain.Errorf(domain.Code(token), "refused")
	}
	return p, wire.User{ID: "u1", Username: "Ada", Active: true, Position: 3}, nil
}

// fakeDirectory knows the rooms "mine", "public" and no other.
type fakeDirectory struct{ commands.Directory }

func (fakeDirectory) Membership(_ context.Context, _ domain.Principal, roomID string) (wire.Room, bool, error) {
	if roomID != "mine" && roomID != "public" {
		return wire.Room{}, false, domain.Errorf(domain.CodeRoomNotFound, "no such room")
	}
	return wire.Room{ID: roomID, Position: 5}, roomID == "mine", nil
}

func (fakeDirectory) Seen(_ context.Context, _ domain.Principal, roomID string) (wire.Room, bool, error) {
	if roomID != "mine" && roomID != "public" {
		return wire.Room{}, false, domain.Errorf(domain.CodeRoomNotFound, "no such room")
	}
	return wire.Room{ID: roomID, Position: 5}, roomID == "mine", nil
}

// fakeViews are at position 100.
type fakeViews struct{ t testing.TB }

func (v fakeViews) WaitFor(_ context.Context, position event.Position, names ...string) error {
	if len(names) == 0 {
		v.t.Error("all views are waited for")
	}
	if position > 100 {
		return domain.Errorf(domain.CodeStale, "not yet")
	}
	return nil
}

type fakeUsers struct{}

func (fakeUsers) Get(_ context.Context, id string) (wire.User, event.Position, error) {
	if id != "u1" {
		return wire.User{}, 100, domain.Errorf(domain.CodeInvalidUser, "no such user")
	}
	return wire.User{ID: "u1", Username: "Ada <b>", Active: true, Position: 7}, 100, nil
}

func (fakeUsers) Search(_ context.Context, text, cursor string, limit int) (projections.List[wire.User], error) {
	return projections.List[wire.User]{
		Items: []wire.User{{ID: fmt.Sprintf("%q %q %d", text, cursor, limit)}}, Position: 100,
	}, nil
}

type fakeRooms struct{ api.RoomQueries }

func (fakeRooms) Get(context.Context, string) (wire.Room, event.Position, error) {
	return wire.Room{}, 100, domain.Errorf(domain.CodeRoomNotFound, "the view is behind")
}

func (fakeRooms) Mine(context.Context, string, string, int) (projections.List[rooms.Summary], error) {
	panic("a bug")
}

type fakeMessages struct{ api.MessageQueries }

func (fakeMessages) Page(_ context.Context, roomID string, req messages.PageRequest) (messages.Page, error) {
	after := "none"
	if req.After != nil {
		after = strconv.FormatInt(*req.After, 10)
	}
	asked := fmt.Sprintf("before %d after %s around %d limit %d", req.Before, after, req.Around, req.Limit)
	return messages.Page{Items: []wire.Message{{RoomID: roomID, Content: asked}}, Position: 100}, nil
}

// fakePast is at a position and tells what it was asked.
type fakePast struct{ head event.Position }

func (p fakePast) Since(_ context.Context, userID string, after, atLeast event.Position, limit int) (wire.Synced, error) {
	if atLeast > p.head {
		return wire.Synced{}, domain.Errorf(domain.CodeStale, "not yet")
	}
	asked := fmt.Sprintf(`{"user":%q,"after":%d,"limit":%d}`, userID, after, limit)
	return wire.Synced{Events: []wire.SyncedEvent{{Event: "asked", Data: []byte(asked), Offset: p.head - 1}}, Position: p.head}, nil
}

type fakeStatus struct{}

func (fakeStatus) Status() []projections.Status {
	return []projections.Status{{Name: "rooms", State: projections.StateActive, Position: 90, Head: 100, Lag: 10, Rate: 2.5, Drift: 1}}
}

type fake struct {
	*api.API
	menu *commands.Commands
	logs *bytes.Buffer
}

func newFake(t *testing.T, cfg api.Config, more ...func(*api.Deps)) fake {
	t.Helper()
	logs := &bytes.Buffer{}
	menu := &commands.Commands{Directory: fakeDirectory{}}
	deps := api.Deps{
		Commands: menu, Authenticator: fakeAuth{}, Users: fakeUsers{}, Rooms: fakeRooms{},
		Messages: fakeMessages{}, Views: fakeViews{t}, Past: fakePast{100}, Projections: fakeStatus{},
		Logger: slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, set := range more {
		set(&deps)
	}
	a, err := api.New(deps, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return fake{API: a, menu: menu, logs: logs}
}

// request is one HTTP request of a test; headers alternate name and value.
type request struct {
	method, path, token, body string
	headers                   []string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func ask(t testing.TB, h http.Handler, r request) answer {
	t.Helper()
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	req := httptest.NewRequestWithContext(t.Context(), r.method, r.path, body)
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	for i := 0; i < len(r.headers); i += 2 {
		req.Header.Del(r.headers[i])
		if r.headers[i+1] != "" {
			req.Header.Set(r.headers[i], r.headers[i+1])
		}
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, req)
	return answer{recorder.Code, recorder.Header(), recorder.Body.Bytes()}
}

// into decodes the body.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("status %d, body %.300q: %v", a.status, a.body, err)
	}
}

// problem decodes an error, and checks what every error must have.
func (a answer) problem(t testing.TB) api.Problem {
	t.Helper()
	var p api.Problem
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q of status %d, body %.300q", got, a.status, a.body)
		return p
	}
	a.into(t, &p)
	if p.Status != a.status || p.Title != http.StatusText(a.status) || p.Type == "" || p.Detail == "" || p.RequestID == "" ||
		p.RequestID != a.header.Get("X-Request-Id") {
		t.Errorf("status %d and problem %+v", a.status, p)
	}
	return p
}

func (a answer) want(t testing.TB, what string, status int, code domain.Code) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: status %d, want %d; body %.300s", what, a.status, status, a.body)
		return
	}
	if code == "" {
		return
	}
	if p := a.problem(t); p.Code != code {
		t.Errorf("%s: code %s, want %s", what, p.Code, code)
	}
}
