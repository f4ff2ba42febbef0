package bus

import (
	"slices"
	"sync"

	"parley/domain/event"
)

// tail is the newest part of the log in memory, in order and without gaps, and what came too early.
//
//	ring:  ……… first … last │ gap │ early batches … target
type tail struct {
	maxEvents, maxBytes int

	mu         sync.Mutex
	ready      bool  // last is known
	failure    error // nothing is taken any more
	doubts     int   // counts what could not be of the ring's history
	settled    int   // how many of them the log has answered; while they are fewer nothing is taken
	last       event.Position
	target     event.Position // the newest position anybody spoke of
	bytes      int
	early      [][]event.Recorded // by first position
	earlyBytes int
	changed    chan struct{} // closed when last moves, or at the failure

	// ring ends at last. Handed-out parts of it stay as they are: it only grows at the end,
	// in place or into new memory, and loses its beginning by reslicing. What it lost is
	// freed with the memory that it lies in; shed is how much that is.
	ring []event.Recorded
	shed int
}

// maxEarly bounds the batches that wait for a gap to close; their bytes are bounded as those of the
// ring. What is dropped is read from Postgres.
const maxEarly = 256

// offered is what became of a batch.
type offered int8

const (
	taken   offered = iota
	gap             // something before it is missing
	foreign         // it is of another history than the ring, and was dropped
)

func newTail(maxEvents, maxBytes int) *tail {
	return &tail{maxEvents: maxEvents, maxBytes: maxBytes, changed: make(chan struct{})}
}

// begin says where the tail starts.
func (t *tail) begin(last event.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ready, t.last = true, last
	if !t.closeGap() {
		t.doubts++
	}
	t.tell()
}

// fail ends the tail: nothing is taken any more, and whoever waits is woken.
func (t *tail) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failure = err
	t.tell()
}

func (t *tail) failed() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure
}

// offer takes consecutive events in.
func (t *tail) offer(batch []event.Recorded) offered {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failure != nil {
		return taken
	}
	if t.contradicts(batch) {
		t.doubts++
		return foreign
	}
	if t.doubts > t.settled { // what follows a foreign batch would follow on the ring as well
		return foreign
	}
	t.target = max(t.target, batch[len(batch)-1].Position)
	if !t.ready || batch[0].Position > t.last+1 {
		t.keep(batch)
		if t.ready {
			return gap
		}
		return taken
	}
	result, before := taken, t.last
	t.append(batch)
	if t.last > before {
		if !t.closeGap() {
			t.doubts++
			result = foreign
		}
		t.tell()
	}
	if result == taken && t.target > t.last {
		return gap
	}
	return result
}

// contradicts reports whether a batch and the ring can't be of one log: they have different events at
// a position, or time goes back between them. Call with mu held.
func (t *tail) contradicts(batch []event.Recorded) bool {
	if len(t.ring) == 0 {
		return false
	}
	first, end := batch[0].Position, batch[len(batch)-1].Position
	if first == t.last+1 {
		return batch[0].RecordedAt.Before(t.ring[len(t.ring)-1].RecordedAt)
	}
	at := min(end, t.last) // the last position that both have, if there is one
	return first <= at && t.first() <= at && batch[at-first].ID != t.ring[at-t.first()].ID
}

// end is the last position and the event there; no id if it is not in memory.
func (t *tail) end() (event.Position, event.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.ring) == 0 {
		return t.last, event.ID{}
	}
	return t.last, t.ring[len(t.ring)-1].ID
}

// holdsOther reports whether the ring has another event than that one at a position.
func (t *tail) holdsOther(pos event.Position, id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return pos <= t.last && t.first() <= pos && t.ring[pos-t.first()].ID.String() != id
}

// doubted is what settle wants to be told once the log has been asked.
func (t *tail) doubted() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.doubts
}

// settle says that the log has confirmed the ring since it was doubted that often.
func (t *tail) settle(doubts int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settled = max(t.settled, doubts)
}

// know takes in that the log reaches as far as head. It reports whether something is missing.
func (t *tail) know(head event.Position) (gap bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.target = max(t.target, head)
	return t.target > t.last
}

// missing is the gap to be read next: what follows after, and how many at least; 0 for no gap.
func (t *tail) missing() (after event.Position, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ready || t.target <= t.last || t.doubts > t.settled {
		return t.last, 0
	}
	until := t.target
	if len(t.early) > 0 {
		until = min(until, t.early[0][0].Position-1)
	}
	return t.last, int(until - t.last)
}

// disprove forgets what was said about positions after one behind which the log holds nothing.
func (t *tail) disprove(after event.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == after {
		t.target = t.last
		t.early, t.earlyBytes = nil, 0
	}
}

// after is what the ring holds after a position, at most limit events. When there is nothing yet, wait is closed
// as soon as there may be. ok is false when the ring does not reach back so far.
func (t *tail) after(pos event.Position, limit int) (events []event.Recorded, wait <-chan struct{}, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ready || pos >= t.last {
		return nil, t.changed, true
	}
	first := t.first()
	if pos+1 < first {
		return nil, nil, false
	}
	part := t.ring[pos+1-first:]
	part = part[:min(len(part), limit)]
	return slices.Clip(part), nil, true
}

// first is the position where the ring begins. Call with mu held.
func (t *tail) first() event.Position { return t.last - event.Position(len(t.ring)) + 1 }

// append adds what is new of a batch that is not early. Call with mu held.
func (t *tail) append(batch []event.Recorded) {
	skip := int(t.last + 1 - batch[0].Position)
	if skip >= len(batch) {
		return
	}
	for _, e := range batch[skip:] {
		if e.Type == event.TypeUserErased { // what is left of those before it, the log knows
			t.ring, t.bytes, t.shed = nil, 0, 0
		}
		t.push(e)
	}
	t.trim()
}

func (t *tail) push(e event.Recorded) {
	if len(t.ring) == cap(t.ring) { // room for as many again, so that each event is moved about once
		t.move(max(64, len(t.ring)))
	}
	t.ring = append(t.ring, e)
	t.bytes += weight(&e)
	t.last = e.Position
}

// move takes the ring to new memory with room for so many more, and so lets go of what it has shed.
func (t *tail) move(room int) {
	t.ring = append(make([]event.Recorded, 0, len(t.ring)+room), t.ring...)
	t.shed = 0
}

func (t *tail) trim() {
	drop := 0
	for drop < len(t.ring) && (len(t.ring)-drop > t.maxEvents || t.bytes > t.maxBytes) {
		w := weight(&t.ring[drop])
		t.bytes -= w
		t.shed += w
		drop++
	}
	t.ring = t.ring[drop:]
	if t.shed > t.maxBytes {
		t.move(len(t.ring))
	}
}

// weight is about what an event takes in memory, its decoded payload included.
func weight(e *event.Recorded) int { return 2*len(e.Data) + len(e.Metadata) + 256 }

func weigh(events []event.Recorded) int {
	bytes := 0
	for i := range events {
		bytes += weight(&events[i])
	}
	return bytes
}

// keep holds a batch back until the gap before it is closed. Call with mu held.
func (t *tail) keep(batch []event.Recorded) {
	bytes := weigh(batch)
	if len(t.early) >= maxEarly || t.earlyBytes+bytes > t.maxBytes {
		return
	}
	i, twice := slices.BinarySearchFunc(t.early, batch[0].Position, func(b []event.Recorded, pos event.Position) int {
		return int(b[0].Position - pos)
	})
	if !twice {
		t.early = slices.Insert(t.early, i, batch)
		t.earlyBytes += bytes
	}
}

// closeGap adds the early batches that are not early any more. It is false if one was of another
// history; then all are dropped. Call with mu held.
func (t *tail) closeGap() (ok bool) {
	for len(t.early) > 0 && t.early[0][0].Position <= t.last+1 {
		next := t.early[0]
		t.early[0] = nil
		t.early = t.early[1:]
		t.earlyBytes -= weigh(next)
		if t.contradicts(next) {
			t.early, t.earlyBytes = nil, 0 // the others follow on it
			return false
		}
		t.append(next)
	}
	return true
}

func (t *tail) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}
