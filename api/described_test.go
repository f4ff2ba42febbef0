package api_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"parley/api/spec"
	"parley/api/spec/spectest"
)

var described = sync.OnceValues(func() (*spectest.Document, error) { return spectest.Read(spec.OpenAPI()) })

// asDescribed fails when an answer that is JSON is not as openapi.json says.
func asDescribed(tb testing.TB, method, path string, a answer) {
	tb.Helper()
	document, err := described()
	if err != nil {
		tb.Fatal(err)
	}
	path, _, _ = strings.Cut(path, "?")
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	var at []string
	switch media {
	case "application/problem+json":
		at = []string{"components", "responses", "Problem", "content", media, "schema"}
	case "application/json":
		responses := []string{"paths", document.Template(path), strings.ToLower(method), "responses"}
		status := strconv.Itoa(a.status)
		if a.status/100 == 2 && !document.Has(slices.Concat(responses, []string{status})...) {
			status = "200" // what is new, or not done yet, is answered like what is
		}
		at = slices.Concat(responses, []string{status, "content", media, "schema"})
	default:
		return
	}
	if !document.Has(at...) {
		tb.Errorf("%s %s answers with %d, which is not described", method, path, a.status)
	} else if err := document.Fits(a.body, at...); err != nil {
		tb.Errorf("the answer to %s %s is not as described: %.500s\n%.1000v", method, path, a.body, err)
	}
}
