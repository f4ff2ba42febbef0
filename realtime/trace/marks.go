package trace

import (
	"slices"
	"time"

	"parley/domain/event"
)

// stage is what was done with events.
type stage uint8

const (
	stored stage = iota
	published
	applied
	told
)

// mark says that something was done with the events of a range.
type mark struct {
	from, to event.Position
	at       int64 // µs
	stage    stage
	view     uint8 // of applied: which of the names
	sockets  uint32
}

func (m mark) covers(p event.Position) bool { return m.from <= p && p <= m.to }

// ring keeps the last marks of this node.
type ring struct {
	marks []mark
	next  uint64 // how many there were
	views []string
}

func (r *ring) add(m mark) {
	r.marks[r.next%uint64(len(r.marks))] = m
	r.next++
}

// since is what was added after the first so many, as far as it is kept.
func (r *ring) since(count uint64) []mark {
	size := uint64(len(r.marks))
	if r.next > size {
		count = max(count, r.next-size)
	}
	list := make([]mark, 0, r.next-count)
	for i := count; i < r.next; i++ {
		list = append(list, r.marks[i%size])
	}
	return list
}

const maxViews = 200

// view is the number of a name. There are few.
func (r *ring) view(name string) uint8 {
	i := slices.Index(r.views, name)
	if i < 0 && len(r.views) < maxViews {
		r.views, i = append(r.views, name), len(r.views)
	}
	return uint8(max(i, 0))
}

// Stored notes that this node has stored a commit.
func (t *Trace) Stored(batch []event.Recorded, at time.Time) { t.note(batch, mark{stage: stored}, at) }

// Published notes that this node has published one.
func (t *Trace) Published(batch []event.Recorded, at time.Time) {
	t.note(batch, mark{stage: published}, at)
}

// Applied notes that a view which this node keeps shows a batch.
func (t *Trace) Applied(view string, batch []event.Recorded, at time.Time) {
	t.mu.Lock()
	number := t.ring.view(view)
	t.mu.Unlock()
	t.note(batch, mark{stage: applied, view: number}, at)
}

// Told notes that this node has handed a batch to its sockets: so many times to one.
func (t *Trace) Told(batch []event.Recorded, sockets uint64, at time.Time) {
	t.note(batch, mark{stage: told, sockets: uint32(min(sockets, 1<<32-1))}, at)
}

func (t *Trace) note(batch []event.Recorded, m mark, at time.Time) {
	if len(batch) == 0 {
		return
	}
	m.from, m.to, m.at = batch[0].Position, batch[len(batch)-1].Position, at.UnixMicro()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring.add(m)
}

// perStage is how many marks of one kind a chunk holds.
const perStage = 16

// together puts neighbours together, so that few marks of each kind are left.
func together(marks []mark) []mark {
	type kind struct {
		stage stage
		view  uint8
	}
	byKind := map[kind][]mark{}
	for _, m := range marks {
		k := kind{m.stage, m.view}
		byKind[k] = append(byKind[k], m)
	}
	var few []mark
	for _, list := range byKind {
		for group := range slices.Chunk(list, (len(list)+perStage-1)/perStage) {
			m := group[len(group)-1]
			m.from = group[0].from
			m.sockets = 0
			for _, one := range group {
				m.from, m.to, m.sockets = min(m.from, one.from), max(m.to, one.to), m.sockets+one.sockets
			}
			few = append(few, m)
		}
	}
	return few
}
