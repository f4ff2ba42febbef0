package wire_test

import (
	"testing"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
)

// BenchmarkPushes is what one message, decoded before, costs each node that somebody hears it on.
func BenchmarkPushes(b *testing.B) {
	mentions := plain()
	mentions.Mentions = []string{"mia"}
	for _, bench := range []struct {
		name string
		e    event.Event
	}{
		{"sent", event.MessageSent{Message: plain()}},
		{"mention", event.MessageSent{Message: mentions}},
		{"edited", event.MessageEdited{Message: plain(), Seq: 3, SentAt: moment().Add(-time.Minute)}},
		{"attachment", event.MessageSent{Message: message()}},
	} {
		n, err := event.Encode(event.ID{1}, nil, bench.e)
		if err != nil {
			b.Fatal(err)
		}
		r := n.Record(17, 3, 2, moment())
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire.Pushes(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMarshal is an acknowledgement's part of the same.
func BenchmarkMarshal(b *testing.B) {
	n, err := event.Encode(event.ID{1}, nil, event.MessageSent{Message: plain()})
	if err != nil {
		b.Fatal(err)
	}
	m := wire.NewMessage(n.Record(17, 3, 2, moment()), event.MessageSent{Message: plain()})
	for _, bench := range []struct {
		name string
		v    any
	}{{"message", m}, {"room", wire.Room{ID: "r-1", Name: "Tea", Type: event.RoomPublic, CreatedBy: "ann"}}, {"text", "r-1"}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire.Marshal(bench.v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
