package postgres

import (
	"sync/atomic"
	"time"

	"parley/domain/event"
)

// Batch is a commit of this node, for those who measure.
type Batch struct {
	// Events are what it stored. They must not be changed.
	Events []event.Recorded
	// Appends is how many were in it, with those that were refused.
	Appends int
	// Began is when it was taken from the queue, Took the time from then until it was known to be stored.
	Began time.Time
	Took  time.Duration
}

// Stats is how the appender is doing. The counts are of this process, since its start.
type Stats struct {
	// Queued and QueuedBytes are the appends without an answer, MaxQueued and MaxQueuedBytes how many there may be.
	Queued, QueuedBytes       int
	MaxQueued, MaxQueuedBytes int
	// Again counts appends that others outran and that were decided again, Failed those that could not be stored.
	Again, Failed uint64
}

type counts struct{ again, failed atomic.Uint64 }

// Stats is a snapshot for diagnostics.
func (s *Store) Stats() Stats {
	return Stats{
		Queued: int(s.queue.count.Load()), QueuedBytes: int(s.queue.bytes.Load()),
		MaxQueued: s.cfg.QueueCommands, MaxQueuedBytes: s.cfg.QueueBytes,
		Again: s.counts.again.Load(), Failed: s.counts.failed.Load(),
	}
}
