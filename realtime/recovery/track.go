package recovery

import (
	"slices"
	"sort"

	"parley/domain/event"
	"parley/realtime/hub"
)

// track is facts in order. It grows at the end and shrinks at the beginning.
type track struct {
	items []*hub.Fact
	head  int
}

func (t *track) len() int         { return len(t.items) - t.head }
func (t *track) first() *hub.Fact { return t.items[t.head] }
func (t *track) last() *hub.Fact  { return t.items[len(t.items)-1] }
func (t *track) push(f *hub.Fact) { t.items = append(t.items, f) }

// pop takes the first fact. The space in front is given back when it is the larger part, so
// that on average a fact is moved once.
func (t *track) pop() *hub.Fact {
	f := t.items[t.head]
	t.items[t.head] = nil
	t.head++
	if t.head <= len(t.items)/2 {
		return f
	}
	rest := t.items[t.head:]
	if cap(t.items) > 64 && len(rest) < cap(t.items)/4 {
		t.items = slices.Clone(rest)
	} else {
		n := copy(t.items, rest)
		clear(t.items[n:])
		t.items = t.items[:n]
	}
	t.head = 0
	return f
}

// between finds the facts after one position and up to another, limit of them at most. A nil
// track has none.
func (t *track) between(after, upTo event.Position, limit int) []*hub.Fact {
	if t == nil {
		return nil
	}
	live := t.items[t.head:]
	from := sort.Search(len(live), func(i int) bool { return live[i].Position > after })
	to := sort.Search(len(live), func(i int) bool { return live[i].Position > upTo })
	return slices.Clone(live[from:max(from, min(to, from+limit))])
}
