package engineio

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"
)

// Config of a Server. The zero value works.
type Config struct {
	// PingInterval is the time between an answered ping and the next one.
	// Zero means 25 s.
	PingInterval time.Duration
	// PingTimeout is how long the answer to a ping may take. Zero means 60 s.
	PingTimeout time.Duration
	// WriteTimeout is how long one write to a connection may take. Zero means 10 s.
	WriteTimeout time.Duration
	// UpgradeTimeout is how long moving from polling to a WebSocket may take. Then the
	// WebSocket is closed and the session stays where it is. Zero means 10 s.
	UpgradeTimeout time.Duration
	// CloseGrace is how long a closing session may take to write what is queued
	// and to hear the peer's goodbye. Zero means 2 s.
	CloseGrace time.Duration
	// MaxPayload is the size in bytes of the largest incoming message. Zero means 1,000,000.
	MaxPayload int
	// MaxPackets is how many packets the body of one POST may hold. Zero means 4096.
	MaxPackets int
	// MaxPings is how many WebSocket ping frames a peer may send in a second. Zero means 20.
	MaxPings int
	// QueueBytes and QueueFrames bound what waits to be written to one session.
	// Zero means 1 MiB and 1024.
	QueueBytes, QueueFrames int
	// CompressAbove is the length in bytes above which a message is compressed for clients that agreed on
	// permessage-deflate, and a poll response for those that accept gzip. Zero means that nothing is
	// compressed, and no extension agreed on.
	CompressAbove int
	// RetryAfter is what a refused client is told while the server drains, in
	// whole seconds. Zero means 2 s. Those that Arrivals refuses are spread over twice that.
	RetryAfter time.Duration
	// Arrivals bounds handshakes and the sessions that have not settled: one too many is answered with
	// 503. Zero means that nobody is counted.
	Arrivals *Arrivals
	// CheckOrigin decides whether a request with this Origin may have a session;
	// false is answered with 403. Scripts of an Origin that passes may read the answers (CORS).
	// Zero means SameHost.
	CheckOrigin func(*http.Request) bool
	// Authorize may refuse a handshake with 403: the error's text goes to the
	// client. Zero means that all are accepted.
	Authorize func(*http.Request) error
	// Logger receives panics of handlers. Zero means that nothing is logged.
	Logger *slog.Logger
}

// WithDefaults returns c with every zero field set to what it stands for.
func (c Config) WithDefaults() Config {
	c.PingInterval = cmp.Or(c.PingInterval, 25*time.Second)
	c.PingTimeout = cmp.Or(c.PingTimeout, 60*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.UpgradeTimeout = cmp.Or(c.UpgradeTimeout, 10*time.Second)
	c.CloseGrace = cmp.Or(c.CloseGrace, 2*time.Second)
	c.MaxPayload = cmp.Or(c.MaxPayload, 1_000_000)
	c.MaxPackets = cmp.Or(c.MaxPackets, 4096)
	c.MaxPings = cmp.Or(c.MaxPings, 20)
	c.QueueBytes = cmp.Or(c.QueueBytes, 1<<20)
	c.QueueFrames = cmp.Or(c.QueueFrames, 1024)
	c.RetryAfter = cmp.Or(c.RetryAfter, 2*time.Second)
	if c.CheckOrigin == nil {
		c.CheckOrigin = SameHost
	}
	if c.Authorize == nil {
		c.Authorize = func(*http.Request) error { return nil }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// tick is the wheel's granularity: fine enough that a heartbeat is at most 2%
// late, coarse enough to cost nothing.
func (c Config) tick() time.Duration {
	return min(max(c.PingInterval/64, 10*time.Millisecond), 250*time.Millisecond)
}
