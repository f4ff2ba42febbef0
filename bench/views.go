package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"parley/domain/event"
	"parley/eventstore"
	"parley/projections"
)

// benchViews measures how fast each view takes in a log, and how far all of them are behind when senders have sent
// as fast as they can.
func benchViews(ctx context.Context, b *bench) ([]row, error) {
	n, err := b.chatted(ctx, "views", b.events/5)
	if err != nil {
		return nil, err
	}
	defer n.close()
	sends, err := n.sends(ctx, b.duration)
	if err != nil {
		return nil, err
	}
	head, err := n.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	rows := []row{{"durable sends, 500 senders in 100 rooms, no views", fmt.Sprintf("%.0f/s", sends), "", false}}
	for _, build := range builders() {
		view := build("")
		k := n.keep(ctx, n.bus, view)
		took, err := k.reaches(ctx, head)
		k.stop()
		if err != nil {
			return nil, fmt.Errorf("view %s: %w", view.Name(), err)
		}
		rate := float64(head) / took.Seconds()
		r := row{"view " + view.Name() + ", taking in the log", fmt.Sprintf("%.0f events/s, %.2f times the sends", rate, rate/sends), "", false}
		if view.Name() != searchView {
			r.budget, r.met = "at least as many", rate >= sends
		}
		rows = append(rows, r)
	}
	together, err := n.keepUp(ctx, b.duration)
	return append(rows, together...), err
}

// keepUp lets senders send while all views are kept.
func (n *node) keepUp(ctx context.Context, d time.Duration) ([]row, error) {
	var all []projections.Projector
	for _, build := range builders() {
		all = append(all, build(""))
	}
	k := n.keep(ctx, n.bus, all...)
	defer k.stop()
	head, err := n.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := k.reaches(ctx, head); err != nil {
		return nil, err
	}
	sends, err := n.sends(ctx, 2*d)
	if err != nil {
		return nil, err
	}
	if head, err = n.store.Head(ctx); err != nil {
		return nil, err
	}
	var behind []string
	for _, s := range k.views.Status() {
		behind = append(behind, fmt.Sprintf("%s %d", s.Name, max(0, int64(head-s.Position))))
	}
	took, err := k.reaches(ctx, head)
	if err != nil {
		return nil, err
	}
	return []row{
		{"sends while all views are kept by the same process", fmt.Sprintf("%.0f/s", sends), "", false},
		{fmt.Sprintf("events that each view is behind after %v of it", 2*d), strings.Join(behind, ", "), "", false},
		{"until all have caught up", round(took).String(), "", false},
	}, nil
}

// keeper keeps views.
type keeper struct {
	views *projections.Runner
	stop  func()
}

func (n *node) keep(ctx context.Context, log eventstore.Follower, views ...projections.Projector) *keeper {
	ctx, cancel := context.WithCancel(ctx)
	k := &keeper{views: projections.NewRunner(n.pool, log, views, projections.Config{WaitLimit: 10 * time.Minute})}
	ended := make(chan struct{})
	n.running.Go(func() {
		defer close(ended)
		_ = k.views.Run(ctx) // it does not fail
	})
	k.stop = func() {
		cancel()
		<-ended
	}
	return k
}

// reaches waits until the views show a position.
func (k *keeper) reaches(ctx context.Context, head event.Position) (time.Duration, error) {
	began := time.Now()
	err := k.views.WaitFor(ctx, head)
	return time.Since(began), err
}
