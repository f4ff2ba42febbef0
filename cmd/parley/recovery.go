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

// roomsView is what the sockets ask of the view of rooms.
func (n *node) roomsView() recovery.View {
	view := rooms.NewQueries(n.readPool)
	return recovery.View{
		Ring: n.ring, Of: view.IDsOf, CameInto: view.CameInto,
		Wait: func(ctx context.Context, position event.Position) error {
			return n.views.WaitFor(ctx, position, roomsViewName)
		},
	}
}

// wireRecovery makes what clients that come back need.
func (n *node) wireRecovery(ctx context.Context) error {
	n.ring = recovery.NewRing(recovery.RingConfig{})
	n.past = recovery.NewPast(n.ring, n.store, realtime.NewFacts(n.logger).Of, n.roomsView().Joined, recovery.Config{
		MaxEvents: n.settings.RecoveryMaxEvents, MaxAge: n.settings.RecoveryMaxAge,
	})
	key, err := auth.Secret(ctx, n.pool, "pid")
	if err != nil {
		return err
	}
	n.pids = recovery.NewSessions(n.redis, key, recovery.SessionsConfig{
		Prefix: n.keys + "pid:", TTL: n.settings.RecoveryMaxAge, Logger: n.logger,
	})
	return nil
}

// recoveryConfig completes a gateway's configuration.
func (n *node) recoveryConfig(cfg gateway.Config) gateway.Config {
	cfg.Past, cfg.Sessions, cfg.RoomsOf = n.past, n.pids, n.roomsView().RoomsOf
	return cfg
}
