package main

import (
	"context"

	"parley/api/auth"
	"parley/domain/event"
	"parley/projections/rooms"
	"parley/realtime"
	"parley/realtime/gateway"
	"parley/realtime/recovery"
)

// roomsViewName is what the runner calls the view.
const roomsViewName = "rooms"

// roomsView is what the sockets ask of the view of rooms. Each answer is as of a position: the view is waited for.
type roomsView struct {
	rooms *rooms.Queries
	wait  func(ctx context.Context, position event.Position, names ...string) error
}

// of lists the rooms that a user is a member of.
func (v roomsView) of(ctx context.Context, userID string, asOf event.Position, limit int) ([]string, error) {
	if err := v.wait(ctx, asOf, roomsViewName); err != nil {
		return nil, err
	}
	ids, _, err := v.rooms.IDsOf(ctx, userID, limit)
	return ids, err
}

// cameInto lists those that the user came into.
func (v roomsView) cameInto(
	ctx context.Context, userID string, after, upTo event.Position, limit int,
) ([]string, error) {
	if err := v.wait(ctx, upTo, roomsViewName); err != nil {
		return nil, err
	}
	return v.rooms.CameInto(ctx, userID, after, limit)
}

// wireRecovery makes what clients that come back need.
func (n *node) wireRecovery(ctx context.Context, prefix string) error {
	n.ring = recovery.NewRing(recovery.RingConfig{})
	view := roomsView{rooms.NewQueries(n.readPool), n.views.WaitFor}
	n.past = recovery.NewPast(n.ring, n.store, realtime.NewFacts(n.logger).Of, view.cameInto, recovery.Config{
		MaxEvents: n.settings.RecoveryMaxEvents, MaxAge: n.settings.RecoveryMaxAge,
	})
	key, err := auth.Secret(ctx, n.pool, "pid")
	if err != nil {
		return err
	}
	n.pids = recovery.NewSessions(n.redis, key, recovery.SessionsConfig{
		Prefix: prefix + "pid:", TTL: n.settings.RecoveryMaxAge, Logger: n.logger,
	})
	return nil
}

// recoveryConfig completes a gateway's configuration.
func (n *node) recoveryConfig(cfg gateway.Config) gateway.Config {
	view := roomsView{rooms.NewQueries(n.readPool), n.views.WaitFor}
	cfg.Past, cfg.Sessions, cfg.RoomsOf = n.past, n.pids, view.of
	return cfg
}
