package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/presence"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/search"
	"parley/projections/users"
)

const searchView = "search"

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
	n.close()
	dsn := n.pool.Config().ConnString()
	head, err := headOf(ctx, dsn)
	if err != nil {
		return nil, err
	}
	err = copyPast(ctx, dsn, func(at event.Position) (saying, bool) {
		return saying{roomID(int(at)), int(at % benchSenders)}, int(at-head) <= count
	})
	if err != nil {
		return nil, err
	}
	return startNode(ctx, b, dsn)
}

func headOf(ctx context.Context, dsn string) (head event.Position, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, "SELECT coalesce(max(position), 0) FROM log.events").Scan((*int64)(&head))
	return head, err
}
