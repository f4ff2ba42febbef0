package load

import (
	"context"
	"time"
)

// startUp is how long after it was decided on the sending starts, so that all loops know of it.
const startUp = 20 * time.Millisecond

// conversation lets everybody in and the senders send, first unmeasured and then measured, and waits for what is due.
// start is called in each loop with the time from which, and up to which, it sends.
func (f *fleet) conversation(ctx context.Context, start func(l *loop, from, to int64)) (*Result, error) {
	r := f.newResult()
	meter, err := newMeter(&f.options)
	if err != nil {
		return nil, err
	}
	defer meter.finish()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	begin := int64(time.Since(f.epoch) + startUp)
	from := begin + int64(f.options.Warmup)
	to := from + int64(f.options.Duration)
	f.all(func(l *loop) {
		l.tally.from, l.tally.to = from, to
		start(l, begin, to)
	})
	interrupted, err := f.follow(ctx, meter, from, to)
	if err != nil {
		return nil, err
	}
	r.Seconds = f.options.Duration.Seconds()
	if r.Interrupted = interrupted != nil; r.Interrupted {
		r.Seconds = max(0, float64(f.cut()-from)/1e9)
	}
	f.drain(r.Interrupted)
	f.conclude(r, meter)
	return r, interrupted
}

// conclude fills in what all scenarios have in common.
func (f *fleet) conclude(r *Result, m *meter) {
	m.finish()
	r.Lost, r.Disagreeing, r.Retries = f.lost(), f.disagreeing(), f.retries.Load()
	r.count(f.total(), &f.options)
	r.costs(m)
}

// follow waits for the measured stretch and its end, keeps closed loops going, and tells the progress.
func (f *fleet) follow(ctx context.Context, m *meter, from, to int64) (interrupted, err error) {
	if interrupted = f.watch(ctx, "warm up", from); interrupted == nil {
		if err := m.begin(); err != nil {
			return nil, err
		}
		interrupted = f.watch(ctx, "measure", to)
	}
	return interrupted, m.end()
}

// watch waits until a time.
func (f *fleet) watch(ctx context.Context, phase string, until int64) error {
	began := time.Since(f.epoch)
	for last := f.glance(); ; {
		left := time.Duration(until) - time.Since(f.epoch)
		if left <= 0 {
			return nil
		}
		select {
		case <-time.After(min(left, time.Second)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		f.all(func(l *loop) { l.revive(f.streams) })
		now := f.glance()
		span := (now.at - last.at).Seconds()
		f.options.Progress(Progress{
			Phase: phase, Done: (now.at - began).Seconds(), Of: (time.Duration(until) - began).Seconds(), Unit: "s",
			Deliveries: perSecond(now.deliveries-last.deliveries, span), Acks: perSecond(now.acks-last.acks, span),
		})
		last = now
	}
}

// glance is how far all loops are.
type glance struct {
	at               time.Duration
	deliveries, acks int64
}

func (f *fleet) glance() (g glance) {
	f.all(func(l *loop) {
		g.deliveries += l.tally.heard
		g.acks += l.tally.acked
	})
	g.at = time.Since(f.epoch)
	return g
}

// cut ends the measured stretch early, and returns when.
func (f *fleet) cut() int64 {
	now := int64(time.Since(f.epoch))
	f.all(func(l *loop) {
		l.tally.to = min(l.tally.to, now)
		if l.pacer != nil {
			l.pacer.to = min(l.pacer.to, now)
		}
	})
	return now
}

const (
	drainStep    = 20 * time.Millisecond
	drainInHurry = time.Second
)

// drain stops the senders, and waits until everything that was sent is answered and delivered.
func (f *fleet) drain(hurry bool) {
	limit := f.options.Drain
	if hurry {
		limit = min(limit, drainInHurry)
	}
	f.all(func(l *loop) { l.sending = false })
	deadline := time.Now().Add(limit)
	for !f.answered() && time.Now().Before(deadline) {
		time.Sleep(drainStep)
	}
	f.all(func(l *loop) {
		l.pacer = nil
		for c := range f.of(l) {
			c.giveUp()
		}
	})
	for f.lost() > 0 && time.Now().Before(deadline) {
		time.Sleep(drainStep)
	}
}

// answered says whether no command waits for its answer, or to be sent.
func (f *fleet) answered() bool {
	waiting := 0
	f.all(func(l *loop) {
		if l.pacer.due() != 0 {
			waiting++
		}
		for c := range f.of(l) {
			waiting += c.pending.len()
		}
	})
	return waiting == 0
}

// lost counts deliveries that are still missing. Nobody sends any more.
func (f *fleet) lost() (n int64) {
	f.all(func(l *loop) {
		for c := range f.of(l) {
			for _, s := range c.room.streams {
				n += int64(c.ears[s.slot].lost(s))
			}
		}
	})
	return n
}

// disagreeing counts the members of all rooms who did not hear them in the order in which most did.
func (f *fleet) disagreeing() (n int64) {
	for _, room := range f.rooms {
		orders, most := map[uint64]int{}, 0
		f.all(func(l *loop) {
			for _, c := range room.members {
				if c.loop == l {
					orders[c.order]++
				}
			}
		})
		for _, count := range orders {
			most = max(most, count)
		}
		n += int64(len(room.members) - most)
	}
	return n
}

// total is what all loops have counted.
func (f *fleet) total() *tally {
	t := newTally()
	f.all(func(l *loop) { t.add(l.tally) })
	return t
}
