package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"parley/api"
	"parley/domain"
	"parley/domain/event"
)

// scene is a private room with a message of its member, made anew for each question that may change it, so that no
// answer depends on another.
type scene struct {
	room, message          string
	member, owner          person
	third                  person // a member too
	outsider               person // whom nothing happens to but by the question
	name                   string
	password, refreshToken string
}

// expected is what somebody gets: a status, and the code when it is an error.
type expected struct {
	status int
	code   domain.Code
}

func yes(status int) expected { return expected{status: status} }

func no(code domain.Code) expected { return expected{api.Status(code), code} }

// rule is what a route answers to each caller.
type rule struct {
	// path and body may hold {room}, {message}, {third}, {outsider}, {name}, {refresh}.
	path, body string

	anonymous, stranger, member, owner, admin expected
}

// everybody is answered alike.
func everybody(path, body string, status int) rule {
	e := yes(status)
	return rule{path, body, e, e, e, e, e}
}

// users are answered alike, and nobody else.
func onlyUsers(path, body string, status int) rule {
	e := yes(status)
	return rule{path, body, no(domain.CodeUnauthenticated), e, e, e, e}
}

func onlyAdmins(path, body string, status int) rule {
	e := no(domain.CodeForbidden)
	return rule{path, body, no(domain.CodeUnauthenticated), e, e, e, yes(status)}
}

// onlyAnalysts are answered; the caller named admin has every role.
func onlyAnalysts(path, body string, status int) rule { return onlyAdmins(path, body, status) }

// inRoom hides the room from anonymous and stranger.
func inRoom(path, body string, member, owner, admin expected) rule {
	return rule{path, body, no(domain.CodeUnauthenticated), no(domain.CodeRoomNotFound), member, owner, admin}
}

// rules has an entry for every route. A route without one fails the test.
func rules() map[string]rule {
	forbidden, ok := no(domain.CodeForbidden), yes(200)
	return map[string]rule{
		"GET /healthz":                          everybody("/healthz", "", 200),
		"GET /readyz":                           everybody("/readyz", "", 200),
		"GET /openapi.json":                     everybody("/openapi.json", "", 200),
		"GET /asyncapi.json":                    everybody("/asyncapi.json", "", 200),
		"GET /docs":                             everybody("/docs", "", 200),
		"GET /docs/:file":                       everybody("/docs/page.js", "", 200),
		"GET /metrics":                          everybody("/metrics", "", 200),
		"GET /debug/projections":                onlyAdmins("/debug/projections", "", 200),
		"GET /debug/socket/connections":         onlyAdmins("/debug/socket/connections", "", 200),
		"GET /debug/socket/metrics":             onlyAdmins("/debug/socket/metrics", "", 200),
		"GET /debug/queues":                     onlyAdmins("/debug/queues", "", 200),
		"GET /debug/load":                       onlyAdmins("/debug/load", "", 200),
		"GET /debug/upkeep":                     onlyAdmins("/debug/upkeep", "", 200),
		"DELETE /debug/upkeep/:id":              onlyAdmins("/debug/upkeep/job", "", 200),
		"POST /debug/verify":                    onlyAdmins("/debug/verify", "", 202),
		"POST /debug/projections/:name/rebuild": onlyAdmins("/debug/projections/rooms/rebuild", "", 202),
		"GET /debug/pprof/":                     onlyAdmins("/debug/pprof/", "", 200),
		"GET /debug/pprof/:profile":             onlyAdmins("/debug/pprof/heap", "", 200),
		"GET /api/v1/auth/methods":              everybody("/api/v1/auth/methods", "", 200),
		"POST /api/v1/auth/register":            everybody("/api/v1/auth/register", `{"username":"{name}","password":"correct horse"}`, 201),
		"POST /api/v1/auth/login":               everybody("/api/v1/auth/login", `{"username":"{account}","password":"correct horse"}`, 200),
		"POST /api/v1/auth/refresh":             everybody("/api/v1/auth/refresh", `{"refreshToken":"{refresh}"}`, 200),
		"POST /api/v1/auth/logout":              onlyUsers("/api/v1/auth/logout", `{"all":true}`, 200),
		"GET /api/v1/users/me":                  onlyUsers("/api/v1/users/me", "", 200),
		"PATCH /api/v1/users/me":                onlyUsers("/api/v1/users/me", `{"displayName":"{name}"}`, 200),
		"GET /api/v1/users":                     onlyUsers("/api/v1/users?q=a", "", 200),
		"GET /api/v1/users/:id":                 onlyUsers("/api/v1/users/{outsider}", "", 200),
		"POST /api/v1/users/:id/deactivate":     onlyAdmins("/api/v1/users/{outsider}/deactivate", "", 200),
		"POST /api/v1/users/:id/reactivate":     onlyAdmins("/api/v1/users/{outsider}/reactivate", "", 200),
		"POST /api/v1/users/:id/erase":          onlyAdmins("/api/v1/users/nobody/erase", "", 404),

		"POST /api/v1/rooms":                       onlyUsers("/api/v1/rooms", `{"name":"{name}","type":"public"}`, 201),
		"GET /api/v1/rooms":                        onlyUsers("/api/v1/rooms", "", 200),
		"GET /api/v1/rooms/:id":                    inRoom("/api/v1/rooms/{room}", "", ok, ok, ok),
		"PATCH /api/v1/rooms/:id":                  inRoom("/api/v1/rooms/{room}", `{"topic":"t"}`, forbidden, ok, ok),
		"DELETE /api/v1/rooms/:id":                 inRoom("/api/v1/rooms/{room}", "", forbidden, ok, ok),
		"GET /api/v1/rooms/:id/members":            inRoom("/api/v1/rooms/{room}/members", "", ok, ok, ok),
		"PUT /api/v1/rooms/:id/members/:userId":    inRoom("/api/v1/rooms/{room}/members/{outsider}", "", forbidden, ok, ok),
		"DELETE /api/v1/rooms/:id/members/:userId": inRoom("/api/v1/rooms/{room}/members/{third}", "", forbidden, ok, ok),
		"GET /api/v1/rooms/:id/messages":           inRoom("/api/v1/rooms/{room}/messages", "", ok, ok, ok),
		"POST /api/v1/rooms/:id/messages":          inRoom("/api/v1/rooms/{room}/messages", `{"content":"x"}`, yes(201), yes(201), no(domain.CodeNotAMember)),
		"GET /api/v1/rooms/:id/messages/:mid":      inRoom("/api/v1/rooms/{room}/messages/{message}", "", ok, ok, ok),
		"PATCH /api/v1/rooms/:id/messages/:mid":    inRoom("/api/v1/rooms/{room}/messages/{message}", `{"content":"y"}`, ok, forbidden, no(domain.CodeNotAMember)),
		"DELETE /api/v1/rooms/:id/messages/:mid":   inRoom("/api/v1/rooms/{room}/messages/{message}", "", ok, ok, ok),

		"GET /api/v1/events":           onlyAnalysts("/api/v1/events", "", 200),
		"GET /api/v1/events/:position": onlyAnalysts("/api/v1/events/1", "", 200),
		"GET /api/v1/streams":          onlyAnalysts("/api/v1/streams", "", 200),
		"GET /api/v1/streams/:id":      onlyAnalysts("/api/v1/streams/messages-{room}", "", 200),

		"GET /api/v1/consumers":               onlyAnalysts("/api/v1/consumers", "", 200),
		"GET /api/v1/consumers/:name":         onlyAnalysts("/api/v1/consumers/nobody", "", 404),
		"PUT /api/v1/consumers/:name":         onlyAnalysts("/api/v1/consumers/{name}", `{"types":["MessageSent"]}`, 201),
		"DELETE /api/v1/consumers/:name":      onlyAnalysts("/api/v1/consumers/nobody", "", 404),
		"GET /api/v1/consumers/:name/events":  onlyAnalysts("/api/v1/consumers/{name}/events", "", 200),
		"POST /api/v1/consumers/:name/ack":    onlyAnalysts("/api/v1/consumers/nobody/ack", `{"position":"1"}`, 404),
		"POST /api/v1/consumers/:name/rewind": onlyAnalysts("/api/v1/consumers/nobody/rewind", `{"position":"1"}`, 404),
		"GET /api/v1/webhooks":                onlyAdmins("/api/v1/webhooks", "", 200),
		"GET /api/v1/webhooks/:name":          onlyAdmins("/api/v1/webhooks/nobody", "", 404),
		"PUT /api/v1/webhooks/:name":          onlyAdmins("/api/v1/webhooks/{name}", `{"url":"https://hooks.example.com"}`, 201),
		"DELETE /api/v1/webhooks/:name":       onlyAdmins("/api/v1/webhooks/nobody", "", 404),
		"POST /api/v1/webhooks/:name/resume":  onlyAdmins("/api/v1/webhooks/nobody/resume", "", 404),
		"POST /api/v1/webhooks/:name/rewind":  onlyAdmins("/api/v1/webhooks/nobody/rewind", `{"position":"1"}`, 404),

		"GET /api/v1/messages/:id/trace": onlyAnalysts("/api/v1/messages/{message}/trace", "", 200),

		"GET /api/v1/search":                                      onlyUsers("/api/v1/search?q=a", "", 200),
		"GET /api/v1/sync":                                        onlyUsers("/api/v1/sync?since=0", "", 200),
		"GET /api/v1/unread":                                      onlyUsers("/api/v1/unread", "", 200),
		"GET /api/v1/presence":                                    onlyUsers("/api/v1/presence?userIds={outsider},nobody", "", 200),
		"GET /api/v1/rooms/:id/presence":                          inRoom("/api/v1/rooms/{room}/presence", "", ok, ok, ok),
		"GET /api/v1/rooms/:id/receipts":                          inRoom("/api/v1/rooms/{room}/receipts", "", ok, ok, ok),
		"PUT /api/v1/rooms/:id/read":                              inRoom("/api/v1/rooms/{room}/read", `{"seq":1}`, ok, ok, no(domain.CodeNotAMember)),
		"GET /api/v1/rooms/:id/messages/:mid/readers":             inRoom("/api/v1/rooms/{room}/messages/{message}/readers", "", ok, ok, ok),
		"GET /api/v1/rooms/:id/messages/:mid/replies":             inRoom("/api/v1/rooms/{room}/messages/{message}/replies", "", ok, ok, ok),
		"GET /api/v1/rooms/:id/messages/:mid/revisions":           inRoom("/api/v1/rooms/{room}/messages/{message}/revisions", "", ok, ok, ok),
		"PUT /api/v1/rooms/:id/messages/:mid/reactions/:emoji":    inRoom("/api/v1/rooms/{room}/messages/{message}/reactions/%F0%9F%91%8D", "", ok, ok, no(domain.CodeNotAMember)),
		"DELETE /api/v1/rooms/:id/messages/:mid/reactions/:emoji": inRoom("/api/v1/rooms/{room}/messages/{message}/reactions/+1", "", ok, ok, no(domain.CodeNotAMember)),
		"PUT /api/v1/rooms/:id/messages/:mid/pin":                 inRoom("/api/v1/rooms/{room}/messages/{message}/pin", "", forbidden, ok, ok),
		"DELETE /api/v1/rooms/:id/messages/:mid/pin":              inRoom("/api/v1/rooms/{room}/messages/{message}/pin", "", forbidden, ok, ok),
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known := rules()
	for _, route := range w.Routes() {
		key := route.Method + " " + route.Path
		r, ok := known[key]
		if !ok {
			t.Errorf("nobody has said who may use %s: add it to rules", key)
			continue
		}
		delete(known, key)
		if open := r.anonymous.status < 400; open && route.Access != api.Open {
			t.Errorf("%s: access is %s, the rule is open", key, route.Access)
		}
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			w.checkRule(t, route.Method, r)
		})
	}
	for key := range known {
		t.Errorf("there is no route %s", key)
	}
}

func (w *world) checkRule(t *testing.T, method string, r rule) {
	t.Helper()
	var s scene
	for _, caller := range []struct {
		name string
		want expected
	}{
		{"anonymous", r.anonymous}, {"stranger", r.stranger}, {"member", r.member}, {"owner", r.owner}, {"admin", r.admin},
	} {
		if method != http.MethodGet || s.room == "" {
			s = w.scene(t)
		}
		path, body := s.fill(r.path), s.fill(r.body)
		var who person
		switch caller.name {
		case "stranger":
			who = w.person(t, "stranger")
		case "member":
			who = s.member
		case "owner":
			who = s.owner
		case "admin":
			who = w.person(t, "admin", domain.RoleAdmin)
		}
		req := request{method: method, path: path, token: who.token, body: body}
		if method == http.MethodGet { // what the scene has written must be seen
			req.headers = []string{"Parley-Min-Position", w.head(t, s)}
		}
		got := ask(t, w, req)
		got.want(t, caller.name, caller.want.status, caller.want.code)
		if write := method != http.MethodGet && !strings.Contains(path, "/auth/") && !strings.HasPrefix(path, "/debug/"); write && got.status < 300 {
			positionOf(t, got)
		}
	}
}

func (w *world) scene(t *testing.T) scene {
	t.Helper()
	s := scene{
		member: w.person(t, "member"), owner: w.person(t, "owner"), third: w.person(t, "third"), outsider: w.person(t, "outsider"),
		name: w.unique("name"), password: "correct horse",
	}
	account := ask(t, w, request{
		method: "POST", path: "/api/v1/auth/register",
		body: fmt.Sprintf(`{"username":%q,"password":%q}`, "account-"+s.name, s.password),
	})
	var tokens struct{ RefreshToken string }
	account.into(t, &tokens)
	s.refreshToken = tokens.RefreshToken
	s.room = w.room(t, s.owner, event.RoomPrivate, s.member, s.third).ID
	s.message = w.message(t, s.member, s.room, "hello").ID
	return s
}

func (s scene) fill(text string) string {
	return strings.NewReplacer(
		"{room}", s.room, "{message}", s.message, "{third}", s.third.id, "{outsider}", s.outsider.id,
		"{name}", s.name, "{account}", "account-"+s.name, "{refresh}", s.refreshToken,
	).Replace(text)
}

// head is a position that covers the scene.
func (w *world) head(t *testing.T, s scene) string {
	t.Helper()
	m := w.message(t, s.member, s.room, "again")
	return m.Position.String()
}
