package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"

	"parley/domain"
)

// decode reads a payload: a JSON object. Unknown members are ignored; what is missing is the
// command's business. It fails with INVALID_PAYLOAD, naming the member of a wrong type.
func decode[C any](payload json.RawMessage) (C, error) {
	var c C
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 || payload[0] != '{' {
		return c, domain.Invalid("payload", "must be an object")
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, misfit(err)
	}
	return c, nil
}

// decodeBare is decode for payloads that may also be the value of one member alone: a
// string for "roomId", an array for "roomIds".
func decodeBare[C any](payload json.RawMessage, member string, first byte) (C, error) {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 || payload[0] != first {
		return decode[C](payload)
	}
	whole := make([]byte, 0, len(payload)+len(member)+5)
	whole = append(whole, `{"`...)
	whole = append(whole, member...)
	whole = append(whole, `":`...)
	return decode[C](append(append(whole, payload...), '}'))
}

func misfit(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return domain.Invalid("payload", "must be valid JSON")
	}
	field := wrong.Field
	if field == "" {
		field = "payload"
	}
	return domain.Invalid(field, "must be "+described(wrong.Type))
}

// described is what a client would call the type.
func described(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "something else"
	}
}
