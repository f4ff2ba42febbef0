package hub

import (
	"encoding/json"

	"parley/domain/wire"
	"parley/realtime/engineio"
)

// Plain is the push as a frame for plain WebSockets: {"event":…,"data":…}.
func (p *Push) Plain() (*engineio.Frame, error) {
	return p.plain.make(func() (*engineio.Frame, error) { return EncodePlain(p.Event, p.Payload()), nil })
}

// EncodePlain makes the frame in which plain WebSockets get an event. data is JSON and copied as
// it is; nothing stands for null.
func EncodePlain(event string, data json.RawMessage) *engineio.Frame {
	name, _ := wire.Marshal(event) // a string always can be encoded
	if len(data) == 0 {
		data = json.RawMessage("null")
	}
	return engineio.NewPlainFunc(len(`{"event":,"data":}`)+len(name)+len(data), func(dst []byte) []byte {
		dst = append(append(dst, `{"event":`...), name...)
		dst = append(append(dst, `,"data":`...), data...)
		return append(dst, '}')
	})
}
