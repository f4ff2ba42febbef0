package gateway

import (
	"time"

	"parley/realtime/hub"
)

// Connection is a live session as administrators see it.
type Connection struct {
	ID            string    `json:"id"`
	UserID        string    `json:"userId"`
	Transport     string    `json:"transport"`
	Node          string    `json:"node"`
	Rooms         []string  `json:"rooms"`
	HandshakeTime time.Time `json:"handshakeTime"`
	QueuedBytes   int       `json:"queuedBytes"`
}

// Connections lists the live sessions of this node, in no order.
func (g *Gateway) Connections() []Connection {
	list := make([]Connection, 0, g.hub.Count())
	g.hub.Each(func(place *hub.Socket) {
		s, ok := place.Sink().(*Session)
		if !ok {
			return
		}
		list = append(list, Connection{
			ID: s.peer.ID(), UserID: s.userID, Transport: s.peer.Transport(), Node: g.cfg.Node,
			Rooms: append([]string{}, place.Rooms()...), HandshakeTime: s.opened, QueuedBytes: s.peer.Queued(),
		})
	})
	return list
}
