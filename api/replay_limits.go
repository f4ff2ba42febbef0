package api

import (
	"sync"
	"time"

	"parley/api/replay"
	"parley/domain"
)

// ReplayLimits bound what analysts may do to a node at the same time.
type ReplayLimits struct {
	// Replays is how many are played, followers included. Zero means 100.
	Replays int
	// OfUser is how many of them may be of one user. Zero means 32.
	OfUser int
	// Parquet is how many of them may be Parquet, which takes more memory. Zero means 4.
	Parquet int
}

func (l ReplayLimits) withDefaults() ReplayLimits {
	if l.Replays == 0 {
		l.Replays = 100
	}
	if l.OfUser == 0 {
		l.OfUser = 32
	}
	if l.Parquet == 0 {
		l.Parquet = 4
	}
	return l
}

// replayRetry is when to ask again where no place is free.
const replayRetry = 5 * time.Second

// places counts the replays.
type places struct {
	limits ReplayLimits

	mu      sync.Mutex
	all     int
	parquet int
	users   map[string]int
}

func newPlaces(limits ReplayLimits) *places { return &places{limits: limits, users: map[string]int{}} }

// take finds a place, or says RATE_LIMITED. The place is given back by leave.
func (p *places) take(userID string, format replay.Format) (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	parquet := 0
	if format == replay.Parquet {
		parquet = 1
	}
	switch {
	case p.users[userID] >= p.limits.OfUser:
		return nil, tooMany("you have too many replays")
	case p.all >= p.limits.Replays:
		return nil, tooMany("there are too many replays")
	case parquet > 0 && p.parquet >= p.limits.Parquet:
		return nil, tooMany("there are too many replays as Parquet")
	}
	p.all++
	p.parquet += parquet
	p.users[userID]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all--
		p.parquet -= parquet
		if p.users[userID]--; p.users[userID] == 0 {
			delete(p.users, userID)
		}
	}, nil
}

func tooMany(text string) error {
	e := domain.Errorf(domain.CodeRateLimited, "%s at the moment", text)
	e.RetryAfter = replayRetry
	return e
}
