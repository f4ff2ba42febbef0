package auth_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/api/auth"
	"parley/domain"
	"parley/eventstore/testenv"
)

// watch lets a node watch until the test ends, and returns what awaits a revocation. It leaves out
// those that do not match.
func (w *world) watch(t *testing.T) (await func(match func(auth.Revocation) bool) auth.Revocation) {
	t.Helper()
	told := make(chan []auth.Revocation, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = w.sessions.Watch(ctx, func(list []auth.Revocation) {
			select {
			case told <- list:
			case <-ctx.Done():
			}
		})
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return func(match func(auth.Revocation) bool) auth.Revocation {
		t.Helper()
		timeout := time.After(20 * time.Second)
		for {
			select {
			case list := <-told:
				for _, r := range list {
					if match(r) {
						return r
					}
				}
			case <-timeout:
				t.Fatal("not told")
			}
		}
	}
}

func ofSession(id string) func(auth.Revocation) bool {
	return func(r auth.Revocation) bool { return r.SessionID == id }
}

func ofUser(id string) func(auth.Revocation) bool {
	return func(r auth.Revocation) bool { return r.UserID == id && r.SessionID == "" }
}

func (w *world) sessionOf(t *testing.T, refreshToken string) string {
	t.Helper()
	_, sessionID, err := w.accounts.Holder(t.Context(), refreshToken)
	must(t, err)
	return sessionID
}

// The second node has taken the session for good, and would for an hour.
func TestOtherNodesHearOfRevocations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	node2 := newWorldOn(t, w.pool, w.users, auth.AuthenticatorConfig{})
	await := node2.watch(t)
	first := w.register(t, "ada")
	second, err := w.login(t, "ada", "correct horse")
	must(t, err)
	must(t, node2.enter(t, first.AccessToken))
	must(t, node2.enter(t, second.AccessToken))

	sessionID := w.sessionOf(t, first.RefreshToken)
	must(t, w.sessions.Revoke(t.Context(), sessionID))
	if r := await(ofSession(sessionID)); r.UserID != first.User.ID || r.At.IsZero() {
		t.Errorf("told %+v", r)
	}
	wantCode(t, "on the other node", node2.enter(t, first.AccessToken), domain.CodeUnauthenticated)
	must(t, node2.enter(t, second.AccessToken))

	other := w.sessionOf(t, second.RefreshToken)
	must(t, w.sessions.RevokeAll(t.Context(), first.User.ID))
	await(ofSession(other))
	await(ofUser(first.User.ID))
	wantCode(t, "on the other node", node2.enter(t, second.AccessToken), domain.CodeUnauthenticated)
}

// A token that was taken for good just before has a socket only afterwards: it is told again.
func TestRevocationsAreToldAgainForAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	await := w.watch(t)
	ada := w.register(t, "ada")
	sessionID := w.sessionOf(t, ada.RefreshToken)
	must(t, w.sessions.Revoke(t.Context(), sessionID))
	for range 5 {
		await(ofSession(sessionID))
	}
	_, err := w.pool.Exec(t.Context(), `UPDATE auth.sessions SET revoked_at = now() - interval '1 minute' WHERE user_id = $1`, ada.User.ID)
	must(t, err)
	bob := w.register(t, "bob")
	must(t, w.sessions.RevokeAll(t.Context(), bob.User.ID))
	await(ofUser(bob.User.ID))
	await(func(r auth.Revocation) bool {
		if r.SessionID == sessionID && r.At.Before(time.Now().Add(-50*time.Second)) {
			t.Error("told for too long")
		}
		return r.UserID == bob.User.ID
	})
}

// Who was revoked while this node could not ask is told of as soon as it can, whether Postgres
// refused it or did not answer at all.
func TestRevocationsAreToldAfterPostgresWasAway(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testenv.Proxy){
		"refused": (*testenv.Proxy).Cut,
		"hanging": (*testenv.Proxy).Blackhole,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			proxy, pool := proxied(t, w.pool)
			node2 := newWorldOn(t, pool, w.users, auth.AuthenticatorConfig{})
			await := node2.watch(t)
			canary := w.register(t, "canary")
			must(t, w.sessions.RevokeAll(t.Context(), canary.User.ID))
			await(ofUser(canary.User.ID))

			fail(proxy)
			ada := w.register(t, "ada")
			sessionID := w.sessionOf(t, ada.RefreshToken)
			must(t, w.sessions.Revoke(t.Context(), sessionID))
			proxy.Heal()
			await(ofSession(sessionID))
		})
	}
}

// proxied is a pool of the same database through a proxy.
func proxied(t *testing.T, direct *pgxpool.Pool) (*testenv.Proxy, *pgxpool.Pool) {
	t.Helper()
	u, err := url.Parse(direct.Config().ConnString())
	must(t, err)
	proxy := testenv.TCPProxy(t, u.Host)
	u.Host = proxy.Addr
	pool, err := pgxpool.New(t.Context(), u.String())
	must(t, err)
	t.Cleanup(pool.Close)
	return proxy, pool
}

func TestWhomRevocationsConcern(t *testing.T) {
	t.Parallel()
	at := noon.Add(500 * time.Millisecond)
	concerned := auth.Concerned([]auth.Revocation{
		{UserID: "ada", SessionID: "parley-1", At: at},
		{UserID: "bob", At: at},
		{UserID: "bob", SessionID: "parley-2", At: at},
	})
	for name, c := range map[string]struct {
		principal domain.Principal
		want      bool
	}{
		"the login that ended":             {domain.Principal{UserID: "ada", SessionID: "parley-1"}, true},
		"another login":                    {domain.Principal{UserID: "ada", SessionID: "parley-3"}, false},
		"another user":                     {domain.Principal{UserID: "eve", IssuedAt: noon}, false},
		"another user's claim to a login":  {domain.Principal{UserID: "eve", SessionID: "parley-1"}, false},
		"a token from before":              {domain.Principal{UserID: "bob", IssuedAt: noon}, true},
		"a token of the same second":       {domain.Principal{UserID: "bob", IssuedAt: noon}, true},
		"a token that does not say":        {domain.Principal{UserID: "bob"}, true},
		"a token from after":               {domain.Principal{UserID: "bob", IssuedAt: noon.Add(time.Second)}, false},
		"a provider's session from before": {domain.Principal{UserID: "bob", SessionID: "idp-7", IssuedAt: noon}, true},
		"a login since":                    {domain.Principal{UserID: "bob", SessionID: "parley-4", IssuedAt: noon}, false},
		"a login that ended with the rest": {domain.Principal{UserID: "bob", SessionID: "parley-2", IssuedAt: noon.Add(time.Hour)}, true},
	} {
		if got := concerned(c.principal); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
