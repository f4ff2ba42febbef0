package memory_test

import (
	"testing"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/memory"
	"parley/eventstore/storetest"
)

// TestRefusesWhatPostgresRefuses: text that Postgres can't hold must not pass tests on its twin.
func TestRefusesWhatPostgresRefuses(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	for name, change := range map[string]func(*event.New){
		"bytes that are no UTF-8 in data":     func(e *event.New) { e.Data = []byte("\"\xff\"") },
		"bytes that are no UTF-8 in metadata": func(e *event.New) { e.Metadata = []byte("{\"a\":\"\xc3\"}") },
		"NUL in a stream":                     func(e *event.New) { e.Stream = "room-\x00" },
		"no UTF-8 in a subject":               func(e *event.New) { e.Subject = "\xff" },
		"NUL in a type":                       func(e *event.New) { e.Type = "a\x00" },
	} {
		e := storetest.Sent(t, "a")
		change(&e)
		_, err := log.Append(t.Context(), eventstore.Append{Events: []event.New{e}})
		if domain.CodeOf(err) != domain.CodeInvalidPayload {
			t.Errorf("%s: %v, want INVALID_PAYLOAD", name, err)
		}
	}
	escaped := storetest.Sent(t, "a")
	escaped.Data = []byte(`{"content":"\u0000 \ud83d"}`) // both take it
	if _, err := log.Append(t.Context(), eventstore.Append{Events: []event.New{escaped}}); err != nil {
		t.Errorf("an escaped NUL: %v", err)
	}
}
