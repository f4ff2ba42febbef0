package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/engineio"
	"parley/realtime/hub"
)

// Close codes of the plain door; see Plain.
const (
	closeGoingAway    = 1001
	closePolicy       = 1008
	closeInternal     = 1011
	closeTryAgain     = 1013
	closeUnauthorized = 4401
)

// eventAuthenticate is the first frame of a client that has no header to put its token into.
const eventAuthenticate = "authenticate"

// plainConn is one connection of the plain door: the engineio.Handler of a session, and the Peer of
// its Session.
type plainConn struct {
	door   *Plain
	engine *engineio.Session
	id     string
	from   *Handshake
	timer  engineio.Timer // set until the client says who it is
	asked  atomic.Bool    // it has said so
	reply  string         // id of the frame in which it did, "" if it wants no answer

	entrance *entrance // while it is being let in; reader only
	session  *Session  // once it is in; reader only, after entrance
}

// entrance is a client on its way in.
type entrance struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when plainConn.session says what became of it
}

// Message implements engineio.Handler.
func (c *plainConn) Message(m engineio.Message) {
	f, err := parsePlain(m.Data)
	switch {
	case c.entered():
		c.command(f, err)
	case !c.asked.Swap(true):
		c.engine.Server().Cancel(&c.timer)
		c.authenticate(f, err)
	}
}

// entered says whether the client is in, as soon as that is known.
func (c *plainConn) entered() bool {
	if e := c.entrance; e != nil {
		select {
		case <-e.done:
		case <-c.engine.Done():
			e.cancel()
			<-e.done
		}
		c.entrance = nil
	}
	return c.session != nil
}

// command hands a frame to the session.
func (c *plainConn) command(f plainFrame, err error) {
	var reply Reply
	if f.id != "" {
		reply = func(a Answer) { c.answer(f.id, a) }
	}
	if err == nil && f.event == eventAuthenticate {
		err = domain.Invalid("event", "authenticate is for the first frame only")
	}
	if err != nil {
		c.session.misuse(f.event, err, reply)
		return
	}
	c.session.Handle(f.event, f.data, reply)
}

// misuse answers what is no command, and counts it as one.
func (s *Session) misuse(event string, err error, reply Reply) {
	c := s.newCall(event, reply)
	if refused := s.refuse(c, true); refused != nil {
		err = refused
	}
	c.done(nil, err)
}

// authenticate acts on the first frame.
func (c *plainConn) authenticate(f plainFrame, err error) {
	c.reply = f.id
	if err != nil || f.event != eventAuthenticate {
		c.turnAway(authenticationRequired())
		return
	}
	c.enter(ParseOptions(f.data))
}

func authenticationRequired() error {
	return &RefusedError{"Authentication required", domain.CodeUnauthenticated}
}

// enter lets the client in, on a goroutine that ends: it takes a deep stack, once, and the reader would keep it
// while the connection idles. Meanwhile the reader sees if the client goes.
func (c *plainConn) enter(options Options) {
	ctx, cancel := context.WithTimeout(context.Background(), c.door.timeout)
	e := &entrance{cancel: cancel, done: make(chan struct{})}
	c.entrance = e
	go func() {
		defer close(e.done)
		defer cancel()
		defer c.guard()
		session, err := c.door.gateway.Open(ctx, c, c.from, options)
		c.from = nil // and with it the token
		if err != nil {
			c.turnAway(err)
			return
		}
		c.session = session
		c.engine.Settle()
	}()
}

// guard logs a panic, and ends this connection alone.
func (c *plainConn) guard() {
	if v := recover(); v != nil {
		c.door.gateway.cfg.Logger.Error("handler panicked", slog.Any("panic", v),
			slog.String("remote_addr", c.engine.RemoteAddr()), slog.String("stack", string(debug.Stack())))
		c.engine.CloseWith(engineio.ForcedClose, closeInternal, "")
	}
}

// Expire implements engineio.Expirer: the client did not say who it is in time.
func (c *plainConn) Expire() {
	if !c.asked.Swap(true) {
		c.turnAway(authenticationRequired())
	}
}

// turnAway tells the client why it is not let in, and closes the connection.
func (c *plainConn) turnAway(err error) {
	why := c.door.gateway.refused(err)
	failure := &domain.Error{Code: why.Code, Message: why.Message}
	if c.reply != "" {
		c.answer(c.reply, Answer{Err: failure})
	}
	c.Emit(wire.EventError, errorEvent(eventAuthenticate, failure))
	switch {
	case errors.Is(err, errDraining):
		c.Close(CloseDraining)
	case why.Code == domain.CodeUnavailable, why.Code == domain.CodeTooManyConnections:
		c.engine.CloseWith(engineio.ForcedServerClose, closeTryAgain, why.Message)
	default:
		c.engine.CloseWith(engineio.ForcedServerClose, closeUnauthorized, why.Message)
	}
}

// answer sends the answer to the frame with that id. It fails only if the client has gone.
func (c *plainConn) answer(id string, a Answer) { _ = c.engine.Send(answerFrame(id, a)) }

func answerFrame(id string, a Answer) *engineio.Frame {
	return engineio.NewPlainFunc(len(id)+len(a.Data)+ackSize, func(dst []byte) []byte { return a.appendPlain(dst, id) })
}

// Closed implements engineio.Handler.
func (c *plainConn) Closed(engineio.Reason) {
	c.engine.Server().Cancel(&c.timer)
	if c.entered() {
		c.session.Closed()
	}
}

// ID implements Peer.
func (c *plainConn) ID() string { return c.id }

// Transport implements Peer.
func (c *plainConn) Transport() string { return c.engine.Transport() }

// Done implements Peer.
func (c *plainConn) Done() <-chan struct{} { return c.engine.Done() }

// Queued implements Peer.
func (c *plainConn) Queued() int {
	bytes, _ := c.engine.Queued()
	return bytes
}

// Deliver queues the push's shared frame. A connection that cannot take it is closing already.
func (c *plainConn) Deliver(push *hub.Push) {
	frame := c.frame(push)
	switch {
	case frame == nil:
	case push.Durable:
		_ = c.engine.Send(frame)
	default:
		c.engine.SendVolatile(frame)
	}
}

// Replay implements Peer.
func (c *plainConn) Replay(missed []*hub.Push) (send func()) {
	frames := make([]*engineio.Frame, 0, len(missed))
	for _, push := range missed {
		if frame := c.frame(push); frame != nil {
			frames = append(frames, frame)
		}
	}
	return func() { _ = c.engine.SendBurst(frames...) }
}

// frame is nil for a push that cannot be encoded.
func (c *plainConn) frame(push *hub.Push) *engineio.Frame {
	frame, err := push.Plain()
	if err != nil {
		c.door.gateway.cfg.Logger.Error("push cannot be encoded", slog.String("event", push.Event), slog.Any("error", err))
	}
	return frame
}

// Recover implements Peer. The pid stands in the event session, and the position of what is durable in its data.
func (c *plainConn) Recover(string) {}

// EmitAt implements Peer.
func (c *plainConn) EmitAt(name string, data json.RawMessage, _ event.Position) { c.Emit(name, data) }

// Emit implements Peer. What the event session says also answers the frame authenticate.
func (c *plainConn) Emit(name string, data json.RawMessage) {
	frame := hub.EncodePlain(name, data)
	if name == wire.EventSession && c.reply != "" {
		_ = c.engine.SendAll(answerFrame(c.reply, Answer{Data: data}), frame)
		return
	}
	_ = c.engine.Send(frame)
}

// Remove implements Peer.
func (c *plainConn) Remove() {
	c.engine.CloseWith(engineio.ForcedServerClose, closeUnauthorized, "Removed")
}

// Close implements Peer.
func (c *plainConn) Close(why Closing) {
	switch why {
	case CloseOverrun:
		c.engine.Close(engineio.SlowConsumer)
	case CloseDraining:
		c.engine.CloseWith(engineio.ServerShuttingDown, closeGoingAway, "Server is shutting down")
	case CloseAbuse:
		c.engine.CloseWith(engineio.ForcedServerClose, closePolicy, "Too many commands")
	}
}
