package webhooks

import (
	"net/netip"
	"time"
)

// IsPublic, Guard and RetryAfter are for tests of the addresses and headers there are in the world.
func IsPublic(ip netip.Addr) bool { return isPublic(ip) }

func Guard(address string) error { return guard("tcp", address, nil) }

func CheckURL(url string, allowPrivate bool) error { return checkURL(url, allowPrivate) }

func RetryAfter(header string, now time.Time) time.Duration { return retryAfter(header, now) }

func (c Config) PauseAfter(attempts int, asked time.Duration) time.Duration {
	return c.withDefaults().pauseAfter(attempts, asked)
}
