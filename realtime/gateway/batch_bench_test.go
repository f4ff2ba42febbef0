package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

// nowhere is a connection that asks for the bytes of what it is given, and drops them.
type nowhere struct {
	*peer
	frames int
}

func (n *nowhere) Deliver(p *hub.Push) {
	if _, err := p.SocketIO(); err != nil {
		panic(err)
	}
	n.frames++
}

// BenchmarkRoom tells a room of 100 sockets 50 messages: an iteration is 5000 deliveries. "own rooms"
// are batches that no two sockets share, since each also hears something that is for it alone.
func BenchmarkRoom(b *testing.B) {
	const sockets, messages = 100, 50
	for _, mode := range []struct {
		name    string
		options gateway.Options
		own     bool
	}{
		{"single", gateway.Options{}, false},
		{"batched", gateway.Options{Batch: true}, false},
		{"batched, own rooms", gateway.Options{Batch: true}, true},
	} {
		b.Run(mode.name, func(b *testing.B) {
			s := newStand(b, gateway.Config{BatchWindow: time.Hour, BatchSize: messages})
			peers := make([]*nowhere, sockets)
			for i := range peers {
				room := fmt.Sprint("own", i)
				s.directory.set("r", 1)
				s.directory.set(room, 1)
				options := mode.options
				options.Token, options.Rooms = room, []string{"r", room}
				peers[i] = &nowhere{peer: newPeer(room)}
				session, err := s.Open(b.Context(), peers[i], &gateway.Handshake{}, options)
				if err != nil {
					b.Fatal(err)
				}
				defer session.Closed()
			}
			data := fmt.Appendf(nil, `{"id":"01890000-0000-7000-8000-000000000001","roomId":"r","content":"%0200d"}`, 1)
			at := event.Position(100)
			tell := func(room string) {
				at++
				s.hub.Dispatch([]*hub.Fact{{Position: at, Room: room, Make: func() []*hub.Push {
					return []*hub.Push{hub.NewPush(wire.Push{Event: "new-message", Room: room, Data: data, Durable: true}, at)}
				}}})
			}
			b.ReportAllocs()
			for b.Loop() {
				first := 0
				if mode.own {
					first = 1
					for i := range sockets {
						tell(fmt.Sprint("own", i))
					}
				}
				for range messages - first {
					tell("r")
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(peers[0].frames)/float64(b.N), "frames/socket")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/sockets/messages, "ns/push")
		})
	}
}
