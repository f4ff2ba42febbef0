package bus

import (
	"context"
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"parley/eventstore/stream"
)

// resubscribeAfter is the pause before a new subscription. Meanwhile the keeper looks at the head.
const resubscribeAfter = 100 * time.Millisecond

// subscribe takes in what is published until ctx ends, subscribing again after whatever ends a subscription.
func (b *Bus) subscribe(ctx context.Context) {
	for ctx.Err() == nil {
		err := b.subscription(ctx)
		b.redisIs(false, err)
		pause(ctx, resubscribeAfter)
	}
}

// subscription takes in what is published until it ends, for whatever reason.
func (b *Bus) subscription(ctx context.Context) error {
	reading, end := context.WithCancel(ctx)
	defer end()
	done := make(chan error, 1)
	begun := make(chan struct{})
	go func() { done <- b.topic().Read(reading, func() { close(begun) }, b.receive) }()
	select {
	case err := <-done:
		return err
	case <-begun:
	}
	select {
	case <-b.renew: // meant for the one before
	default:
	}
	b.redisIs(true, nil)
	b.look() // what was committed before the subscription
	select {
	case err := <-done:
		return err
	case <-b.renew:
		end()
		return errors.Join(errSilent, <-done)
	}
}

func (b *Bus) topic() stream.Topic {
	return stream.Topic{Redis: b.cfg.Redis, Name: b.cfg.Topic, Timeout: b.cfg.RedisTimeout, MaxLen: b.cfg.MaxLen}
}

// receive takes in one message.
func (b *Bus) receive(m *message.Message) {
	b.counts.received.Add(1)
	first, last, err := rangeOf(m)
	if err == nil && last <= b.Head() {
		b.counts.known.Add(1) // our own, or read from Postgres meanwhile
		if b.tail.holdsOther(first, m.UUID) {
			b.look() // somebody is mistaken; the log decides who
		}
		return
	}
	if err == nil {
		batch, decodeErr := decode(m)
		if decodeErr == nil {
			b.offer(batch)
			return
		}
	}
	b.counts.junk.Add(1)
	b.look() // it may have been a commit
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
