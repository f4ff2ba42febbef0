package postgres

import (
	"fmt"
	"testing"
	"time"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/chain"
)

// BenchmarkChain is what the chain costs for each event: the digests, which whoever appends makes, and the links, which the
// appender makes. Beside them: all that the appender does in its turn with a batch of 100 messages, but for the round trip.
func BenchmarkChain(b *testing.B) {
	const size = 100
	items := make([]*item, size)
	for i := range items {
		id := event.ID{15: byte(i)}
		said, err := event.Encode(id, event.Metadata{UserID: "user-1", Node: "n1"}.Encode(), event.MessageSent{Message: event.Message{
			RoomID: fmt.Sprint("room-", i%20), MessageID: id.String(), Sender: event.Sender{ID: "user-1", Username: "somebody"},
			Content: "The quick brown fox jumps over the lazy dog, and nobody in the room is surprised any more.",
		}})
		if err != nil {
			b.Fatal(err)
		}
		items[i] = newItem(b.Context(), eventstore.Append{Events: []event.New{said}}, nil)
	}
	each := func(name string, of func(i int)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				of(i % size)
			}
		})
	}
	each("digests", func(i int) {
		e := &items[i].append.Events[0]
		chain.Digest(e.Data)
		chain.Digest(e.Metadata)
	})
	var last chain.Hash
	each("link", func(i int) {
		e := items[i].append.Events[0].Record(event.Position(i), 1, 1, time.UnixMicro(0))
		last = chain.Link{Event: &e, Data: last, Metadata: last}.After(last)
	})
	b.Run("turn", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			batch := newBatch(items)
			batch.judge()
			batch.encode()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/event")
	})
}
