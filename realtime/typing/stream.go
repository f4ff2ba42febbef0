package typing

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"

	"parley/domain"
	"parley/domain/event"
)

// signal is one sign as nodes tell each other.
type signal struct {
	Room     string `json:"r"`
	User     string `json:"u"`
	Username string `json:"n,omitempty"`
	Until    int64  `json:"t,omitempty"` // ms
	// After is how far the node had read the log.
	After event.Position `json:"p,omitempty"`
	Stop  bool           `json:"s,omitempty"`
}

const (
	maxOut   = 10_000 // signals that wait
	maxBatch = 500    // signals in a message
	metaNode = "node"
	// blockTime is how long one XREAD waits; a subscription that is stopped is gone after it.
	blockTime = 100 * time.Millisecond
)

// send needs the lock. What does not fit is lost: the other nodes find out by time.
func (s *Service) send(sig signal) {
	if s.cfg.Redis == nil || len(s.out) >= maxOut {
		return
	}
	s.out = append(s.out, sig)
	wakeUp(s.sending)
}

func (s *Service) take() []signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.out), maxBatch)
	batch := s.out[:n:n]
	if s.out = s.out[n:]; len(s.out) == 0 {
		s.out = nil
	} else {
		wakeUp(s.sending)
	}
	return batch
}

// publish sends what there is, gathered for a moment.
func (s *Service) publish(ctx context.Context) error {
	publisher, err := redisstream.NewPublisher(redisstream.PublisherConfig{
		Client: s.client(), DefaultMaxlen: s.cfg.MaxLen,
	}, nil)
	if err != nil {
		return fmt.Errorf("make a publisher: %w", err)
	}
	defer func() { _ = publisher.Close() }() // closes the client
	for {
		select {
		case <-s.sending:
		case <-ctx.Done():
			return nil
		}
		pause(ctx, s.cfg.Gather)
		batch := s.take()
		if len(batch) == 0 {
			continue
		}
		data, err := json.Marshal(batch)
		if err != nil {
			return fmt.Errorf("encode who is typing: %w", err)
		}
		m := message.NewMessage(watermill.NewShortUUID(), data)
		m.Metadata.Set(metaNode, s.cfg.Node)
		if err := publisher.Publish(s.cfg.Topic, m); err != nil && ctx.Err() == nil {
			s.cfg.Logger.DebugContext(ctx, "other nodes are not told who is typing", slog.Any("error", err))
		}
	}
}

// client is one whose every call ends in time, without tries of its own. Watermill closes it.
func (s *Service) client() redis.UniversalClient {
	options := *s.cfg.Redis
	options.DialTimeout, options.WriteTimeout, options.PoolTimeout = s.cfg.Timeout, s.cfg.Timeout, s.cfg.Timeout
	options.ReadTimeout = s.cfg.Timeout
	options.MaxRetries, options.DialerRetries = -1, 1
	options.PoolSize, options.MinIdleConns = 2, 0
	options.ContextTimeoutEnabled, options.DisableIdentity = true, true
	return redis.NewUniversalClient(&options)
}

// subscribe takes in what other nodes say until ctx ends, subscribing again after whatever ends a subscription.
func (s *Service) subscribe(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.subscription(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.DebugContext(ctx, "it is not known who is typing on other nodes", slog.Any("error", err))
		}
		pause(ctx, s.cfg.Timeout/4)
	}
	return nil
}

func (s *Service) subscription(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := s.client()
	from, err := lastEntry(ctx, client, s.cfg.Topic)
	if err != nil {
		_ = client.Close()
		return err
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
	messages, err := subscriber.Subscribe(ctx, s.cfg.Topic)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
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
			s.receive(m)
			m.Ack()
		case <-ctx.Done():
			return nil
		}
	}
}

func lastEntry(ctx context.Context, client redis.UniversalClient, topic string) (string, error) {
	entries, err := client.XRevRangeN(ctx, topic, "+", "-", 1).Result()
	if err != nil {
		return "", fmt.Errorf("find the last entry: %w", err)
	}
	if len(entries) == 0 {
		return "0-0", nil
	}
	return entries[0].ID, nil
}

// unmarshaller never fails, because that would end the subscription.
type unmarshaller struct {
	redisstream.DefaultMarshallerUnmarshaller
}

// Unmarshal implements redisstream.Unmarshaller.
func (u unmarshaller) Unmarshal(values map[string]any) (*message.Message, error) {
	m, err := u.DefaultMarshallerUnmarshaller.Unmarshal(values)
	if err != nil {
		return message.NewMessage("", nil), nil //nolint:nilerr // it says nothing, which is no failure
	}
	return m, nil
}

// receive takes in one message. What is no sign of typing is left out.
func (s *Service) receive(m *message.Message) {
	var batch []signal
	if m.Metadata.Get(metaNode) == s.cfg.Node || json.Unmarshal(m.Payload, &batch) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, sig := range batch {
		k := key{sig.Room, sig.User}
		switch {
		case !domain.ValidID(k.room) || !domain.ValidID(k.user):
		case sig.Stop:
			s.stopped(k)
		case !s.late(k, sig.After):
			s.started(k, sig.Username, time.UnixMilli(sig.Until), now)
		}
	}
}
