package gateway

import (
	"time"

	"parley/domain"
)

// bucket bounds the commands of one session. The reader alone uses it.
type bucket struct {
	rate, burst float64
	tokens      float64
	filled      time.Time
	refused     int // in a row, more or less
}

// newBucket returns a full one. A rate below zero means no limit.
func newBucket(rate, burst int, now time.Time) bucket {
	return bucket{rate: float64(rate), burst: float64(burst), tokens: float64(burst), filled: now}
}

// take takes a token, or says when there will be one.
func (b *bucket) take(now time.Time) error {
	if b.rate < 0 {
		return nil
	}
	if passed := now.Sub(b.filled); passed > 0 {
		b.tokens = min(b.burst, b.tokens+passed.Seconds()*b.rate)
		b.filled = now
	}
	if b.tokens >= 1 {
		b.tokens--
		if b.tokens > b.burst/2 {
			b.refused = 0
		}
		return nil
	}
	b.refused++
	return &domain.Error{
		Code: domain.CodeRateLimited, Message: "too many commands",
		RetryAfter: time.Duration((1 - b.tokens) / b.rate * float64(time.Second)),
	}
}

// abused reports whether the client goes on and on after having been refused.
func (b *bucket) abused() bool { return b.refused > int(b.burst) }
