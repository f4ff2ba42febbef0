package domain

import (
	"slices"
	"time"
)

// Role is a right that a token grants on the whole system (not in one room).
type Role string

// The roles of the wire contract. No role is an ordinary user.
const (
	RoleAdmin   Role = "admin"
	RoleAnalyst Role = "analyst"
)

// Principal is who acts: a user that a verified token names.
type Principal struct {
	UserID   string
	Username string
	Roles    []Role
	// ExpiresAt is when the token ends. Zero for an actor that came without one (the CLI).
	ExpiresAt time.Time
	// IssuedAt is when the token was made. Zero when it does not say.
	IssuedAt time.Time
	// SessionID is the login that the token belongs to ("" for tokens made elsewhere).
	SessionID string
}

// Has reports whether the principal was granted the role; an admin has every role.
func (p Principal) Has(r Role) bool {
	return slices.Contains(p.Roles, r) || slices.Contains(p.Roles, RoleAdmin)
}

// IsAdmin reports whether the principal may do everything.
func (p Principal) IsAdmin() bool { return p.Has(RoleAdmin) }
