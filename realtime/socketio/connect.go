package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"slices"
	"time"

	"parley/realtime/engineio"
)

// aside handles a CONNECT on a goroutine that ends: letting somebody in takes a deep
// stack, once, and the reader, which waits here, would keep it while the connection
// idles. The context ends with the connection.
func (c *conn) aside(text []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), c.server.cfg.ConnectTimeout)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.guard(func() { c.text(ctx, text) })
	}()
	select {
	case <-done:
	case <-c.session.Done():
		cancel()
		<-done
	}
}

// connect answers a CONNECT for a namespace that is not connected.
func (c *conn) connect(ctx context.Context, p Packet) {
	if c.tooManyConnects() {
		c.reject(engineio.ForcedServerClose, "too many CONNECT packets")
		return
	}
	n, ok := c.server.namespaces[p.Namespace]
	if !ok {
		c.refuse(p.Namespace, &ConnectError{Message: "Invalid namespace"})
		return
	}
	s := &Socket{conn: c, namespace: p.Namespace, id: newID()}
	events, err := n.Connect(ctx, s, p.Object)
	if err != nil {
		s.leave(ServerNamespaceDisconnect)
		c.refuse(p.Namespace, err)
		return
	}
	c.admit(s, events)
}

// admit makes s a connected socket and sends the reply and what was held.
func (c *conn) admit(s *Socket, events Events) {
	c.mu.Lock()
	c.sockets = append(c.sockets, s)
	c.kicked = slices.DeleteFunc(c.kicked, func(n string) bool { return n == s.namespace })
	c.session.Server().Cancel(&c.timer)
	c.mu.Unlock()
	c.session.Settle()
	if kicked := s.open(events); kicked {
		s.Disconnect()
	}
}

func (c *conn) refuse(namespace string, err error) {
	refusal, ok := errors.AsType[*ConnectError](err)
	if !ok {
		c.server.cfg.Engine.Logger.Error("connect failed", slog.String("namespace", namespace), slog.Any("error", err))
		refusal = &ConnectError{Message: "Internal error"}
	}
	f, err := engineio.NewTextFunc(sizeGuess, func(dst []byte) ([]byte, error) {
		return appendJSON(appendHead(dst, ConnectErrorPacket, 0, namespace), struct {
			Message string `json:"message"`
			Data    any    `json:"data,omitempty"`
		}{refusal.Message, refusal.Data})
	})
	if err != nil {
		c.server.cfg.Engine.Logger.Error("connect error cannot be encoded", slog.Any("error", err))
		c.session.Close(engineio.ForcedClose)
		return
	}
	_ = c.session.Send(f) // fails only if the connection is closing
}

// tooManyConnects counts CONNECT packets in windows of ConnectTimeout.
func (c *conn) tooManyConnects() bool {
	if now := time.Now(); now.Sub(c.window) > c.server.cfg.ConnectTimeout {
		c.connects, c.window = 0, now
	}
	c.connects++
	return c.connects > c.server.cfg.MaxConnects
}

// newID returns a public id of 120 random bits in 20 URL-safe characters.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
