package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"
)

const (
	// blockTime is how long one XREAD waits; a stopped subscription is gone after it.
	blockTime = 100 * time.Millisecond
	// resubscribeAfter is the pause before a new subscription. Meanwhile the keeper looks at the head.
	resubscribeAfter = 100 * time.Millisecond
)

// subscribe takes in what is published until ctx ends, subscribing again after whatever ends a subscription.
func (b *Bus) subscribe(ctx context.Context) {
	for ctx.Err() == nil {
		err := b.subscription(ctx)
		b.redisIs(false, err)
		pause(ctx, resubscribeAfter)
	}
}

// subscription takes in what is published until it ends.
func (b *Bus) subscription(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := newClient(b.cfg)
	from, err := lastEntry(ctx, client, b.cfg.Topic)
	if err != nil {
		_ = client.Close()
		return fmt.Errorf("find the last entry: %w", err)
	}
	failures := make(chan error, 1)
	subscriber, err := redisstream.NewSubscriber(redisstream.SubscriberConfig{
		Client: client, Unmarshaller: unmarshaller{}, FanOutOldestId: from,
		BlockTime: blockTime, DisableIndefiniteInitialBlock: true,
		ShouldStopOnReadErrors: func(err error) bool {
			failures <- err // comes once: reading stops
			return true
		},
	}, nil)
	if err != nil {
		_ = client.Close()
		return fmt.Errorf("make a subscriber: %w", err)
	}
	defer func() { _ = subscriber.Close() }() // closes the client
	messages, err := subscriber.Subscribe(ctx, b.cfg.Topic)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	select {
	case <-b.renew: // meant for the one before
	default:
	}
	b.redisIs(true, nil)
	b.look() // what was committed before the subscription
	for {
		select {
		case m, ok := <-messages:
			if !ok {
				select {
				case err := <-failures:
					return err
				default:
					return nil
				}
			}
			b.receive(m)
			m.Ack()
		case <-b.renew:
			return errSilent
		case <-ctx.Done():
			return nil
		}
	}
}

// lastEntry is the id that a subscription to what comes from now on starts after.
func lastEntry(ctx context.Context, client redis.UniversalClient, topic string) (string, error) {
	entries, err := client.XRevRangeN(ctx, topic, "+", "-", 1).Result()
	if err != nil {
		return "", err
	}
	if len(entries) == 0 {
		return "0-0", nil
	}
	return entries[0].ID, nil
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
