package typing

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
)

// Config of a Service. The zero value works.
type Config struct {
	// Redis is where the stream is. Zero means that there are no other nodes.
	Redis *redis.UniversalOptions
	// Topic names the stream. Zero means "typing".
	Topic string
	// Node names this process; no other process may have the name. Zero means "node".
	Node string
	// TTL is for how long somebody types after a sign. Zero means 5 s.
	TTL time.Duration
	// Gather is for how long signs wait for others before they are sent. Zero means 5 ms.
	Gather time.Duration
	// MaxLen is about how many messages the stream holds. Zero means 500.
	MaxLen int64
	// Burst and Rate bound the starts of one user on this node, at once and per second. Zero means 30 and 5.
	Burst, Rate int
	// MaxTypists is how many are known at once. Zero means 100,000.
	MaxTypists int
	// Timeout bounds what is asked of Redis. Zero means 1 s.
	Timeout time.Duration
	// Logger gets what went wrong. Zero means that nothing is logged.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Topic = cmp.Or(c.Topic, "typing")
	c.Node = cmp.Or(c.Node, "node")
	c.TTL = cmp.Or(c.TTL, 5*time.Second)
	c.Gather = cmp.Or(c.Gather, 5*time.Millisecond)
	c.MaxLen = cmp.Or(c.MaxLen, 500)
	c.Burst = cmp.Or(c.Burst, 30)
	c.Rate = cmp.Or(c.Rate, 5)
	c.MaxTypists = cmp.Or(c.MaxTypists, 100_000)
	c.Timeout = cmp.Or(c.Timeout, time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Deps are what a Service stands on. All are required.
type Deps struct {
	// Tell hands a push to the sockets of this node that hear its room, but for those of one user. It must not wait.
	Tell func(p wire.Push, except string)
	// Head is the end of the log, and Follower tells how it goes on.
	Head     func(ctx context.Context) (event.Position, error)
	Follower eventstore.Follower
}
