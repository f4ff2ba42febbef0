package socketio

import (
	"encoding/json"
	"sync/atomic"

	"parley/realtime/engineio"
)

// Event is one event from a client. Its data belongs to the receiver.
type Event struct {
	Name string
	// Args are the arguments as sent, checked JSON. In place of an attachment
	// stands {"_placeholder":true,"num":i}; Binary resolves it.
	Args        []json.RawMessage
	Attachments [][]byte

	ack *ackOnce // nil when no acknowledgement is asked for
}

type ackOnce struct {
	socket *Socket
	id     string
	used   atomic.Bool
}

// HasAck says whether the client waits for an acknowledgement.
func (e Event) HasAck() bool { return e.ack != nil }

// AckID is the id that the client gave its acknowledgement, "" if none.
func (e Event) AckID() string {
	if e.ack == nil {
		return ""
	}
	return e.ack.id
}

// Binary returns argument i if it is an attachment.
func (e Event) Binary(i int) ([]byte, bool) { return resolve(e.Args, e.Attachments, i) }

// Ack acknowledges the event with the given arguments, encoded as by
// EncodeEvent. It may be called later and from any goroutine. Without an ack id
// it does nothing. It returns ErrAcked the second time and ErrDisconnected when
// the socket has gone.
func (e Event) Ack(args ...any) error {
	return e.answer(func(p packet) error {
		f, err := encode(p, args)
		if err != nil {
			return err
		}
		return e.ack.socket.Send(f)
	})
}

// AckRaw is Ack for an encoded JSON array, which is copied as it is.
// Placeholders in it refer to the attachments given.
func (e Event) AckRaw(array []byte, attachments ...[]byte) error {
	return e.answer(func(p packet) error {
		f, err := encodeArray(p, array, attachments)
		if err != nil {
			return err
		}
		return e.ack.socket.Send(f)
	})
}

// AckFunc is AckRaw for an array that build appends to dst and returns, straight into the
// packet. size is a guess at its length.
func (e Event) AckFunc(size int, build func(dst []byte) []byte) error {
	return e.answer(func(p packet) error {
		f, err := engineio.NewTextFunc(size+len(p.namespace)+len(p.ackID), func(dst []byte) ([]byte, error) {
			return build(p.appendHead(dst, 0)), nil
		})
		if err != nil {
			return err
		}
		return e.ack.socket.Send(f)
	})
}

func (e Event) answer(send func(packet) error) error {
	if e.ack == nil {
		return nil
	}
	if e.ack.used.Swap(true) {
		return ErrAcked
	}
	return send(packet{kind: Ack, namespace: e.ack.socket.namespace, id: -1, ackID: e.ack.id})
}

// Reply is a client's acknowledgement.
type Reply struct {
	Args        []json.RawMessage
	Attachments [][]byte
}

// Binary returns argument i if it is an attachment.
func (r Reply) Binary(i int) ([]byte, bool) { return resolve(r.Args, r.Attachments, i) }

func resolve(args []json.RawMessage, attachments [][]byte, i int) ([]byte, bool) {
	if len(attachments) == 0 || i < 0 || i >= len(args) || args[i][0] != '{' {
		return nil, false
	}
	var mark struct {
		Placeholder bool `json:"_placeholder"`
		Num         int  `json:"num"`
	}
	if json.Unmarshal(args[i], &mark) != nil || !mark.Placeholder || mark.Num < 0 || mark.Num >= len(attachments) {
		return nil, false
	}
	return attachments[mark.Num], true
}
