package socketio

import (
	"bytes"
	"encoding/json"
)

// scanner checks JSON in one pass, without allocating, and finds where values
// end. Its depth is bounded, so is its recursion.
type scanner struct {
	data        []byte
	pos         int
	maxDepth    int
	attachments int // in binary packets: how many, to check placeholders; else 0
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end (which is no valid byte either).
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) eat(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// end says whether nothing but space is left.
func (s *scanner) end() bool {
	s.space()
	return s.pos == len(s.data)
}

// value passes over one value, which is at the given depth.
func (s *scanner) value(depth int) bool {
	s.space()
	switch c := s.peek(); {
	case c == '"':
		return s.str()
	case c == '{':
		return depth < s.maxDepth && s.object(depth+1)
	case c == '[':
		return depth < s.maxDepth && s.array(depth+1)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	default:
		return s.word("null") || s.word("true") || s.word("false")
	}
}

func (s *scanner) word(w string) bool {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(w)) {
		return false
	}
	s.pos += len(w)
	return true
}

func (s *scanner) array(depth int) bool {
	s.pos++
	if s.space(); s.eat(']') {
		return true
	}
	for {
		if !s.value(depth) {
			return false
		}
		s.space()
		if s.eat(']') {
			return true
		}
		if !s.eat(',') {
			return false
		}
	}
}

func (s *scanner) object(depth int) bool {
	s.pos++
	if s.space(); s.eat('}') {
		return true
	}
	var placeholder, num []byte // values of the keys "_placeholder" and "num"
	for {
		s.space()
		from := s.pos
		if s.peek() != '"' || !s.str() {
			return false
		}
		key := s.data[from:s.pos]
		if s.space(); !s.eat(':') {
			return false
		}
		s.space()
		from = s.pos
		if !s.value(depth) {
			return false
		}
		if s.attachments > 0 {
			switch {
			case isKey(key, "_placeholder"):
				placeholder = s.data[from:s.pos]
			case isKey(key, "num"):
				num = s.data[from:s.pos]
			}
		}
		if s.space(); s.eat('}') {
			return string(placeholder) != "true" || s.inRange(num)
		}
		if !s.eat(',') {
			return false
		}
	}
}

// isKey compares a quoted key, which may hide behind escapes.
func isKey(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == name
	}
	if len(quoted) > len(name)*6+2 { // \uXXXX is the longest spelling of a letter
		return false
	}
	var key string
	return json.Unmarshal(quoted, &key) == nil && key == name
}

// inRange says whether num, a checked JSON value, is the index of an attachment.
func (s *scanner) inRange(num []byte) bool {
	if len(num) == 0 || len(num) > 9 {
		return false
	}
	n := 0
	for _, c := range num {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n < s.attachments
}

func (s *scanner) str() bool {
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return true
		case c == '\\':
			s.pos++
			if !s.escape() {
				return false
			}
		case c < ' ':
			return false
		}
	}
	return false
}

// escape checks what follows a backslash and stops at its last byte.
func (s *scanner) escape() bool {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.pos++
			if !isHex(s.peek()) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (s *scanner) number() bool {
	s.eat('-')
	if !s.eat('0') && !s.digits() {
		return false
	}
	if s.eat('.') && !s.digits() {
		return false
	}
	if s.eat('e') || s.eat('E') {
		if !s.eat('+') {
			s.eat('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	from := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > from
}

// elements splits an array, which has to be all that is left, into its elements.
func (s *scanner) elements(most int) ([]json.RawMessage, bool) {
	if s.space(); !s.eat('[') {
		return nil, false
	}
	var first [8]json.RawMessage
	list := first[:0]
	if s.space(); s.eat(']') {
		return nil, s.end()
	}
	for {
		s.space()
		from := s.pos
		if len(list) == most || !s.value(1) {
			return nil, false
		}
		list = append(list, json.RawMessage(s.data[from:s.pos:s.pos]))
		if s.space(); s.eat(']') {
			return append([]json.RawMessage(nil), list...), s.end()
		}
		if !s.eat(',') {
			return nil, false
		}
	}
}
