package admission

import (
	"cmp"
	"crypto/rand"
	"log/slog"
	"time"
)

// Config tunes a Redis limit. The zero value works.
type Config struct {
	// Node names this process among all that share the Redis. A process that takes over a name
	// takes over its connections, so no two may have one at once. Zero means a random name.
	Node string
	// Prefix is put before each address. Zero means "parley:admission:".
	Prefix string
	// Lease is how long the connections of a node that was killed still count. It is renewed
	// three times as often. All nodes should have the same. Zero means 30 s.
	Lease time.Duration
	// Wait bounds how long one answer of Redis is waited for. Zero means 50 ms.
	Wait time.Duration
	// Retry is how long Redis is left alone after it failed to answer. Zero means 1 s.
	Retry time.Duration
	// Batch is how many attempts, and how many counts, are sent in one round trip at most.
	// Zero means 256.
	Batch int
	// Logger hears when Redis goes away and when it is back. Nil means nobody does.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Node = cmp.Or(c.Node, rand.Text())
	c.Prefix = cmp.Or(c.Prefix, "parley:admission:")
	c.Lease = cmp.Or(c.Lease, 30*time.Second)
	c.Wait = cmp.Or(c.Wait, 50*time.Millisecond)
	c.Retry = cmp.Or(c.Retry, time.Second)
	c.Batch = cmp.Or(c.Batch, 256)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
