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

	mu      sync.Mutex
	ready   bool // last is known
	last    event.Position
	target  event.Position // the newest position anybody spoke of
	bytes   int
	early   [][]event.Recorded // by first position
	changed chan struct{}      // closed when last moves

	// ring ends at last. Handed-out parts of it stay as they are: it only grows at the end,
	// in place or into new memory, and loses its beginning by reslicing.
	ring []event.Recorded
}

// maxEarly bounds the batches that wait for a gap to close. What is dropped is read from Postgres.
const maxEarly = 256

func newTail(maxEvents, maxBytes int) *tail {
	return &tail{maxEvents: maxEvents, maxBytes: maxBytes, changed: make(chan struct{})}
}

// begin says where the tail starts.
func (t *tail) begin(last event.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ready, t.last = true, last
	t.closeGap()
	t.tell()
}

// offer takes consecutive events in. It reports whether they were too early, so that a gap has to be read.
func (t *tail) offer(batch []event.Recorded) (gap bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.target = max(t.target, batch[len(batch)-1].Position)
	if !t.ready || batch[0].Position > t.last+1 {
		t.keep(batch)
		return t.ready
	}
	before := t.last
	t.append(batch)
	if t.last > before {
		t.closeGap()
		t.tell()
	}
	return t.target > t.last
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
	if !t.ready || t.target <= t.last {
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
		t.early = nil
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
	return part[:len(part):len(part)], nil, true
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
		t.push(e)
	}
	t.trim()
}

func (t *tail) push(e event.Recorded) {
	if len(t.ring) == cap(t.ring) { // room for as many again, so that each event is moved about once
		t.ring = slices.Grow(t.ring, max(64, len(t.ring)))
	}
	t.ring = append(t.ring, e)
	t.bytes += weight(e)
	t.last = e.Position
}

func (t *tail) trim() {
	drop := max(0, len(t.ring)-t.maxEvents)
	for i := range t.ring {
		if i >= drop && t.bytes <= t.maxBytes {
			break
		}
		t.bytes -= weight(t.ring[i])
		drop = max(drop, i+1)
	}
	t.ring = t.ring[drop:]
}

// weight is about what an event takes in memory, its decoded payload included.
func weight(e event.Recorded) int { return 2*len(e.Data) + len(e.Metadata) + 256 }

// keep holds a batch back until the gap before it is closed. Call with mu held.
func (t *tail) keep(batch []event.Recorded) {
	if len(t.early) >= maxEarly {
		return
	}
	i, twice := slices.BinarySearchFunc(t.early, batch[0].Position, func(b []event.Recorded, pos event.Position) int {
		return int(b[0].Position - pos)
	})
	if !twice {
		t.early = slices.Insert(t.early, i, batch)
	}
}

// closeGap adds the early batches that are not early any more. Call with mu held.
func (t *tail) closeGap() {
	for len(t.early) > 0 && t.early[0][0].Position <= t.last+1 {
		t.append(t.early[0])
		t.early[0] = nil
		t.early = t.early[1:]
	}
}

func (t *tail) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}
