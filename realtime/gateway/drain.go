package gateway

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"parley/domain/wire"
	"parley/realtime/hub"
)

// Drain lets the clients go: it tells each with server-draining when to come back, then
// closes one after the other over the given time, each when its commands in flight are
// answered. When ctx ends first the rest is closed at once. Clients that come meanwhile
// are closed; stop listening before.
func (g *Gateway) Drain(ctx context.Context, spread time.Duration) {
	g.draining.Store(true)
	var all []*Session
	g.hub.Each(func(s *hub.Socket) {
		if session, ok := s.Sink().(*Session); ok {
			all = append(all, session)
		}
	})
	for _, s := range all {
		s.peer.Emit(wire.EventServerDraining, g.farewell())
	}
	var closing sync.WaitGroup
	for _, s := range all {
		pause(ctx, spread/time.Duration(len(all)))
		closing.Go(func() {
			s.settle(ctx)
			s.peer.Close(CloseDraining)
		})
	}
	closing.Wait()
}

// farewell is the payload of server-draining.
func (g *Gateway) farewell() json.RawMessage {
	after := g.cfg.ReconnectAfter + rand.N(g.cfg.ReconnectAfter+1) //nolint:gosec // spreads load, protects nothing
	dst := append([]byte(nil), `{"reconnectInMs":`...)
	return append(strconv.AppendInt(dst, after.Milliseconds(), 10), '}')
}
