package commands

import (
	"context"
	"fmt"
	"sync"
	"time"

	"parley/commands/together"
	"parley/domain/event"
	"parley/eventstore"
)

// catchUpWithin is how long somebody waits until what is in the log has been learnt. After that the log itself is read.
const catchUpWithin = 25 * time.Millisecond

// learnt is how far the caches were told of the log: up to there, what is in one of them is as it is in the log. So one look at the
// end of the log, which many share, tells of everything in the caches whether it is still so.
type learnt struct {
	heads *together.Reads[struct{}, event.Position]

	mu       sync.Mutex
	at       event.Position // 0 while the caches are told nothing
	advanced chan struct{}  // closed when at changes; nil when nobody waits
}

func newLearnt(r eventstore.Reader) *learnt {
	return &learnt{heads: together.New(func(ctx context.Context, _ []struct{}) (map[struct{}]event.Position, error) {
		head, err := r.Head(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the head of the log: %w", err)
		}
		return map[struct{}]event.Position{{}: head}, nil
	}, together.Config{})}
}

// reach says that all up to a position is in the caches; 0: that nothing more will be.
func (l *learnt) reach(at event.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = at
	if l.advanced != nil {
		close(l.advanced)
		l.advanced = nil
	}
}

// next is how far the caches are, and tells when that changes.
func (l *learnt) next() (at event.Position, advanced <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.advanced == nil {
		l.advanced = make(chan struct{})
	}
	return l.at, l.advanced
}

// all reports whether the caches hold all that was in the log at the time of the call. No means that it is not known.
func (l *learnt) all(ctx context.Context) (bool, error) {
	if at, _ := l.next(); at == 0 {
		return false, nil
	}
	head, err := l.heads.Read(ctx, struct{}{})
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpWithin)
	defer cancel()
	for {
		at, advanced := l.next()
		if at == 0 || at >= head {
			return at != 0, nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return false, nil
		}
	}
}
