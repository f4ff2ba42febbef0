package postgres

import (
	"cmp"
	"log/slog"
	"time"

	"parley/domain/event"
)

// Config tunes a Store. The zero value works.
type Config struct {
	// OnCommit is called with the events of each commit of this node, in commit order, from one
	// goroutine, before the appends are answered. It must not block. Zero means nobody is told.
	OnCommit func([]event.Recorded)
	// OnBatch is told of each commit when it is answered, in the same order. It must be quick. Zero means nobody is told.
	OnBatch func(Batch)
	// Timeout bounds the time from Submit to the answer. Zero means 5 s.
	Timeout time.Duration
	// ReadTimeout bounds each read, waiting for a connection included. Zero means 5 s.
	ReadTimeout time.Duration
	// DrainTimeout bounds how long Run goes on answering after its context has ended. Zero means 5 s.
	DrainTimeout time.Duration
	// BatchCommands and BatchBytes cap one commit; a single larger append is a commit of
	// its own. Zero means 500 appends and 1 MB.
	BatchCommands, BatchBytes int
	// QueueCommands and QueueBytes bound what may wait for an answer. Zero means 50,000
	// appends and 64 MB.
	QueueCommands, QueueBytes int
	// Deciders is how many appends may be decided again at the same time. Zero means 8.
	Deciders int
	// LockKey is the advisory lock that appends take. All nodes on a database must use the same. Zero
	// means the one of Parley.
	LockKey int64
	// AllowUnsafe accepts a server that can lose acknowledged commits.
	AllowUnsafe bool
	// Logger gets faults of the connection and of Postgres. Zero means none.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 5*time.Second)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 5*time.Second)
	c.BatchCommands = cmp.Or(c.BatchCommands, 500)
	c.BatchBytes = cmp.Or(c.BatchBytes, 1<<20)
	c.QueueCommands = cmp.Or(c.QueueCommands, 50_000)
	c.QueueBytes = cmp.Or(c.QueueBytes, 64<<20)
	c.Deciders = cmp.Or(c.Deciders, 8)
	c.LockKey = cmp.Or(c.LockKey, 0x7061726c65790001)
	if c.OnBatch == nil {
		c.OnBatch = func(Batch) {}
	}
	if c.OnCommit == nil {
		c.OnCommit = func([]event.Recorded) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
