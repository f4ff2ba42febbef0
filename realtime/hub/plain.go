package hub

import (
	"encoding/json"

	"parley/domain/quote"
	"parley/realtime/engineio"
)

// Plain is the push as a frame for plain WebSockets: {"event":…,"data":…}.
func (p *Push) Plain() (*engineio.Frame, error) {
	return p.plain.make(func() (*engineio.Frame, error) { return EncodePlain(p.Event, p.Payload()), nil })
}

// EncodePlain makes the frame in which plain WebSockets get an event. data is JSON and copied as
// it is; nothing stands for null.
func EncodePlain(event string, data json.RawMessage) *engineio.Frame {
	if len(data) == 0 {
		data = json.RawMessage("null")
	}
	return engineio.NewPlainFunc(len(`{"event":"","data":}`)+len(event)+len(data), func(dst []byte) []byte {
		dst = quote.Append(append(dst, `{"event":`...), event)
		dst = append(append(dst, `,"data":`...), data...)
		return append(dst, '}')
	})
}
