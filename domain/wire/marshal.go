package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"parley/domain/quote"
)

// Marshal is json.Marshal without HTML escapes.
func Marshal(v any) (json.RawMessage, error) {
	switch v := v.(type) { // what is encoded often
	case Message:
		return v.AppendJSON(make([]byte, 0, v.size())), nil
	case Notification:
		return v.appendJSON(make([]byte, 0, v.size())), nil
	case string:
		return quote.Append(make([]byte, 0, len(v)+len(`""`)), v), nil
	}
	e, _ := encoders.Get().(*encoder)
	if err := e.json.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err) // and with it the encoder, which remembers the error
	}
	encoded := bytes.Clone(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
	if e.buf.Cap() <= keepEncoder {
		e.buf.Reset()
		encoders.Put(e)
	}
	return encoded, nil
}

// encoder writes JSON into a buffer that it keeps.
type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}}

const keepEncoder = 64 << 10 // bytes of buffer; larger ones are not kept
