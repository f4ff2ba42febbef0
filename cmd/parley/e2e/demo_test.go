package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"parley/eventstore/testenv"
)

// Users whom anybody may be are there with --demo alone; one of them sees how the node is doing. The page says so, too.
func TestDemo(t *testing.T) {
	inParallel(t)
	env := backends(testenv.DSN(t), testenv.StartRedis(t).URL)
	n := newNode(t, "demo", env)
	n.args = []string{"--demo"}
	n.start()
	n.awaitReady()
	err := n.await(func(context.Context) error {
		if !strings.Contains(n.log.String(), "Operations: ") { // it is said once everybody is there
			return errors.New("the demo is not ready")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	users, _ := n.anonymous(t).call("GET", "/api/v1/auth/methods", nil).want(http.StatusOK).object()["demoUsers"].([]any)
	admins := 0
	for _, u := range users {
		u, _ := u.(object)
		g := granted(n.anonymous(t).call("POST", "/api/v1/auth/login", object{"username": u["username"], "password": u["password"]}), http.StatusOK)
		status := http.StatusForbidden
		if roles, _ := u["roles"].([]any); len(roles) > 0 {
			admins++
			status = http.StatusOK
		}
		n.bearing(t, g.access).call("GET", "/debug/load", nil).want(status)
	}
	if len(users) < 3 || admins != 1 {
		t.Errorf("the demo users are %v", users)
	}
	page := n.anonymous(t).call("GET", "/", nil).want(http.StatusOK)
	if !bytes.Contains(page.raw, []byte("<title>Parley")) || !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src 'self'") {
		t.Errorf("the page: %v %.300s", page.header, page.raw)
	}
	n.anonymous(t).call("GET", "/nonsense", nil).want(http.StatusNotFound)

	plain := startNode(t, "plain", env) // on the same database
	if a := plain.anonymous(t).call("GET", "/api/v1/auth/methods", nil).want(http.StatusOK); strings.Contains(string(a.raw), "demo") {
		t.Errorf("without --demo it tells %s", a.raw)
	}
}
