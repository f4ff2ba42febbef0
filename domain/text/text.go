// Package text says what may be written in a chat.
//
// What people write is kept as they sent it, but for control characters: they do nothing
// for a reader, and confuse terminals, logs and the database (which cannot hold U+0000).
// Joiners, variation selectors and direction marks stay, since scripts and emoji need them.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean is s without control characters, except line feed and tab. It is false for what is
// not valid UTF-8. Cleaning again changes nothing.
func Clean(s string) (string, bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	if strings.IndexFunc(s, unwanted) < 0 {
		return s, true
	}
	return strings.Map(func(r rune) rune {
		if unwanted(r) {
			return -1
		}
		return r
	}, s), true
}

// Printable reports whether s is valid UTF-8 without any control character: fit for a name.
func Printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// Blank reports whether a reader would see nothing but white space.
func Blank(s string) bool { return strings.TrimSpace(s) == "" }

// Length is what limits count: Unicode code points.
func Length(s string) int { return utf8.RuneCountInString(s) }

func unwanted(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
