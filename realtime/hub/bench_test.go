package hub_test

import (
	"fmt"
	"testing"

	"parley/domain/event"
	"parley/realtime/hub"
)

type deaf struct{}

func (deaf) Deliver(*hub.Push) {}
func (deaf) End(hub.Ending)    {}

// BenchmarkDispatch is the hub's own share of telling a room: sinks do nothing.
func BenchmarkDispatch(b *testing.B) {
	for _, sockets := range []int{1, 1000, 10000} {
		b.Run(fmt.Sprintf("sockets=%d", sockets), func(b *testing.B) {
			h := hub.New(hub.Config{})
			for i := range sockets {
				s, _, err := h.Attach(fmt.Sprint("user", i), 0, deaf{}, hub.Want{Room: "room"})
				if err != nil {
					b.Fatal(err)
				}
				s.Release(func() {})
			}
			f := fact(1, "new-message", "room")
			batch := []*hub.Fact{f}
			b.ReportAllocs()
			for b.Loop() {
				h.Dispatch(batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(sockets), "ns/delivery")
		})
	}
}

// BenchmarkSubscribe is a socket that joins and leaves a room while the hub is busy.
func BenchmarkSubscribe(b *testing.B) {
	h := hub.New(hub.Config{})
	for i := range 1000 {
		s, _, _ := h.Attach(fmt.Sprint("user", i), 0, deaf{}, hub.Want{Room: "busy"})
		s.Release(func() {})
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for at := event.Position(1); ; at++ {
			select {
			case <-stop:
				return
			default:
				h.Dispatch([]*hub.Fact{fact(at, "new-message", "busy")})
			}
		}
	}()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		s, _, _ := h.Attach("ann", 0, deaf{})
		defer s.Detach()
		for pb.Next() {
			_, _ = s.Subscribe(hub.Want{Room: "room"})
			s.Release(func() {})
			s.Unsubscribe("room")
		}
	})
	close(stop)
	<-stopped
}
