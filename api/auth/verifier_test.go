package auth_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/api/auth"
	"parley/domain"
)

const secret = "a secret of at least 32 bytes, for tests"

// noon is when every test of tokens happens.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

func newVerifier(tb testing.TB, cfg auth.VerifierConfig) *auth.Verifier {
	tb.Helper()
	keys, err := auth.HS256([]byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	if cfg.Now == nil {
		cfg.Now = atNoon
	}
	return auth.NewVerifier(keys, cfg)
}

// sign makes a token out of any header and payload, signed with HMAC-SHA256.
func sign(header, payload, key string) string {
	text := segment(header) + "." + segment(payload)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func segment(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

const hs256 = `{"alg":"HS256","typ":"JWT"}`

// lives is the end of a claim set whose token is good for an hour.
func lives() string { return fmt.Sprintf(`"exp":%d}`, noon.Add(time.Hour).Unix()) }

func TestVerifierReadsClaims(t *testing.T) {
	t.Parallel()
	exp := time.Unix(noon.Add(time.Hour).Unix(), 0)
	for name, c := range map[string]struct {
		payload string
		want    auth.Claims
	}{
		"sub": {
			payload: `{"sub":"u1",` + lives(),
			want:    auth.Claims{Principal: domain.Principal{UserID: "u1", ExpiresAt: exp}},
		},
		"userId before sub": {
			payload: `{"sub":"auth0|1","userId":"u1",` + lives(),
			want:    auth.Claims{Principal: domain.Principal{UserID: "u1", ExpiresAt: exp}},
		},
		"everything": {
			payload: fmt.Sprintf(`{"sub":"u1","username":"Ada","email":"ada@example.org","roles":["admin","other"],"sid":"parley-1","iat":%d,%s`, noon.Unix(), lives()),
			want: auth.Claims{
				Principal: domain.Principal{
					UserID: "u1", Username: "Ada", Roles: []domain.Role{domain.RoleAdmin, "other"},
					SessionID: "parley-1", ExpiresAt: exp, IssuedAt: time.Unix(noon.Unix(), 0),
				},
				Email: "ada@example.org",
			},
		},
		"nulls are absent": {
			payload: `{"sub":"u1","username":null,"email":null,"roles":null,"sid":null,` + lives(),
			want:    auth.Claims{Principal: domain.Principal{UserID: "u1", ExpiresAt: exp}},
		},
		"names are exact": {
			payload: `{"sub":"u1","USERID":"u2","Roles":["admin"],` + lives(),
			want:    auth.Claims{Principal: domain.Principal{UserID: "u1", ExpiresAt: exp}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newVerifier(t, auth.VerifierConfig{}).Verify(t.Context(), sign(hs256, c.payload, secret))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVerifierRefuses(t *testing.T) {
	t.Parallel()
	good := `{"sub":"u1",` + lives()
	header := func(members string) string { return sign(`{"typ":"JWT",`+members+`}`, good, secret) }
	claims := func(members string) string { return sign(hs256, `{"sub":"u1",`+members+`}`, secret) }
	unsigned := func(alg string) string {
		return segment(`{"alg":"`+alg+`"}`) + "." + segment(good) + "."
	}
	cases := map[string]string{
		"nothing":                  "",
		"not a token":              "hello",
		"two segments":             segment(hs256) + "." + segment(good),
		"four segments":            sign(hs256, good, secret) + ".x",
		"five segments (JWE)":      header(`"alg":"dir","enc":"A128GCM"`) + ".x.y",
		"alg none":                 unsigned("none"),
		"alg None":                 unsigned("None"),
		"alg nOnE":                 unsigned("nOnE"),
		"alg none with signature":  header(`"alg":"none"`),
		"empty signature":          segment(hs256) + "." + segment(good) + ".",
		"no alg":                   header(`"x":1`),
		"alg is a number":          header(`"alg":256`),
		"alg HS384":                header(`"alg":"HS384"`),
		"alg HS512":                header(`"alg":"HS512"`),
		"alg RS256":                header(`"alg":"RS256"`),
		"alg ES256":                header(`"alg":"ES256"`),
		"alg hs256":                header(`"alg":"hs256"`),
		"alg twice":                header(`"alg":"HS256","alg":"HS256"`),
		"alg twice, none first":    header(`"alg":"none","alg":"HS256"`),
		"crit":                     header(`"alg":"HS256","crit":["exp"]`),
		"b64 false":                header(`"alg":"HS256","b64":false,"crit":["b64"]`),
		"zip":                      header(`"alg":"HS256","zip":"DEF"`),
		"header is an array":       sign(`["HS256"]`, good, secret),
		"header is null":           sign(`null`, good, secret),
		"payload is null":          sign(hs256, `null`, secret),
		"payload is an array":      sign(hs256, `[]`, secret),
		"payload with two subs":    sign(hs256, `{"sub":"u1","sub":"u2",`+lives(), secret),
		"another secret":           sign(hs256, good, secret+"x"),
		"empty secret":             sign(hs256, good, ""),
		"signed with a public key": sign(hs256, good, publicKey(t)),
		"padding":                  sign(hs256, good, secret) + "=",
		"spaces":                   " " + sign(hs256, good, secret),
		"line break":               sign(hs256, good, secret) + "\n",
		"no exp":                   claims(`"username":"x"`),
		"exp null":                 claims(`"exp":null`),
		"exp is text":              claims(fmt.Sprintf(`"exp":"%d"`, noon.Add(time.Hour).Unix())),
		"exp negative":             claims(`"exp":-1`),
		"exp 1e400":                claims(`"exp":1e400`),
		"exp 1e300":                claims(`"exp":1e300`),
		"exp 2^63":                 claims(`"exp":9223372036854775808`),
		"exp in ms":                claims(fmt.Sprintf(`"exp":%d`, noon.Add(time.Hour).UnixMilli())),
		"nbf in the future":        claims(fmt.Sprintf(`"nbf":%d,%s`, noon.Add(time.Minute).Unix(), strings.TrimSuffix(lives(), "}"))),
		"iat in the future":        claims(fmt.Sprintf(`"iat":%d,%s`, noon.Add(time.Minute).Unix(), strings.TrimSuffix(lives(), "}"))),
		"iat is text":              claims(`"iat":"now",` + strings.TrimSuffix(lives(), "}")),
		"no user":                  sign(hs256, `{`+lives(), secret),
		"sub is a number":          sign(hs256, `{"sub":1,`+lives(), secret),
		"sub is empty":             sign(hs256, `{"sub":"",`+lives(), secret),
		"sub with a slash":         sign(hs256, `{"sub":"../x",`+lives(), secret),
		"sub with NUL":             sign(hs256, `{"sub":"a\u0000",`+lives(), secret),
		"sub too long":             sign(hs256, `{"sub":"`+strings.Repeat("a", 129)+`",`+lives(), secret),
		"userId bad, sub good":     sign(hs256, `{"sub":"u1","userId":"",`+lives(), secret),
		"roles is text":            claims(`"roles":"admin",` + strings.TrimSuffix(lives(), "}")),
		"roles hold a number":      claims(`"roles":[1],` + strings.TrimSuffix(lives(), "}")),
		"username is an object":    claims(`"username":{},` + strings.TrimSuffix(lives(), "}")),
		"sid is a number":          claims(`"sid":5,` + strings.TrimSuffix(lives(), "}")),
	}
	for name, token := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, err := newVerifier(t, auth.VerifierConfig{}).Verify(t.Context(), token)
			if code := domain.CodeOf(err); code != domain.CodeUnauthenticated {
				t.Errorf("claims %+v, code %q (%v), want UNAUTHENTICATED", claims, code, err)
			}
		})
	}
}

func publicKey(tb testing.TB) string {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestVerifierTimes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claim string
		at    time.Time
		want  domain.Code
	}{
		"exp just over, within the leeway": {"exp", noon.Add(-29 * time.Second), ""},
		"exp over":                         {"exp", noon.Add(-31 * time.Second), domain.CodeTokenExpired},
		"exp long over":                    {"exp", time.Unix(0, 0), domain.CodeTokenExpired},
		"exp in the year 9999":             {"exp", time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), ""},
		"nbf within the leeway":            {"nbf", noon.Add(29 * time.Second), ""},
		"iat within the leeway":            {"iat", noon.Add(29 * time.Second), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			payload := fmt.Sprintf(`{"sub":"u1","%s":%d,%s`, c.claim, c.at.Unix(), lives())
			if c.claim == "exp" {
				payload = fmt.Sprintf(`{"sub":"u1","exp":%d}`, c.at.Unix())
			}
			_, err := newVerifier(t, auth.VerifierConfig{}).Verify(t.Context(), sign(hs256, payload, secret))
			if code := domain.CodeOf(err); code != c.want {
				t.Errorf("code %q (%v), want %q", code, err, c.want)
			}
		})
	}
}

// A token that was good a moment ago is looked at again as far as it may have changed.
func TestVerifierRemembersNoMoreThanHolds(t *testing.T) {
	t.Parallel()
	now, key := noon, []byte(secret)
	verifier := auth.NewVerifier(keysFunc(func(string, string) (any, error) {
		if key == nil {
			return nil, errors.New("withdrawn")
		}
		return key, nil
	}), auth.VerifierConfig{Now: func() time.Time { return now }, Leeway: time.Nanosecond})
	token := sign(hs256, fmt.Sprintf(`{"sub":"u1","iat":%d,"exp":%d}`, noon.Unix(), noon.Unix()+3), secret)
	check := func(when string, want domain.Code) {
		t.Helper()
		if claims, err := verifier.Verify(t.Context(), token); domain.CodeOf(err) != want || err == nil && claims.UserID != "u1" {
			t.Errorf("%s: %+v, %v, want code %q", when, claims, err, want)
		}
	}
	check("at first", "")
	check("again", "")
	key = []byte("another secret of more than 32 bytes")
	check("with another key", domain.CodeUnauthenticated)
	key = nil
	check("with no key", domain.CodeUnauthenticated)
	key = []byte(secret)
	now = noon.Add(-time.Second)
	check("before it was made", domain.CodeUnauthenticated)
	now = noon.Add(4 * time.Second)
	check("when its time has come", domain.CodeTokenExpired)
	now = noon.Add(2 * time.Second)
	check("before that", "")
}

func TestVerifierIssuerAndAudience(t *testing.T) {
	t.Parallel()
	cfg := auth.VerifierConfig{Issuer: "https://id.example", Audience: "parley"}
	for name, c := range map[string]struct {
		claims string
		want   domain.Code
	}{
		"both":                       {`"iss":"https://id.example","aud":"parley",` + lives(), ""},
		"one of several audiences":   {`"iss":"https://id.example","aud":["x","parley"],` + lives(), ""},
		"no issuer":                  {`"aud":"parley",` + lives(), domain.CodeUnauthenticated},
		"another issuer":             {`"iss":"https://id.example.evil","aud":"parley",` + lives(), domain.CodeUnauthenticated},
		"issuer is a list":           {`"iss":["https://id.example"],"aud":"parley",` + lives(), domain.CodeUnauthenticated},
		"no audience":                {`"iss":"https://id.example",` + lives(), domain.CodeUnauthenticated},
		"another audience":           {`"iss":"https://id.example","aud":"parley2",` + lives(), domain.CodeUnauthenticated},
		"another audience, and late": {`"iss":"https://id.example","aud":"parley2","exp":1}`, domain.CodeUnauthenticated},
		"both, but late":             {`"iss":"https://id.example","aud":"parley","exp":1}`, domain.CodeTokenExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newVerifier(t, cfg).Verify(t.Context(), sign(hs256, `{"sub":"u1",`+c.claims, secret))
			if code := domain.CodeOf(err); code != c.want {
				t.Errorf("code %q (%v), want %q", code, err, c.want)
			}
		})
	}
}

// keysFunc answers with what a test says; it counts nothing and reaches nothing.
type keysFunc func(alg, kid string) (any, error)

func (keysFunc) Methods() []string                                     { return []string{"HS256"} }
func (f keysFunc) Key(_ context.Context, alg, kid string) (any, error) { return f(alg, kid) }

func TestVerifierAsksForTheKeyOnlyWithAPinnedAlgorithm(t *testing.T) {
	t.Parallel()
	v := auth.NewVerifier(keysFunc(func(alg, _ string) (any, error) {
		t.Errorf("asked for a key of %s", alg)
		return []byte(secret), nil
	}), auth.VerifierConfig{Now: atNoon})
	for _, alg := range []string{"none", "RS256", "ES256", "EdDSA", "HS512"} {
		_, err := v.Verify(t.Context(), sign(`{"alg":"`+alg+`","kid":"../../dev/null"}`, `{"sub":"u1",`+lives(), secret))
		if domain.CodeOf(err) != domain.CodeUnauthenticated {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func TestVerifierKeyFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want domain.Code
	}{
		"unknown key": {errors.New("no such key"), domain.CodeUnauthenticated},
		"keys away":   {domain.Unavailable(errors.New("connection refused")), domain.CodeUnavailable},
	} {
		v := auth.NewVerifier(keysFunc(func(string, string) (any, error) { return nil, c.err }), auth.VerifierConfig{Now: atNoon})
		_, err := v.Verify(t.Context(), sign(hs256, `{"sub":"u1",`+lives(), secret))
		if domain.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

//nolint:paralleltest // allocations are counted for the whole process
func TestVerifierIsQuickToRefuseTheHuge(t *testing.T) {
	v := newVerifier(t, auth.VerifierConfig{})
	for name, token := range map[string]string{
		"1 MB":          strings.Repeat("a", 1<<20),
		"100k dots":     strings.Repeat(".", 100_000),
		"8 KB of dots":  strings.Repeat(".", auth.MaxTokenLength),
		"a large kid":   sign(`{"alg":"HS256","kid":"`+strings.Repeat("k", 10<<10)+`"}`, `{"sub":"u1",`+lives(), secret),
		"many claims":   sign(hs256, `{"sub":"u1",`+strings.Repeat(`"":1,`, 900)+lives(), secret),
		"deep nesting":  sign(hs256, `{"sub":`+strings.Repeat("[", 5000)+`}`, secret),
		"header of 6KB": strings.Repeat("e", 6<<10) + ".e.e",
	} {
		allocated := testing.AllocsPerRun(1, func() {
			if _, err := v.Verify(t.Context(), token); domain.CodeOf(err) != domain.CodeUnauthenticated {
				t.Errorf("%s: %v", name, err)
			}
		})
		if allocated > 1000 {
			t.Errorf("%s: %v allocations", name, allocated)
		}
	}
}

func TestShortSecretsAreRefused(t *testing.T) {
	t.Parallel()
	short := []byte(strings.Repeat("x", auth.MinSecretLength-1))
	if _, err := auth.HS256(short); err == nil {
		t.Error("verifier: taken")
	}
	if _, err := auth.NewIssuer(short, auth.IssuerConfig{}); err == nil {
		t.Error("issuer: taken")
	}
}

func TestIssuedTokensAreVerified(t *testing.T) {
	t.Parallel()
	issuer, err := auth.NewIssuer([]byte(secret), auth.IssuerConfig{Issuer: "i", Audience: "a", Now: atNoon})
	if err != nil {
		t.Fatal(err)
	}
	p := domain.Principal{UserID: "u1", Username: "Ada", Roles: []domain.Role{domain.RoleAnalyst}, SessionID: "parley-1"}
	first, expires, err := issuer.Issue(p, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := noon.Add(15 * time.Minute); !expires.Equal(want) {
		t.Errorf("expires at %s, want %s", expires, want)
	}
	got, err := newVerifier(t, auth.VerifierConfig{Issuer: "i", Audience: "a"}).Verify(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	p.ExpiresAt, p.IssuedAt = time.Unix(expires.Unix(), 0), time.Unix(noon.Unix(), 0)
	if diff := cmp.Diff(p, got.Principal); diff != "" {
		t.Error(diff)
	}
	second, _, _ := issuer.Issue(p, 0)
	if first == second {
		t.Error("two tokens of the same second are the same: jti is missing")
	}
	if _, _, err := issuer.Issue(domain.Principal{UserID: "no/id"}, 0); domain.CodeOf(err) != domain.CodeInvalidPayload {
		t.Errorf("a token for no id: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	for _, token := range []string{
		"", "..", "a.b.c", sign(hs256, `{"sub":"u1",`+lives(), secret), sign(`{"alg":"none"}`, `{}`, secret),
		sign(`{"alg":"HS256","crit":[]}`, `{"exp":1e400}`, secret), strings.Repeat(".", 100),
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		checkVerified(t, token)
	})
}

// FuzzVerifySigned gets past the signature, to what is behind it.
func FuzzVerifySigned(f *testing.F) {
	f.Add(hs256, `{"sub":"u1",`+lives())
	f.Add(`{"alg":"HS256","kid":1}`, `{"userId":{},"exp":1}`)
	f.Add(hs256, `{"sub":"u1","roles":[[]],"iat":-1e9,`+lives())
	f.Fuzz(func(t *testing.T, header, payload string) {
		checkVerified(t, sign(header, payload, secret))
	})
}

func checkVerified(t *testing.T, token string) {
	t.Helper()
	claims, err := newVerifier(t, auth.VerifierConfig{}).Verify(t.Context(), token)
	switch code := domain.CodeOf(err); code {
	case "":
		if !domain.ValidID(claims.UserID) || claims.ExpiresAt.Before(noon.Add(-time.Minute)) {
			t.Errorf("let in: %+v", claims)
		}
	case domain.CodeUnauthenticated, domain.CodeTokenExpired:
	default:
		t.Errorf("code %s: %v", code, err)
	}
}
