package gateway

import (
	"parley/domain/wire"
	"parley/realtime/hub"
)

// Connections lists the live sessions of this node, in no order.
func (g *Gateway) Connections() []wire.Connection {
	list := make([]wire.Connection, 0, g.hub.Count())
	g.hub.Each(func(place *hub.Socket) {
		s, ok := place.Sink().(*Session)
		if !ok {
			return
		}
		rooms := append([]string{}, place.Rooms()...)
		list = append(list, wire.Connection{
			ID: s.peer.ID(), UserID: s.userID, Transport: s.peer.Transport(), Node: g.cfg.Node,
			Rooms: rooms, RoomCount: len(rooms), HandshakeTime: wire.Time(s.opened), QueuedBytes: s.peer.Queued(),
		})
	})
	return list
}
