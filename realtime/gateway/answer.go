package gateway

import (
	"bytes"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"parley/domain"
	"parley/domain/wire"
)

// Answer is what a command is answered with.
type Answer struct {
	// Data is the encoded result; nil after a failure.
	Data json.RawMessage
	// Err is the failure, fit for the client; nil after a success.
	Err *domain.Error
}

// AppendFields appends the members of the JSON object that stands for the answer, without
// its braces: success and data, or success, error, code, and if they apply retryAfterMs and fields.
func (a Answer) AppendFields(dst []byte) []byte {
	if a.Err == nil {
		return append(append(dst, `"success":true,"data":`...), a.Data...)
	}
	dst = append(dst, `"success":false,"error":`...)
	dst = appendText(dst, clientText(a.Err))
	dst = append(dst, `,"code":`...)
	dst = appendText(dst, string(a.Err.Code))
	dst = appendRetry(dst, a.Err)
	if len(a.Err.Fields) > 0 {
		fields, _ := wire.Marshal(a.Err.Fields) // a map of strings: cannot fail
		dst = append(append(dst, `,"fields":`...), fields...)
	}
	return dst
}

// errorEvent is the payload of the event error: what became of a command without an ack.
func errorEvent(name string, e *domain.Error) json.RawMessage {
	dst := append([]byte(nil), `{"event":`...)
	dst = appendText(dst, name)
	dst = append(dst, `,"message":`...)
	dst = appendText(dst, clientText(e))
	dst = append(dst, `,"code":`...)
	dst = appendText(dst, string(e.Code))
	dst = appendRetry(dst, e)
	return append(dst, '}')
}

// clientText gives nothing away about what went wrong inside.
func clientText(e *domain.Error) string {
	if e.Code == domain.CodeInternal {
		return "internal error"
	}
	return e.Message
}

func appendRetry(dst []byte, e *domain.Error) []byte {
	if e.RetryAfter <= 0 {
		return dst
	}
	ms := (e.RetryAfter + time.Millisecond - 1) / time.Millisecond
	return strconv.AppendInt(append(dst, `,"retryAfterMs":`...), int64(ms), 10)
}

func appendText(dst []byte, s string) []byte {
	text, _ := wire.Marshal(s) // a string always can be encoded
	return append(dst, text...)
}

// answer makes an Answer of a result. A result that cannot be encoded is our fault.
func answer(data any, err error) Answer {
	if err != nil {
		return Answer{Err: domain.AsError(err)}
	}
	encoded, err := encode(data)
	if err != nil {
		return Answer{Err: domain.AsError(err)}
	}
	return Answer{Data: encoded}
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

func encode(data any) (json.RawMessage, error) {
	e, _ := encoders.Get().(*encoder)
	if err := e.json.Encode(data); err != nil {
		return nil, err // and with it the encoder, which remembers the error
	}
	encoded := bytes.Clone(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
	if e.buf.Cap() <= keepEncoder {
		e.buf.Reset()
		encoders.Put(e)
	}
	return encoded, nil
}
