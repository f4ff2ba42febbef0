package quote_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"parley/domain/quote"
)

func check(t *testing.T, s string) {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	want := "x" + string(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
	if got := quote.Append([]byte("x"), s); string(got) != want {
		t.Errorf("%q is written %s, want %s", s, got, want)
	}
}

func TestEveryCharacterIsWrittenByTheBook(t *testing.T) {
	t.Parallel()
	for r := range rune(0x11000) {
		if r < 0x3000 || r%0x80 < 2 {
			check(t, string(r))
			check(t, "a"+string(r)+"b")
		}
	}
	for c := range 256 {
		check(t, string([]byte{byte(c)}))
		check(t, string([]byte{'a', byte(c), 0x80, 'b'}))
	}
}

func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "a", "<b>&amp;", "\\\"\n\x00", "\u2028\u2029", "a\xffb", "\xe2\x80", "\xed\xa0\x80", "👍\U0010ffff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { check(t, s) })
}
