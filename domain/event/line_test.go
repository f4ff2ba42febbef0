package event_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
)

// Analysts' programs read these bytes: they never change.
func TestEnvelopeNeverChanges(t *testing.T) {
	t.Parallel()
	line := event.AppendEnvelope(nil, recorded(`{"roomId":"r1","content":"a \u2028 <b> \"c\""}`))
	want := `{"position":"9007199254740993","id":"01020304-0506-0708-090a-0b0c0d0e0f10","stream":"messages-r1","version":7,` +
		`"type":"MessageSent","schemaVersion":1,"data":{"roomId":"r1","content":"a \u2028 <b> \"c\""},` +
		`"metadata":{"userId":"u1","node":"n1"},"recordedAt":"2026-01-02T03:04:05.600000Z"}`
	if diff := cmp.Diff(want, string(line)); diff != "" {
		t.Errorf("other bytes (-want +got):\n%s", diff)
	}
}

// An envelope is one line of JSON, whatever bytes somebody put into the log.
func TestEnvelopeIsOneLine(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"{\n  \"a\": \"b\"\r\n}", "", "[1,\n2]", "{\"a\":\"\\n\"}"} {
		line := event.AppendEnvelope([]byte("before "), recorded(data))
		rest, found := strings.CutPrefix(string(line), "before ")
		if !found || !json.Valid([]byte(rest)) || strings.ContainsAny(rest, "\r\n") {
			t.Errorf("%q became %s", data, line)
		}
	}
}

func TestSelectionWants(t *testing.T) {
	t.Parallel()
	e := recorded("{}")
	for _, c := range []struct {
		name string
		sel  event.Selection
		want bool
	}{
		{"all", event.Selection{}, true},
		{"its type", event.Selection{Types: []string{"RoomCreated", "MessageSent"}}, true},
		{"another type", event.Selection{Types: []string{"RoomCreated"}}, false},
		{"its stream", event.Selection{Streams: []event.Stream{"messages-r1"}}, true},
		{"a longer stream", event.Selection{Streams: []event.Stream{"messages-r10"}}, false},
		{"its category", event.Selection{Categories: []string{"messages"}}, true},
		{"another category", event.Selection{Categories: []string{"room", "user"}}, false},
		{"two that fit", event.Selection{Types: []string{"MessageSent"}, Categories: []string{"messages"}}, true},
		{"two of which one fits", event.Selection{Types: []string{"MessageSent"}, Categories: []string{"room"}}, false},
	} {
		if got := c.sel.Wants(e); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func recorded(data string) *event.Recorded {
	return &event.Recorded{
		Position: 1<<53 + 1, ID: event.ID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		Stream: "messages-r1", Version: 7, Seq: 5, Type: event.TypeMessageSent, SchemaVersion: 1, Subject: "s",
		Data: json.RawMessage(data), Metadata: json.RawMessage(`{"userId":"u1","node":"n1"}`),
		RecordedAt: time.Date(2026, 1, 2, 4, 4, 5, 600_000_000, time.FixedZone("", 3600)),
	}
}

func BenchmarkEnvelope(b *testing.B) {
	b.ReportAllocs()
	e := recorded(`{"roomId":"r1","messageId":"m","sender":{"id":"u","username":"u","displayName":"u","avatarUrl":""},"content":"` + strings.Repeat("word ", 20) + `"}`)
	var line []byte
	for b.Loop() {
		line = event.AppendEnvelope(line[:0], e)
	}
	b.SetBytes(int64(len(line)))
}
