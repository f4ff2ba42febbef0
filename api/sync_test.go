package api_test

import (
	"testing"

	"parley/api"
	"parley/domain"
)

func TestSyncTellsWhatWasAsked(t *testing.T) {
	t.Parallel()
	f := newFake(t, api.Config{})
	get := func(query string, headers ...string) answer {
		return ask(t, f, request{method: "GET", path: "/api/v1/sync?" + query, token: "user", headers: headers})
	}
	a := get("since=7&limit=3", "Parley-Min-Position", "100")
	want := `{"events":[{"event":"asked","data":{"user":"u1","after":7,"limit":3},"offset":"99"}],"position":"100","more":false}`
	if a.want(t, "sync", 200, ""); string(a.body) != want || a.header.Get("Parley-Position") != "100" {
		t.Errorf("%s at %s, want %s", a.body, a.header.Get("Parley-Position"), want)
	}
	get("since=7", "Parley-Min-Position", "101").want(t, "beyond", 503, domain.CodeStale)
	for _, bad := range []string{"", "since=", "since=x", "since=-1", "since=1&limit=0", "since=1&limit=501", "since=1&limit=x"} {
		get(bad).want(t, bad, 400, domain.CodeInvalidPayload)
	}
	get("since=1", "Parley-Min-Position", "x").want(t, "no position", 400, domain.CodeInvalidPayload)
	none := newFake(t, api.Config{}, func(d *api.Deps) { d.Past = nil })
	ask(t, none, request{method: "GET", path: "/api/v1/sync?since=1", token: "user"}).want(t, "no past", 503, domain.CodeUnavailable)
}
