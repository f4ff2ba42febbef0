package socketio

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"parley/realtime/engineio"
)

// conn is one connection: the engineio.Handler of a session. Locks are taken in
// the order conn, socket, session.
type conn struct {
	server    *Server
	session   *engineio.Session
	handshake any

	partial  *partial  // a binary packet that waits for attachments; reader only
	connects int       // CONNECT packets since window; reader only
	window   time.Time // reader only

	mu      sync.Mutex
	timer   engineio.Timer // set while the connection belongs to no namespace
	sockets []*Socket      // mostly one
	kicked  []string       // namespaces ended by Socket.Disconnect
	ended   bool
	leaving sync.WaitGroup // goroutines of Socket.Disconnect
}

// Message implements engineio.Handler.
func (c *conn) Message(m engineio.Message) {
	switch {
	case m.Binary:
		c.attachment(m.Data)
	case c.partial != nil:
		c.reject(engineio.ForcedClose, "text in place of an attachment")
	case len(m.Data) > 0 && m.Data[0] == '0'+byte(Connect):
		c.aside(m.Data)
	default:
		c.text(context.Background(), m.Data)
	}
}

// text handles a packet; ctx is for Namespace.Connect.
func (c *conn) text(ctx context.Context, text []byte) {
	p, err := ParsePacket(text, c.server.limits)
	if err != nil {
		c.reject(engineio.ForcedClose, err.Error())
		return
	}
	socket, known := c.find(p.Namespace)
	switch {
	case p.Type == Connect && socket == nil:
		c.connect(ctx, p)
	case p.Type == Connect || p.Type == ConnectErrorPacket || !known:
		c.reject(engineio.ForcedServerClose, fmt.Sprintf("packet type %d out of place", p.Type))
	case p.Type.Binary():
		c.collect(p)
	default:
		c.dispatch(p, nil)
	}
}

// dispatch delivers a complete packet to its socket. A namespace that the
// server has ended gets nothing.
func (c *conn) dispatch(p Packet, attachments [][]byte) {
	socket, _ := c.find(p.Namespace)
	if socket == nil {
		return
	}
	switch p.Type {
	case Disconnect:
		c.depart(socket)
	case EventPacket, BinaryEvent:
		e := Event{Name: p.Name, Args: p.Args, Attachments: attachments}
		if p.ID != "" {
			e.ack = &ackOnce{socket: socket, id: p.ID}
		}
		socket.deliver(e)
	case Connect, ConnectErrorPacket: // were turned away before
	case Ack, BinaryAck:
		socket.acked(p.ID, Reply{Args: p.Args, Attachments: attachments})
	}
}

// find returns the namespace's socket. known is also true if the namespace was
// connected until the server ended it.
func (c *conn) find(namespace string) (s *Socket, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		if s.namespace == namespace {
			return s, true
		}
	}
	return nil, slices.Contains(c.kicked, namespace)
}

// depart ends a namespace because the client says so.
func (c *conn) depart(s *Socket) {
	c.mu.Lock()
	won := s.leave(ClientNamespaceDisconnect)
	c.remove(s)
	c.mu.Unlock()
	if won {
		s.disconnected()
	}
}

// remove forgets a socket; a connection without any has to find a new one in time.
func (c *conn) remove(s *Socket) {
	c.sockets = slices.DeleteFunc(c.sockets, func(other *Socket) bool { return other == s })
	if len(c.sockets) == 0 {
		c.awaitConnect()
	}
}

func (c *conn) awaitConnect() {
	if !c.ended {
		c.session.Server().Schedule(&c.timer, c.server.cfg.ConnectTimeout, c)
	}
}

// Expire implements engineio.Expirer: nobody connected in time.
func (c *conn) Expire() {
	c.mu.Lock()
	idle := len(c.sockets) == 0
	c.mu.Unlock()
	if idle {
		c.session.Close(engineio.ForcedServerClose)
	}
}

// Closed implements engineio.Handler.
func (c *conn) Closed(reason engineio.Reason) {
	c.mu.Lock()
	c.ended = true
	sockets := c.sockets
	c.sockets = nil
	c.mu.Unlock()
	c.session.Server().Cancel(&c.timer)
	if c.partial != nil {
		c.partial.finish()
	}
	for _, s := range sockets {
		if s.leave(reason) {
			s.disconnected()
		}
	}
	c.leaving.Wait()
}

// reject closes the connection of a client that broke a rule.
func (c *conn) reject(reason Reason, rule string) {
	c.server.cfg.Engine.Logger.Debug("packet rejected", slog.String("rule", rule),
		slog.String("remote_addr", c.session.RemoteAddr()))
	c.session.Close(reason)
}

// guard calls f, logs a panic and then closes the connection.
func (c *conn) guard(f func()) {
	defer func() {
		if v := recover(); v != nil {
			c.server.cfg.Engine.Logger.Error("handler panicked", slog.Any("panic", v),
				slog.String("remote_addr", c.session.RemoteAddr()), slog.String("stack", string(debug.Stack())))
			c.session.Close(engineio.ForcedClose)
		}
	}()
	f()
}
