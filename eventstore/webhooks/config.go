package webhooks

import (
	"cmp"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Config tunes Webhooks. The zero value works.
type Config struct {
	// AllowPrivate lets webhooks reach private networks and this host, by plain http as well: for tests and for
	// receivers beside the nodes.
	AllowPrivate bool
	// Timeout bounds a delivery. Zero means 10 s.
	Timeout time.Duration
	// ParkAfter is how long deliveries may fail before their webhook is parked. Zero means 24 h.
	ParkAfter time.Duration
	// MaxEvents and MaxBytes bound a delivery where a webhook does not ask for fewer events. Zero means 100 events
	// and 256 KB. One event that is larger goes alone.
	MaxEvents, MaxBytes int
	// Concurrent is how many deliveries go at a time. Zero means 32.
	Concurrent int
	// MaxWebhooks is how many there may be. Zero means 100.
	MaxWebhooks int
	// FirstPause is the pause after a failure; it doubles with each in a row, up to MaxPause. Zero means 1 s and 15 min.
	FirstPause, MaxPause time.Duration
	// MaxRetryAfter bounds the pause that a receiver may ask for. Zero means 1 h.
	MaxRetryAfter time.Duration
	// Standby is how often a node asks whether it should deliver. Zero means 1 s.
	Standby time.Duration
	// Lease is after how long without a sign of it Postgres gives up the node that delivers. Zero means 15 s.
	Lease time.Duration
	// SaveEvery is how often the position is written while nothing is wanted. Zero means 5 s.
	SaveEvery time.Duration
	// Logger hears of what an operator should know. Zero means nobody does.
	Logger *slog.Logger
}

// mostEvents is the highest MaxEvents of a webhook.
const mostEvents = 1000

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.ParkAfter = cmp.Or(c.ParkAfter, 24*time.Hour)
	c.MaxEvents = cmp.Or(c.MaxEvents, 100)
	c.MaxBytes = cmp.Or(c.MaxBytes, 256<<10)
	c.Concurrent = cmp.Or(c.Concurrent, 32)
	c.MaxWebhooks = cmp.Or(c.MaxWebhooks, 100)
	c.FirstPause = cmp.Or(c.FirstPause, time.Second)
	c.MaxPause = cmp.Or(c.MaxPause, 15*time.Minute)
	c.MaxRetryAfter = cmp.Or(c.MaxRetryAfter, time.Hour)
	c.Standby = cmp.Or(c.Standby, time.Second)
	c.Lease = cmp.Or(c.Lease, 15*time.Second)
	c.SaveEvery = cmp.Or(c.SaveEvery, 5*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// pauseAfter is how long to wait after so many failures in a row.
func (c Config) pauseAfter(attempts int, asked time.Duration) time.Duration {
	d := c.MaxPause
	if doublings := attempts - 1; doublings < 30 {
		d = min(d, c.FirstPause<<doublings)
	}
	d = d/2 + rand.N(d/2+1) //nolint:gosec // spreads attempts, protects nothing
	return max(d, min(asked, c.MaxRetryAfter))
}
