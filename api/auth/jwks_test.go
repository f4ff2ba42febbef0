package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"parley/api/auth"
	"parley/domain"
)

type member = map[string]any

// key is a key pair of an identity provider.
type key struct {
	kid, alg string
	private  crypto.Signer
}

func rsaKey(tb testing.TB, kid string, bits int) key {
	tb.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	must(tb, err)
	return key{kid, "RS256", private}
}

func ecKey(tb testing.TB, kid string, curve elliptic.Curve) key {
	tb.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	must(tb, err)
	return key{kid, "ES256", private}
}

func edKey(tb testing.TB, kid string) key {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(tb, err)
	return key{kid, "EdDSA", private}
}

// public is the key as it is published, with other members on top.
func (k key) public(tb testing.TB, more member) member {
	tb.Helper()
	m := member{"kid": k.kid, "use": "sig", "alg": k.alg}
	switch p := k.private.Public().(type) {
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", b64(p.N.Bytes()), b64(big.NewInt(int64(p.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		must(tb, err)
		size := len(point) / 2
		m["kty"], m["crv"], m["x"], m["y"] = "EC", p.Curve.Params().Name, b64(point[1:1+size]), b64(point[1+size:])
	case ed25519.PublicKey:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", b64(p)
	}
	for name, value := range more {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	return m
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// token is a token of user u1, with other header members on top.
func (k key) token(tb testing.TB, header member) string {
	tb.Helper()
	t := jwt.NewWithClaims(jwt.GetSigningMethod(k.alg), jwt.MapClaims{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	t.Header["kid"] = k.kid
	for name, value := range header {
		if t.Header[name] = value; value == nil {
			delete(t.Header, name)
		}
	}
	signed, err := t.SignedString(k.private)
	must(tb, err)
	return signed
}

// provider is an identity provider that publishes keys.
type provider struct {
	*httptest.Server

	fetched atomic.Int32
	mu      sync.Mutex
	answer  http.HandlerFunc
}

func newProvider(tb testing.TB) *provider {
	tb.Helper()
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/keys" || r.Method != http.MethodGet {
			tb.Errorf("asked for %s %s", r.Method, r.URL)
		}
		p.fetched.Add(1)
		p.mu.Lock()
		answer := p.answer
		p.mu.Unlock()
		answer(w, r)
	}))
	tb.Cleanup(p.Close)
	return p
}

func (p *provider) answers(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = h
}

func (p *provider) publish(tb testing.TB, keys ...any) {
	tb.Helper()
	body, err := json.Marshal(member{"keys": append([]any{}, keys...)})
	must(tb, err)
	p.says(string(body))
}

func (p *provider) says(body string) {
	p.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

func (p *provider) fails() {
	p.answers(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "away", http.StatusBadGateway) })
}

// clock is set by hand.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// running is a JWKS whose Run goes on until the test ends, and a verifier that uses it.
type running struct {
	*auth.JWKS
	*auth.Verifier
}

func run(tb testing.TB, p *provider, cfg auth.JWKSConfig) running {
	tb.Helper()
	cfg.URL = p.URL + "/keys"
	keys, err := auth.NewJWKS(cfg)
	must(tb, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = keys.Run(ctx) })
	tb.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return running{keys, auth.NewVerifier(keys, auth.VerifierConfig{})}
}

// want verifies a token; "" is success.
func (r running) want(tb testing.TB, what, token string, code domain.Code) {
	tb.Helper()
	claims, err := r.Verify(tb.Context(), token)
	if got := domain.CodeOf(err); got != code {
		tb.Errorf("%s: code %q (%v), want %q", what, got, err, code)
	}
	if err == nil && claims.UserID != "u1" {
		tb.Errorf("%s: of user %q", what, claims.UserID)
	}
}

func TestKeysOfAProviderVerifyItsTokens(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	keys := []key{rsaKey(t, "r", 2048), ecKey(t, "e", elliptic.P256()), edKey(t, "d")}
	var published []any
	for _, k := range keys {
		published = append(published, k.public(t, nil))
	}
	p.publish(t, published...)
	r := run(t, p, auth.JWKSConfig{})
	for _, k := range keys {
		r.want(t, k.alg, k.token(t, nil), "")
		r.want(t, k.alg+" of another key of the same name", key{k.kid, k.alg, another(t, k)}.token(t, nil), domain.CodeUnauthenticated)
		r.want(t, k.alg+" without a kid, of several keys", k.token(t, member{"kid": nil}), domain.CodeUnauthenticated)
		r.want(t, k.alg+" with a kid that is no text", k.token(t, member{"kid": 1}), domain.CodeUnauthenticated)
	}
	if err := r.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if n := p.fetched.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
}

func another(tb testing.TB, k key) crypto.Signer {
	tb.Helper()
	switch k.alg {
	case "RS256":
		return rsaKey(tb, "", 2048).private
	case "ES256":
		return ecKey(tb, "", elliptic.P256()).private
	default:
		return edKey(tb, "").private
	}
}

// The type of the key pins the algorithm, whatever a token says.
func TestTokensCannotChooseTheirAlgorithm(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	r, e, d := rsaKey(t, "r", 2048), ecKey(t, "e", elliptic.P256()), edKey(t, "d")
	p.publish(t, r.public(t, nil), e.public(t, nil), d.public(t, nil))
	v := run(t, p, auth.JWKSConfig{})
	modulus := r.private.Public().(*rsa.PublicKey).N.Bytes() //nolint:forcetypeassert // see rsaKey
	body := `{"sub":"u1",` + fmt.Sprintf(`"exp":%d}`, time.Now().Add(time.Hour).Unix())
	for name, token := range map[string]string{
		"HS256 with the modulus":     sign(`{"alg":"HS256","kid":"r"}`, body, string(modulus)),
		"HS256 with the PEM":         sign(`{"alg":"HS256","kid":"r"}`, body, publicKey(t)),
		"HS256 called RS256":         sign(`{"alg":"RS256","kid":"r"}`, body, string(modulus)),
		"none":                       segment(`{"alg":"none","kid":"r"}`) + "." + segment(body) + ".",
		"RS256 with no signature":    segment(`{"alg":"RS256","kid":"r"}`) + "." + segment(body) + ".",
		"RS256 with the kid of ES":   key{"e", "RS256", r.private}.token(t, nil),
		"ES256 with the kid of RS":   key{"r", "ES256", e.private}.token(t, nil),
		"EdDSA with the kid of ES":   key{"e", "EdDSA", d.private}.token(t, nil),
		"PS256 with the right key":   key{"r", "PS256", r.private}.token(t, nil),
		"RS512 with the right key":   key{"r", "RS512", r.private}.token(t, nil),
		"ES384 with the kid of ES":   key{"e", "ES384", ecKey(t, "", elliptic.P384()).private}.token(t, nil),
		"critical extension":         r.token(t, member{"crit": []string{"exp"}}),
		"unencoded payload":          r.token(t, member{"b64": false}),
		"encryption (a JWE's dir)":   r.token(t, member{"enc": "A128GCM"}),
		"DER signature of ES256":     derSigned(t, e),
		"RS256 with a longer header": r.token(t, member{"x": strings.Repeat("x", 9000)}),
	} {
		v.want(t, name, token, domain.CodeUnauthenticated)
	}
	if n := p.fetched.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
}

// derSigned has the signature in the form that is not for tokens.
func derSigned(t *testing.T, k key) string {
	t.Helper()
	head, _, _ := strings.Cut(k.token(t, nil), ".")
	text := head + "." + segment(`{"sub":"u1",`+fmt.Sprintf(`"exp":%d}`, time.Now().Add(time.Hour).Unix()))
	digest := crypto.SHA256.New()
	digest.Write([]byte(text))
	signature, err := k.private.Sign(rand.Reader, digest.Sum(nil), crypto.SHA256)
	must(t, err)
	return text + "." + b64(signature)
}

// Nothing of a token that is not verified makes a request other than the one for the keys.
func TestTokensReachNothing(t *testing.T) {
	t.Parallel()
	p, k, forged := newProvider(t), edKey(t, "d"), edKey(t, "d")
	p.publish(t, k.public(t, nil))
	trap := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a token made a request for %s", r.URL)
	}))
	t.Cleanup(trap.Close)
	v := run(t, p, auth.JWKSConfig{})
	for _, header := range []member{
		{"jku": trap.URL},
		{"x5u": trap.URL},
		{"jwk": forged.public(t, nil)},
		{"jku": trap.URL, "x5u": trap.URL, "jwk": forged.public(t, nil), "kid": "d"},
		{"kid": trap.URL},
		{"kid": "../../dev/null"},
		{"kid": "' OR 1=1 --"},
		{"kid": strings.Repeat("k", 4096)},
		{"kid": "d\x00"},
		{"kid": "D"},
		{"kid": ""},
	} {
		v.want(t, fmt.Sprint(header), forged.token(t, header), domain.CodeUnauthenticated)
		if header["kid"] == nil { // what an honest token says beside is not looked at
			header["kid"] = "d"
			v.want(t, fmt.Sprint(header), k.token(t, header), "")
		}
	}
	if n := p.fetched.Load(); n > 6 {
		t.Errorf("fetched %d times", n)
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	p, clock := newProvider(t), &clock{}
	old, next := rsaKey(t, "old", 2048), ecKey(t, "next", elliptic.P256())
	p.publish(t, old.public(t, nil))
	v := run(t, p, auth.JWKSConfig{Now: clock.now})
	v.want(t, "the old key", old.token(t, nil), "")
	v.want(t, "the next key before its time", next.token(t, nil), domain.CodeUnauthenticated)

	p.publish(t, old.public(t, nil), next.public(t, nil))
	v.want(t, "a key that was missing a moment ago", next.token(t, nil), domain.CodeUnauthenticated)
	clock.advance(5 * time.Second)
	v.want(t, "the next key", next.token(t, nil), "")
	v.want(t, "the old key, meanwhile", old.token(t, nil), "")

	p.publish(t, next.public(t, nil))
	v.want(t, "something that has the keys fetched", edKey(t, "x").token(t, nil), domain.CodeUnauthenticated)
	v.want(t, "the next key, alone", next.token(t, nil), "")
	v.want(t, "the old key when it is gone", old.token(t, nil), domain.CodeUnauthenticated)
}

// A flood of tokens with unknown keys costs the provider little, and no honest token is refused for it.
func TestUnknownKeysAreLookedForOnlySoOften(t *testing.T) {
	t.Parallel()
	p, k, clock := newProvider(t), edKey(t, "d"), &clock{}
	p.publish(t, k.public(t, nil))
	v := run(t, p, auth.JWKSConfig{Now: clock.now})
	v.want(t, "known", k.token(t, nil), "")
	for i := range 100 {
		code := domain.CodeUnauthenticated
		if i >= 5 {
			code = domain.CodeUnavailable
		}
		v.want(t, fmt.Sprint("unknown ", i), k.token(t, member{"kid": fmt.Sprint("x", i)}), code)
	}
	v.want(t, "unknown for sure", k.token(t, member{"kid": "x0"}), domain.CodeUnauthenticated)
	v.want(t, "known", k.token(t, nil), "")
	if n := p.fetched.Load(); n != 6 {
		t.Errorf("fetched %d times, want once and 5 times more", n)
	}
	clock.advance(6 * time.Second)
	v.want(t, "unknown later", k.token(t, member{"kid": "y"}), domain.CodeUnauthenticated)
	v.want(t, "unknown once more", k.token(t, member{"kid": "z"}), domain.CodeUnavailable)
	if n := p.fetched.Load(); n != 7 {
		t.Errorf("fetched %d times", n)
	}
}

func TestProviderThatIsAwayAtFirst(t *testing.T) {
	t.Parallel()
	p, k := newProvider(t), edKey(t, "d")
	p.fails()
	v := run(t, p, auth.JWKSConfig{})
	v.want(t, "without keys", k.token(t, nil), domain.CodeUnavailable)
	if err := v.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("ready: %v", err)
	}
	p.publish(t, k.public(t, nil))
	for deadline := time.Now().Add(20 * time.Second); v.Ready(t.Context()) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the keys are not fetched")
		}
	}
	v.want(t, "with keys", k.token(t, nil), "")
}

// What a provider answers that is no set of keys takes none away.
func TestKeysOutliveBadAnswers(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(strings.Repeat(" ", 64<<10))); err != nil {
				return
			}
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"keys":[]}`, http.StatusInternalServerError)
		},
		"a redirect":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"no JSON":      func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys":      func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
		"keys null":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":null}`)) },
		"keys no list": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":{}}`)) },
		"too many keys": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[` + strings.Repeat("{},", 100) + `{}]}`))
		},
		"without end": endless,
		"too late":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"keys":[`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, k := newProvider(t), edKey(t, "d")
			p.publish(t, k.public(t, nil))
			v := run(t, p, auth.JWKSConfig{Timeout: 500 * time.Millisecond})
			v.want(t, "before", k.token(t, nil), "")
			p.answers(answer)
			v.want(t, "unknown", k.token(t, member{"kid": "x"}), domain.CodeUnavailable)
			v.want(t, "after", k.token(t, nil), "")
			must(t, v.Ready(t.Context()))
		})
	}
}

// An empty set is a set: the provider has withdrawn its keys.
func TestProviderWithdrawsItsKeys(t *testing.T) {
	t.Parallel()
	p, k := newProvider(t), edKey(t, "d")
	p.publish(t, k.public(t, nil))
	v := run(t, p, auth.JWKSConfig{})
	v.want(t, "before", k.token(t, nil), "")
	p.publish(t)
	v.want(t, "unknown", k.token(t, member{"kid": "x"}), domain.CodeUnauthenticated)
	v.want(t, "after", k.token(t, nil), domain.CodeUnauthenticated)
	if v.Ready(t.Context()) == nil {
		t.Error("ready")
	}
}

func TestWhichKeysAreOfUse(t *testing.T) {
	t.Parallel()
	r, e, d := rsaKey(t, "k", 2048), ecKey(t, "k", elliptic.P256()), edKey(t, "k")
	weak, large, p384 := rsaKey(t, "k", 1024), ecKey(t, "k", elliptic.P521()), ecKey(t, "k", elliptic.P384())
	for name, c := range map[string]struct {
		key  key
		more member
		good bool
	}{
		"RSA":                       {r, nil, true},
		"RSA without alg and use":   {r, member{"alg": nil, "use": nil}, true},
		"RSA with key_ops":          {r, member{"key_ops": []string{"verify"}}, true},
		"RSA with a comment":        {r, member{"issuer": "x", "x": 1}, false},
		"RSA to encrypt":            {r, member{"use": "enc"}, false},
		"RSA to sign":               {r, member{"key_ops": []string{"sign"}}, false},
		"RSA for RS512":             {r, member{"alg": "RS512"}, false},
		"RSA for PS256":             {r, member{"alg": "PS256"}, false},
		"RSA for HS256":             {r, member{"alg": "HS256"}, false},
		"RSA of 1024 bits":          {weak, nil, false},
		"RSA with exponent 1":       {r, member{"e": "AQ"}, false},
		"RSA with an even exponent": {r, member{"e": "BA"}, false},
		"RSA with a huge exponent":  {r, member{"e": b64([]byte{1, 0, 0, 0, 1})}, false},
		"RSA of 8192 bits":          {r, member{"n": b64(append([]byte{128}, make([]byte, 1023)...))}, false},
		"RSA without n":             {r, member{"n": nil}, false},
		"RSA with its private key":  {r, member{"d": "AQ"}, false},
		"EC":                        {e, nil, true},
		"EC without alg":            {e, member{"alg": nil}, true},
		"EC for ES384":              {e, member{"alg": "ES384"}, false},
		"EC P-384":                  {p384, member{"alg": nil}, false},
		"EC P-521":                  {large, member{"alg": nil}, false},
		"EC called P-384":           {e, member{"crv": "P-384"}, false},
		"EC off the curve":          {e, member{"x": b64(make([]byte, 32))}, false},
		"EC with its private key":   {e, member{"d": b64(make([]byte, 32))}, false},
		"Ed25519":                   {d, nil, true},
		"Ed25519 by its new name":   {d, member{"alg": "Ed25519"}, true},
		"Ed25519 for ES256":         {d, member{"alg": "ES256"}, false},
		"X25519":                    {d, member{"crv": "X25519"}, false},
		"Ed25519 too short":         {d, member{"x": b64(make([]byte, 31))}, false},
		"Ed25519 of low order":      {d, member{"x": b64(make([]byte, 32))}, false},
		"symmetric":                 {d, member{"kty": "oct", "k": b64(make([]byte, 32))}, false},
		"of no type":                {d, member{"kty": nil}, false},
		"of another type":           {d, member{"kty": "XYZ"}, false},
		"kid a number":              {d, member{"kid": 7}, false},
		"kid too long":              {d, member{"kid": strings.Repeat("k", 300)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, spare := newProvider(t), edKey(t, "spare")
			p.publish(t, c.key.public(t, c.more), spare.public(t, nil), "junk", nil, 7)
			v := run(t, p, auth.JWKSConfig{})
			v.want(t, "a good one beside it", spare.token(t, nil), "")
			if !c.good {
				// Whether it is unknown or wrong, one fetch more at most tells.
				if c.key.alg != "ES256" || c.key.private.Public().(*ecdsa.PublicKey).Curve == elliptic.P256() { //nolint:forcetypeassert // see ecKey
					v.want(t, "its token", c.key.token(t, nil), domain.CodeUnauthenticated)
				}
				return
			}
			v.want(t, "its token", c.key.token(t, nil), "")
		})
	}
}

func TestKidIsNeededUnlessThereIsOneKey(t *testing.T) {
	t.Parallel()
	p, only := newProvider(t), edKey(t, "d")
	p.publish(t, only.public(t, member{"kid": nil}))
	v := run(t, p, auth.JWKSConfig{})
	v.want(t, "no kid on either side", only.token(t, member{"kid": nil}), "")
	v.want(t, "a kid where the key has none", only.token(t, nil), domain.CodeUnauthenticated)

	p.publish(t, only.public(t, nil), ecKey(t, "d", elliptic.P256()).public(t, nil), edKey(t, "d").public(t, nil))
	v.want(t, "unknown", only.token(t, member{"kid": "x"}), domain.CodeUnauthenticated)
	v.want(t, "no kid", only.token(t, member{"kid": nil}), domain.CodeUnauthenticated)
	v.want(t, "the first of two of the same kid and type", only.token(t, nil), "")
}

func TestWhereKeysMayComeFrom(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct{ taken, insecure bool }{
		"https://id.example/keys":        {true, true},
		"https://id.example:8443/k?x=1":  {true, true},
		"http://127.0.0.1:1/keys":        {true, true},
		"http://[::1]/keys":              {true, true},
		"http://localhost/keys":          {true, true},
		"http://id.example/keys":         {false, true},
		"http://localhost.evil/keys":     {false, true},
		"http://127.0.0.1.evil/keys":     {false, true},
		"file:///etc/passwd":             {false, false},
		"ftp://id.example/keys":          {false, false},
		"//id.example/keys":              {false, false},
		"id.example/keys":                {false, false},
		"https://":                       {false, false},
		"https://u:p@id.example/keys":    {false, false},
		"https://id.example/keys#x":      {false, false},
		"":                               {false, false},
		"http://127.0.0.1@id.example/ks": {false, false},
	} {
		_, err := auth.NewJWKS(auth.JWKSConfig{URL: text})
		_, insecure := auth.NewJWKS(auth.JWKSConfig{URL: text, AllowHTTP: true})
		if (err == nil) != c.taken || (insecure == nil) != c.insecure {
			t.Errorf("%q: %v; with AllowHTTP %v", text, err, insecure)
		}
	}
}

// What goes wrong is logged without the URL, in which there may be something secret.
func TestFailuresDoNotShowTheURL(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.fails()
	keys, err := auth.NewJWKS(auth.JWKSConfig{URL: "http://127.0.0.1:1/keys?secret=1"})
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_ = keys.Run(ctx)
	var shown *url.Error
	if err := keys.Ready(t.Context()); err == nil || strings.Contains(err.Error(), "secret") || errors.As(err, &shown) {
		t.Errorf("ready: %v", err)
	}
}

// The secret is for HS256 alone, the provider's keys are for the rest, and neither can stand for the other.
func TestSecretAndProviderSideBySide(t *testing.T) {
	t.Parallel()
	p, k := newProvider(t), rsaKey(t, "r", 2048)
	p.publish(t, k.public(t, nil))
	provided := run(t, p, auth.JWKSConfig{})
	own, err := auth.HS256([]byte(secret))
	must(t, err)
	both, err := auth.Either(own, provided.JWKS)
	must(t, err)
	v := running{provided.JWKS, auth.NewVerifier(both, auth.VerifierConfig{})}
	body := fmt.Sprintf(`{"sub":"u1","exp":%d}`, time.Now().Add(time.Hour).Unix())
	modulus := k.private.Public().(*rsa.PublicKey).N.Bytes() //nolint:forcetypeassert // see rsaKey
	v.want(t, "ours", sign(hs256, body, secret), "")
	v.want(t, "ours with a kid of theirs", sign(`{"alg":"HS256","kid":"r"}`, body, secret), "")
	v.want(t, "theirs", k.token(t, nil), "")
	v.want(t, "HS256 with their key", sign(`{"alg":"HS256","kid":"r"}`, body, string(modulus)), domain.CodeUnauthenticated)
	v.want(t, "RS256 with our secret", sign(`{"alg":"RS256","kid":"r"}`, body, secret), domain.CodeUnauthenticated)
	v.want(t, "HS512", sign(`{"alg":"HS512"}`, body, secret), domain.CodeUnauthenticated)
	v.want(t, "none", segment(`{"alg":"none"}`)+"."+segment(body)+".", domain.CodeUnauthenticated)

	p.fails()
	v.want(t, "ours while theirs are away", sign(hs256, body, secret), "")
	if _, err := auth.Either(own, own); err == nil {
		t.Error("two sets for HS256 were taken")
	}
}
