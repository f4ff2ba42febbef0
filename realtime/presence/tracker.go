package presence

import (
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Tracker is one node's part. Make one with New; Run has to run. It is safe for concurrent use.
type Tracker struct {
	Deps
	cfg    Config
	leases *leases
	wake   chan struct{} // the worker has something to do
	now    func() time.Time

	mu    sync.Mutex
	users map[string]*user
	todo  map[string]struct{} // users of whom Redis or the log is to be told
	// left are those without a socket, by when their grace is over. It is a queue: grace is the same for all.
	left []leaving
	due  bool // everybody has to be looked at
}

// user is somebody who has, or lately had, sockets here.
type user struct {
	sockets int
	// held means that Redis knows, as far as this node does.
	held bool
	// come means that the log has to be told that the user is there, invisible how.
	come, invisible bool
	// wrong means that the log says otherwise. As long as Redis cannot be told, other nodes would only say so again.
	wrong bool
	// until is when the grace ends of one without sockets.
	until time.Time
}

type leaving struct {
	id    string
	until time.Time
}

// New returns a tracker on a Redis that all nodes share.
func New(client redis.UniversalClient, deps Deps, cfg Config) *Tracker {
	cfg = cfg.withDefaults()
	return &Tracker{
		Deps: deps, cfg: cfg, leases: newLeases(client, cfg), wake: make(chan struct{}, 1), now: time.Now,
		users: make(map[string]*user), todo: make(map[string]struct{}),
	}
}

// Opened says that a device of the user has connected, which may ask to be invisible. closed has to be called once,
// when the connection has ended. Neither waits for anything.
func (t *Tracker) Opened(id string, invisible bool) (closed func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.users[id]
	if u == nil {
		u = &user{come: true}
		t.users[id] = u
	}
	u.sockets++
	if invisible {
		u.come, u.invisible = true, true
	}
	if u.come || !u.held {
		t.mark(id)
	}
	return sync.OnceFunc(func() { t.closed(id) })
}

func (t *Tracker) closed(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.users[id]
	if u.sockets--; u.sockets > 0 {
		return
	}
	u.until = t.now().Add(t.cfg.Grace)
	t.left = append(t.left, leaving{id, u.until})
	t.signal()
}

// mark needs the lock.
func (t *Tracker) mark(id string) {
	t.todo[id] = struct{}{}
	t.signal()
}

func (t *Tracker) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// here reports whether a user has a socket on this node.
func (t *Tracker) here(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.users[id]
	return u != nil && u.sockets > 0
}

// Users is how many users have, or lately had, sockets here.
func (t *Tracker) Users() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.users)
}

// arrived takes some of the users of whom Redis does not know.
func (t *Tracker) arrived() (ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.todo {
		if u := t.users[id]; u != nil && !u.held && len(ids) < t.cfg.Batch {
			u.held = true // until it is known better
			ids = append(ids, id)
		}
	}
	return ids
}

// unheld says that Redis does not know of users, or of any (nil).
func (t *Tracker) unheld(ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ids == nil {
		for id, u := range t.users {
			u.held = false
			t.mark(id)
		}
		return
	}
	for _, id := range ids {
		if u := t.users[id]; u != nil {
			u.held = false
			t.mark(id)
		}
	}
}

// coming is a user of whom the log is to be told.
type coming struct {
	id              string
	invisible, back bool
}

// coming takes some of the users of whom the log is to be told, and forgets what is done. They are those of whom Redis
// knows, or all when it is away.
func (t *Tracker) coming(away bool) (list []coming) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.todo {
		u := t.users[id]
		switch {
		case u == nil || u.held && (!u.come || u.sockets == 0): // with the next socket it is marked again
			delete(t.todo, id)
		case u.come && u.sockets > 0 && (u.held || away && !u.wrong) && len(list) < t.cfg.Batch:
			list = append(list, coming{id, u.invisible, u.wrong})
			u.come, u.invisible, u.wrong = false, false, false
		}
	}
	return list
}

// again says that the log could not be told, or has to be told once more. Who has no socket here any more needs none.
func (t *Tracker) again(c coming) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.users[c.id]; u != nil && u.sockets > 0 {
		u.come, u.invisible, u.wrong = true, u.invisible || c.invisible, u.wrong || c.back
		t.todo[c.id] = struct{}{}
	}
}

// leaving takes some of the users whose grace is over, and says how long to wait for the next.
func (t *Tracker) leaving() (ids []string, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for len(t.left) > 0 && len(ids) < t.cfg.Batch {
		next := t.left[0]
		if wait = next.until.Sub(now); wait > 0 {
			return ids, wait
		}
		t.left = t.left[1:]
		if u := t.users[next.id]; u != nil && u.sockets == 0 && u.until.Equal(next.until) {
			delete(t.users, next.id)
			delete(t.todo, next.id)
			ids = append(ids, next.id)
		}
	}
	if len(t.left) == 0 {
		t.left = nil
	}
	return ids, 0
}

// stay keeps users whose leaving Redis could not be told, to try again.
func (t *Tracker) stay(ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	until := t.now().Add(max(t.cfg.Grace, t.cfg.Retry))
	for _, id := range ids {
		if t.users[id] == nil { // else it has come back
			t.users[id] = &user{come: true, until: until}
			t.left = append(t.left, leaving{id, until})
		}
	}
}

// lookAtAll says that somebody may be gone without a trace here.
func (t *Tracker) lookAtAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = true
}

func (t *Tracker) takeDue() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	due := t.due
	t.due = false
	return due
}
