package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/domain/event"
)

var (
	errSilent = errors.New("the head moved on, but nothing was published")
	errHole   = errors.New("the log is damaged: a position is missing")
)

const (
	// retryAfter is the pause after a read that failed.
	retryAfter = 50 * time.Millisecond
	// silentLooks is how many looks must find what Redis did not tell before the subscription is
	// made anew. (After a clock of Redis went back, entries have ids that a subscription never reads.)
	silentLooks = 2
	// maxSilentLooks bounds how much rarer that becomes while it does not help.
	maxSilentLooks = 1024
	// hastyLooks is how many looks follow in haste on one that found what Redis did not tell. (A Redis out
	// of memory answers reads and refuses what is published.)
	hastyLooks = 100
)

// keep is the one goroutine that reads Postgres on behalf of all followers: it closes gaps, and
// looks at the head from time to time. The error is ErrHistory.
func (b *Bus) keep(ctx context.Context) error {
	b.begin(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	silence := silence{patience: silentLooks}
	for ctx.Err() == nil {
		b.repair(ctx)
		var err error
		select {
		case <-b.gap:
		case <-b.lookNow:
			_, err = b.lookAtHead(ctx)
		case <-timer.C:
			var behind bool
			behind, err = b.lookAtHead(ctx)
			if silence.lasts(behind, b.counts.received.Load()) {
				b.requestRenewal()
			}
			timer.Reset(b.pollEvery(silence.haste > 0))
		case <-b.redisChanged:
			timer.Reset(b.pollEvery(silence.haste > 0))
		case <-ctx.Done():
		}
		if err != nil {
			b.tail.fail(err)
			return err
		}
	}
	return nil
}

func (b *Bus) pollEvery(haste bool) time.Duration {
	if haste || !b.redisUp.Load() || b.postgresAway.Load() {
		return b.cfg.AwayEvery
	}
	return b.cfg.HeadEvery
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

// lookAtHead learns how far the log goes, and that it still has the history that the tail has. It
// reports whether something was news. The error is ErrHistory.
func (b *Bus) lookAtHead(ctx context.Context) (behind bool, err error) {
	doubts := b.tail.doubted()
	head, err := b.reader.Head(ctx)
	if err == nil {
		err = b.confirm(ctx, 0)
	}
	if err == nil {
		b.tail.settle(doubts)
	}
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // told to end
	}
	if errors.Is(err, ErrHistory) {
		return false, err
	}
	b.postgresIs(err)
	if err != nil {
		return false, nil //nolint:nilerr // told to postgresIs, and looked at again
	}
	return b.tail.know(head), nil
}

// confirm reads whether the log still has the newest event that is in memory and, if it is later,
// the position that a follower comes from. ErrHistory is the answer no.
func (b *Bus) confirm(ctx context.Context, from event.Position) error {
	last, id := b.tail.end()
	at := max(last, from)
	if at == 0 {
		return nil
	}
	page, err := b.reader.All(ctx, at-1, 1)
	switch {
	case err != nil:
		return err
	case len(page) == 0:
		return fmt.Errorf("%w: it ends before position %d", ErrHistory, at)
	case page[0].Position != at:
		return fmt.Errorf("%w: %d", errHole, at)
	case at == last && !id.IsZero() && page[0].ID != id:
		return fmt.Errorf("%w: event %s is at position %d, not %s", ErrHistory, page[0].ID, at, id)
	default:
		return nil
	}
}

// repair reads what is missing. It returns when nothing is, or the log has to be looked at first.
func (b *Bus) repair(ctx context.Context) {
	limit := firstPage
	for ctx.Err() == nil {
		after, n := b.tail.missing()
		if n == 0 {
			return
		}
		page, err := b.page(ctx, after, min(n, limit))
		if ctx.Err() != nil {
			return
		}
		b.postgresIs(err)
		switch {
		case err != nil:
			pause(ctx, retryAfter)
		case len(page) == 0:
			b.tail.disprove(after)
			b.counts.junk.Add(1)
			b.look() // what was said meanwhile may have been forgotten with it
		default:
			limit = nextLimit(limit, page)
			decodePayloads(page)
			if b.tail.offer(page) == foreign {
				b.look()
				pause(ctx, retryAfter)
				return
			}
			b.counts.repairs.Add(1)
			b.counts.repaired.Add(uint64(len(page)))
			b.counts.lastRepair.Store(b.cfg.Now().UnixNano())
		}
	}
}

// silence counts the looks at the head that were ahead of Redis, since Redis last told anything.
type silence struct {
	received uint64
	looks    int
	patience int // how many of them it takes to make the subscription anew
	haste    int // how many looks are still to follow each other quickly
}

// lasts takes in what a look has found. It reports whether the subscription should be made anew.
func (s *silence) lasts(behind bool, received uint64) bool {
	switch {
	case received != s.received:
		*s = silence{received: received, patience: silentLooks}
		return false
	case !behind:
		s.haste = max(0, s.haste-1)
		return false
	}
	s.haste = hastyLooks
	s.looks++
	if s.looks < s.patience {
		return false
	}
	s.looks, s.patience = 0, min(2*s.patience, maxSilentLooks)
	return true
}
