package event_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
)

// Whatever is stored, Decode does not panic, and what it accepts is stable: encoding it and
// decoding that gives the same event and the same bytes.
func FuzzDecode(f *testing.F) {
	for typ, e := range samples() {
		n, err := event.Encode(event.ID{1}, nil, e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(typ, 1, []byte(n.Data))
	}
	f.Add(event.TypeMessageSent, 2, []byte(`{}`))
	f.Add(event.TypeMessageSent, 1, []byte(`null`))
	f.Add("Nonsense", 1, []byte(`{"a":`))
	f.Fuzz(func(t *testing.T, typ string, version int, data []byte) {
		first, err := event.Decode(typ, version, data)
		if err != nil {
			return
		}
		once, err := event.Encode(event.ID{1}, nil, first)
		if err != nil {
			t.Skip("a time that JSON can hold and RFC 3339 cannot")
		}
		second, err := event.Decode(once.Type, once.SchemaVersion, once.Data)
		if err != nil {
			t.Fatalf("%s is not readable again: %v", once.Data, err)
		}
		twice, err := event.Encode(event.ID{1}, nil, second)
		if err != nil || !bytes.Equal(once.Data, twice.Data) {
			t.Fatalf("%s became %s (%v)\n%s", once.Data, twice.Data, err, cmp.Diff(first, second))
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	for _, seed := range []string{"0", "1", "9223372036854775807", "9223372036854775808", "-1", "+1", "01", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := event.ParsePosition(s)
		if err != nil {
			return
		}
		if back, err := event.ParsePosition(p.String()); p < 0 || err != nil || back != p {
			t.Fatalf("%q reads as %d, which reads as %d (%v)", s, p, back, err)
		}
	})
}

func FuzzParseID(f *testing.F) {
	f.Add(messageID)
	f.Add("01890000-0000-7000-8000-00000000000G")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := event.ParseID(s)
		if err != nil {
			return
		}
		if back, err := event.ParseID(id.String()); err != nil || back != id {
			t.Fatalf("%q reads as %s, which does not read back", s, id)
		}
	})
}
