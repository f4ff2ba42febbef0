package gateway

import (
	"encoding/json"
	"strconv"
	"time"

	"parley/domain"
	"parley/domain/quote"
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
	dst = quote.Append(dst, clientText(a.Err))
	dst = append(dst, `,"code":`...)
	dst = quote.Append(dst, string(a.Err.Code))
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
	dst = quote.Append(dst, name)
	dst = append(dst, `,"message":`...)
	dst = quote.Append(dst, clientText(e))
	dst = append(dst, `,"code":`...)
	dst = quote.Append(dst, string(e.Code))
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

// answer makes an Answer of a result. A result that cannot be encoded is our fault.
func answer(data any, err error) Answer {
	if err != nil {
		return Answer{Err: domain.AsError(err)}
	}
	encoded, err := wire.Marshal(data)
	if err != nil {
		return Answer{Err: domain.AsError(err)}
	}
	return Answer{Data: encoded}
}
