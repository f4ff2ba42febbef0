package postgres

import (
	"time"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/chain"
)

// batch is what may become one commit. Its life: newBatch lists what has to be looked up, a session
// looks it up, judge decides about each append, a session writes the rows.
type batch struct {
	items    []*item
	rulings  []ruling
	answered chan struct{} // closed when all of them have their answers

	// What the log holds, and then what it would hold after the appends judged so far.
	head     event.Position
	streams  map[event.Stream]*tail
	ids      map[event.ID]event.Position
	subjects map[string]event.Position
	logged   recordedByID // the events of ids
	decoder  decoder

	// The keys of the maps above, in the order in which they are asked for.
	streamKeys  []event.Stream
	idKeys      []event.ID
	subjectKeys []string

	// The result: rows go to the positions after base, where the hash is before, and end with the hash last.
	base event.Position
	at   time.Time

	before, last chain.Hash

	rows []row
	size int

	began time.Time // of the commit, at this node
	took  time.Duration
}

type tail struct{ version, seq int64 }

type row struct {
	event        *event.New
	digests      *digests
	version, seq int64
}

// ruling is what becomes of one append.
type ruling struct {
	verdict  verdict
	from, to int                       // rows, for accepted
	conflict *eventstore.ConflictError // for conflicting and undecided
}

type verdict int8

const (
	accepted    verdict = iota + 1
	duplicate           // its first id is in the log, or comes earlier in the batch
	recovered           // a duplicate of its own first attempt, whose answer was lost
	conflicting         // to be answered
	undecided           // a conflict that is decided again
	waiting             // behind an undecided one with the same key
)

func newBatch(items []*item) *batch {
	n := len(items)
	b := &batch{
		items: items, rulings: make([]ruling, n), rows: make([]row, 0, n), answered: make(chan struct{}),
		streams: make(map[event.Stream]*tail, n), streamKeys: make([]event.Stream, 0, n),
		ids: make(map[event.ID]event.Position, n), idKeys: make([]event.ID, 0, n),
	}
	for _, it := range items {
		b.size += it.size
		for i := range it.append.Events {
			e := &it.append.Events[i]
			b.needStream(e.Stream)
			b.needID(e.ID)
		}
		for _, c := range it.append.Conditions {
			b.needCondition(c)
		}
	}
	return b
}

func (b *batch) needCondition(c eventstore.Condition) {
	switch c.Kind {
	case eventstore.ConditionStreamAt, eventstore.ConditionStreamExists:
		b.needStream(c.Stream)
	case eventstore.ConditionEventAbsent, eventstore.ConditionEventPresent:
		b.needID(c.ID)
	case eventstore.ConditionSubjectAt:
		if b.subjects == nil {
			b.subjects = map[string]event.Position{}
		}
		if _, known := b.subjects[c.Subject]; !known {
			b.subjects[c.Subject] = 0
			b.subjectKeys = append(b.subjectKeys, c.Subject)
		}
	}
}

func (b *batch) needStream(s event.Stream) {
	if b.streams[s] == nil {
		b.streams[s] = &tail{}
		b.streamKeys = append(b.streamKeys, s)
	}
}

func (b *batch) needID(id event.ID) {
	if _, known := b.ids[id]; !known {
		b.ids[id] = 0
		b.idKeys = append(b.idKeys, id)
	}
}

// judge decides about the appends in their order, each as if those accepted before it were stored.
func (b *batch) judge() {
	b.base = b.head
	var busy map[string]bool // keys of appends to be decided again
	for i, it := range b.items {
		key := it.append.Order
		if key != "" && busy[key] {
			b.rulings[i].verdict = waiting
			continue
		}
		b.rulings[i] = b.rule(it)
		if b.rulings[i].verdict != conflicting || !it.mayDecideAgain() {
			continue
		}
		b.rulings[i].verdict = undecided
		if busy == nil {
			busy = map[string]bool{}
		}
		busy[key] = true
	}
}

func (it *item) mayDecideAgain() bool {
	return it.append.Again != nil && it.retries < eventstore.MaxRetries
}

func (b *batch) rule(it *item) ruling {
	events := it.append.Events
	if b.ids[events[0].ID] > 0 {
		if it.maybeStored {
			return ruling{verdict: recovered}
		}
		return ruling{verdict: duplicate}
	}
	for i, c := range it.append.Conditions {
		if actual, ok := b.holds(c); !ok {
			return ruling{
				verdict:  conflicting,
				conflict: &eventstore.ConflictError{Index: i, Condition: c, Actual: actual},
			}
		}
	}
	for i := range events[1:] {
		if id := events[i+1].ID; b.ids[id] > 0 {
			return ruling{
				verdict:  conflicting,
				conflict: &eventstore.ConflictError{Index: -1, Condition: eventstore.EventAbsent(id)},
			}
		}
	}
	return b.accept(it)
}

// holds tells what a condition finds, and whether it is satisfied.
func (b *batch) holds(c eventstore.Condition) (int64, bool) {
	switch c.Kind {
	case eventstore.ConditionStreamAt:
		version := b.streams[c.Stream].version
		return version, version == c.Version
	case eventstore.ConditionStreamExists:
		version := b.streams[c.Stream].version
		return version, version > 0
	case eventstore.ConditionEventAbsent:
		return 0, b.ids[c.ID] == 0
	case eventstore.ConditionEventPresent:
		return 0, b.ids[c.ID] > 0
	case eventstore.ConditionSubjectAt:
		last := b.subjects[c.Subject]
		return int64(last), last == c.Last
	default:
		return 0, false
	}
}

func (b *batch) accept(it *item) ruling {
	from := len(b.rows)
	for i := range it.append.Events {
		e := &it.append.Events[i]
		s := b.streams[e.Stream]
		s.version++
		if e.Numbered {
			s.seq++
		}
		b.head++
		b.ids[e.ID] = b.head
		if _, asked := b.subjects[e.Subject]; asked {
			b.subjects[e.Subject] = b.head
		}
		b.rows = append(b.rows, row{event: e, digests: &it.digests[i], version: s.version, seq: s.seq})
	}
	return ruling{verdict: accepted, from: from, to: len(b.rows)}
}

// recorded is what the commit stored.
func (b *batch) recorded() []event.Recorded {
	events := make([]event.Recorded, len(b.rows))
	for i := range b.rows {
		events[i] = b.record(i)
	}
	return events
}

// record is a row as it is stored.
func (b *batch) record(i int) event.Recorded {
	r := &b.rows[i]
	return r.event.Record(b.base+event.Position(i+1), r.version, r.seq, b.at)
}
