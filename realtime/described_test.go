package realtime_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"parley/api/spec"
	"parley/api/spec/spectest"
)

var described = sync.OnceValues(func() (*spectest.Document, error) { return spectest.Read(spec.AsyncAPI()) })

// asDescribed fails when an event or an answer is not as asyncapi.json says. Benchmarks have no time for it.
func asDescribed(tb testing.TB, frame string, asked map[string]string) {
	tb.Helper()
	if _, ok := tb.(*testing.T); !ok || len(frame) < 3 || frame[0] != '4' {
		return
	}
	document, err := described()
	if err != nil {
		tb.Fatal(err)
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
			fits(tb, document, batch, item)
		}
		return
	}
	fits(tb, document, name, payload)
}

func fits(tb testing.TB, document *spectest.Document, name string, payload json.RawMessage) {
	tb.Helper()
	if !document.Has("components", "messages", name) {
		if !strings.HasSuffix(name, "-ack") { // some tests ask what is no command
			tb.Errorf("event %s is not described", name)
		}
		return
	}
	if err := document.Fits(payload, "components", "messages", name, "payload"); err != nil {
		tb.Errorf("%s is not as described: %s\n%v", name, payload, err)
	}
}
