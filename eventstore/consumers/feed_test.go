package consumers_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/consumers"
)

// stored is a log of one event.
type stored struct{ eventstore.Reader }

func (stored) Head(context.Context) (event.Position, error) { return 1, nil }

// behind is a node that has not been told of it yet when somebody begins to follow.
type behind struct {
	head      atomic.Int64
	following chan struct{} // somebody does
	tell      chan struct{} // now it is told
}

func (b *behind) Head() event.Position { return event.Position(b.head.Load()) }

func (b *behind) Ring(event.Position) ([]event.Recorded, bool) { return nil, true }

func (b *behind) Follow(ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error) error {
	close(b.following)
	<-b.tell
	time.AfterFunc(20*time.Millisecond, func() { b.head.Store(1) }) // as a follower that reads the log is ahead of memory
	if after < 1 {
		if err := handle(ctx, []event.Recorded{{Position: 1}}); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// What was stored before the feed began and told after it wakes who waits.
func TestTheFirstEventWakesWhoWaits(t *testing.T) {
	t.Parallel()
	recent := &behind{following: make(chan struct{}), tell: make(chan struct{})}
	feed := consumers.NewFeed(nil, stored{}, recent)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- feed.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	<-recent.following
	woken := make(chan bool, 1)
	waiting, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	go func() { woken <- feed.Await(waiting, 0, nil) }()
	close(recent.tell)
	if !<-woken {
		t.Error("nobody was woken")
	}
}
