package recovery

import (
	"cmp"
	"slices"
	"sync"

	"parley/domain/event"
	"parley/realtime/hub"
)

// RingConfig bounds a Ring. The zero value works.
type RingConfig struct {
	// Facts and Bytes are how much is kept. Zero means 32,768 facts and 16 MB, as they are in the log;
	// encoded for sockets they take about three times as much.
	Facts, Bytes int
}

// Ring keeps the newest facts in memory. Make one with NewRing. It is safe for concurrent use.
type Ring struct {
	cfg RingConfig

	mu    sync.RWMutex
	facts track          // without holes
	from  event.Position // what was recorded after it is in facts
	bytes int
	rooms map[string]*track
	users map[string]*track // those that begin or end a membership of the user
}

// NewRing returns an empty ring, which covers nothing.
func NewRing(cfg RingConfig) *Ring {
	if cfg.Facts <= 0 {
		cfg.Facts = 32_768
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = 16 << 20
	}
	r := &Ring{cfg: cfg}
	r.clear(0)
	return r
}

// Add appends what follows on the last fact. Facts that do not follow make the ring begin anew, and one that erases makes it
// begin after itself.
func (r *Ring) Add(facts []*hub.Fact) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range facts {
		if f.Position != r.end()+1 {
			r.clear(f.Position - 1)
		}
		r.push(f)
		if f.Erases {
			r.clear(f.Position)
		}
	}
	for r.facts.len() > r.cfg.Facts || r.bytes > r.cfg.Bytes {
		r.evict()
	}
}

// From is the position after which the ring knows everything.
func (r *Ring) From() event.Position {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.from
}

// Since returns the facts of these rooms, and those that begin or end a membership of the user, after one
// position and up to another, in order, the first limit of them. It is false if the ring does not reach back, or forth,
// that far.
func (r *Ring) Since(rooms []string, user string, after, upTo event.Position, limit int) (facts []*hub.Fact, ok bool) {
	found, ok := r.find(rooms, user, after, upTo, limit)
	if !ok {
		return nil, false
	}
	slices.SortFunc(found, func(a, b *hub.Fact) int { return cmp.Compare(a.Position, b.Position) })
	found = slices.Compact(found) // what moves the user in one of the rooms was found twice
	return found[:min(len(found), limit)], true
}

// find is Since in no order: sorting may take long, and Add waits for who reads.
func (r *Ring) find(
	rooms []string, user string, after, upTo event.Position, limit int,
) (found []*hub.Fact, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if after < r.from || upTo > r.end() {
		return nil, false
	}
	found = r.users[user].between(after, upTo, limit)
	for _, room := range rooms {
		found = append(found, r.rooms[room].between(after, upTo, limit)...)
	}
	return found, true
}

// end is the position of the last fact.
func (r *Ring) end() event.Position { return r.from + event.Position(r.facts.len()) }

func (r *Ring) clear(from event.Position) {
	r.facts, r.from, r.bytes = track{}, from, 0
	r.rooms, r.users = make(map[string]*track), make(map[string]*track)
}

func (r *Ring) push(f *hub.Fact) {
	r.facts.push(f)
	r.bytes += f.Size
	if f.Room != "" {
		file(r.rooms, f.Room, f)
	}
	for _, user := range moved(f) {
		file(r.users, user, f)
	}
}

// evict drops the oldest fact, which is the first one wherever it is filed.
func (r *Ring) evict() {
	f := r.facts.pop()
	r.from++
	r.bytes -= f.Size
	if f.Room != "" {
		unfile(r.rooms, f.Room, f)
	}
	for _, user := range moved(f) {
		unfile(r.users, user, f)
	}
}

// moved are the users whose membership a fact begins or ends.
func moved(f *hub.Fact) []string {
	if f.Joins || f.Left != "" {
		return f.Users
	}
	return nil
}

func file(index map[string]*track, key string, f *hub.Fact) {
	q := index[key]
	if q == nil {
		q = &track{}
		index[key] = q
	}
	if q.len() == 0 || q.last() != f { // a user may be named twice
		q.push(f)
	}
}

func unfile(index map[string]*track, key string, f *hub.Fact) {
	q := index[key]
	if q == nil || q.first() != f {
		return
	}
	if q.pop(); q.len() == 0 {
		delete(index, key)
	}
}
