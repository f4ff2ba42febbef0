// Package quote writes JSON strings for the encoders that are made by hand.
//
// It writes what encoding/json does without HTML escaping, byte for byte: quotes, backslashes and control characters are
// escaped, and the two line ends of JavaScript (U+2028, U+2029); what is no UTF-8 becomes U+FFFD.
package quote

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// Append appends s as a JSON string.
func Append(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := plain(s); i < len(s); i += plain(s[i:]) {
		size := 1
		var escape string
		if c := s[i]; c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && size == 1 {
				escape = `\ufffd`
			} else if r == '\u2028' || r == '\u2029' {
				escape = `\u202` + hexDigits[r&0xf:r&0xf+1]
			} else {
				i += size
				continue
			}
		} else {
			escape = escapeOf(c)
		}
		b = append(append(b, s[done:i]...), escape...)
		i += size
		done = i
	}
	return append(append(b, s[done:]...), '"')
}

const (
	ones = 0x0101010101010101
	high = 0x80 * ones
)

// plain is how many bytes at the beginning of s stand for themselves. Eight are looked at together, as most texts have
// no others: taking n from each byte of a word sets the high bit of one that was below n, if of any.
func plain(s string) int {
	i := 0
	for ; len(s)-i >= 8; i += 8 {
		t := s[i : i+8]
		w := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		quotes, backslashes := w^'"'*ones, w^'\\'*ones // 0 where there is one
		if (w|(w-' '*ones)&^w|(quotes-ones)&^quotes|(backslashes-ones)&^backslashes)&high != 0 {
			break
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] != '"' && s[i] != '\\' && s[i] < utf8.RuneSelf {
		i++
	}
	return i
}

func escapeOf(c byte) string {
	switch c {
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case '\n':
		return `\n`
	case '\t':
		return `\t`
	case '\r':
		return `\r`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	default:
		return `\u00` + hexDigits[c>>4:c>>4+1] + hexDigits[c&0xf:c&0xf+1]
	}
}
