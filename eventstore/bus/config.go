package bus

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/domain/event"
)

// Config tunes a Bus. The zero value works, with a Redis on localhost.
type Config struct {
	// Redis says where it is. Timeouts, retries and pool sizes are the bus's own.
	Redis redis.UniversalOptions
	// Topic is the key of the Redis Stream. Zero means "parley:commits".
	Topic string
	// Node names this process in what it publishes.
	Node string
	// MaxLen is about how many commits the stream keeps; under load each is some hundred KB. A subscriber
	// that falls behind them reads Postgres. Zero means 1,000.
	MaxLen int64
	// PublishQueue is how many commits may wait to be published. Zero means 1,024.
	PublishQueue int
	// RingEvents and RingBytes bound the events kept in memory. Zero means 16,384 events and 32 MB.
	RingEvents, RingBytes int
	// HeadEvery is how often the head of the log is looked at while Redis is well. Zero means 1 s.
	HeadEvery time.Duration
	// AwayEvery is the same while Redis is away. Zero means 50 ms.
	AwayEvery time.Duration
	// RedisTimeout bounds each call of Redis. Zero means 1 s.
	RedisTimeout time.Duration
	// OnPublish is told of each commit of this node that was to be published: when that began, how long it took, and why it
	// failed. It must be quick. Zero means nobody is told.
	OnPublish func(batch []event.Recorded, began time.Time, took time.Duration, err error)
	// Now is the clock of Stats. Zero means time.Now.
	Now func() time.Time
	// Logger gets what changes: Redis lost and found, Postgres lost and found. Zero means none.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Topic = cmp.Or(c.Topic, "parley:commits")
	c.MaxLen = cmp.Or(c.MaxLen, 1000)
	c.PublishQueue = cmp.Or(c.PublishQueue, 1024)
	c.RingEvents = cmp.Or(c.RingEvents, 16_384)
	c.RingBytes = cmp.Or(c.RingBytes, 32<<20)
	c.HeadEvery = cmp.Or(c.HeadEvery, time.Second)
	c.AwayEvery = cmp.Or(c.AwayEvery, 50*time.Millisecond)
	c.RedisTimeout = cmp.Or(c.RedisTimeout, time.Second)
	if c.OnPublish == nil {
		c.OnPublish = func([]event.Recorded, time.Time, time.Duration, error) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// ParseRedisURL reads redis:// and rediss:// URLs; a list with commas is a cluster.
func ParseRedisURL(urls string) (redis.UniversalOptions, error) {
	var all redis.UniversalOptions
	for i, part := range strings.Split(urls, ",") {
		one, err := redis.ParseURL(strings.TrimSpace(part))
		if err != nil {
			// The library's error may quote the URL, and with it the password.
			return redis.UniversalOptions{}, fmt.Errorf("redis URL %d: %w", i+1, errBadURL)
		}
		if i == 0 {
			all = redis.UniversalOptions{
				Username: one.Username, Password: one.Password, DB: one.DB, TLSConfig: one.TLSConfig, Protocol: one.Protocol,
			}
		}
		all.Addrs = append(all.Addrs, one.Addr)
	}
	all.IsClusterMode = len(all.Addrs) > 1
	return all, nil
}

var errBadURL = errors.New("want redis://user:password@host:port/db, or rediss:// for TLS")
