package memory

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

// Head is the last position, 0 for an empty log.
func (n *Node) Head(ctx context.Context) (event.Position, error) {
	return read(ctx, n.log, func() event.Position { return event.Position(len(n.log.events)) })
}

// All reads the events after a position.
func (n *Node) All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error) {
	return read(ctx, n.log, func() []event.Recorded {
		return slices.Clone(page(n.log.events, int64(after), limit))
	})
}

// Stream reads the events of one stream after a version.
func (n *Node) Stream(ctx context.Context, s event.Stream, afterVersion int64, limit int) ([]event.Recorded, error) {
	return read(ctx, n.log, func() []event.Recorded {
		return n.log.at(page(n.log.streams[s], afterVersion, limit))
	})
}

// Since reads what was added to several streams after one position and up to another.
func (n *Node) Since(
	ctx context.Context, streams []event.Stream, after, upTo event.Position, limit int,
) ([]event.Recorded, error) {
	return read(ctx, n.log, func() []event.Recorded {
		var positions []event.Position
		for _, s := range slices.Compact(slices.Sorted(slices.Values(streams))) {
			for _, p := range n.log.streams[s] {
				if p > after && (upTo == 0 || p <= upTo) {
					positions = append(positions, p)
				}
			}
		}
		slices.Sort(positions)
		return n.log.at(page(positions, 0, limit))
	})
}

// Tails reads the last events of several streams.
func (n *Node) Tails(ctx context.Context, streams []event.Stream, each int) ([]event.Recorded, error) {
	return read(ctx, n.log, func() []event.Recorded {
		var positions []event.Position
		for _, s := range slices.Compact(slices.Sorted(slices.Values(streams))) {
			filed := n.log.streams[s]
			positions = append(positions, filed[max(0, len(filed)-max(0, min(each, eventstore.MaxPage))):]...)
		}
		slices.Sort(positions)
		return n.log.at(positions)
	})
}

// Last is the last event of a stream at or before a position.
func (n *Node) Last(ctx context.Context, s event.Stream, upTo event.Position) (event.Recorded, bool, error) {
	type found struct {
		event event.Recorded
		ok    bool
	}
	f, err := read(ctx, n.log, func() found {
		filed := n.log.streams[s]
		count := len(filed)
		if upTo > 0 {
			count = sort.Search(count, func(i int) bool { return filed[i] > upTo })
		}
		if count == 0 {
			return found{}
		}
		return found{n.log.events[filed[count-1]-1], true}
	})
	return f.event, f.ok, err
}

// Numbered is the event of a stream that was given a seq.
func (n *Node) Numbered(ctx context.Context, s event.Stream, seq int64) (event.Recorded, bool, error) {
	found, err := read(ctx, n.log, func() []event.Recorded {
		for _, p := range n.log.streams[s] {
			if e := n.log.events[p-1]; seq > 0 && e.Seq == seq {
				return []event.Recorded{e}
			}
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		return event.Recorded{}, false, err
	}
	return found[0], true, nil
}

// NumberedBetween reads the events of a stream that were given the seqs from one to another.
func (n *Node) NumberedBetween(ctx context.Context, s event.Stream, from, to int64) ([]event.Recorded, error) {
	return read(ctx, n.log, func() []event.Recorded {
		var found []event.Recorded
		last := int64(0)
		for _, p := range n.log.streams[s] {
			e := n.log.events[p-1]
			if e.Seq > last && e.Seq >= from && e.Seq <= to && len(found) < eventstore.MaxPage {
				found = append(found, e)
			}
			last = e.Seq
		}
		return found
	})
}

// ByID reads the events of these ids.
func (n *Node) ByID(ctx context.Context, ids ...event.ID) ([]event.Recorded, error) {
	return read(ctx, n.log, func() []event.Recorded { return n.log.byID(ids) })
}

// About reads a message and everything about it.
func (n *Node) About(ctx context.Context, messageID event.ID, limit int) ([]event.Recorded, error) {
	return read(ctx, n.log, func() []event.Recorded {
		var positions []event.Position
		if pos := n.log.ids[messageID]; pos > 0 {
			positions = append(positions, pos)
		}
		positions = append(positions, n.log.subjects[messageID.String()]...)
		slices.Sort(positions)
		return n.log.at(page(positions, 0, limit))
	})
}

// LastAbout reads the last events about a subject below a position.
func (n *Node) LastAbout(
	ctx context.Context, subject string, below event.Position, limit int, types ...string,
) ([]event.Recorded, error) {
	if limit <= 0 || limit > eventstore.MaxPage {
		limit = eventstore.MaxPage
	}
	return read(ctx, n.log, func() []event.Recorded {
		return n.log.lastAbout(eventstore.Subject{ID: subject, Below: below}, limit, types)
	})
}

// LastAboutEach is LastAbout for several subjects.
func (n *Node) LastAboutEach(
	ctx context.Context, subjects []eventstore.Subject, limit int, types ...string,
) ([]event.Recorded, error) {
	limit = eventstore.EachOf(len(subjects), limit)
	return read(ctx, n.log, func() []event.Recorded {
		var found []event.Recorded
		for _, s := range subjects[:min(len(subjects), eventstore.MaxPage)] {
			found = append(found, n.log.lastAbout(s, limit, types)...)
		}
		slices.SortFunc(found, func(a, b event.Recorded) int { return cmp.Compare(a.Position, b.Position) })
		return found
	})
}

func (l *log) lastAbout(s eventstore.Subject, limit int, types []string) []event.Recorded {
	var found []event.Recorded
	for _, r := range slices.Backward(l.at(l.subjects[s.ID])) {
		if len(found) < limit && (s.Below == 0 || r.Position < s.Below) && (len(types) == 0 || slices.Contains(types, r.Type)) {
			found = append(found, r)
		}
	}
	slices.Reverse(found)
	return found
}

// PositionAt is the last position that was recorded at or before t.
func (n *Node) PositionAt(ctx context.Context, t time.Time) (event.Position, error) {
	return read(ctx, n.log, func() event.Position {
		return event.Position(sort.Search(len(n.log.events), func(i int) bool {
			return n.log.events[i].RecordedAt.After(t)
		}))
	})
}

func read[T any](ctx context.Context, l *log, f func() T) (T, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if l.away != nil {
		return none, domain.Unavailable(l.away)
	}
	return f(), nil
}

// page cuts what follows after the first so many.
func page[T any](all []T, after int64, limit int) []T {
	if after < 0 {
		after = 0
	}
	if after >= int64(len(all)) {
		return nil
	}
	if limit <= 0 || limit > eventstore.MaxPage {
		limit = eventstore.MaxPage
	}
	all = all[after:]
	return all[:min(limit, len(all))]
}
