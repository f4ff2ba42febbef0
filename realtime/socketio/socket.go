package socketio

import (
	"sync"

	"parley/realtime/engineio"
)

type socketState uint8

const (
	connecting socketState = iota // Namespace.Connect is running
	connected
	left
)

// Socket is one client's membership in a namespace.
type Socket struct {
	conn      *conn
	namespace string
	id        string

	delivery sync.Mutex // held while Events is called
	events   Events

	mu        sync.Mutex
	state     socketState
	reason    Reason            // for which it left
	held      []*engineio.Frame // sent while connecting
	heldBytes int
	heldBurst int    // how many of held are of a burst, which the limits do not count
	kicked    bool   // Disconnect was called while connecting
	pid       string // put into the CONNECT reply if not empty
	acks      map[int64]*pendingAck
	lastAck   int64
}

// ID is the socket's public id, which the client knows as socket.id. It is not
// the session's secret one.
func (s *Socket) ID() string { return s.id }

// Namespace is the namespace that the socket belongs to.
func (s *Socket) Namespace() string { return s.namespace }

// Session is the connection that carries the socket.
func (s *Socket) Session() *engineio.Session { return s.conn.session }

// Handshake is what Config.Handshake made of the request that opened the connection.
func (s *Socket) Handshake() any { return s.conn.handshake }

// SetPID adds a "pid" to the CONNECT reply, which clients with connection state
// recovery send back when they return. It counts only during Namespace.Connect.
func (s *Socket) SetPID(pid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pid = pid
}

// Emit encodes an event and sends it; see EncodeEvent and Send.
func (s *Socket) Emit(name string, args ...any) error {
	f, err := EncodeEvent(s.namespace, name, args...)
	if err != nil {
		return err
	}
	return s.Send(f)
}

// Send queues an encoded event of the socket's namespace. It returns
// ErrDisconnected when the socket has left, and the errors of
// engineio.Session.Send. While Namespace.Connect is running the frame is held
// until the CONNECT reply is queued.
func (s *Socket) Send(f *engineio.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case connected:
		return s.conn.session.Send(f)
	case connecting:
		return s.hold(f)
	default:
		return ErrDisconnected
	}
}

// SendBurst is Send for frames that the client has asked for and that are bounded already; see
// engineio.Session.SendBurst.
func (s *Socket) SendBurst(frames ...*engineio.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case connected:
		return s.conn.session.SendBurst(frames...)
	case connecting:
		s.held = append(s.held, frames...)
		s.heldBurst += len(frames)
		return nil
	default:
		return ErrDisconnected
	}
}

// SendVolatile queues f unless the queue is half full or the socket is not
// connected, and says whether it did.
func (s *Socket) SendVolatile(f *engineio.Frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == connected && s.conn.session.SendVolatile(f)
}

// hold keeps f until the CONNECT reply, within the limits of the session's queue.
func (s *Socket) hold(f *engineio.Frame) error {
	limit := &s.conn.server.cfg.Engine
	if len(s.held)-s.heldBurst >= limit.QueueFrames || s.heldBytes+f.Size() > limit.QueueBytes {
		s.conn.session.Close(engineio.SlowConsumer)
		return engineio.ErrSlowConsumer
	}
	s.held = append(s.held, f)
	s.heldBytes += f.Size()
	return nil
}

// Disconnect ends the socket: the client gets a DISCONNECT packet, after which
// official clients do not come back by themselves. If it was the connection's
// last namespace the connection is closed, too. Events.Disconnected follows on
// another goroutine, never within the call.
func (s *Socket) Disconnect() {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || !s.kick() {
		return
	}
	c.kicked = append(c.kicked, s.namespace)
	c.remove(s)
	if len(c.sockets) == 0 {
		c.session.Close(ServerNamespaceDisconnect)
	}
	c.leaving.Go(s.disconnected)
}

// kick sends DISCONNECT and leaves. It returns false if there is nothing to leave yet or any more.
func (s *Socket) kick() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case connected:
		_ = s.conn.session.Send(controlFrame(Disconnect, s.namespace)) // a closing session needs none
		s.state, s.reason = left, ServerNamespaceDisconnect
		return true
	case connecting:
		s.kicked = true
	case left:
	}
	return false
}

// Close closes the connection without a DISCONNECT packet, for all its
// namespaces: official clients come back by themselves.
func (s *Socket) Close(reason Reason) { s.conn.session.Close(reason) }

// open sends the CONNECT reply and what was held behind it. kicked says that
// the socket has to be disconnected again.
func (s *Socket) open(events Events) (kicked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = events
	reply := s.connectReply()
	s.state = connected
	_ = s.conn.session.SendBurst(append([]*engineio.Frame{reply}, s.held...)...) // a closing session ends the socket
	s.held, s.heldBytes, s.heldBurst = nil, 0, 0
	return s.kicked
}

func (s *Socket) connectReply() *engineio.Frame {
	text := appendString(append(appendHead(nil, Connect, 0, s.namespace), `{"sid":`...), s.id)
	if s.pid != "" {
		text = appendString(append(text, `,"pid":`...), s.pid)
		s.pid = ""
	}
	return engineio.NewText(append(text, '}'))
}

// leave ends the socket once: it returns true for the first call, whose caller
// then has to call disconnected.
func (s *Socket) leave(reason Reason) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == left {
		return false
	}
	s.state, s.reason = left, reason
	s.held = nil
	return true
}

// deliver hands an event over, unless the socket has left meanwhile.
func (s *Socket) deliver(e Event) {
	s.delivery.Lock()
	defer s.delivery.Unlock()
	if s.isConnected() {
		s.events.Event(e)
	}
}

func (s *Socket) isConnected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == connected
}

// disconnected tells the application and frees what was awaited.
func (s *Socket) disconnected() {
	s.conn.guard(func() {
		s.delivery.Lock()
		defer s.delivery.Unlock()
		s.events.Disconnected(s.reason)
	})
	s.failAcks()
}

func controlFrame(t PacketType, namespace string) *engineio.Frame {
	return engineio.NewText(appendHead(nil, t, 0, namespace))
}
