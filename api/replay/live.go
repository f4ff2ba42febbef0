package replay

import (
	"context"
	"time"

	"parley/domain/event"
)

// live writes what is new, and then lets more gather: at once while little happens, seldom while much does.
func (r *run) live(ctx context.Context, events []event.Recorded) error {
	lane := r.lane
	if !r.plan.begun(&events[0]) {
		lane = nil
	}
	before := r.written
	for len(events) > 0 {
		shared, n := r.shared.next(lane, events)
		var err error
		if shared != nil {
			err = r.writeShared(shared)
		} else {
			n, err = r.writeAlone(ctx, events[:n])
		}
		if err != nil {
			return err
		}
		events = events[n:]
	}
	if r.written == before {
		return nil
	}
	if err := r.out.Flush(); err != nil {
		return err
	}
	return pause(ctx, untilBeat(time.Now(), r.cfg.Gather))
}

// untilBeat is how long it is to the next multiple of d. All who follow write at the same time, so that they are handed the
// same events.
func untilBeat(now time.Time, d time.Duration) time.Duration {
	return now.Truncate(d).Add(d).Sub(now)
}

func (r *run) writeShared(b *block) error {
	text, count := b.lines()
	if count > 0 {
		if _, err := r.out.Write(text); err != nil {
			return err
		}
	}
	r.taken += int64(count)
	r.wrote(count, b.last())
	return nil
}

// writeAlone writes the first of the events that are wanted: as many as a batch holds. It returns how many it has seen.
func (r *run) writeAlone(ctx context.Context, events []event.Recorded) (n int, err error) {
	b := r.batches[0]
	enough := false
	for n < len(events) && !enough && !b.full() {
		if e := &events[n]; r.plan.Past.Wants(e) {
			enough = r.take(e, b)
		}
		n++
	}
	err = r.write(ctx, b, events[n-1].Position)
	b.clear()
	if err == nil && enough {
		err = errEnough
	}
	return n, err
}
