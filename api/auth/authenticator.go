package auth

import (
	"context"

	"parley/commands"
	"parley/domain"
	"parley/domain/wire"
)

// AuthenticatorConfig says who is let in.
type AuthenticatorConfig struct {
	// AutoProvision registers the unknown user of a valid token. Zero means that it is refused.
	AutoProvision bool
}

// Authenticator turns a token into a user. It is safe for concurrent use.
type Authenticator struct {
	verifier *Verifier
	sessions *Sessions
	users    Users
	cfg      AuthenticatorConfig
}

// NewAuthenticator joins what has a say.
func NewAuthenticator(verifier *Verifier, sessions *Sessions, users Users, cfg AuthenticatorConfig) *Authenticator {
	return &Authenticator{verifier: verifier, sessions: sessions, users: users, cfg: cfg}
}

// Authenticate says who a token is from: verified, not logged out, known, and active. The principal's
// Username is the token's, else the user's.
//
// UNAUTHENTICATED, TOKEN_EXPIRED, INVALID_USER, or UNAVAILABLE.
func (a *Authenticator) Authenticate(ctx context.Context, token string) (domain.Principal, wire.User, error) {
	claims, err := a.verifier.Verify(ctx, token)
	if err != nil {
		return domain.Principal{}, wire.User{}, err
	}
	if err := a.sessions.Check(ctx, claims); err != nil {
		return domain.Principal{}, wire.User{}, err
	}
	user, err := a.user(ctx, claims)
	if err != nil {
		return domain.Principal{}, wire.User{}, err
	}
	if !user.Active {
		return domain.Principal{}, wire.User{}, errInactive()
	}
	if claims.Username == "" {
		claims.Username = user.Username
	}
	return claims.Principal, user, nil
}

func (a *Authenticator) user(ctx context.Context, claims Claims) (wire.User, error) {
	user, err := a.users.Directory.User(ctx, claims.UserID)
	if !a.cfg.AutoProvision || domain.CodeOf(err) != domain.CodeInvalidUser {
		return user, err
	}
	return a.users.Register.Do(ctx, commands.Actor{Principal: claims.Principal}, commands.RegisterUser{
		UserID: claims.UserID, Username: provisionedName(claims),
	})
}

// provisionedName is the claim username if it can be one, else the id, which always can when it is
// not too long.
func provisionedName(c Claims) string {
	if acc, err := newAccount(Registration{Username: c.Username}); err == nil {
		return acc.username
	}
	return c.UserID[:min(len(c.UserID), maxUsernameLength)]
}
