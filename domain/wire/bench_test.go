package wire_test

import (
	"testing"

	"parley/domain/event"
	"parley/domain/wire"
)

func BenchmarkPushes(b *testing.B) {
	n, err := event.Encode(event.ID{1}, nil, event.MessageSent{Message: plain()})
	if err != nil {
		b.Fatal(err)
	}
	r := n.Record(17, 3, 2, moment())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Pushes(r); err != nil {
			b.Fatal(err)
		}
	}
}
