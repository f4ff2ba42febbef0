package main

import (
	"context"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
	presenceview "parley/projections/presence"
	"parley/realtime/hub"
	"parley/realtime/presence"
	"parley/realtime/typing"
)

// presenceViewName is what the runner calls the view.
const presenceViewName = "presence"

func (n *node) wirePresence() {
	grace := time.Duration(n.settings.PresenceGrace) * time.Second
	if grace == 0 {
		grace = -1 // none
	}
	n.tracker = presence.New(n.redis, presence.Deps{
		Come: n.commands.ComeOnline, Go: n.commands.GoOffline,
		There: presenceview.NewQueries(n.pool).There, Head: n.store.Head, Follower: n.bus,
	}, presence.Config{
		Node: n.name, Prefix: n.keys + "presence:", TTL: time.Duration(n.settings.PresenceTTL) * time.Second, Grace: grace, Logger: n.logger,
	})
}

// presenceOf asks the view, once it has reached a position.
func (n *node) presenceOf() func(ctx context.Context, viewer string, asOf event.Position, ids []string) ([]wire.Presence, error) {
	view := presenceview.NewQueries(n.readPool)
	return func(ctx context.Context, viewer string, asOf event.Position, ids []string) ([]wire.Presence, error) {
		if err := n.views.WaitFor(ctx, asOf, presenceViewName); err != nil {
			return nil, err
		}
		list, err := view.Of(ctx, viewer, ids...)
		return list.Items, err
	}
}

// wireTyping needs the hub.
func (n *node) wireTyping() {
	n.typing = typing.New(typing.Deps{
		Tell: func(p wire.Push, except string) { n.hub.Tell(hub.NewPush(p, 0), except) },
		Head: n.store.Head, Follower: n.bus,
	}, typing.Config{
		Redis: &n.redisOptions, Topic: n.typingTopic(), Node: n.name,
		TTL: time.Duration(n.settings.TypingTTL) * time.Second, Logger: n.logger,
	})
}
