package presence

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"parley/commands"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
)

// Config of a Tracker. The zero value works.
type Config struct {
	// Node names this process; no other process, also before and after, may have the name. Zero means "node".
	Node string
	// Prefix of the keys in Redis. Zero means "presence:".
	Prefix string
	// TTL bounds for how long a user stays online without any sign. Zero means 300 s.
	TTL time.Duration
	// Grace is how long after the last socket has closed the user goes offline. Zero means 10 s, below zero means none.
	Grace time.Duration
	// Lease is how long a node counts without a sign; it gives one three times as often. Zero means 10 s, or TTL if
	// that is less.
	Lease time.Duration
	// Look is how often one of the nodes looks at everybody who is said to be there. Zero means 30 s, or TTL if that is less.
	Look time.Duration
	// Retry is when what failed is tried again. Zero means 1 s.
	Retry time.Duration
	// Batch is how many users are written or judged at once. Zero means 500.
	Batch int
	// Gather is the least time from telling of some users to telling of the next, when many come one after the other. Zero
	// means 50 ms.
	Gather time.Duration
	// Timeout bounds each round trip to Redis, and a command ten times as long. Zero means 1 s.
	Timeout time.Duration
	// Logger gets what went wrong. Zero means that nothing is logged.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Node = cmp.Or(c.Node, "node")
	c.Prefix = cmp.Or(c.Prefix, "presence:")
	c.TTL = cmp.Or(c.TTL, 300*time.Second)
	c.Grace = cmp.Or(c.Grace, 10*time.Second)
	c.Grace = max(c.Grace, 0)
	c.Lease = cmp.Or(c.Lease, min(10*time.Second, c.TTL))
	c.Look = cmp.Or(c.Look, min(30*time.Second, c.TTL))
	c.Retry = cmp.Or(c.Retry, time.Second)
	c.Batch = cmp.Or(c.Batch, 500)
	c.Gather = cmp.Or(c.Gather, 50*time.Millisecond)
	c.Timeout = cmp.Or(c.Timeout, time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Deps are what a Tracker stands on. All are required.
type Deps struct {
	Come commands.UseCase[commands.ComeOnline, wire.Presence]
	Go   commands.UseCase[commands.UserRef, wire.Presence]
	// There lists users who are there as the views have it, by id: those after one.
	There func(ctx context.Context, after string, limit int) ([]string, error)
	// Head is the end of the log, and Follower tells how it goes on.
	Head     func(ctx context.Context) (event.Position, error)
	Follower eventstore.Follower
}
