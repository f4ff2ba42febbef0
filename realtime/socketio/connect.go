package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"parley/realtime/engineio"
)

// connect answers a CONNECT for a namespace that is not connected.
func (c *conn) connect(p Packet) {
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
	events, err := c.ask(n, s, p.Object)
	if err != nil {
		s.leave(ServerNamespaceDisconnect)
		c.refuse(p.Namespace, err)
		return
	}
	c.admit(s, events)
}

// ask calls Namespace.Connect with a context that ends with the connection.
func (c *conn) ask(n Namespace, s *Socket, auth json.RawMessage) (Events, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.server.cfg.ConnectTimeout)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-c.session.Done():
			cancel()
		case <-ctx.Done():
		}
	})
	defer watch.Wait()
	defer cancel()
	return n.Connect(ctx, s, auth)
}

// admit makes s a connected socket and sends the reply and what was held.
func (c *conn) admit(s *Socket, events Events) {
	c.mu.Lock()
	c.sockets = append(c.sockets, s)
	c.kicked = slices.DeleteFunc(c.kicked, func(n string) bool { return n == s.namespace })
	c.session.Server().Cancel(&c.timer)
	c.mu.Unlock()
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
