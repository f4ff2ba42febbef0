// Package user decides about accounts.
//
// A State is folded from the events of one user's stream by Evolve, which knows no rules.
// The rules are in the Decide method of each command: a pure function from the state to
// one event, to nil (there is nothing to change), or to a *domain.Error.
package user

import (
	"parley/domain"
	"parley/domain/event"
)

// State is an account. The zero State is one that does not exist.
type State struct {
	// Sender is the account as messages name it.
	event.Sender
	Registered bool
	// Active accounts may act; others were deactivated.
	Active bool
	// Erased accounts stay inactive and without names for good.
	Erased bool
}

// Evolve is s after one event of the user's stream. It is total: events of other kinds
// change nothing.
func Evolve(s State, r event.Recorded) State {
	payload, err := r.Payload()
	if err != nil {
		return s // written by a newer build: it says nothing that this one asks
	}
	switch e := payload.(type) {
	case event.UserRegistered:
		s = State{Registered: true, Active: true}
		s.Sender = event.Sender{ID: e.UserID, Username: e.Username, DisplayName: e.DisplayName, AvatarURL: e.AvatarURL}
	case event.UserProfileChanged:
		s.Sender = event.Sender{ID: e.UserID, Username: e.Username, DisplayName: e.DisplayName, AvatarURL: e.AvatarURL}
	case event.UserDeactivated:
		s.Active = false
	case event.UserReactivated:
		s.Active = !s.Erased
	case event.UserErased:
		s = State{Registered: true, Erased: true, Sender: event.Sender{ID: e.UserID}}
	default:
	}
	return s
}

// RegisteredID is the id of a user's UserRegistered event: a user registers once.
func RegisteredID(userID string) event.ID { return event.DeriveID("user", userID, "registered") }

// ErrInvalidUser refuses who does not exist or was deactivated.
func ErrInvalidUser() *domain.Error {
	return domain.Errorf(domain.CodeInvalidUser, "the user does not exist or is deactivated")
}

// MayAct refuses the actions of accounts that do not exist or were deactivated (INVALID_USER).
func (s State) MayAct() error {
	if !s.Registered || !s.Active {
		return ErrInvalidUser()
	}
	return nil
}

// Register makes an account known. Doing so again changes nothing. Without a DisplayName the
// username is shown.
type Register struct {
	UserID, Username, DisplayName, AvatarURL string
}

// Decide gives UserRegistered.
func (c Register) Decide(s State) (event.Event, error) {
	if s.Registered {
		return nil, nil
	}
	e := event.UserRegistered(c)
	e.DisplayName = shown(e.DisplayName, e.Username)
	return e, nil
}

// shown is the name that others see.
func shown(displayName, username string) string {
	if displayName == "" {
		return username
	}
	return displayName
}

// ChangeProfile changes what is not nil. DisplayName "" goes back to the username.
type ChangeProfile struct {
	DisplayName, AvatarURL *string
}

// Decide gives UserProfileChanged. It fails with INVALID_USER.
func (c ChangeProfile) Decide(s State) (event.Event, error) {
	if err := s.MayAct(); err != nil {
		return nil, err
	}
	next := s.Sender
	if c.DisplayName != nil {
		next.DisplayName = shown(*c.DisplayName, next.Username)
	}
	if c.AvatarURL != nil {
		next.AvatarURL = *c.AvatarURL
	}
	if next == s.Sender {
		return nil, nil
	}
	return event.UserProfileChanged{
		UserID: next.ID, Username: next.Username, DisplayName: next.DisplayName, AvatarURL: next.AvatarURL,
	}, nil
}

// Deactivate shuts the account out.
type Deactivate struct {
	By domain.Principal
}

// Decide gives UserDeactivated. It fails with FORBIDDEN for all but admins, and with
// INVALID_USER for an account that does not exist.
func (c Deactivate) Decide(s State) (event.Event, error) {
	if err := administered(c.By, s); err != nil {
		return nil, err
	}
	if !s.Active {
		return nil, nil
	}
	return event.UserDeactivated{UserID: s.ID, By: c.By.UserID}, nil
}

// Reactivate lets the account in again.
type Reactivate struct {
	By domain.Principal
}

// Decide gives UserReactivated. It fails as Deactivate does, and with INVALID_USER for an account that was erased.
func (c Reactivate) Decide(s State) (event.Event, error) {
	if err := administered(c.By, s); err != nil {
		return nil, err
	}
	if s.Erased {
		return nil, domain.Errorf(domain.CodeInvalidUser, "the user was erased")
	}
	if s.Active {
		return nil, nil
	}
	return event.UserReactivated{UserID: s.ID, By: c.By.UserID}, nil
}

// Erase shuts the account out for good and has everything blanked that the user wrote or was called by. Doing so again
// changes nothing.
type Erase struct {
	By domain.Principal
}

// Decide gives UserErased. It fails as Deactivate does.
func (c Erase) Decide(s State) (event.Event, error) {
	if err := administered(c.By, s); err != nil {
		return nil, err
	}
	if s.Erased {
		return nil, nil
	}
	return event.UserErased{UserID: s.ID, By: c.By.UserID}, nil
}

func administered(by domain.Principal, s State) error {
	if !by.IsAdmin() {
		return domain.Errorf(domain.CodeForbidden, "only an admin may do this")
	}
	if !s.Registered {
		return domain.Errorf(domain.CodeInvalidUser, "there is no such user")
	}
	return nil
}
