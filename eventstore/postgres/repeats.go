package postgres

import (
	"iter"
	"slices"

	"parley/domain/event"
)

// recordedByID finds what repeated appends stored the first time.
type recordedByID map[event.ID]event.Recorded

// earlier is what was found in the log and, if there are repetitions within the batch, in the batch itself.
func (b *batch) earlier(stored []event.Recorded) recordedByID {
	repeats := func(r ruling) bool { return r.verdict == duplicate || r.verdict == recovered }
	if !slices.ContainsFunc(b.rulings, repeats) {
		return nil
	}
	found := b.logged
	if found == nil {
		found = recordedByID{}
	}
	for _, e := range stored {
		found[e.ID] = e
	}
	return found
}

// events are those of one append, in their order in the log.
func (r recordedByID) events(it *item) []event.Recorded {
	events := make([]event.Recorded, 0, len(it.append.Events))
	for i := range it.append.Events {
		if e, ok := r[it.append.Events[i].ID]; ok {
			events = append(events, e)
		}
	}
	slices.SortFunc(events, byPosition)
	return events
}

// of are the events of all appends with that verdict, in their order in the log.
func (r recordedByID) of(b *batch, v verdict) []event.Recorded {
	var events []event.Recorded
	for i, it := range b.items {
		if b.rulings[i].verdict == v {
			events = append(events, r.events(it)...)
		}
	}
	slices.SortFunc(events, byPosition)
	return events
}

// runs cuts events, ascending by position, into consecutive ones. What lies between them was stored by others.
func runs(events []event.Recorded) iter.Seq[[]event.Recorded] {
	return func(yield func([]event.Recorded) bool) {
		events = slices.CompactFunc(events, func(x, y event.Recorded) bool { return x.Position == y.Position })
		for len(events) > 0 {
			n := 1
			for n < len(events) && events[n].Position == events[n-1].Position+1 {
				n++
			}
			if !yield(events[:n:n]) {
				return
			}
			events = events[n:]
		}
	}
}

func byPosition(x, y event.Recorded) int { return int(x.Position - y.Position) }
