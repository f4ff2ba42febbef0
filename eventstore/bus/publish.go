package bus

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"

	"parley/domain/event"
)

// publish sends what Committed queued until ctx ends, and then what is still queued.
func (b *Bus) publish(ctx context.Context) error {
	publisher, err := b.topic().Publisher()
	if err != nil {
		return err
	}
	defer func() { _ = publisher.Close() }() // closes the client
	for {
		select {
		case batch := <-b.outgoing:
			b.send(publisher, batch)
		case <-ctx.Done():
			b.sendRest(publisher)
			return nil
		}
	}
}

// maxOutgoingBytes bounds the queue beside the number of its commits, which may be large.
const maxOutgoingBytes = 32 << 20

// enqueue has a commit published, or drops it: the others then read it from Postgres.
func (b *Bus) enqueue(batch []event.Recorded) {
	bytes := int64(weigh(batch))
	if queued := b.outgoingBytes.Add(bytes); queued <= maxOutgoingBytes || queued == bytes {
		select {
		case b.outgoing <- batch:
			return
		default:
		}
	}
	b.outgoingBytes.Add(-bytes)
	b.counts.dropped.Add(1)
}

func (b *Bus) sendRest(publisher *redisstream.Publisher) {
	for {
		select {
		case batch := <-b.outgoing:
			b.send(publisher, batch)
		default:
			return
		}
	}
}

// send publishes one commit. When it cannot, everything queued is dropped with it: by the time Redis is
// back, the others have read it from Postgres.
func (b *Bus) send(publisher *redisstream.Publisher, batch []event.Recorded) {
	b.outgoingBytes.Add(-int64(weigh(batch)))
	began := time.Now()
	err := publisher.Publish(b.cfg.Topic, newMessage(b.cfg.Node, batch))
	b.cfg.OnPublish(batch, began, time.Since(began), err)
	if err == nil {
		b.counts.published.Add(1)
		return
	}
	b.counts.dropped.Add(1)
	for {
		select {
		case batch := <-b.outgoing:
			b.outgoingBytes.Add(-int64(weigh(batch)))
			b.counts.dropped.Add(1)
		default:
			return
		}
	}
}
