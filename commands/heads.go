package commands

import (
	"context"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"parley/domain/event"
)

// heads knows how far rooms are: those of which somebody has asked lately. It is told of the log in order.
type heads struct {
	mu sync.Mutex
	// learnt is how far the log was told; 0 while it is not.
	learnt event.Position
	rooms  *simplelru.LRU[string, *head]
}

// head is the number of a room's last message, from a position on until the next event of the room's messages is learnt. It is
// empty while it is read: what is learnt meanwhile is not lost.
type head struct {
	known bool
	seq   int64
	since event.Position
}

func newHeads(size int) (*heads, error) {
	rooms, err := simplelru.NewLRU[string, *head](size, nil)
	if err != nil {
		return nil, err
	}
	return &heads{rooms: rooms}, nil
}

// start begins anew after a position; 0 ends it: then nothing is known.
func (h *heads) start(at event.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.learnt = at
	h.rooms.Purge()
}

// learn takes in what follows.
func (h *heads) learn(batch []event.Recorded) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range batch {
		r := &batch[i]
		h.learnt = r.Position
		if r.Stream.Category() != event.CategoryMessages {
			continue
		}
		if e, ok := h.rooms.Peek(r.Stream.Key()); ok {
			*e = head{known: true, seq: r.Seq, since: r.Position}
		}
	}
}

// at is the number of the room's last message at a position, which is read unless it is known.
func (h *heads) at(
	ctx context.Context, room string, at event.Position, read func(context.Context) (int64, error),
) (int64, error) {
	e, seq, known := h.look(room, at)
	if known {
		return seq, nil
	}
	seq, err := read(ctx)
	if err == nil && e != nil {
		h.fill(e, at, seq)
	}
	return seq, err
}

// look returns an entry to be filled if all that happens after the position will still be learnt.
func (h *heads) look(room string, at event.Position) (e *head, seq int64, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.rooms.Get(room)
	switch {
	case ok && e.known && e.since <= at && at <= h.learnt:
		return nil, e.seq, true
	case h.learnt == 0 || h.learnt > at:
		return nil, 0, false
	case !ok:
		e = &head{}
		h.rooms.Add(room, e)
	}
	return e, 0, false
}

// fill notes what was read, unless more was learnt meanwhile.
func (h *heads) fill(e *head, at event.Position, seq int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !e.known {
		*e = head{known: true, seq: seq, since: at}
	}
}
