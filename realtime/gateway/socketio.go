package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/engineio"
	"parley/realtime/hub"
	"parley/realtime/socketio"
)

// SocketIO is the door for Socket.IO clients: the socketio.Namespace "/". The server that
// it is registered with must have TakeHandshake as its Config.Handshake.
type SocketIO struct {
	gateway *Gateway
	proxies Proxies
}

// NewSocketIO returns the door to a gateway.
func NewSocketIO(g *Gateway, proxies Proxies) *SocketIO { return &SocketIO{g, proxies} }

// TakeHandshake is for socketio.Config.Handshake.
func (d *SocketIO) TakeHandshake(r *http.Request) any { return d.proxies.TakeHandshake(r) }

// Connect implements socketio.Namespace.
func (d *SocketIO) Connect(ctx context.Context, s *socketio.Socket, auth json.RawMessage) (socketio.Events, error) {
	from, ok := s.Handshake().(*Handshake)
	if !ok {
		from = &Handshake{}
	}
	peer := &socketPeer{socket: s, logger: d.gateway.cfg.Logger}
	session, err := d.gateway.Open(ctx, peer, from, ParseOptions(auth))
	if err != nil {
		return nil, d.refuse(s, err)
	}
	return &socketEvents{session}, nil
}

// refuse tells the client why it may not come in, or closes the connection so that it comes
// back by itself.
func (d *SocketIO) refuse(s *socketio.Socket, err error) error {
	why := d.gateway.refused(err)
	if why.Code == domain.CodeUnavailable {
		s.Close(engineio.ForcedClose)
	}
	return &socketio.ConnectError{Message: why.Message, Data: struct {
		Code domain.Code `json:"code"`
	}{why.Code}}
}

// refused is what to tell a client of an error of Open: UNAVAILABLE if that is no refusal, and then it is logged.
func (g *Gateway) refused(err error) *RefusedError {
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refused
	}
	level := slog.LevelWarn
	if errors.Is(err, context.Canceled) { // it has gone by itself
		level = slog.LevelDebug
	}
	g.cfg.Logger.Log(context.Background(), level, "connection closed, try again later", slog.Any("error", err))
	return &RefusedError{"Unavailable", domain.CodeUnavailable}
}

// socketEvents hands a socket's events to its session.
type socketEvents struct{ session *Session }

// Event implements socketio.Events. Arguments after the first are ignored.
func (e *socketEvents) Event(ev socketio.Event) {
	var payload json.RawMessage
	if len(ev.Args) > 0 {
		payload = ev.Args[0]
	}
	var reply Reply
	if ev.HasAck() {
		reply = func(a Answer) { _ = ev.AckFunc(len(a.Data)+ackSize, a.appendArray) } // fails only if the client has gone
	}
	e.session.Handle(ev.Name, payload, reply)
}

// Disconnected implements socketio.Events.
func (e *socketEvents) Disconnected(socketio.Reason) { e.session.Closed() }

const ackSize = 64 // bytes of an acknowledgement without its data, roughly

// appendArray appends the one argument that an acknowledgement has.
func (a Answer) appendArray(dst []byte) []byte {
	return append(a.AppendFields(append(dst, `[{`...)), `}]`...)
}

// socketPeer is a Socket.IO connection as a session sees it.
type socketPeer struct {
	socket  *socketio.Socket
	logger  *slog.Logger
	offsets bool // the client has connection state recovery
}

func (p *socketPeer) ID() string            { return p.socket.ID() }
func (p *socketPeer) Transport() string     { return p.socket.Session().Transport() }
func (p *socketPeer) Done() <-chan struct{} { return p.socket.Session().Done() }
func (p *socketPeer) Remove()               { p.socket.Disconnect() }

func (p *socketPeer) Queued() int {
	bytes, _ := p.socket.Session().Queued()
	return bytes
}

// Deliver queues the push's shared frame. A socket that cannot take it is closing already.
func (p *socketPeer) Deliver(push *hub.Push) {
	frame := p.frame(push)
	switch {
	case frame == nil:
	case push.Durable:
		_ = p.socket.Send(frame)
	default:
		p.socket.SendVolatile(frame)
	}
}

// Replay implements Peer.
func (p *socketPeer) Replay(missed []*hub.Push) (send func()) {
	frames := make([]*engineio.Frame, 0, len(missed))
	for _, push := range missed {
		if frame := p.frame(push); frame != nil {
			frames = append(frames, frame)
		}
	}
	return func() { _ = p.socket.SendBurst(frames...) }
}

// frame is the push in the form that the client wants; nil if it cannot be encoded.
func (p *socketPeer) frame(push *hub.Push) *engineio.Frame {
	encode := push.SocketIO
	if p.offsets {
		encode = push.SocketIOOffset
	}
	frame, err := encode()
	if err != nil {
		p.logger.Error("push cannot be encoded", slog.String("event", push.Event), slog.Any("error", err))
	}
	return frame
}

// Recover implements Peer.
func (p *socketPeer) Recover(pid string) {
	p.offsets = true
	p.socket.SetPID(pid)
}

// EmitAt implements Peer.
func (p *socketPeer) EmitAt(name string, data json.RawMessage, at event.Position) {
	if !p.offsets {
		p.Emit(name, data)
		return
	}
	if err := p.socket.Emit(name, data, hub.Offset(at)); err != nil {
		p.logger.Debug("event not sent", slog.String("event", name), slog.Any("error", err))
	}
}

func (p *socketPeer) Emit(event string, data json.RawMessage) {
	if err := p.socket.Emit(event, data); err != nil && event != wire.EventError {
		p.logger.Debug("event not sent", slog.String("event", event), slog.Any("error", err))
	}
}

func (p *socketPeer) Close(why Closing) {
	switch why {
	case CloseOverrun:
		p.socket.Close(engineio.SlowConsumer)
	case CloseDraining:
		p.socket.Close(engineio.ServerShuttingDown)
	case CloseAbuse:
		p.socket.Close(engineio.ForcedServerClose)
	}
}
