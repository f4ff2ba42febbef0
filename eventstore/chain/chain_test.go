package chain_test

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"parley/domain/event"
	"parley/eventstore/chain"
)

func sample() event.Recorded {
	return event.Recorded{
		Position: 2, Version: 3, Seq: 1, RecordedAt: time.UnixMicro(1_700_000_000_123_456).UTC(),
		ID: event.ID{1, 2, 3}, SchemaVersion: 1, Stream: "messages-r", Type: "MessageSent", Subject: "s",
		Data: []byte(`{"content":"é"}`), Metadata: []byte(`{}`),
	}
}

// Hashes that were noted must be found again: the form never changes.
func TestTheFormNeverChanges(t *testing.T) {
	t.Parallel()
	e := sample()
	const want = "fb6006ec634c56736c44cb15b2d91d4bdbb5c9fc161f6135e24c9639177a69cf"
	got := chain.LinkOf(&e).After(chain.Digest([]byte("before")))
	if got.String() != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	if parsed, err := chain.Parse(want); err != nil || parsed != got {
		t.Errorf("parsed %s, %v", parsed, err)
	}
}

func TestEveryFieldIsInTheHash(t *testing.T) {
	t.Parallel()
	of := func(before chain.Hash, e event.Recorded) chain.Hash { return chain.LinkOf(&e).After(before) }
	seen := map[chain.Hash]string{of(chain.Hash{}, sample()): "the sample"}
	put := func(what string, h chain.Hash) {
		if other, known := seen[h]; known {
			t.Errorf("%s has the same hash as %s", what, other)
		}
		seen[h] = what
	}
	put("another hash before it", of(chain.Hash{31: 1}, sample()))
	for what, change := range map[string]func(*event.Recorded){
		"position":       func(e *event.Recorded) { e.Position++ },
		"version":        func(e *event.Recorded) { e.Version++ },
		"seq":            func(e *event.Recorded) { e.Seq++ },
		"recorded_at":    func(e *event.Recorded) { e.RecordedAt = e.RecordedAt.Add(time.Microsecond) },
		"id":             func(e *event.Recorded) { e.ID[15]++ },
		"schema_version": func(e *event.Recorded) { e.SchemaVersion++ },
		"stream":         func(e *event.Recorded) { e.Stream += "s" },
		"type":           func(e *event.Recorded) { e.Type = "messageSent" },
		"subject":        func(e *event.Recorded) { e.Subject = "" },
		"data":           func(e *event.Recorded) { e.Data = []byte(`{"content":"e"}`) },
		"metadata":       func(e *event.Recorded) { e.Metadata = []byte(`{ }`) },
		"where a text ends": func(e *event.Recorded) {
			e.Stream, e.Type = "messages-rM", "essageSent"
		},
	} {
		e := sample()
		change(&e)
		put(what, of(chain.Hash{}, e))
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "00", hex.EncodeToString(make([]byte, 33)), "zz" + hex.EncodeToString(make([]byte, 31))} {
		if _, err := chain.Parse(s); err == nil {
			t.Errorf("%q was taken for a hash", s)
		}
	}
}

func BenchmarkLink(b *testing.B) {
	e := sample()
	e.Data = bytes.Repeat([]byte("a message of usual length "), 12)
	e.Metadata = bytes.Repeat([]byte("where from "), 12)
	var hash chain.Hash
	b.ReportAllocs()
	for b.Loop() {
		hash = chain.LinkOf(&e).After(hash)
	}
}
