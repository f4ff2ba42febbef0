package engineio

import (
	"sync"
	"time"
)

// Expirer is told when a Timer is due. Expire is called on the goroutine of
// Server.Run and must not block.
//
// A timer that is due just while it is cancelled or set again may still call:
// Expire has to check under its owner's lock that there is something to do.
type Expirer interface{ Expire() }

// Timer is a place on a Server's timer wheel. It is meant to be a field of what
// it belongs to; the zero value is a timer that is not set.
type Timer struct {
	prev, next *Timer
	target     Expirer // nil when not set
	due        int64   // tick
}

const wheelSlots = 512 // a power of two; two minutes at the coarsest tick

// wheel is a hashed timer wheel. Timers further away than one turn stay in
// their slot and are passed over until their turn.
type wheel struct {
	tick  time.Duration
	start time.Time

	mu    sync.Mutex
	now   int64
	slots [wheelSlots]*Timer

	fired []Expirer // used by advance alone
}

func newWheel(tick time.Duration) *wheel {
	return &wheel{tick: tick, start: time.Now()}
}

// set makes t call target at the first tick that is not before d from now.
func (w *wheel) set(t *Timer, d time.Duration, target Expirer) {
	due := int64((time.Since(w.start) + d + w.tick - 1) / w.tick)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(t)
	t.due, t.target = max(due, w.now+1), target
	slot := &w.slots[t.due&(wheelSlots-1)]
	t.next = *slot
	if t.next != nil {
		t.next.prev = t
	}
	*slot = t
}

func (w *wheel) cancel(t *Timer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(t)
}

func (w *wheel) isSet(t *Timer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return t.target != nil
}

func (w *wheel) unlink(t *Timer) {
	if t.target == nil {
		return
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		w.slots[t.due&(wheelSlots-1)] = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	*t = Timer{}
}

// advance calls everything that is due by now, outside the lock.
func (w *wheel) advance(call func(Expirer)) {
	target := int64(time.Since(w.start) / w.tick)
	w.mu.Lock()
	from := max(w.now+1, target-wheelSlots+1) // after a long pause one turn sees every slot
	w.now = max(w.now, target)
	for tick := from; tick <= target; tick++ {
		for t := w.slots[tick&(wheelSlots-1)]; t != nil; {
			next := t.next
			if t.due <= target {
				w.fired = append(w.fired, t.target)
				w.unlink(t)
			}
			t = next
		}
	}
	w.mu.Unlock()
	for _, e := range w.fired {
		call(e)
	}
	clear(w.fired)
	w.fired = w.fired[:0]
}
