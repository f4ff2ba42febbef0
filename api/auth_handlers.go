package api

import (
	"net/http"
	"net/netip"
	"time"

	"parley/api/auth"
	"parley/domain"
	"parley/domain/wire"
)

// ownUser is an account as its owner sees it.
type ownUser struct {
	wire.User
	Email string        `json:"email,omitempty"`
	Roles []domain.Role `json:"roles"`
}

func own(user wire.User, email string, roles []domain.Role) ownUser {
	if roles == nil {
		roles = []domain.Role{}
	}
	return ownUser{User: user, Email: email, Roles: roles}
}

// tokens is the answer to register, login and refresh.
type tokens struct {
	User         ownUser `json:"user"`
	AccessToken  string  `json:"accessToken"`
	RefreshToken string  `json:"refreshToken"`
	// ExpiresIn is in seconds.
	ExpiresIn int64  `json:"expiresIn"`
	TokenType string `json:"tokenType"`
}

func (c *call) tokens(status int, t auth.Tokens) error {
	c.at(t.User.Position)
	return c.send(status, tokens{
		User: own(t.User, t.Email, t.Roles), AccessToken: t.AccessToken, RefreshToken: t.RefreshToken,
		ExpiresIn: int64(t.ExpiresIn / time.Second), TokenType: "Bearer",
	})
}

// The requests.
type (
	registration struct {
		Username    string `json:"username" validate:"required"`
		Email       string `json:"email"`
		Password    string `json:"password" validate:"required"`
		DisplayName string `json:"displayName"`
	}
	// login names the user by username or email.
	login struct {
		Username string `json:"username"`
		Email    string `json:"email"`
		Password string `json:"password" validate:"required"`
	}
	refresh struct {
		RefreshToken string `json:"refreshToken" validate:"required"`
	}
	logout struct {
		RefreshToken string `json:"refreshToken"`
		All          bool   `json:"all"`
	}
)

// DemoUser is a user whom anybody may be, on a node that shows what it can do.
type DemoUser struct {
	Username string        `json:"username"`
	Password string        `json:"password"`
	Roles    []domain.Role `json:"roles"`
}

// methods says how one gets in here.
type methods struct {
	// Accounts says that there are local ones, to register and log in with. Else tokens are of an identity provider.
	Accounts  bool       `json:"accounts"`
	DemoUsers []DemoUser `json:"demoUsers,omitempty"`
}

func (a *API) methods(c *call) error {
	return c.ok(methods{Accounts: a.Accounts != nil, DemoUsers: a.DemoUsers})
}

// address is the client's, for limits.
func (c *call) address() netip.Addr {
	addr, _ := netip.ParseAddr(c.RealIP()) // the zero Addr is an address like any other there
	return addr
}

func (a *API) register(c *call) error {
	var body registration
	if err := c.decode(&body); err != nil {
		return err
	}
	t, err := a.Accounts.Register(c.ctx(), c.address(), auth.Registration{
		Username: body.Username, Email: body.Email, Password: body.Password, DisplayName: body.DisplayName,
	})
	if err != nil {
		return err
	}
	return c.tokens(http.StatusCreated, t)
}

func (a *API) login(c *call) error {
	var body login
	if err := c.decode(&body); err != nil {
		return err
	}
	t, err := a.Accounts.Login(c.ctx(), c.address(), auth.Login{Username: body.Username, Email: body.Email, Password: body.Password})
	if err != nil {
		return err
	}
	return c.tokens(http.StatusOK, t)
}

func (a *API) refresh(c *call) error {
	var body refresh
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.RefreshToken == "" {
		return domain.Invalid("refreshToken", "is required")
	}
	t, err := a.Accounts.Refresh(c.ctx(), body.RefreshToken)
	if err != nil {
		return err
	}
	return c.tokens(http.StatusOK, t)
}

// logout ends the login that the refresh token in the body, or else the bearer token, belongs to; with
// all, every login of its user.
func (a *API) logout(c *call) error {
	var body logout
	if err := c.decodeOptional(&body); err != nil {
		return err
	}
	userID, sessionID, err := a.loginOf(c, body.RefreshToken)
	if err != nil {
		return err
	}
	switch {
	case body.All:
		err = a.Sessions.RevokeAll(c.ctx(), userID)
	case auth.IsLocal(sessionID):
		err = a.Sessions.Revoke(c.ctx(), sessionID)
	default:
		err = domain.Invalid("all", "must be true for a token of an identity provider: it belongs to no login here")
	}
	if err != nil {
		return err
	}
	return c.ok(struct{}{})
}

func (a *API) loginOf(c *call, refreshToken string) (userID, sessionID string, err error) {
	if refreshToken != "" && a.Accounts != nil {
		return a.Accounts.Holder(c.ctx(), refreshToken)
	}
	err = a.authenticate(c)
	return c.actor.UserID, c.actor.SessionID, err
}
