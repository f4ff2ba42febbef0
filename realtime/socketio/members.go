package socketio

import "encoding/json"

// Members finds members of text, which has to be one JSON object and nothing else, in one pass and
// without copying: values[i] becomes the value of the member names[i], and stays as it is if there is none.
// Other members are passed over. It returns false if text is something else, if values
// are nested deeper than maxDepth, or if one of the names comes twice.
func Members(text []byte, maxDepth int, names []string, values []json.RawMessage) bool {
	s := scanner{data: text, maxDepth: maxDepth}
	s.space()
	if !s.eat('{') {
		return false
	}
	if s.space(); s.eat('}') {
		return s.end()
	}
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
		if !s.value(1) || !keep(key, s.data[from:s.pos:s.pos], names, values) {
			return false
		}
		if s.space(); s.eat('}') {
			return s.end()
		}
		if !s.eat(',') {
			return false
		}
	}
}

// keep puts a value where its key belongs, which is possible once.
func keep(key, value []byte, names []string, values []json.RawMessage) bool {
	for i, name := range names {
		if isKey(key, name) {
			free := values[i] == nil
			values[i] = value
			return free
		}
	}
	return true
}
