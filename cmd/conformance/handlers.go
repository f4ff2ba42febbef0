package main

import (
	"context"
	"encoding/json"

	"parley/realtime/engineio"
	"parley/realtime/socketio"
)

// echo sends every message back as it came.
type echo struct{ session *engineio.Session }

func (e echo) Message(m engineio.Message) {
	f := engineio.NewText(m.Data)
	if m.Binary {
		f = engineio.NewBinary(m.Data)
	}
	_ = e.session.Send(f) // a closing session needs no echo
}

func (echo) Closed(engineio.Reason) {}

// namespace takes everybody and tells them what they came with.
type namespace struct{ answers bool }

func (n namespace) Connect(_ context.Context, s *socketio.Socket, auth json.RawMessage) (socketio.Events, error) {
	if auth == nil {
		auth = json.RawMessage("{}")
	}
	if err := s.Emit("auth", auth); err != nil {
		return nil, err
	}
	if !n.answers {
		return quiet{}, nil
	}
	return answering{socket: s}, nil
}

type quiet struct{}

func (quiet) Event(socketio.Event)         {}
func (quiet) Disconnected(socketio.Reason) {}

// answering sends arguments back, with their attachments.
type answering struct {
	quiet

	socket *socketio.Socket
}

func (a answering) Event(e socketio.Event) {
	switch e.Name {
	case "message":
		f, err := socketio.EncodeBinaryEvent(a.socket.Namespace(), "message-back", e.Args, e.Attachments)
		if err == nil {
			_ = a.socket.Send(f) // a closing connection needs no answer
		}
	case "message-with-ack":
		if args, err := json.Marshal(e.Args); err == nil {
			_ = e.AckRaw(args, e.Attachments...)
		}
	}
}
