package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// grant is what register, login and refresh answer with.
type grant struct {
	userID, access, refresh string
}

func granted(a answer, statuses ...int) grant {
	a.t.Helper()
	body := a.want(statuses...).object()
	user, _ := body["user"].(object)
	g := grant{userID: text(user, "id"), access: text(body, "accessToken"), refresh: text(body, "refreshToken")}
	if seconds, _ := body["expiresIn"].(float64); g.userID == "" || text(user, "username") == "" || g.access == "" || g.refresh == "" || seconds <= 0 {
		a.t.Fatalf("%s: incomplete: %v", a.what, body)
	}
	if strings.Contains(string(a.raw), password) || strings.Contains(string(a.raw), "argon2") {
		a.t.Errorf("%s: shows a password", a.what)
	}
	return g
}

func testAccounts(t *testing.T, d deployment) {
	nobody := d.strict.anonymous(t)
	name := unique("alice")
	account := object{"username": name, "email": name + "@example.com", "password": password}
	registered := granted(nobody.call("POST", "/api/v1/auth/register", account), http.StatusCreated)

	login := object{"username": name, "password": password}
	again := granted(d.open.anonymous(t).call("POST", "/api/v1/auth/login", login), http.StatusOK)
	equal(t, "the user of the login", again.userID, registered.userID)
	for _, g := range []grant{registered, again} {
		me := d.open.bearing(t, g.access).call("GET", "/api/v1/users/me", nil).want(http.StatusOK).object()
		equal(t, "users/me", text(me, "id"), registered.userID)
		equal(t, "username", text(me, "username"), name)
		s, err := dial(t.Context(), d.strict.URL, g.access, nil)
		if err != nil {
			t.Fatalf("a socket with that token: %v", err)
		}
		s.close()
	}

	nobody.call("POST", "/api/v1/auth/register", account).refused("CONFLICT")
	account["username"] = strings.ToUpper(name)
	nobody.call("POST", "/api/v1/auth/register", account).refused("CONFLICT")
	nobody.call("POST", "/api/v1/auth/register", object{"username": unique("x"), "password": "short"}).invalid("password")
	nobody.call("POST", "/api/v1/auth/register", object{"password": password}).invalid("username")

	wrong := nobody.call("POST", "/api/v1/auth/login", object{"username": name, "password": password + "!"})
	unknown := nobody.call("POST", "/api/v1/auth/login", object{"username": unique("x"), "password": password})
	wrong.problem(http.StatusUnauthorized, "UNAUTHENTICATED")
	unknown.problem(http.StatusUnauthorized, "UNAUTHENTICATED")
	equal(t, "a wrong password and an unknown name answer alike", text(wrong.object(), "detail"), text(unknown.object(), "detail"))
}

func testRefreshTokens(t *testing.T, d deployment) {
	one, two := d.strict.anonymous(t), d.open.anonymous(t)
	name := unique("bob")
	first := granted(one.call("POST", "/api/v1/auth/register", object{"username": name, "password": password}), http.StatusCreated)
	refresh := func(c caller, token string) answer {
		t.Helper()
		return c.call("POST", "/api/v1/auth/refresh", object{"refreshToken": token})
	}

	second := granted(refresh(two, first.refresh), http.StatusOK)
	if second.refresh == first.refresh {
		t.Error("the refresh token was not rotated")
	}
	third := granted(refresh(one, second.refresh), http.StatusOK)
	d.open.bearing(t, third.access).call("GET", "/api/v1/users/me", nil).want(http.StatusOK)

	// An old one comes again: somebody stole it, so all that follow from it are void.
	refresh(two, first.refresh).problem(http.StatusUnauthorized, "UNAUTHENTICATED")
	refresh(one, third.refresh).problem(http.StatusUnauthorized, "UNAUTHENTICATED")

	// That was one login; another goes on, until it is logged out.
	login := object{"username": name, "password": password}
	other := granted(one.call("POST", "/api/v1/auth/login", login), http.StatusOK)
	other = granted(refresh(two, other.refresh), http.StatusOK)
	d.strict.bearing(t, other.access).call("POST", "/api/v1/auth/logout", object{"refreshToken": other.refresh}).want(http.StatusOK, http.StatusNoContent)
	refresh(two, other.refresh).problem(http.StatusUnauthorized, "UNAUTHENTICATED")

	refresh(one, "no token").problem(http.StatusUnauthorized, "UNAUTHENTICATED")
	refresh(one, other.access).problem(http.StatusUnauthorized, "UNAUTHENTICATED")
}

func testAuthentication(t *testing.T, d deployment) {
	alice := d.user(t, "alice")
	expired := token(object{"userId": alice.user, "username": "alice", "exp": time.Now().Add(-2 * time.Minute).Unix()})
	for _, c := range []struct {
		what, token, code string
	}{
		{"no token", "", "UNAUTHENTICATED"},
		{"no JWT", "let me in", "UNAUTHENTICATED"},
		{"a changed token", alice.token + "x", "UNAUTHENTICATED"},
		{"an expired token", expired, "TOKEN_EXPIRED"},
		{"no exp", token(object{"userId": alice.user}), "UNAUTHENTICATED"},
	} {
		a := d.strict.bearing(t, c.token).call("GET", "/api/v1/users/me", nil)
		a.problem(http.StatusUnauthorized, c.code)
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: WWW-Authenticate %q", c.what, a.header.Get("WWW-Authenticate"))
		}
	}
	stranger := d.strict.bearing(t, tokenOf(unique("stranger"))).call("GET", "/api/v1/users/me", nil).want(http.StatusUnauthorized, http.StatusForbidden)
	stranger.problem(stranger.status, "INVALID_USER")

	// Tokens are for headers: what is in a URL ends up in logs.
	d.strict.anonymous(t).call("GET", "/api/v1/users/me?token="+alice.token, nil).problem(http.StatusUnauthorized, "UNAUTHENTICATED")
}

func testUsers(t *testing.T, d deployment) {
	alice, bob, admin := d.user(t, "alice"), d.user(t, "bob"), d.user(t, "root", "admin")
	changed := alice.call("PATCH", "/api/v1/users/me", object{"displayName": "Alice <3", "avatarUrl": "https://img.example/a.png"}).done()
	me := alice.at(d.open).fresh("/api/v1/users/me", changed.position()).want(http.StatusOK).object()
	seen := bob.at(d.open).fresh("/api/v1/users/"+alice.user, changed.position()).want(http.StatusOK).object()
	for _, user := range []object{me, seen} {
		equal(t, "displayName", text(user, "displayName"), "Alice <3")
		equal(t, "avatarUrl", text(user, "avatarUrl"), "https://img.example/a.png")
		equal(t, "username", text(user, "username"), alice.user)
	}
	found := bob.fresh("/api/v1/users?q="+alice.user, changed.position()).items()
	equalLists(t, "users found by name", ids(found), []string{alice.user})
	alice.call("PATCH", "/api/v1/users/me", object{"avatarUrl": "javascript:alert(1)"}).invalid("avatarUrl")
	missing := bob.call("GET", "/api/v1/users/"+unique("nobody"), nil).want(http.StatusNotFound)
	missing.problem(http.StatusNotFound, "")

	bob.call("POST", "/api/v1/users/"+alice.user+"/deactivate", nil).problem(http.StatusForbidden, "FORBIDDEN")
	s, err := dial(t.Context(), d.open.URL, alice.token, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	admin.call("POST", "/api/v1/users/"+alice.user+"/deactivate", nil).done()
	select {
	case <-s.done:
	case <-time.After(settle):
		t.Error("the socket of a deactivated user stays open")
	}
	for _, n := range []*node{d.strict, d.open} {
		a := alice.at(n).call("GET", "/api/v1/users/me", nil).want(http.StatusUnauthorized, http.StatusForbidden)
		a.problem(a.status, "INVALID_USER")
	}
	admin.call("POST", "/api/v1/users/"+alice.user+"/reactivate", nil).done()
	alice.call("GET", "/api/v1/users/me", nil).want(http.StatusOK)
}
