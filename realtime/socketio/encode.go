package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"parley/realtime/engineio"
)

const sizeGuess = 256 // bytes of an event whose size is not known beforehand

// EncodeEvent encodes an event once, for any number of sockets of the namespace.
//
// Arguments are encoded by encoding/json without HTML escaping, except that a
// json.RawMessage is taken as it is (it must be valid) and a []byte becomes a
// binary attachment. A []byte inside of another argument becomes base64, as
// encoding/json does. The errors are those of encoding/json.
func EncodeEvent(namespace, name string, args ...any) (*engineio.Frame, error) {
	return encode(packet{kind: EventPacket, namespace: namespace, name: name, id: -1}, args)
}

// EncodeEventRaw is EncodeEvent for arguments that are JSON already. They are
// copied as they are, and must be valid.
func EncodeEventRaw(namespace, name string, args ...json.RawMessage) (*engineio.Frame, error) {
	return encodeRaw(namespace, name, args, nil)
}

// EncodeEventFunc is EncodeEventRaw for arguments that are written straight into the frame: args
// appends them to dst, as JSON, with commas between them, and returns it. size is a guess at their length; a wrong
// guess costs a copy, nothing else.
func EncodeEventFunc(namespace, name string, size int, args func(dst []byte) []byte) (*engineio.Frame, error) {
	p := packet{kind: EventPacket, namespace: namespace, name: name, id: -1}
	return engineio.NewTextFunc(size+len(namespace)+len(name)+16, func(dst []byte) ([]byte, error) {
		dst = appendString(append(p.appendHead(dst, 0), '['), name)
		return append(args(append(dst, ',')), ']'), nil
	})
}

// EncodeBinaryEvent is EncodeEventRaw for arguments that hold placeholders of
// the given attachments: those of a received Event, for example.
func EncodeBinaryEvent(namespace, name string, args []json.RawMessage, attachments [][]byte) (*engineio.Frame, error) {
	return encodeRaw(namespace, name, args, attachments)
}

// packet is what is encoded in front of the arguments.
type packet struct {
	kind      PacketType // EventPacket or Ack
	namespace string
	name      string // of an event
	id        int64  // ack id that the server chose, or -1
	ackID     string // ack id that the client chose, or ""
}

func (p packet) appendHead(dst []byte, attachments int) []byte {
	if attachments > 0 {
		p.kind += BinaryEvent - EventPacket
	}
	dst = appendHead(dst, p.kind, attachments, p.namespace)
	if p.id >= 0 {
		dst = strconv.AppendInt(dst, p.id, 10)
	}
	return append(dst, p.ackID...)
}

func encode(p packet, args []any) (*engineio.Frame, error) {
	attachments := binaries(args)
	text, err := engineio.NewTextFunc(sizeGuess, func(dst []byte) ([]byte, error) {
		dst = append(p.appendHead(dst, len(attachments)), '[')
		if p.kind == EventPacket {
			dst = appendString(dst, p.name)
		}
		num := 0
		for i, arg := range args {
			if i > 0 || p.kind == EventPacket {
				dst = append(dst, ',')
			}
			if _, ok := arg.([]byte); ok {
				dst = append(strconv.AppendInt(append(dst, `{"_placeholder":true,"num":`...), int64(num), 10), '}')
				num++
				continue
			}
			var err error
			if dst, err = appendJSON(dst, arg); err != nil {
				return nil, fmt.Errorf("encode argument %d: %w", i, err)
			}
		}
		return append(dst, ']'), nil
	})
	if err != nil {
		return nil, err
	}
	return attach(text, attachments), nil
}

func encodeRaw(namespace, name string, args []json.RawMessage, attachments [][]byte) (*engineio.Frame, error) {
	p := packet{kind: EventPacket, namespace: namespace, name: name, id: -1}
	size := len(namespace) + len(name) + 16
	for _, arg := range args {
		size += len(arg) + 1
	}
	text, err := engineio.NewTextFunc(size, func(dst []byte) ([]byte, error) {
		return appendRawEvent(p.appendHead(dst, len(attachments)), name, args), nil
	})
	if err != nil {
		return nil, err
	}
	return attach(text, attachments), nil
}

// encodeArray is encodeRaw for a whole array.
func encodeArray(p packet, array []byte, attachments [][]byte) (*engineio.Frame, error) {
	if len(array) < 2 || array[0] != '[' {
		return nil, errNotArray
	}
	text, err := engineio.NewTextFunc(len(array)+len(p.namespace)+len(p.ackID)+8, func(dst []byte) ([]byte, error) {
		return append(p.appendHead(dst, len(attachments)), array...), nil
	})
	if err != nil {
		return nil, err
	}
	return attach(text, attachments), nil
}

var errNotArray = errors.New("socketio: acknowledgement is not a JSON array")

func binaries(args []any) (list [][]byte) {
	for _, arg := range args {
		if b, ok := arg.([]byte); ok {
			list = append(list, b)
		}
	}
	return list
}

func attach(text *engineio.Frame, attachments [][]byte) *engineio.Frame {
	if len(attachments) == 0 {
		return text
	}
	frames := []*engineio.Frame{text}
	for _, b := range attachments {
		frames = append(frames, engineio.NewBinary(b))
	}
	return engineio.Batch(frames...)
}

// appendRawEvent appends the JSON array of an event.
func appendRawEvent(dst []byte, name string, args []json.RawMessage) []byte {
	dst = appendString(append(dst, '['), name)
	if len(args) > 0 {
		dst = append(dst, ',')
	}
	return appendRawArray(dst, args)
}

// appendRawArray appends args and the end of the array.
func appendRawArray(dst []byte, args []json.RawMessage) []byte {
	for i, arg := range args {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendRaw(dst, arg)
	}
	return append(dst, ']')
}

func appendRaw(dst []byte, raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, raw...)
}

func appendJSON(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case json.RawMessage:
		return appendRaw(dst, v), nil
	case string:
		return appendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	}
	w := appender(dst)
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return w[:len(w)-1], nil // Encode ends with a line break
}

// appendString appends s as JSON.
func appendString(dst []byte, s string) []byte {
	plain := utf8.ValidString(s)
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= ' ' && s[i] != '"' && s[i] != '\\'
	}
	if plain {
		return append(append(append(dst, '"'), s...), '"')
	}
	var w bytes.Buffer
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always can be encoded
	return append(dst, bytes.TrimSuffix(w.Bytes(), []byte("\n"))...)
}

type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}
