package realtime_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"parley/api/spec"
	"parley/api/spec/spectest"
)

// described checks what the server says against what asyncapi.json says of it.
var described description

type description struct {
	mu       sync.Mutex
	document *spectest.Document
}

// check fails when an event or an answer is not as it is described. Benchmarks have no time for it.
func (d *description) check(tb testing.TB, frame string, asked map[string]string) {
	tb.Helper()
	if _, ok := tb.(*testing.T); !ok || len(frame) < 3 || frame[0] != '4' {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.document == nil {
		document, err := spectest.Read(spec.AsyncAPI())
		if err != nil {
			tb.Fatal(err)
		}
		d.document = document
	}
	var name string
	var payload json.RawMessage
	switch frame[1] {
	case '2':
		var parts []json.RawMessage
		if json.Unmarshal([]byte(frame[2:]), &parts) != nil || len(parts) < 2 || json.Unmarshal(parts[0], &name) != nil {
			return // not for the descriptions to tell
		}
		payload = parts[1]
	case '3':
		id, answer, _ := strings.Cut(frame[2:], "[")
		if asked[id] == "" {
			return
		}
		name, payload = asked[id]+"-ack", json.RawMessage(strings.TrimSuffix(answer, "]"))
	default:
		return
	}
	if batch, ok := strings.CutPrefix(name, "batch:"); ok {
		var items []json.RawMessage
		if err := json.Unmarshal(payload, &items); err != nil {
			tb.Errorf("%s: %v", name, err)
		}
		for _, item := range items {
			d.fits(tb, batch, item)
		}
		return
	}
	d.fits(tb, name, payload)
}

func (d *description) fits(tb testing.TB, name string, payload json.RawMessage) {
	tb.Helper()
	if !d.document.Has("components", "messages", name) {
		if !strings.HasSuffix(name, "-ack") { // some tests ask what is no command
			tb.Errorf("event %s is not described", name)
		}
		return
	}
	if err := d.document.Fits(payload, "components", "messages", name, "payload"); err != nil {
		tb.Errorf("%s is not as described: %s\n%v", name, payload, err)
	}
}
