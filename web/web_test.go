package web_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"parley/web"
)

const script = "assets/index-d0c5.js"

// built is a page as `npm run build` leaves it.
func built() fstest.MapFS {
	files := fstest.MapFS{}
	for name, data := range map[string]string{
		"index.html": "<title>Parley</title>", "index.html.br": "br of index", "index.html.gz": "gz of index",
		script: "script", script + ".br": "br", script + ".gz": "gz",
		"icon.svg": "<svg/>", "assets/small.css": "a{}",
	} {
		files[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return files
}

// page leaves to a teapot what it does not have.
func page(t *testing.T) *web.Page {
	t.Helper()
	p, err := web.New(built(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ask(t *testing.T, h http.Handler, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhatIsServed(t *testing.T) {
	t.Parallel()
	p := page(t)
	const html, never, always = "text/html; charset=utf-8", "no-cache", "public, max-age=31536000, immutable"
	for path, want := range map[string][3]string{
		"/":                   {"<title>Parley</title>", html, never},
		"/index.html":         {"<title>Parley</title>", html, never},
		"/ops":                {"<title>Parley</title>", html, never},
		"/rooms/a.b?message=": {"<title>Parley</title>", html, never},
		"/" + script:          {"script", "text/javascript; charset=utf-8", always},
		"/assets/small.css":   {"a{}", "text/css; charset=utf-8", always},
		"/icon.svg":           {"<svg/>", "image/svg+xml", never},
	} {
		a := ask(t, p, "GET", path)
		got := [3]string{text(t, a), a.Header.Get("Content-Type"), a.Header.Get("Cache-Control")}
		if a.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d %q, want %q", path, a.StatusCode, got, want)
		}
	}
	for _, path := range []string{
		"/api/v1/rooms", "/socket.io/", "/ws", "/debug/queues", "/metrics", "/docs", "/openapi.json", "/healthz",
		"/nonsense", "/assets/", "/assets", "/assets/index-0000.js", "/" + script + ".br", "/index.html.gz", "/opsy", "/../web.go", "/ops.html",
	} {
		if a := ask(t, p, "GET", path, "Accept", "text/html"); a.StatusCode != http.StatusTeapot {
			t.Errorf("%s is answered with %d", path, a.StatusCode)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if a := ask(t, p, method, "/"); a.StatusCode != http.StatusTeapot {
			t.Errorf("%s / is answered with %d", method, a.StatusCode)
		}
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	p := page(t)
	for accept, want := range map[string]string{
		"":                               "",
		"gzip, deflate, br, zstd":        "br",
		"gzip, deflate":                  "gzip",
		"GZIP":                           "gzip",
		"br;q=0.5, gzip":                 "gzip",
		"br;q=0.5, gzip;q=0.5":           "br",
		"br;q=0, *":                      "gzip",
		"*":                              "br",
		"*;q=0":                          "",
		"br; q=0 , gzip; q=0.000":        "",
		"br;q=nonsense, gzip;q=7":        "",
		"gzip;q=0.5, identity":           "",
		"identity, gzip":                 "gzip",
		"deflate, identity;q=0":          "", // better than nothing
		strings.Repeat("x,", 500) + "br": "br",
	} {
		a := ask(t, p, "GET", "/"+script, "Accept-Encoding", accept)
		got, body := a.Header.Get("Content-Encoding"), text(t, a)
		if got != want || body != map[string]string{"": "script", "br": "br", "gzip": "gz"}[want] || a.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%.80q: %q, want %q; body %q, Vary %q", accept, got, want, body, a.Header.Get("Vary"))
		}
	}
	if a := ask(t, p, "GET", "/icon.svg", "Accept-Encoding", "br"); a.Header.Get("Content-Encoding")+a.Header.Get("Vary") != "" {
		t.Errorf("a file that is there once: %v", a.Header)
	}
}

func TestWhatHasNotChangedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	p := page(t)
	tags := map[string]bool{}
	for _, accept := range []string{"", "br", "gzip"} {
		first := ask(t, p, "GET", "/rooms/1", "Accept-Encoding", accept)
		tag := first.Header.Get("ETag")
		tags[tag] = true
		again := ask(t, p, "GET", "/", "Accept-Encoding", accept, "If-None-Match", `"other", W/`+tag)
		if again.StatusCode != http.StatusNotModified || text(t, again) != "" || again.Header.Get("Content-Encoding") != "" {
			t.Errorf("%q: %d %v", accept, again.StatusCode, again.Header)
		}
		if again.Header.Get("Cache-Control") != "no-cache" || again.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%q: %v", accept, again.Header)
		}
	}
	if len(tags) != 3 || tags[""] {
		t.Errorf("the encodings have the tags %v", tags)
	}
}

func TestHeadAndParts(t *testing.T) {
	t.Parallel()
	p := page(t)
	for accept, length := range map[string]string{"": "6", "br": "2"} {
		head := ask(t, p, "HEAD", "/"+script, "Accept-Encoding", accept)
		if head.StatusCode != http.StatusOK || head.Header.Get("Content-Length") != length || text(t, head) != "" {
			t.Errorf("%q: %d %v", accept, head.StatusCode, head.Header)
		}
	}
	if a := ask(t, p, "GET", "/"+script, "Range", "bytes=1-2"); a.StatusCode != http.StatusPartialContent || text(t, a) != "cr" {
		t.Errorf("a part: %d", a.StatusCode)
	}
	if a := ask(t, p, "GET", "/"+script, "Range", "bytes=1-2", "Accept-Encoding", "br"); a.StatusCode != http.StatusOK || text(t, a) != "br" {
		t.Errorf("a part of something compressed: %d", a.StatusCode)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/" + script} {
		h := ask(t, page(t), "GET", path).Header
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "object-src 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %q", path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("the policy is %q", policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// Whatever was there when this was built, it answers at /.
func TestBuilt(t *testing.T) {
	t.Parallel()
	p, err := web.New(web.Built(), http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	a := ask(t, p, "GET", "/")
	data, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK || !bytes.Contains(data, []byte("<title>Parley")) {
		t.Errorf("%d %v %.200s", a.StatusCode, err, data)
	}
	if bytes.Contains(data, []byte("<style")) || bytes.Contains(data, []byte("<script>")) || bytes.Contains(data, []byte("//fonts.")) {
		t.Errorf("the policy forbids a part of %s", data)
	}
}
