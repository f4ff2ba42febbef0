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

// described checks what is answered against what openapi.json says of it.
var described description

type description struct {
	mu       sync.Mutex
	document *spectest.Document
}

// check fails when an answer that is JSON is not as it is described.
func (d *description) check(tb testing.TB, method, path string, a answer) {
	tb.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.document == nil {
		document, err := spectest.Read(spec.OpenAPI())
		if err != nil {
			tb.Fatal(err)
		}
		d.document = document
	}
	path, _, _ = strings.Cut(path, "?")
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	var at []string
	switch media {
	case "application/problem+json":
		at = []string{"components", "responses", "Problem", "content", media, "schema"}
	case "application/json":
		responses := []string{"paths", d.document.Template(path), strings.ToLower(method), "responses"}
		status := strconv.Itoa(a.status)
		if a.status/100 == 2 && !d.document.Has(slices.Concat(responses, []string{status})...) {
			status = "200" // what is new, or not done yet, is answered like what is
		}
		at = slices.Concat(responses, []string{status, "content", media, "schema"})
	default:
		return
	}
	if !d.document.Has(at...) {
		tb.Errorf("%s %s answers with %d, which is not described", method, path, a.status)
	} else if err := d.document.Fits(a.body, at...); err != nil {
		tb.Errorf("the answer to %s %s is not as described: %.500s\n%.1000v", method, path, a.body, err)
	}
}
