package commands

import (
	"context"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/user"
	"parley/domain/wire"
	"parley/eventstore"
)

func (c *Commands) fillUsers(a *app) {
	c.RegisterUser = &useCase[RegisterUser, wire.User]{
		app: a, name: "register-user", tidy: tidyRegister, decide: a.registerUser,
		bind: func(_ Actor, c *RegisterUser) event.ID { return user.RegisteredID(c.UserID) },
	}
	c.ChangeProfile = &useCase[ChangeProfile, wire.User]{
		app: a, name: "change-profile", tidy: tidyProfile, decide: a.changeProfile,
	}
	c.DeactivateUser = &useCase[UserRef, Done]{
		app: a, name: "deactivate-user", decide: func(ctx context.Context, t *task[UserRef]) (decision[Done], error) {
			return a.administer(ctx, t, user.Deactivate{By: t.actor.Principal})
		},
	}
	c.ReactivateUser = &useCase[UserRef, Done]{
		app: a, name: "reactivate-user", decide: func(ctx context.Context, t *task[UserRef]) (decision[Done], error) {
			return a.administer(ctx, t, user.Reactivate{By: t.actor.Principal})
		},
	}
	c.EraseUser = &useCase[UserRef, Done]{
		app: a, name: "erase-user", decide: func(ctx context.Context, t *task[UserRef]) (decision[Done], error) {
			return a.administer(ctx, t, user.Erase{By: t.actor.Principal})
		},
	}
}

func tidyRegister(c *RegisterUser) {
	trim(&c.Username)
	trim(&c.DisplayName)
}

func tidyProfile(c *ChangeProfile) { trim(c.DisplayName) }

// registerUser may be asked by the user itself, an admin, or the system (no user).
func (a *app) registerUser(ctx context.Context, t *task[RegisterUser]) (decision[wire.User], error) {
	if by := t.actor; by.UserID != "" && by.UserID != t.c.UserID && !by.IsAdmin() {
		return decision[wire.User]{}, domain.Errorf(domain.CodeForbidden, "only an admin may register somebody else")
	}
	snap, err := a.user(ctx, &t.reading, t.c.UserID)
	if err != nil {
		return decision[wire.User]{}, err
	}
	e, err := user.Register(t.c).Decide(snap.State)
	return userDecision(snap, t.c.UserID, e), err
}

func (a *app) changeProfile(ctx context.Context, t *task[ChangeProfile]) (decision[wire.User], error) {
	snap, _, err := a.actor(ctx, &t.reading, t.actor.Principal)
	if err != nil {
		return decision[wire.User]{}, err
	}
	e, err := user.ChangeProfile(t.c).Decide(snap.State)
	return userDecision(snap, t.actor.UserID, e), err
}

func userDecision(snap *snapshot[user.State], userID string, e event.Event) decision[wire.User] {
	return decision[wire.User]{
		event: e, unchanged: userShape(snap), stored: changedUser(snap),
		conditions: []eventstore.Condition{eventstore.StreamAt(event.UserStream(userID), snap.Version)},
	}
}

func changedUser(before *snapshot[user.State]) func(event.Recorded) (wire.User, error) {
	return func(r event.Recorded) (wire.User, error) {
		return userShape(&snapshot[user.State]{
			State: user.Evolve(before.State, r), Version: r.Version, Position: r.Position,
		}), nil
	}
}

// userCommand decides on an account.
type userCommand interface {
	Decide(s user.State) (event.Event, error)
}

// administer needs no account of the actor: an operator has none.
func (a *app) administer(ctx context.Context, t *task[UserRef], c userCommand) (decision[Done], error) {
	var conditions []eventstore.Condition
	if t.actor.UserID != "" {
		by, _, err := a.actor(ctx, &t.reading, t.actor.Principal)
		if err != nil {
			return decision[Done]{}, err
		}
		conditions = append(conditions, stillActive(by))
	}
	snap, err := a.user(ctx, &t.reading, t.c.UserID)
	if err != nil {
		return decision[Done]{}, err
	}
	e, err := c.Decide(snap.State)
	return decision[Done]{
		event: e, stored: done, unchanged: Done{Position: snap.Position},
		conditions: append(conditions, eventstore.StreamAt(event.UserStream(t.c.UserID), snap.Version)),
	}, err
}

// stillActive holds while nothing about the account has changed.
func stillActive(s *snapshot[user.State]) eventstore.Condition {
	return eventstore.StreamAt(event.UserStream(s.State.ID), s.Version)
}

func done(r event.Recorded) (Done, error) { return Done{Position: r.Position}, nil }
