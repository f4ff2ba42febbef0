package auth

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestHowLongKeysAreFresh(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"":                               time.Hour,
		"public":                         time.Hour,
		"max-age=300":                    5 * time.Minute,
		"public, MAX-AGE=300, immutable": 5 * time.Minute,
		`max-age="300"`:                  5 * time.Minute,
		"max-age=0":                      0,
		"no-cache":                       0,
		"no-store, max-age=300":          0,
		"max-age=-1":                     time.Hour,
		"max-age=1e9":                    time.Hour,
		"max-age=99999999999999999999":   time.Hour,
		"s-maxage=5":                     time.Hour,
	} {
		if got := freshFor(header, time.Hour); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func TestRetriesSpreadAndSlowDown(t *testing.T) {
	t.Parallel()
	for failures, seconds := range []int{1, 2, 4, 8, 15, 15, 15} {
		atMost := time.Duration(seconds) * time.Second
		for range 100 {
			if d := retryAfter(failures); d < atMost/2 || d > atMost {
				t.Errorf("after %d failures %s, want %s at most", failures+1, d, atMost)
			}
		}
	}
	if d := retryAfter(1 << 40); d > lastRetry {
		t.Errorf("after many failures %s", d)
	}
}

// Those who look for keys before an attempt begins share it; who comes later needs the next one, since
// the keys may have changed after the first was answered.
func TestFetchesAreShared(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		_, _ = w.Write([]byte(`{"keys":[]}`))
	}))
	defer server.Close()
	j, err := NewJWKS(JWKSConfig{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(kid string) *fetch {
		t.Helper()
		f, err := j.ask(kid)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := ask("a")
	for range 100 {
		if ask("b") != first {
			t.Fatal("not shared")
		}
	}
	attempted := make(chan error, 1)
	go func() {
		_, err := j.attempt(t.Context())
		attempted <- err
	}()
	<-asked
	if ask("c") == first {
		t.Error("an attempt that has begun is shared")
	}
	close(release)
	<-first.done
	if err := <-attempted; err != nil {
		t.Error(err)
	}
	if j.budget > refetchBurst-2+0.5 || j.budget < refetchBurst-2 {
		t.Errorf("budget %v after two attempts", j.budget)
	}
}

func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB","x5c":["AA"]},{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := parseKeySet(data)
		if err != nil {
			return
		}
		for name, key := range set.keys {
			if alg, err := algOf(key); err != nil || alg != name.alg || !set.has(name.kid) || len(name.kid) > maxKID {
				t.Errorf("%v: %s, %v", name, alg, err)
			}
		}
	})
}
