// Package together makes few reads of many: of those who ask at the same time, one reads for all.
package together

import (
	"context"
	"errors"
	"sync"
	"time"

	"parley/domain"
)

// Config of Reads.
type Config struct {
	// Parallel is how many reads may be under way at once. Zero means 2: while one waits for its answer the next one gathers.
	Parallel int
	// Most is how many keys one read is for. Zero means 100.
	Most int
	// Timeout bounds a read, which does not end with the one who makes it. Zero means 5 s.
	Timeout time.Duration
}

func (c Config) withDefaults() Config {
	if c.Parallel == 0 {
		c.Parallel = 2
	}
	if c.Most == 0 {
		c.Most = 100
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	return c
}

// Reads reads values by their keys for many who ask at once: while a read is under way those who come gather for the next one.
// Make one with New. It is safe for concurrent use.
type Reads[K comparable, V any] struct {
	cfg   Config
	fetch func(ctx context.Context, keys []K) (map[K]V, error)
	slots chan struct{} // one for each read

	mu      sync.Mutex
	waiting map[K]*asked[V]
}

// asked is a value that is wanted; it is there when done is closed.
type asked[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// New returns reads by a function, which leaves out what there is not.
func New[K comparable, V any](fetch func(ctx context.Context, keys []K) (map[K]V, error), cfg Config) *Reads[K, V] {
	cfg = cfg.withDefaults()
	return &Reads[K, V]{cfg: cfg, fetch: fetch, slots: make(chan struct{}, cfg.Parallel), waiting: make(map[K]*asked[V])}
}

// Read returns the value of a key, as of a moment after the call; zero if there is none. Who finds a slot free reads for all
// who wait. It fails with UNAVAILABLE when ctx ends first, else as the function does.
func (r *Reads[K, V]) Read(ctx context.Context, key K) (V, error) {
	a := r.ask(key)
	select {
	case <-a.done:
		return a.value, a.err
	case r.slots <- struct{}{}:
		r.readWaiting(ctx, key)
	case <-ctx.Done():
		var none V
		return none, domain.Unavailable(ctx.Err())
	}
	select { // somebody else may have begun to read it
	case <-a.done:
		return a.value, a.err
	case <-ctx.Done():
		var none V
		return none, domain.Unavailable(ctx.Err())
	}
}

func (r *Reads[K, V]) ask(key K) *asked[V] {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.waiting[key]
	if a == nil {
		a = &asked[V]{done: make(chan struct{})}
		r.waiting[key] = a
	}
	return a
}

// take takes some of those that wait, first the one of that key.
func (r *Reads[K, V]) take(key K) map[K]*asked[V] {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make(map[K]*asked[V], min(len(r.waiting), r.cfg.Most))
	if a := r.waiting[key]; a != nil {
		list[key] = a
		delete(r.waiting, key)
	}
	for key, a := range r.waiting {
		if len(list) == r.cfg.Most {
			break
		}
		list[key] = a
		delete(r.waiting, key)
	}
	return list
}

var errBrokenOff = errors.New("the read was broken off")

// readWaiting is for all who wait, so it does not end with the one who does it. It gives the slot back.
func (r *Reads[K, V]) readWaiting(ctx context.Context, key K) {
	list, err := r.take(key), errBrokenOff // by a panic
	var values map[K]V
	defer func() {
		for key, a := range list {
			a.value, a.err = values[key], err
			close(a.done)
		}
		<-r.slots
	}()
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Timeout)
	defer cancel()
	keys := make([]K, 0, len(list))
	for key := range list {
		keys = append(keys, key)
	}
	values, err = r.fetch(ctx, keys)
}
