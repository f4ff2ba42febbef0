// Package stream is a topic of Redis Streams through Watermill that survives what the library leaves open: entries
// that nobody can read, connections that hang, a close that takes the client with it, and entries lost
// between reads that start at "$". What is on a topic is told once and may be lost; nothing here is the truth.
package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"
)

// ErrEnded is why Read returns when the library gives no reason.
var ErrEnded = errors.New("the subscription ended")

// Topic is a stream and how to reach it.
type Topic struct {
	Redis redis.UniversalOptions
	Name  string
	// Timeout bounds every call of Redis, a blocking read included.
	Timeout time.Duration
	// MaxLen is about how many entries are kept. Zero keeps all.
	MaxLen int64
}

// Publisher makes a publisher. Closing it closes its connections.
func (t Topic) Publisher() (*redisstream.Publisher, error) {
	publisher, err := redisstream.NewPublisher(redisstream.PublisherConfig{Client: t.client(), DefaultMaxlen: t.MaxLen}, nil)
	if err != nil {
		return nil, fmt.Errorf("make a publisher: %w", err)
	}
	return publisher, nil
}

// blockTime is how long one XREAD waits; a subscription that is stopped is gone after it.
const blockTime = 100 * time.Millisecond

// Read hands on what is added from now on until ctx ends (the error is nil then) or something ends the subscription. begun
// is called once nothing that is added can be missed any more. A message that cannot be read comes as one for which
// IsJunk holds.
func (t Topic) Read(ctx context.Context, begun func(), receive func(*message.Message)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := t.client()
	from, err := t.last(ctx, client)
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
	messages, err := subscriber.Subscribe(ctx, t.Name)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	begun()
	for {
		select {
		case m, ok := <-messages:
			if !ok {
				return why(ctx, failures)
			}
			receive(m)
			m.Ack()
		case <-ctx.Done():
			return nil
		}
	}
}

// why says why there are no more messages.
func why(ctx context.Context, failures <-chan error) error {
	select {
	case err := <-failures:
		return err
	default:
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	return ErrEnded
}

// last is the id that a subscription to what comes from now on starts after.
func (t Topic) last(ctx context.Context, client redis.UniversalClient) (string, error) {
	entries, err := client.XRevRangeN(ctx, t.Name, "+", "-", 1).Result()
	if err != nil {
		return "", fmt.Errorf("find the last entry: %w", err)
	}
	if len(entries) == 0 {
		return "0-0", nil
	}
	return entries[0].ID, nil
}

const metaJunk = "junk"

// IsJunk says that a message is an entry that could not be read.
func IsJunk(m *message.Message) bool { return m.Metadata.Get(metaJunk) != "" }

// unmarshaller never fails, because a failure would end the subscription.
type unmarshaller struct {
	inner redisstream.DefaultMarshallerUnmarshaller
}

// Unmarshal marks what it cannot read.
func (u unmarshaller) Unmarshal(values map[string]any) (m *message.Message, err error) {
	defer func() {
		if err != nil || recover() != nil { // the library asserts types
			m, err = message.NewMessage("", nil), nil
			m.Metadata.Set(metaJunk, "true")
		}
	}()
	m, err = u.inner.Unmarshal(values)
	if m != nil && m.Metadata == nil {
		m.Metadata = message.Metadata{}
	}
	return m, err
}

// client makes a client whose every call ends within the timeout, without tries of its own.
func (t Topic) client() redis.UniversalClient {
	options := t.Redis
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = t.Timeout, t.Timeout, t.Timeout
	options.PoolTimeout = t.Timeout
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.PoolSize, options.MinIdleConns = 2, 0
	options.DisableIdentity = true
	options.Dialer = impatient(&options, t.Timeout)
	return redis.NewUniversalClient(&options)
}

// impatient dials connections that wait no longer than d for anything, a blocking read included.
func impatient(options *redis.UniversalOptions, d time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := options.Dialer
	if dial == nil {
		dial = redis.NewDialer(options.Simple())
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &impatientConn{Conn: conn, patience: d}, nil
	}
}

type impatientConn struct {
	net.Conn
	patience time.Duration
}

// SetReadDeadline sets t, or an earlier time.
func (c *impatientConn) SetReadDeadline(t time.Time) error {
	if latest := time.Now().Add(c.patience); t.IsZero() || t.After(latest) {
		t = latest
	}
	return c.Conn.SetReadDeadline(t)
}
