package e2e_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// Users come from an identity provider alone. The node starts without it, follows its keys, and outlives it.
func TestIdentityProvider(t *testing.T) {
	inParallelIdly(t)
	p := startProvider(t)
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL)
	n := newNode(t, "only", shared.with(settings{
		"JWT_SECRET": "", "JWKS_URL": p.server.URL + "/keys", "JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "parley",
	}))
	n.start()
	if err := n.await(func(ctx context.Context) error {
		status, _, err := get(ctx, n.URL+"/healthz")
		if err == nil && status != http.StatusOK {
			err = errors.New("not healthy")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	old, next := newKey(t, "old"), newKey(t, "next")
	user := unique("ann")

	// While there are no keys nobody is let in, and nobody is refused for good.
	if body := n.awaitReadiness(t, http.StatusServiceUnavailable); !strings.Contains(body, "jwks") {
		t.Errorf("/readyz does not name the keys: %s", body)
	}
	n.bearing(t, old.token(user)).call("GET", "/api/v1/users/me", nil).problem(http.StatusServiceUnavailable, "UNAVAILABLE")
	if s, err := dial(t.Context(), n.URL, old.token(user), nil); err == nil || strings.Contains(err.Error(), "Authentication failed") {
		t.Errorf("a socket without keys: %v, %v", s, err)
	}

	p.publish(old)
	n.awaitReadiness(t, http.StatusOK)
	s := linger(t, n, old.token(user))
	defer s.close()
	n.bearing(t, old.token(user)).call("GET", "/api/v1/users/me", nil).want(http.StatusOK)
	for what, token := range map[string]string{
		"HS256":            tokenOf(user),
		"another key":      newKey(t, "old").token(user),
		"an unknown key":   newKey(t, "x").token(user),
		"another issuer":   old.sign(object{"sub": user, "iss": "https://id.example.evil", "aud": "parley", "exp": time.Now().Add(time.Hour).Unix()}),
		"another audience": old.sign(object{"sub": user, "iss": "https://id.example", "aud": "other", "exp": time.Now().Add(time.Hour).Unix()}),
	} {
		n.bearing(t, token).call("GET", "/api/v1/users/me", nil).problem(http.StatusUnauthorized, "UNAUTHENTICATED")
		if _, err := dial(t.Context(), n.URL, token, nil); err == nil || !strings.Contains(err.Error(), "UNAUTHENTICATED") {
			t.Errorf("%s: a socket: %v", what, err)
		}
	}
	n.anonymous(t).call("POST", "/api/v1/auth/login", object{"username": "x", "password": password}).want(http.StatusNotFound)

	// The keys change: a new one is found when it is needed, and the old one is gone then.
	p.publish(next)
	n.bearing(t, next.token(user)).call("GET", "/api/v1/users/me", nil).want(http.StatusOK)
	n.bearing(t, old.token(user)).call("GET", "/api/v1/users/me", nil).problem(http.StatusUnauthorized, "UNAUTHENTICATED")
	if a := s.ask(t, "refresh-token", object{"token": next.token(user)}); !a.Success {
		t.Errorf("refresh-token with the new key: %+v", a)
	}

	p.server.Close()
	n.bearing(t, next.token(user)).call("GET", "/api/v1/users/me", nil).want(http.StatusOK)
	n.awaitReadiness(t, http.StatusOK)
}

// Beside an identity provider local accounts go on with the secret.
func TestIdentityProviderAndLocalAccounts(t *testing.T) {
	inParallel(t)
	p := startProvider(t)
	key := newKey(t, "k")
	p.publish(key)
	n := startNode(t, "only", backends(testenv.DSN(t), testenv.StartRedis(t).URL).with(settings{"JWKS_URL": p.server.URL + "/keys"}))
	local := granted(n.anonymous(t).call("POST", "/api/v1/auth/register", object{"username": unique("ann"), "password": password}), http.StatusCreated)
	for _, token := range []string{local.access, key.token(unique("bob"))} {
		n.bearing(t, token).call("GET", "/api/v1/users/me", nil).want(http.StatusOK)
		linger(t, n, token).close()
	}
	forged := strings.Replace(tokenOf(local.userID), segment(`{"alg":"HS256","typ":"JWT"}`), segment(`{"alg":"EdDSA","kid":"k"}`), 1)
	n.bearing(t, forged).call("GET", "/api/v1/users/me", nil).problem(http.StatusUnauthorized, "UNAUTHENTICATED")
}

// provider is an identity provider; without keys it answers 503.
type provider struct {
	server *httptest.Server

	mu   sync.Mutex
	keys []identityKey
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.keys) == 0 {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		list := make([]object, len(p.keys))
		for i, k := range p.keys {
			public, _ := k.private.Public().(ed25519.PublicKey)
			list[i] = object{"kty": "OKP", "crv": "Ed25519", "kid": k.kid, "x": base64.RawURLEncoding.EncodeToString(public)}
		}
		_ = json.NewEncoder(w).Encode(object{"keys": list})
	}))
	t.Cleanup(p.server.Close)
	return p
}

func (p *provider) publish(keys ...identityKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

type identityKey struct {
	kid     string
	private ed25519.PrivateKey
}

func newKey(t *testing.T, kid string) identityKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return identityKey{kid, private}
}

// token is a good token of a user.
func (k identityKey) token(user string) string {
	return k.sign(object{
		"sub": user, "username": user, "iss": "https://id.example", "aud": []string{"parley", "other"}, "exp": time.Now().Add(time.Hour).Unix(),
	})
}

func (k identityKey) sign(claims object) string {
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err) // claims are literals of the tests
	}
	text := segment(`{"alg":"EdDSA","kid":"`+k.kid+`"}`) + "." + segment(string(body))
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(k.private, []byte(text)))
}

func segment(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
