package engineio

import "sync/atomic"

// Stats is how a server is doing. The counts are of its whole life.
type Stats struct {
	// WebSocket and Polling are the open sessions by transport.
	WebSocket, Polling int
	// QueuedBytes and QueuedFrames wait to be written to them, MaxQueuedBytes to the one that has most.
	QueuedBytes, QueuedFrames, MaxQueuedBytes int
	// Opened counts sessions, Upgraded those that moved from polling to a WebSocket, Busy the handshakes refused by
	// Config.Arrivals.
	Opened, Upgraded, Busy uint64
	// Dropped counts volatile frames for which the queue was too full.
	Dropped uint64
	// Written counts writes to connections, WrittenBytes what was in them.
	Written, WrittenBytes uint64
	// Closed counts sessions by why they ended; reasons of the layer above are "other".
	Closed map[Reason]uint64
}

const otherReason Reason = "other"

// reasons are those that are counted by themselves.
var reasons = [...]Reason{
	TransportClose, TransportError, PingTimeout, ParseError, ForcedClose, ForcedServerClose, ServerShuttingDown, SlowConsumer, otherReason,
}

// counts are for Stats. None of them is touched for each frame of each session but Written, whose cost is nothing beside
// that of the write.
type counts struct {
	opened, upgraded, busy, dropped, written, writtenBytes atomic.Uint64

	closed [len(reasons)]atomic.Uint64
}

func (c *counts) close(why Reason) {
	for i, r := range reasons {
		if r == why || r == otherReason {
			c.closed[i].Add(1)
			return
		}
	}
}

func (c *counts) write(bytes int) {
	c.written.Add(1)
	c.writtenBytes.Add(uint64(bytes))
}

// Stats looks at every session.
func (s *Server) Stats() Stats {
	c := &s.counts
	stats := Stats{
		Opened: c.opened.Load(), Upgraded: c.upgraded.Load(), Busy: c.busy.Load(), Dropped: c.dropped.Load(),
		Written: c.written.Load(), WrittenBytes: c.writtenBytes.Load(), Closed: make(map[Reason]uint64, len(reasons)),
	}
	for i, r := range reasons {
		stats.Closed[r] = c.closed[i].Load()
	}
	for _, session := range s.snapshot() {
		session.addTo(&stats)
	}
	return stats
}

func (s *Session) addTo(stats *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tr.name() == "polling" {
		stats.Polling++
	} else {
		stats.WebSocket++
	}
	stats.QueuedBytes += s.bytes
	stats.QueuedFrames += s.frames
	stats.MaxQueuedBytes = max(stats.MaxQueuedBytes, s.bytes)
}
