package replay

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"parley/domain/event"
)

// lanes lets those who follow the same events in the same format write the same bytes. It is safe for concurrent use.
type lanes struct {
	size int // of a block, at most; about
	mu   sync.Mutex
	of   map[string]*lane
}

// lane has the newest events as blocks of text, so that of all who follow one encodes them. Who is handed a part of a
// block plays that alone, and is in step again behind it. It is guarded by the mu of lanes.
type lane struct {
	sse       bool
	wants     event.Selection
	followers int
	blocks    []*block // with growing positions
	bytes     int      // of them all
}

// join finds the lane of a plan: nil if it plays alone, because it has an end.
func (s *lanes) join(p *Plan) (l *lane, leave func()) {
	if p.Limit > 0 || p.To > 0 || !p.Until.IsZero() {
		return nil, func() {}
	}
	name := fmt.Sprintf("%s %q %q %q", p.Format, p.Types, p.Streams, p.Categories)
	s.mu.Lock()
	defer s.mu.Unlock()
	l = s.of[name]
	if l == nil {
		l = &lane{sse: p.Format == SSE, wants: p.Past}
		s.of[name] = l
	}
	l.followers++
	return l, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch l.followers--; l.followers {
		case 0:
			delete(s.of, name)
		case 1: // with nobody to share with
			l.blocks, l.bytes = nil, 0
		}
	}
}

// next is what to play first of events that are new: so many of them, in a block or, if that is nil, alone.
func (s *lanes) next(l *lane, events []event.Recorded) (b *block, n int) {
	if l == nil {
		return nil, len(events)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.followers == 1 {
		return nil, len(events)
	}
	first := events[0].Position
	i, _ := slices.BinarySearchFunc(l.blocks, first, func(b *block, p event.Position) int { return cmp.Compare(b.last(), p) })
	if i == len(l.blocks) {
		b = newBlock(l, events, s.size)
		l.add(b, s.size*keptBlocks/len(s.of))
		return b, len(b.made)
	}
	b = l.blocks[i]
	switch {
	case first < b.first:
		return nil, min(len(events), int(b.first-first))
	case first > b.first:
		return nil, min(len(events), int(b.last()-first)+1)
	case !b.madeOf(events):
		return nil, min(len(events), len(b.made))
	default:
		return b, len(b.made)
	}
}

// keptBlocks is how many full blocks all lanes may keep together, and each its newest one anyway.
const keptBlocks = 8

// add takes a block in, and lets old ones go, so that the lane has no more bytes than it may keep.
func (l *lane) add(b *block, keep int) {
	if b.erases {
		l.blocks, l.bytes = nil, 0 // they may hold what was erased
	}
	l.blocks = append(l.blocks, b)
	l.bytes += b.bytes
	for l.bytes > keep && len(l.blocks) > 1 {
		l.bytes -= l.blocks[0].bytes
		l.blocks[0] = nil
		l.blocks = l.blocks[1:]
	}
}

// block is events that follow one another, as text.
type block struct {
	lane  *lane
	first event.Position
	// made is where the data of each event is: an erasure puts something else in its place.
	made   []*byte
	erases bool // somebody
	bytes  int  // about

	once   sync.Once
	events []event.Recorded // until they are encoded
	text   []byte
	count  int // of those that are wanted
}

// newBlock takes the first of the events, so many that they have about size bytes.
func newBlock(l *lane, events []event.Recorded, size int) *block {
	b := &block{lane: l, first: events[0].Position, made: make([]*byte, 0, len(events))}
	for i := range events {
		e := &events[i]
		b.made = append(b.made, place(e))
		b.erases = b.erases || e.Type == event.TypeUserErased
		b.bytes += len(e.Data) + len(e.Metadata) + envelopeBytes
		if b.bytes >= size {
			break
		}
	}
	b.events = events[:len(b.made)]
	return b
}

// envelopeBytes is more than a line usually has beside data and metadata.
const envelopeBytes = 320

func place(e *event.Recorded) *byte {
	if len(e.Data) == 0 {
		return nil
	}
	return &e.Data[0]
}

func (b *block) last() event.Position { return b.first + event.Position(len(b.made)-1) }

// madeOf reports whether the block is the first of these events, as they are in memory.
func (b *block) madeOf(events []event.Recorded) bool {
	if len(events) < len(b.made) {
		return false
	}
	for i, made := range b.made {
		if place(&events[i]) != made {
			return false
		}
	}
	return true
}

// lines is the text, encoded by who is first to ask for it, and how many events that is.
func (b *block) lines() (text []byte, count int) {
	b.once.Do(func() {
		if b.lane.wants.All() {
			b.text = make([]byte, 0, b.bytes)
		}
		for i := range b.events {
			if e := &b.events[i]; b.lane.wants.Wants(e) {
				b.text = appendEvent(b.text, e, b.lane.sse)
				b.count++
			}
		}
		b.events = nil
	})
	return b.text, b.count
}
