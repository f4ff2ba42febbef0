package hub

import (
	"sync"

	"parley/domain/event"
)

// removals remembers, for the rooms that lost a member lately (or the users who were shut
// out), where that happened. It
// bridges the gap between two readers of the log: what says "is a member" may be a
// little behind what this node has dispatched.
//
// A removal is noted before any lane unsubscribes for it, and looked up under the lane's
// lock. So a subscription either sees the note, or is there when the lane acts.
type removals struct {
	limit int

	mu     sync.Mutex
	last   map[string]event.Position
	before map[string]event.Position // the generation before, which last falls back to
}

func newRemovals(limit int) *removals {
	return &removals{limit: max(limit/2, 1), last: make(map[string]event.Position)}
}

func (r *removals) note(room string, at event.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.last) >= r.limit {
		r.before, r.last = r.last, make(map[string]event.Position)
	}
	r.last[room] = at
}

// since reports whether the room lost a member after a position.
func (r *removals) since(room string, p event.Position) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[room] > p || r.before[room] > p
}
