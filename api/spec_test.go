package api_test

import (
	"regexp"
	"strings"
	"testing"

	"parley/api"
)

// The page shows both descriptions and loads nothing that this node does not serve.
func TestPageOfTheDescriptionsStandsAlone(t *testing.T) {
	t.Parallel()
	w := newFake(t, api.Config{})
	seen := map[string]bool{}
	var visit func(path string)
	visit = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		a := ask(t, w, request{method: "GET", path: path})
		if a.status != 200 || len(a.body) == 0 {
			t.Errorf("GET %s: %d with %d bytes", path, a.status, len(a.body))
		}
		policy := a.header.Get("Content-Security-Policy")
		for part := range strings.SplitSeq(policy, ";") {
			if _, sources, _ := strings.Cut(strings.TrimSpace(part), " "); sources != "'self'" && sources != "'none'" {
				t.Errorf("GET %s allows %q", path, part)
			}
		}
		if strings.HasSuffix(path, ".json") {
			return
		}
		for _, found := range regexp.MustCompile(`(?:src|href|load)[=(]["']([^"'#]+)["']`).FindAllStringSubmatch(string(a.body), -1) {
			if !strings.HasPrefix(found[1], "/") {
				t.Errorf("GET %s refers to %s", path, found[1])
				continue
			}
			visit(found[1])
		}
	}
	visit("/docs")
	for _, path := range []string{"/docs/page.js", "/docs/page.css", "/openapi.json", "/asyncapi.json"} {
		if !seen[path] {
			t.Errorf("the page does not load %s", path)
		}
	}
	for _, path := range []string{"/docs/none.js", "/docs/..%2fspec.go", "/docs/%2e%2e"} {
		if a := ask(t, w, request{method: "GET", path: path}); a.status != 404 {
			t.Errorf("GET %s: %d", path, a.status)
		}
	}
}
