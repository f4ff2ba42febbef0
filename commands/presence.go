package commands

import (
	"context"
	"fmt"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/presence"
	"parley/domain/wire"
	"parley/eventstore"
)

// UpdatePresence says how the actor wants to be seen. It is asked by a user who is connected.
type UpdatePresence struct {
	Status event.Status `json:"status" validate:"required"`
	// Text is said with it; nil leaves it as it is.
	Text *string `json:"text" validate:"omitempty,printable"`
}

// ComeOnline says that a user has connected. Who asks has seen it.
type ComeOnline struct {
	UserID string `json:"userId" validate:"required,id"`
	// Invisible is what the device asks for.
	Invisible bool `json:"invisible"`
	// Back says that the log was wrong about the user, who was never gone.
	Back bool `json:"back"`
}

// A user changes presence at most this often in a window, on all nodes together, on a node that limits messages.
const (
	presenceChanges = 60
	presenceWindow  = time.Minute
)

func (c *Commands) fillPresence(a *app) {
	c.UpdatePresence = &useCase[UpdatePresence, wire.Presence]{
		app: a, name: "update-presence", tidy: tidyPresence, limit: a.countPresence,
		decide: func(ctx context.Context, t *task[UpdatePresence]) (decision[wire.Presence], error) {
			user, _, err := a.actor(ctx, &t.reading, t.actor.Principal)
			if err != nil {
				return decision[wire.Presence]{}, err
			}
			userID := t.actor.UserID
			d, err := a.appear(ctx, &t.reading, userID, presence.Set{UserID: userID, Status: t.c.Status, Text: t.c.Text})
			d.conditions = append(d.conditions, stillActive(user))
			return d, err
		},
	}
	c.ComeOnline = &useCase[ComeOnline, wire.Presence]{
		app: a, name: "come-online",
		decide: func(ctx context.Context, t *task[ComeOnline]) (decision[wire.Presence], error) {
			account, err := a.user(ctx, &t.reading, t.c.UserID)
			if err == nil && account.State.Erased {
				err = account.State.MayAct()
			}
			if err != nil {
				return decision[wire.Presence]{}, err
			}
			d, err := a.appear(ctx, &t.reading, t.c.UserID, presence.Come(t.c)) // which repeats what was said before
			d.conditions = append(d.conditions, eventstore.StreamAt(event.UserStream(t.c.UserID), account.Version))
			return d, err
		},
	}
	c.GoOffline = &useCase[UserRef, wire.Presence]{
		app: a, name: "go-offline",
		decide: func(ctx context.Context, t *task[UserRef]) (decision[wire.Presence], error) {
			return a.appear(ctx, &t.reading, t.c.UserID, presence.Go(t.c))
		},
	}
}

func tidyPresence(c *UpdatePresence) {
	clean(c.Text)
	trim(c.Text)
}

// countPresence fails with RATE_LIMITED.
func (a *app) countPresence(ctx context.Context, t *task[UpdatePresence]) error {
	if a.cfg.RateLimitMessages == 0 {
		return nil
	}
	wait, err := a.Limiter.Allow(ctx, "presence:"+t.actor.UserID, presenceChanges, presenceWindow)
	switch {
	case err != nil:
		return domain.Unavailable(fmt.Errorf("count a change of presence: %w", err))
	case wait > 0:
		return &domain.Error{Code: domain.CodeRateLimited, Message: "you change your presence too often", RetryAfter: wait}
	default:
		return nil
	}
}

// presenceCommand decides how a user is there.
type presenceCommand interface {
	Decide(s presence.State) (event.Event, error)
}

// appear depends on the user's presence as it was seen, so that two nodes which notice the same make one event.
func (a *app) appear(
	ctx context.Context, r *reading, userID string, c presenceCommand,
) (decision[wire.Presence], error) {
	snap, err := read(ctx, r, a.presence, userID)
	if err != nil {
		return decision[wire.Presence]{}, err
	}
	e, err := c.Decide(snap.State)
	return decision[wire.Presence]{
		event: e, unchanged: presenceShape(userID, snap),
		conditions: []eventstore.Condition{eventstore.StreamAt(event.PresenceStream(userID), snap.Version)},
		stored: func(r event.Recorded) (wire.Presence, error) {
			return presenceShape(userID, &snapshot[presence.State]{
				State: presence.Evolve(snap.State, r), Version: r.Version, Position: r.Position,
			}), nil
		},
	}, err
}

// presenceShape is what the user's own devices see.
func presenceShape(userID string, s *snapshot[presence.State]) wire.Presence {
	p := wire.Presence{
		UserID: userID, Status: s.State.Status, Text: s.State.Text,
		LastSeenAt: wire.OptionalTime(s.State.At), Position: s.Position,
	}
	if p.Status == "" {
		p.Status = event.StatusOffline
	}
	return p
}
