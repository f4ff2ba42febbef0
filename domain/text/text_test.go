package text_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"parley/domain/text"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"ordinary text stays", "hello, world", "hello, world"},
		{"lines and tabs stay", "a\n\tb", "a\n\tb"},
		{"carriage returns go, the lines stay", "a\r\nb", "a\nb"},
		{"NUL, bell, escape and delete go", "a\x00b\x07c\x1b[31md\x7f", "abc[31md"},
		{"C1 controls go", "a\u0085b\u009fc", "abc"},
		{"emoji sequences stay", "👩‍👩‍👧‍👦 ❤️", "👩‍👩‍👧‍👦 ❤️"},
		{"right-to-left stays", "שלום \u200f مرحبا", "שלום \u200f مرحبا"},
		{"markup is only text", "<script>alert(1)</script>", "<script>alert(1)</script>"},
		{"surrounding space stays", "  x ", "  x "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := text.Clean(tt.in); !ok || got != tt.want {
				t.Errorf("Clean(%q) = %q, %v; want %q", tt.in, got, ok, tt.want)
			}
		})
	}
}

func TestCleanRefusesInvalidUTF8(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80"} {
		if got, ok := text.Clean(in); ok {
			t.Errorf("Clean(%q) = %q, want a refusal", in, got)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"": true, "Ada Lovelace": true, "Zoë 🦊": true,
		"a\nb": false, "a\tb": false, "\x00": false, "a\u0080": false, "\xff": false,
	} {
		if got := text.Printable(in); got != want {
			t.Errorf("Printable(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestLengthCountsCodePoints(t *testing.T) {
	t.Parallel()
	if got := text.Length("aß👍"); got != 3 {
		t.Errorf("Length = %d, want 3", got)
	}
	if !text.Blank(" \n\t\u2003") || text.Blank(" x ") {
		t.Error("Blank must see white space alone as blank")
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "a\x00b", "\xff", "x\r\n", "👩‍👧", strings.Repeat("\u0085", 9)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, ok := text.Clean(in)
		if ok != utf8.ValidString(in) {
			t.Fatalf("Clean(%q) said %v", in, ok)
		}
		if !ok {
			return
		}
		if again, ok := text.Clean(out); !ok || again != out {
			t.Fatalf("cleaning %q again made %q", out, again)
		}
		for _, r := range out {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Fatalf("Clean(%q) kept %U", in, r)
			}
		}
		if text.Printable(in) && out != in {
			t.Fatalf("Clean changed the printable %q", in)
		}
	})
}
