package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/domain/event"
	"parley/eventstore"
)

var (
	errSilent = errors.New("the head moved on, but nothing was published")
	errHole   = errors.New("the log is damaged")
)

const (
	// retryAfter is the pause after a read that failed.
	retryAfter = 50 * time.Millisecond
	// silentLooks is how many looks in a row must find what Redis did not tell before the subscription is
	// made anew. (After a clock of Redis went back, entries have ids that a subscription never reads.)
	silentLooks = 2
)

// keep is the one goroutine that reads Postgres on behalf of all followers: it closes gaps, and
// looks at the head from time to time.
func (b *Bus) keep(ctx context.Context) {
	b.begin(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var silence silence
	for ctx.Err() == nil {
		b.repair(ctx)
		select {
		case <-b.gap:
		case <-b.lookNow:
			b.lookAtHead(ctx)
		case <-timer.C:
			if behind := b.lookAtHead(ctx); silence.lasts(behind, b.counts.received.Load()) {
				b.requestRenewal()
			}
			timer.Reset(b.pollEvery())
		case <-b.redisChanged:
			timer.Reset(b.pollEvery())
		case <-ctx.Done():
		}
	}
}

func (b *Bus) pollEvery() time.Duration {
	if b.redisUp.Load() {
		return b.cfg.HeadEvery
	}
	return b.cfg.AwayEvery
}

// begin finds where the log ends. The newest part of it is read into the ring, because after a
// restart many clients come back at once and ask for it.
func (b *Bus) begin(ctx context.Context) {
	for ctx.Err() == nil {
		head, err := b.reader.Head(ctx)
		b.postgresIs(err)
		if err == nil {
			b.tail.begin(max(0, head-event.Position(b.cfg.RingEvents/2)))
			b.tail.know(head)
			return
		}
		pause(ctx, retryAfter)
	}
}

// lookAtHead learns how far the log goes. It reports whether that was news.
func (b *Bus) lookAtHead(ctx context.Context) (behind bool) {
	head, err := b.reader.Head(ctx)
	if ctx.Err() != nil {
		return false
	}
	b.postgresIs(err)
	if err != nil {
		return false
	}
	return b.tail.know(head)
}

// repair reads what is missing. It returns when nothing is, or a read failed.
func (b *Bus) repair(ctx context.Context) {
	for ctx.Err() == nil {
		after, n := b.tail.missing()
		if n == 0 {
			return
		}
		page, err := b.reader.All(ctx, after, min(n, eventstore.MaxPage))
		if ctx.Err() != nil {
			return
		}
		if err == nil && len(page) > 0 && page[0].Position != after+1 {
			err = fmt.Errorf("position %d is not in the log: %w", after+1, errHole)
		}
		b.postgresIs(err)
		switch {
		case err != nil:
			pause(ctx, retryAfter)
		case len(page) == 0:
			b.tail.disprove(after)
			b.counts.junk.Add(1)
		default:
			decodePayloads(page)
			b.tail.offer(page)
			b.counts.repairs.Add(1)
			b.counts.repaired.Add(uint64(len(page)))
			b.counts.lastRepair.Store(b.cfg.Now().UnixNano())
		}
	}
}

// silence counts the looks at the head that were ahead of Redis.
type silence struct {
	received uint64
	looks    int
}

func (s *silence) lasts(behind bool, received uint64) bool {
	if !behind || received != s.received {
		s.received, s.looks = received, 0
		return false
	}
	s.looks++
	if s.looks < silentLooks {
		return false
	}
	s.looks = 0
	return true
}
