package gateway

import "encoding/json"

// ParsePlain reads a frame of the plain door.
func ParsePlain(text []byte) (id, event string, data json.RawMessage, err error) {
	f, err := parsePlain(text)
	return f.id, f.event, f.data, err
}

// AppendPlain appends the answer to the frame with an id.
func (a Answer) AppendPlain(dst []byte, id string) []byte { return a.appendPlain(dst, id) }
