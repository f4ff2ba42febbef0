package gateway_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"parley/domain"
	"parley/realtime/gateway"
)

// FuzzPlainFrame compares the parser with encoding/json: what the one takes for a frame the other does, too, and they
// read the same.
func FuzzPlainFrame(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", "null", `{"event":"x"}`, `{"id":1,"event":"send-message","data":{"roomId":"r","content":"x"}}`,
		` { "data" : [1,2.5e-7,"\n\u00e9",{"a":null}] , "id" : "a\"b" , "more" : true , "event" : "\u0065vent" } `,
		`{"event":"x","event":"y"}`, `{"event":"x","\u0065vent":"y"}`, `{"more":1,"more":2,"event":"x"}`, `{"Event":"x"}`,
		`{"id":null,"event":"x"}`, `{"id":-0,"event":"x"}`, `{"id":{},"event":"x"}`, `{"event":"x","data":` + strings.Repeat("[", 70),
		`{"event":"x","data":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, `{"event":"\ud800"}`, `{"event":"x"}}`,
		`{"event":"` + strings.Repeat("x", 128) + `","id":"` + strings.Repeat("x", 62) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return
		}
		id, event, data, err := gateway.ParsePlain(text)
		want, ok := readFrame(text)
		if ok != (err == nil) {
			t.Fatalf("%q: %v, but is a frame: %v", text, err, ok)
		}
		if err != nil {
			if domain.CodeOf(err) != domain.CodeInvalidPayload {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if id != want.id || event != want.event || !bytes.Equal(data, want.data) {
			t.Fatalf("%q: read id %s, event %q, data %s; want %+v", text, id, event, data, want)
		}
		if id == "" {
			return
		}
		var answer struct{ ID json.RawMessage }
		if err := json.Unmarshal(gateway.Answer{Data: json.RawMessage("{}")}.AppendPlain(nil, id), &answer); err != nil || string(answer.ID) != id {
			t.Fatalf("%q: answered to %s, %v", text, answer.ID, err)
		}
	})
}

type frame struct {
	id, event string
	data      json.RawMessage
}

// readFrame is the rule, slowly.
func readFrame(text []byte) (f frame, ok bool) {
	members := map[string]json.RawMessage{}
	if json.Unmarshal(text, &members) != nil || bytes.TrimSpace(text)[0] != '{' || depth(text) > 64 || twice(text) {
		return f, false
	}
	f.id = string(members["id"])
	switch {
	case len(f.id) > 64, f.id != "" && strings.ContainsAny(f.id[:1], "{[tf"):
		return f, false
	case f.id == "null":
		f.id = ""
	}
	f.data = members["data"]
	var event *string
	ok = json.Unmarshal(members["event"], &event) == nil && event != nil && *event != "" && len(*event) <= 128
	if ok {
		f.event = *event
	}
	return f, ok
}

// depth is how deep valid JSON is nested.
func depth(text []byte) int {
	now, most := 0, 0
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil {
			return most
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			now++
			most = max(most, now)
		case json.Delim('}'), json.Delim(']'):
			now--
		}
	}
}

// twice says whether a member that matters comes twice in a valid object.
func twice(text []byte) bool {
	count := map[string]int{}
	d := json.NewDecoder(bytes.NewReader(text))
	_, _ = d.Token()
	for d.More() {
		name, _ := d.Token()
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return false
		}
		if s, _ := name.(string); s == "id" || s == "event" || s == "data" {
			count[s]++
		}
	}
	for _, n := range count {
		if n > 1 {
			return true
		}
	}
	return false
}

func BenchmarkPlainFrame(b *testing.B) {
	text := []byte(`{"id":17,"event":"send-message","data":{"roomId":"0198a1b2-0000-7000-8000-000000000000","content":"` + strings.Repeat("x", 100) + `"}}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := gateway.ParsePlain(text); err != nil {
			b.Fatal(err)
		}
	}
}
