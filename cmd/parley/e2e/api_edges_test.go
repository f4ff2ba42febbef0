package e2e_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func testEdges(t *testing.T, d deployment) {
	alice := d.user(t, "alice")
	room := alice.createRoom("public", "edges")
	messages := "/api/v1/rooms/" + room + "/messages"

	alice.call("GET", "/api/v1/nothing-here", nil).problem(http.StatusNotFound, "")
	wrongMethod := alice.call("PUT", "/api/v1/rooms", object{})
	wrongMethod.problem(http.StatusMethodNotAllowed, "")
	if allow := wrongMethod.header.Get("Allow"); !strings.Contains(allow, "POST") || !strings.Contains(allow, "GET") {
		t.Errorf("Allow: %q", allow)
	}
	alice.call("POST", messages, []byte(`content=x`), "Content-Type", "application/x-www-form-urlencoded").problem(http.StatusUnsupportedMediaType, "")
	alice.call("POST", messages, []byte(`{"content":"x"}`), "Content-Type", "text/plain").problem(http.StatusUnsupportedMediaType, "")
	alice.call("POST", messages, []byte(`{"content":"x"}`), "Content-Type", "application/json; charset=utf-8").done()
	huge := append(append([]byte(`{"content":"`), bytes.Repeat([]byte("x"), 4<<20)...), `"}`...)
	// The client asks first, so that it hears the answer instead of a reset connection.
	alice.call("POST", messages, huge, "Expect", "100-continue").problem(http.StatusRequestEntityTooLarge, "")
	for _, body := range []string{"", "{", `{"content":"x"}{}`, "[]", "null", `"x"`, `{"content":7}`} {
		a := alice.call("POST", messages, []byte(body)).want(400, 422)
		a.problem(a.status, "INVALID_PAYLOAD")
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff"} {
		equal(t, name, alice.call("GET", "/api/v1/users/me", nil).header.Get(name), want)
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	alice.call("POST", messages, []byte(`{"content":"x","attachments":`+deep+`}`)).want(400, 413, 422)
}

func testOrigins(t *testing.T, d deployment) {
	const known, foreign = "http://localhost:3000", "https://evil.example"
	preflight := func(origin string) answer {
		t.Helper()
		return d.strict.anonymous(t).call("OPTIONS", "/api/v1/rooms", nil,
			"Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,idempotency-key,parley-min-position")
	}
	allowed := preflight(known).want(http.StatusOK, http.StatusNoContent)
	equal(t, "Access-Control-Allow-Origin", allowed.header.Get("Access-Control-Allow-Origin"), known)
	if methods := allowed.header.Get("Access-Control-Allow-Methods"); !strings.Contains(methods, "POST") {
		t.Errorf("Access-Control-Allow-Methods: %q", methods)
	}
	headers := strings.ToLower(allowed.header.Get("Access-Control-Allow-Headers"))
	for _, name := range []string{"authorization", "content-type", "idempotency-key", "parley-min-position"} {
		if !strings.Contains(headers, name) {
			t.Errorf("Access-Control-Allow-Headers: %q without %s", headers, name)
		}
	}
	equal(t, "a foreign origin", preflight(foreign).header.Get("Access-Control-Allow-Origin"), "")
	me := d.user(t, "alice").call("GET", "/api/v1/users/me", nil, "Origin", known)
	equal(t, "Access-Control-Allow-Origin of an answer", me.header.Get("Access-Control-Allow-Origin"), known)
	if exposed := me.header.Get("Access-Control-Expose-Headers"); !strings.Contains(strings.ToLower(exposed), "parley-position") {
		t.Errorf("Access-Control-Expose-Headers: %q without Parley-Position", exposed)
	}

	for origin, want := range map[string]int{
		"":                                   http.StatusSwitchingProtocols,
		known:                                http.StatusSwitchingProtocols,
		d.strict.URL:                         http.StatusSwitchingProtocols,
		foreign:                              http.StatusForbidden,
		"null":                               http.StatusForbidden,
		"http://localhost:3000.evil.example": http.StatusForbidden,
		"https://localhost:3000":             http.StatusForbidden,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		status, err := upgrade(t.Context(), d.strict.URL, header)
		if err != nil || status != want {
			t.Errorf("origin %q: status %d, %v, want %d", origin, status, err, want)
		}
	}
}

func testHealth(t *testing.T, d deployment) {
	for _, n := range []*node{d.strict, d.open} {
		n.alive(t)
		body := strings.ToLower(n.awaitReadiness(t, http.StatusOK))
		for _, part := range []string{"postgres", "redis", "views"} {
			if !strings.Contains(body, part) {
				t.Errorf("/readyz does not name %s: %s", part, body)
			}
		}
		if strings.Contains(body, "password") || strings.Contains(body, "postgres://") || strings.Contains(body, "redis://") {
			t.Errorf("/readyz tells too much: %s", body)
		}
	}
}
