package commands

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

const (
	// tailReads is how many queries may be under way at once, and tailKeys how many streams each reads.
	tailReads, tailKeys = 2, 100
	tailTimeout         = 5 * time.Second
)

// tails reads the ends of streams for many who ask at once: while a query is under way those who come gather for the next one.
// When a thousand users come back to a node that has just started, that is ten queries.
type tails struct {
	reader eventstore.Reader
	stream func(key string) event.Stream
	length int           // of a tail, in events
	slots  chan struct{} // one for each query

	mu      sync.Mutex
	waiting map[string]*tail
}

// tail is the end of one stream, when done is closed.
type tail struct {
	done   chan struct{}
	events []event.Recorded
	err    error
}

func newTails(r eventstore.Reader, stream func(string) event.Stream, length int) *tails {
	return &tails{reader: r, stream: stream, length: length, slots: make(chan struct{}, tailReads), waiting: make(map[string]*tail)}
}

// read returns the last events of a stream, at most so many as a tail has, as of a moment after the call. Who finds a slot free reads for all
// who wait.
func (t *tails) read(ctx context.Context, key string) ([]event.Recorded, error) {
	asked := t.ask(key)
	select {
	case <-asked.done:
		return asked.events, asked.err
	case t.slots <- struct{}{}:
		t.readWaiting(ctx, key)
	case <-ctx.Done():
		return nil, domain.Unavailable(ctx.Err())
	}
	select { // somebody else may have begun to read it
	case <-asked.done:
		return asked.events, asked.err
	case <-ctx.Done():
		return nil, domain.Unavailable(ctx.Err())
	}
}

func (t *tails) ask(key string) *tail {
	t.mu.Lock()
	defer t.mu.Unlock()
	asked := t.waiting[key]
	if asked == nil {
		asked = &tail{done: make(chan struct{})}
		t.waiting[key] = asked
	}
	return asked
}

// take takes some of those that wait, first the one of that key.
func (t *tails) take(key string) map[string]*tail {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make(map[string]*tail, min(len(t.waiting), tailKeys))
	if asked := t.waiting[key]; asked != nil {
		list[key] = asked
		delete(t.waiting, key)
	}
	for key, asked := range t.waiting {
		if len(list) == tailKeys {
			break
		}
		list[key] = asked
		delete(t.waiting, key)
	}
	return list
}

var errBrokenOff = errors.New("the read was broken off")

// readWaiting is for all who wait, so it does not end with the one who does it. It gives the slot back.
func (t *tails) readWaiting(ctx context.Context, key string) {
	list, err := t.take(key), errBrokenOff // by a panic
	defer func() {
		for _, asked := range list {
			asked.err = err
			close(asked.done)
		}
		<-t.slots
	}()
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tailTimeout)
	defer cancel()
	streams := make([]event.Stream, 0, len(list))
	for key := range list {
		streams = append(streams, t.stream(key))
	}
	var events []event.Recorded
	if events, err = t.reader.Tails(ctx, streams, t.length); err != nil {
		err = fmt.Errorf("read the ends of %d streams: %w", len(streams), err)
	}
	for _, r := range events {
		asked := list[r.Stream.Key()]
		asked.events = append(asked.events, r)
	}
}
