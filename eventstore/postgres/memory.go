package postgres

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/chain"
)

// memory is what the appender still knows from its own commits: where the log ended, and how
// far some streams were. It holds as long as nobody else has written since, which is checked
// under the lock, in the statement that inserts. Then nothing has to be looked up, and a
// commit is one round trip.
type memory struct {
	head    event.Position // 0 means that nothing is known
	hash    chain.Hash     // of the last event
	at      time.Time      // when it was recorded
	streams *simplelru.LRU[event.Stream, tail]
	// caution counts batches that are not worth trying from memory, and doubt how many
	// it will be the next time: doubled when another node was there first, or when an id was in the log.
	caution, doubt int
}

const (
	rememberedStreams = 1 << 16
	maxDoubt          = 64
)

func newMemory() *memory {
	streams, err := simplelru.NewLRU[event.Stream, tail](rememberedStreams, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &memory{streams: streams}
}

// foresee fills in what the batch asks for, if all of it is known, as of now, the server's time. Ids of new
// events are taken to be absent, as they nearly always are; the unique index is there for the others.
func (m *memory) foresee(b *batch, now time.Time) bool {
	if m.caution > 0 {
		m.caution--
		return false
	}
	if m.head == 0 || len(b.subjectKeys) > 0 || b.asksForIDs() {
		return false
	}
	for _, s := range b.streamKeys {
		known, ok := m.streams.Get(s)
		if !ok {
			return false
		}
		*b.streams[s] = known
	}
	b.head, b.before, b.at = m.head, m.hash, now
	if now.Before(m.at) {
		b.at = m.at
	}
	return true
}

// asksForIDs reports whether what becomes of the batch depends on ids in the log.
func (b *batch) asksForIDs() bool {
	for _, it := range b.items {
		if it.maybeStored {
			return true
		}
		for _, c := range it.append.Conditions {
			if c.Kind == eventstore.ConditionEventAbsent || c.Kind == eventstore.ConditionEventPresent {
				return true
			}
		}
	}
	return false
}

// learn takes in a batch that has been committed.
func (m *memory) learn(b *batch) {
	if b.base != m.head {
		m.streams.Purge()
	}
	m.head, m.hash, m.at = b.base+event.Position(len(b.rows)), b.last, b.at
	for s, t := range b.streams {
		m.streams.Add(s, *t)
	}
}

// wasRight and wasWrong tell whether trying from memory paid.
func (m *memory) wasRight() { m.doubt = 0 }

func (m *memory) wasWrong() {
	m.doubt = min(max(1, 2*m.doubt), maxDoubt)
	m.caution = m.doubt
}
