package main

import (
	"context"
	"fmt"
	"time"

	"parley/domain/event"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/presence"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/search"
	"parley/projections/users"
)

// builders makes the projectors of all views.
func builders() []func(schema string) projections.Projector {
	return []func(string) projections.Projector{
		func(s string) projections.Projector { return users.NewProjector(s) },
		func(s string) projections.Projector { return rooms.NewProjector(s) },
		func(s string) projections.Projector { return messages.NewProjector(s) },
		func(s string) projections.Projector { return receipts.NewProjector(s) },
		func(s string) projections.Projector { return presence.NewProjector(s) },
		func(s string) projections.Projector { return search.NewProjector(s) },
	}
}

// benchRebuild measures `parley rebuild` on a log of messages.
func benchRebuild(ctx context.Context, b *bench) ([]row, error) {
	n, err := b.chatted(ctx, "rebuild", b.events)
	if err != nil {
		return nil, err
	}
	defer n.close()
	var rows []row
	for _, build := range builders() {
		name := build("").Name()
		if name != "messages" && name != "rooms" && name != "receipts" {
			continue
		}
		result, err := projections.Rebuild{Pool: n.pool, Log: n.store, Build: build}.Run(ctx)
		if err != nil {
			return nil, err
		}
		rate := float64(result.Events) / result.Took.Seconds()
		r := row{fmt.Sprintf("rebuild of %s, %d events, with its indexes", name, result.Events), fmt.Sprintf("%.0f events/s (%v)", rate, result.Took.Round(10*time.Millisecond)), "", false}
		if name == "messages" {
			r.budget, r.met = "at least 40,000/s", rate >= 40_000
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// chatted is a node on a fresh log in which the senders' rooms have said so many messages.
func (b *bench) chatted(ctx context.Context, name string, count int) (*node, error) {
	n, err := b.populated(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := n.settled(ctx); err == nil {
		err = talk(ctx, n.pool.Config().ConnString(), count, func(i int) int { return i % benchRooms })
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *node) settled(ctx context.Context) error {
	_, err := n.store.Head(ctx)
	return err
}

var _ event.Position
