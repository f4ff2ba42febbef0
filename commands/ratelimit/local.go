package ratelimit

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// defaultKeys is how many keys a process remembers.
const defaultKeys = 100_000

// Local counts in this process. It is safe for concurrent use.
type Local struct {
	now func() time.Time

	mu   sync.Mutex
	keys *simplelru.LRU[string, *window]
}

// window holds when a key acted, oldest first, and what it may do without asking.
type window struct {
	times []time.Time
	lot   lot
}

// NewLocal counts with that clock.
func NewLocal(now func() time.Time) *Local { return newLocal(now, defaultKeys) }

func newLocal(now func() time.Time, size int) *Local {
	keys, err := simplelru.NewLRU[string, *window](max(size, 1), nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Local{now: now, keys: keys}
}

// Allow takes an action of the key, or says how long it has to wait. It never fails.
func (l *Local) Allow(_ context.Context, key string, limit int, length time.Duration) (time.Duration, error) {
	return l.take(key, limit, length), nil
}

func (l *Local) take(key string, limit int, length time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	w := l.window(key)
	wait := w.wait(now, limit, length)
	if wait == 0 {
		w.times = append(w.times, now)
	}
	return wait
}

func (l *Local) window(key string) *window {
	w, ok := l.keys.Get(key)
	if !ok {
		w = &window{}
		l.keys.Add(key, w)
	}
	return w
}

// wait forgets what is over and is 0 if one more fits in.
func (w *window) wait(now time.Time, limit int, length time.Duration) time.Duration {
	over := 0
	for over < len(w.times) && now.Sub(w.times[over]) >= length {
		over++
	}
	w.times = w.times[over:] // append leaves it behind when it needs a longer array
	if len(w.times) < limit {
		return 0
	}
	return length - now.Sub(w.times[len(w.times)-limit])
}
