package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parley/api"
	"parley/commands"
	"parley/domain"
	"parley/domain/wire"
)

func TestBearerTokens(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	for name, c := range map[string]struct {
		path      string
		headers   []string
		status    int
		code      domain.Code
		challenge string
	}{
		"good":             {"/api/v1/users/me", []string{"Authorization", "Bearer user"}, 200, "", ""},
		"scheme by case":   {"/api/v1/users/me", []string{"Authorization", "bearer user"}, 200, "", ""},
		"none":             {"/api/v1/users/me", nil, 401, domain.CodeUnauthenticated, `Bearer realm="parley"`},
		"in the query":     {"/api/v1/users/me?token=user&access_token=user", nil, 401, domain.CodeUnauthenticated, `Bearer realm="parley"`},
		"in a cookie":      {"/api/v1/users/me", []string{"Cookie", "token=user"}, 401, domain.CodeUnauthenticated, `Bearer realm="parley"`},
		"no scheme":        {"/api/v1/users/me", []string{"Authorization", "user"}, 401, domain.CodeUnauthenticated, `Bearer realm="parley", error="invalid_token"`},
		"basic":            {"/api/v1/users/me", []string{"Authorization", "Basic dXNlcg=="}, 401, domain.CodeUnauthenticated, `Bearer realm="parley", error="invalid_token"`},
		"empty":            {"/api/v1/users/me", []string{"Authorization", "Bearer "}, 401, domain.CodeUnauthenticated, `Bearer realm="parley", error="invalid_token"`},
		"expired":          {"/api/v1/users/me", []string{"Authorization", "Bearer TOKEN_EXPIRED"}, 401, domain.CodeTokenExpired, `Bearer realm="parley", error="invalid_token"`},
		"deactivated":      {"/api/v1/users/me", []string{"Authorization", "Bearer INVALID_USER"}, 403, domain.CodeInvalidUser, ""},
		"nobody can tell":  {"/api/v1/users/me", []string{"Authorization", "Bearer UNAVAILABLE"}, 503, domain.CodeUnavailable, ""},
		"open without one": {"/healthz", nil, 200, "", ""},
	} {
		got := ask(t, a, request{method: "GET", path: c.path, headers: c.headers})
		got.want(t, name, c.status, c.code)
		if challenge := got.header.Get("WWW-Authenticate"); challenge != c.challenge {
			t.Errorf("%s: challenge %q", name, challenge)
		}
	}
	twice := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/users/me", nil)
	twice.Header["Authorization"] = []string{"Bearer user", "Bearer admin"}
	recorder := httptest.NewRecorder()
	a.ServeHTTP(recorder, twice)
	if recorder.Code != http.StatusUnauthorized {
		t.Errorf("two tokens: %d", recorder.Code)
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	var seen []string
	a.menu.ChangeProfile = use[commands.ChangeProfile, wire.User](func(actor commands.Actor, _ commands.ChangeProfile) (wire.User, error) {
		seen = append(seen, actor.CorrelationID)
		return wire.User{}, nil
	})
	for id, kept := range map[string]bool{
		"req-1": true, "": false, "a b": false, "<script>": false, "a\u00e9": false, strings.Repeat("x", 64): true, strings.Repeat("x", 65): false,
	} {
		got := ask(t, a, request{method: "PATCH", path: "/api/v1/users/me", token: "user", body: "{}", headers: []string{"X-Request-Id", id}})
		answered := got.header.Get("X-Request-Id")
		if answered == "" || (answered == id) != kept {
			t.Errorf("%q is answered with %q", id, answered)
		}
		if last := seen[len(seen)-1]; last != answered {
			t.Errorf("%q: the command is correlated by %q", id, last)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	for _, path := range []string{
		"/", "/api", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v2/users/me", "/api/v1/users/me/x", "/metrics",
		"/api/v1/rooms/", "/api/v1//rooms", "/api/v1/%2e%2e/healthz", "/api/v1/rooms/a%2Fmessages/x/y/z",
	} {
		ask(t, a, request{method: "GET", path: path, token: "user"}).want(t, path, 404, domain.CodeUnknownEvent)
	}
	for _, method := range []string{"PUT", "DELETE", "HEAD", "TRACE", "POST"} {
		got := ask(t, a, request{method: method, path: "/healthz"})
		if got.status != http.StatusMethodNotAllowed || !strings.Contains(got.header.Get("Allow"), "GET") {
			t.Errorf("%s: status %d, Allow %q", method, got.status, got.header.Get("Allow"))
		}
	}
	ask(t, a, request{method: "PUT", path: "/healthz"}).want(t, "PUT", 405, domain.CodeUnknownEvent)
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	for _, path := range []string{"/healthz", "/api/v1/users/me", "/nothing"} {
		got := ask(t, a, request{method: "GET", path: path})
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.header.Get(name))
			}
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	listed := newFake(t, api.Config{AllowedOrigins: []string{"http://localhost:3000", "https://app.example.com"}})
	none := newFake(t, api.Config{})
	for name, c := range map[string]struct {
		api     http.Handler
		origin  string
		allowed bool
	}{
		"listed":          {listed, "https://app.example.com", true},
		"also listed":     {listed, "http://localhost:3000", true},
		"foreign":         {listed, "https://evil.example", false},
		"null":            {listed, "null", false},
		"suffix":          {listed, "https://app.example.com.evil", false},
		"prefix":          {listed, "https://xapp.example.com", false},
		"another scheme":  {listed, "http://app.example.com", false},
		"another port":    {listed, "https://app.example.com:8443", false},
		"nothing allowed": {none, "https://app.example.com", false},
	} {
		for _, method := range []string{"GET", "OPTIONS"} {
			got := ask(t, c.api, request{
				method: method, path: "/api/v1/users/me", token: "user",
				headers: []string{"Origin", c.origin, "Access-Control-Request-Method", "PATCH"},
			})
			allowed := got.header.Get("Access-Control-Allow-Origin")
			if (allowed == c.origin) != c.allowed || allowed == "*" {
				t.Errorf("%s, %s: allowed %q", name, method, allowed)
			}
			if c.allowed && !strings.Contains(got.header.Get("Vary"), "Origin") {
				t.Errorf("%s, %s: a cache may serve this to another origin", name, method)
			}
		}
	}
	got := ask(t, listed, request{method: "GET", path: "/api/v1/users/me", headers: []string{"Origin", "http://localhost:3000"}})
	if got.status != 401 || got.header.Get("Access-Control-Allow-Origin") == "" {
		t.Error("the browser may not read errors")
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"*", "example.com", "https://example.com/", "https://*.example.com/x", "ftp://example.com", "null", ""} {
		if _, err := api.New(api.Deps{Commands: &commands.Commands{}}, api.Config{AllowedOrigins: []string{origin}}); err == nil {
			t.Errorf("%q is taken for an origin", origin)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{MaxBody: 100})
	var got commands.CreateRoom
	a.menu.CreateRoom = use[commands.CreateRoom, wire.Room](func(_ commands.Actor, c commands.CreateRoom) (wire.Room, error) {
		got = c
		return wire.Room{ID: "a|b", Position: 9}, nil
	})
	for name, c := range map[string]struct {
		body, contentType string
		status            int
		field             string
	}{
		"good":                  {`{"name":"n","type":"public"}`, "application/json", 201, ""},
		"charset":               {`{"name":"n"}`, "application/json; charset=utf-8", 201, ""},
		"another JSON":          {`{"name":"n"}`, "application/vnd.x+json", 201, ""},
		"no content type":       {`{"name":"n"}`, "", 201, ""},
		"members unknown":       {`{"name":"n","id":"r1","createdBy":"x","memberCount":7}`, "application/json", 201, ""},
		"spaces around":         {" \n{} \n", "application/json", 201, ""},
		"form":                  {"name=n", "application/x-www-form-urlencoded", 415, "body"},
		"text":                  {`{}`, "text/plain", 415, "body"},
		"bad content type":      {`{}`, "application/json; ;", 415, "body"},
		"empty":                 {"", "application/json", 400, "body"},
		"spaces":                {"  ", "application/json", 400, "body"},
		"array":                 {`[]`, "application/json", 400, "body"},
		"null":                  {`null`, "application/json", 400, "body"},
		"text value":            {`"x"`, "application/json", 400, "body"},
		"cut off":               {`{"name":`, "application/json", 400, "body"},
		"two values":            {`{}{}`, "application/json", 400, "body"},
		"rubbish behind":        {`{}x`, "application/json", 400, "body"},
		"invalid UTF-8":         {"{\"name\":\"\xff\"}", "application/json", 400, "body"},
		"number for text":       {`{"name":1}`, "application/json", 400, "name"},
		"text in a list wanted": {`{"memberIds":[1]}`, "application/json", 400, "memberIds"},
		"too large":             {`{"name":"` + strings.Repeat("x", 100) + `"}`, "application/json", 413, ""},
	} {
		answer := ask(t, a, request{method: "POST", path: "/api/v1/rooms", token: "user", body: c.body, headers: []string{"Content-Type", c.contentType}})
		switch c.status {
		case 201:
			answer.want(t, name, 201, "")
		case 413:
			answer.want(t, name, 413, domain.CodeContentTooLong)
		default:
			answer.want(t, name, c.status, domain.CodeInvalidPayload)
			if p := answer.problem(t); p.Fields[c.field] == "" && !strings.HasPrefix(firstField(p), c.field) {
				t.Errorf("%s: fields %v, want %s", name, p.Fields, c.field)
			}
		}
	}
	created := ask(t, a, request{method: "POST", path: "/api/v1/rooms", token: "user", body: `{"name":"n"}`})
	if created.header.Get("Parley-Position") != "9" || created.header.Get("Location") != "/api/v1/rooms/a%7Cb" || got.Name != "n" {
		t.Errorf("headers %v, command %+v", created.header, got)
	}
}

func firstField(p api.Problem) string {
	for name := range p.Fields {
		return name
	}
	return ""
}

// A body without a length is cut off while it is read.
func TestLargeBodiesOverTheWire(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{MaxBody: 1000})
	server := httptest.NewServer(a)
	defer server.Close()
	for name, chunked := range map[string]bool{"with a length": false, "chunked": true} {
		body := strings.NewReader(`{"name":"` + strings.Repeat("x", 5000) + `"}`)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/v1/rooms", body)
		if err != nil {
			t.Fatal(err)
		}
		if chunked {
			req.ContentLength = -1
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer user")
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
	}
}

func TestPathParametersAreDecoded(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	for path, status := range map[string]int{
		"/api/v1/users/u1": 200, "/api/v1/users/%75%31": 200, "/api/v1/users/u2": 404, "/api/v1/users/u1%2F": 404,
		"/api/v1/users/..%2Fu1": 404, "/api/v1/users/u1%00": 404, "/api/v1/users/%ff": 404, "/api/v1/users/%E2%80%AE": 404,
		"/api/v1/users/" + strings.Repeat("x", 129): 404,
	} {
		code := domain.CodeInvalidUser
		if status == 200 {
			code = ""
		}
		ask(t, a, request{method: "GET", path: path, token: "user"}).want(t, path, status, code)
	}
	for _, id := range []string{"hidden", "a%2Fb", "%00", strings.Repeat("x", 129)} {
		for _, r := range []request{
			{method: "GET", path: "/api/v1/rooms/" + id},
			{method: "PATCH", path: "/api/v1/rooms/" + id, body: "{}"},
			{method: "GET", path: "/api/v1/rooms/" + id + "/messages"},
		} {
			if r.method == "PATCH" && id == "hidden" {
				continue // for the command to say
			}
			r.token = "user"
			ask(t, a, r).want(t, r.method+" "+id, 404, domain.CodeRoomNotFound)
		}
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	users := func(query string) string { return "/api/v1/users?" + query }
	page := func(query string) string { return "/api/v1/rooms/mine/messages?" + query }
	for path, field := range map[string]string{
		users("limit=0"):                             "limit",
		users("limit=201"):                           "limit",
		users("limit=x"):                             "limit",
		users("limit="):                              "limit",
		users("limit=9999999999999999999"):           "limit",
		users("q=%ff"):                               "q",
		users("q=a%00"):                              "q",
		users("q=" + strings.Repeat("x", 257)):       "q",
		users("cursor=" + strings.Repeat("x", 3000)): "cursor",
		page("before=0"):                             "before",
		page("before=-1"):                            "before",
		page("before=1.5"):                           "before",
		page("before=9223372036854775808"):           "before",
		page("after=-1"):                             "after",
		page("around=0"):                             "around",
		page("around=x"):                             "around",
		page("before=3&after=1"):                     "after",
		page("before=3&around=1"):                    "around",
		page("after=3&around=1"):                     "around",
		page("at=yesterday"):                         "at",
		page("at=position:-7"):                       "at",
		page("at=position:7&pinned=true"):            "at",
		page("at="):                                  "at",
		page("limit=201"):                            "limit",
		"/api/v1/rooms?scope=all":                    "scope",
		"/api/v1/rooms?scope=public&limit=-1":        "limit",
		"/api/v1/rooms/public/members?limit=a":       "limit",
	} {
		got := ask(t, a, request{method: "GET", path: path, token: "user"})
		got.want(t, path, 400, domain.CodeInvalidPayload)
		if p := got.problem(t); p.Fields[field] == "" {
			t.Errorf("%.80s: fields %v, want %s", path, p.Fields, field)
		}
	}
	for path, want := range map[string]string{
		users("q=a%25_b&limit=7&cursor=c"): `"a%_b" "c" 7`,
		users(""):                          `"" "" 0`,
	} {
		var list struct{ Items []wire.User }
		ask(t, a, request{method: "GET", path: path, token: "user"}).into(t, &list)
		if list.Items[0].ID != want {
			t.Errorf("%s: asked for %s", path, list.Items[0].ID)
		}
	}
	for path, want := range map[string]string{
		page(""):                 "before 0 after none around 0 limit 0",
		page("before=5&limit=9"): "before 5 after none around 0 limit 9",
		page("after=5"):          "before 0 after 5 around 0 limit 0",
		page("after=0&limit=3"):  "before 0 after 0 around 0 limit 3",
		page("around=5"):         "before 0 after none around 5 limit 0",
	} {
		var list struct{ Items []wire.Message }
		ask(t, a, request{method: "GET", path: path, token: "user"}).into(t, &list)
		if list.Items[0].Content != want {
			t.Errorf("%s: asked for %s", path, list.Items[0].Content)
		}
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	for header, c := range map[string]struct {
		status int
		code   domain.Code
	}{
		"":    {200, ""},
		"0":   {200, ""},
		"100": {200, ""},
		"101": {503, domain.CodeStale},
		"-1":  {400, domain.CodeInvalidPayload}, "+1": {400, domain.CodeInvalidPayload}, "x": {400, domain.CodeInvalidPayload},
		"1e3": {400, domain.CodeInvalidPayload}, "9223372036854775808": {400, domain.CodeInvalidPayload}, "1, 2": {400, domain.CodeInvalidPayload},
	} {
		for _, path := range []string{"/api/v1/users/me", "/api/v1/users", "/api/v1/users/u1", "/api/v1/rooms/mine", "/api/v1/rooms/mine/messages"} {
			got := ask(t, a, request{method: "GET", path: path, token: "user", headers: []string{"Parley-Min-Position", header}})
			got.want(t, path+" at "+header, c.status, c.code)
			if c.status == 200 && got.header.Get("Parley-Position") != "100" {
				t.Errorf("%s: position %q", path, got.header.Get("Parley-Position"))
			}
		}
	}
}

// A room that is not in the view yet is answered from what the write side knows.
func TestAViewThatIsBehind(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	var room wire.Room
	ask(t, a, request{method: "GET", path: "/api/v1/rooms/mine", token: "user"}).into(t, &room)
	if room.ID != "mine" || room.Position != 5 {
		t.Errorf("%+v", room)
	}
	var me wire.User
	got := ask(t, a, request{method: "GET", path: "/api/v1/users/me", token: "user"})
	got.into(t, &me)
	if me.Username != "Ada <b>" || !strings.Contains(string(got.body), "<b>") {
		t.Errorf("not the newer one, or HTML is escaped: %s", got.body)
	}
}

func TestReadingWithoutMembership(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	ask(t, a, request{method: "GET", path: "/api/v1/rooms/public", token: "user"}).want(t, "room", 200, "")
	ask(t, a, request{method: "GET", path: "/api/v1/rooms/public/messages", token: "user"}).want(t, "messages", 403, domain.CodeNotAMember)
	ask(t, a, request{method: "GET", path: "/api/v1/rooms/public/messages/x", token: "user"}).want(t, "message", 403, domain.CodeNotAMember)
	ask(t, a, request{method: "GET", path: "/api/v1/rooms/public/messages", token: "admin"}).want(t, "admin", 200, "")
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	a.menu.SendMessage = use[commands.SendMessage, wire.Message](func(_ commands.Actor, c commands.SendMessage) (wire.Message, error) {
		return wire.Message{ID: "m1", RoomID: c.RoomID, ClientMessageID: c.ClientMessageID}, nil
	})
	for name, c := range map[string]struct {
		header, body string
		status       int
		want         string
	}{
		"header":    {"k1", `{"content":"x"}`, 201, "k1"},
		"body":      {"", `{"content":"x","clientMessageId":"k2"}`, 201, "k2"},
		"both same": {"k3", `{"content":"x","clientMessageId":"k3"}`, 201, "k3"},
		"both":      {"k4", `{"content":"x","clientMessageId":"k5"}`, 400, ""},
		"none":      {"", `{"content":"x"}`, 201, ""},
		"room":      {"k6", `{"content":"x","roomId":"another"}`, 201, "k6"},
	} {
		got := ask(t, a, request{method: "POST", path: "/api/v1/rooms/mine/messages", token: "user", body: c.body, headers: []string{"Idempotency-Key", c.header}})
		got.want(t, name, c.status, "")
		var m wire.Message
		if got.into(t, &m); c.status == 201 && (m.ClientMessageID != c.want || m.RoomID != "mine" || got.header.Get("Location") != "/api/v1/rooms/mine/messages/m1") {
			t.Errorf("%s: %+v at %s", name, m, got.header.Get("Location"))
		}
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	got := ask(t, a, request{method: "GET", path: "/api/v1/rooms", token: "user"})
	got.want(t, "panic", 500, domain.CodeInternal)
	if strings.Contains(string(got.body), "a bug") || !strings.Contains(a.logs.String(), "a bug") {
		t.Errorf("answer %s, log %s", got.body, a.logs)
	}
}

func TestSlowRequestsEnd(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{Timeout: 20 * time.Millisecond}, func(d *api.Deps) { d.Authenticator = slowAuth{} })
	ask(t, a, request{method: "GET", path: "/api/v1/users/me", token: "user"}).want(t, "slow", 503, domain.CodeUnavailable)
}

type slowAuth struct{}

func (slowAuth) Authenticate(ctx context.Context, _ string) (domain.Principal, wire.User, error) {
	<-ctx.Done()
	return domain.Principal{}, wire.User{}, fmt.Errorf("read: %w", ctx.Err())
}

func TestLogsTellWhatHappenedAndNoSecrets(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	a.menu.SendMessage = use[commands.SendMessage, wire.Message](func(commands.Actor, commands.SendMessage) (wire.Message, error) {
		return wire.Message{}, errors.New("disk on fire")
	})
	const secretToken, content = "user", "between us"
	got := ask(t, a, request{
		method: "POST", path: "/api/v1/rooms/mine/messages?token=eyJhbGciOi", token: secretToken, body: `{"content":"` + content + `"}`,
		headers: []string{"X-Request-Id", "req-7"},
	})
	got.want(t, "send", 500, domain.CodeInternal)
	var errorsLogged int
	for line := range strings.Lines(a.logs.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry["request_id"] != "req-7" || entry["user_id"] != "u1" || entry["route"] != "/api/v1/rooms/:id/messages" {
			t.Errorf("entry %s", line)
		}
		if entry["level"] == "ERROR" {
			errorsLogged++
		}
	}
	if errorsLogged != 1 || !strings.Contains(a.logs.String(), "disk on fire") {
		t.Errorf("%d errors in the log: %s", errorsLogged, a.logs)
	}
	for _, secret := range []string{"eyJ", content, "Bearer", "mine"} {
		if strings.Contains(a.logs.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, a.logs)
		}
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	defer close(never)
	good := api.Check{Name: "postgres", Probe: func(context.Context) error { return nil }}
	for name, c := range map[string]struct {
		check  api.Check
		status int
		want   string
	}{
		"good":   {api.Check{Name: "redis", Probe: func(context.Context) error { return nil }}, 200, "ok"},
		"bad":    {api.Check{Name: "redis", Probe: func(context.Context) error { return errors.New("redis://:secret@host is away") }}, 503, "failed"},
		"slow":   {api.Check{Name: "redis", Probe: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, 503, "timeout"},
		"stuck":  {api.Check{Name: "redis", Probe: func(context.Context) error { <-never; return nil }}, 503, "timeout"},
		"broken": {api.Check{Name: "redis", Probe: func(context.Context) error { panic("bug") }}, 503, "failed"},
	} {
		a := newFake(t, api.Config{CheckTimeout: 50 * time.Millisecond}, func(d *api.Deps) { d.Checks = []api.Check{good, c.check} })
		got := ask(t, a, request{method: "GET", path: "/readyz"})
		got.want(t, name, c.status, "")
		var body struct {
			Status string
			Checks map[string]struct{ Status string }
		}
		got.into(t, &body)
		if body.Checks["redis"].Status != c.want || body.Checks["postgres"].Status != "ok" || (body.Status == "ok") != (c.status == 200) {
			t.Errorf("%s: %s", name, got.body)
		}
		if strings.Contains(string(got.body), "secret") {
			t.Errorf("%s tells too much: %s", name, got.body)
		}
		ask(t, a, request{method: "GET", path: "/healthz"}).want(t, name, 200, "")
	}
}
