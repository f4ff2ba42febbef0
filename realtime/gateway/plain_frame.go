package gateway

import (
	"bytes"
	"encoding/json"

	"parley/domain"
	"parley/realtime/socketio"
)

// Limits of a frame of the plain door.
const (
	maxFrameDepth = 64
	maxFrameEvent = 128 // bytes of an event's name
	maxFrameID    = 64  // bytes of an id, as written
)

// plainFrame is what a client of the plain door says.
type plainFrame struct {
	id    string // JSON as the client wrote it, "" when it wants no answer
	event string
	data  json.RawMessage // aliases the text that was parsed
}

// parsePlain reads a frame, valid UTF-8. Of one that is refused it returns what can be read. Members
// with other names are ignored.
func parsePlain(text []byte) (plainFrame, error) {
	var f plainFrame
	var values [3]json.RawMessage
	if !socketio.Members(text, maxFrameDepth, []string{"id", "event", "data"}, values[:]) {
		return f, domain.Invalid("frame", "must be a JSON object, not nested too deep, with no member twice")
	}
	id, event := values[0], values[1]
	f.data = values[2]
	if len(id) > maxFrameID || len(id) > 0 && !isID(id[0]) {
		return f, domain.Invalid("id", "must be a number or a string of at most 64 bytes")
	}
	if len(id) > 0 && id[0] != 'n' {
		f.id = string(id)
	}
	name, ok := eventName(event)
	if !ok {
		return f, domain.Invalid("event", "must be a string of 1 to 128 bytes")
	}
	f.event = name
	return f, nil
}

// isID says whether a JSON value that begins with c is a string, a number or null.
func isID(c byte) bool { return c == '"' || c == '-' || c >= '0' && c <= '9' || c == 'n' }

// eventName decodes an event's name.
func eventName(raw json.RawMessage) (name string, ok bool) {
	if len(raw) < 3 || raw[0] != '"' || len(raw) > maxFrameEvent*6+2 { // \uXXXX is the longest spelling of a byte
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		name = string(raw[1 : len(raw)-1])
	} else if name, ok = unquote(raw); !ok {
		return "", false
	}
	return name, len(name) <= maxFrameEvent
}

// unquote is apart from eventName so that the common name without escapes costs one allocation less.
func unquote(raw json.RawMessage) (s string, ok bool) {
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// appendPlain appends the frame that answers the one with the id.
func (a Answer) appendPlain(dst []byte, id string) []byte {
	dst = append(append(dst, `{"id":`...), id...)
	return append(a.AppendFields(append(dst, ',')), '}')
}
