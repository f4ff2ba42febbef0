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
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		var escape string
		if c >= utf8.RuneSelf {
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
