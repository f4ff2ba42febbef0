package api_test

import (
	"testing"

	"parley/api"
)

func TestDebugProjections(t *testing.T) {
	t.Parallel()
	f := newFake(t, api.Config{})
	a := ask(t, f, request{method: "GET", path: "/debug/projections", token: "admin"})
	const want = `{"items":[{"name":"rooms","state":"active","position":"90","head":"100","lag":10,"rate":2.5,"drift":1}]}`
	if a.want(t, "views", 200, ""); string(a.body) != want {
		t.Errorf("%s, want %s", a.body, want)
	}
}
