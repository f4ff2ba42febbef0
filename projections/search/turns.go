package search

import (
	"context"
	"sync"
)

// turns lets the searches of one user go one after the other, so that nobody takes all the places.
type turns struct {
	mu    sync.Mutex
	users map[string]*turn
}

// turn is one user's: those who wait and the one whose turn it is are counted.
type turn struct {
	token chan struct{}
	count int
}

func newTurns() *turns { return &turns{users: make(map[string]*turn)} }

// take waits for the user's turn. over has to be called, also after an error, which is the context's.
func (t *turns) take(ctx context.Context, userID string) (over func(), err error) {
	t.mu.Lock()
	u := t.users[userID]
	if u == nil {
		u = &turn{token: make(chan struct{}, 1)}
		t.users[userID] = u
	}
	u.count++
	t.mu.Unlock()
	select {
	case u.token <- struct{}{}:
		return func() { <-u.token; t.leave(userID, u) }, nil
	case <-ctx.Done():
		return func() { t.leave(userID, u) }, ctx.Err()
	}
}

func (t *turns) leave(userID string, u *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u.count--; u.count == 0 {
		delete(t.users, userID)
	}
}
