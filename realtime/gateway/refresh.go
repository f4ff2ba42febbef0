package gateway

import (
	"context"

	"parley/domain"
	"parley/domain/wire"
	"parley/realtime/hub"
)

// refreshToken is the payload of refresh-token.
type refreshToken struct {
	Token string `json:"token"`
}

// refreshed is the answer to refresh-token.
type refreshed struct {
	// ExpiresAt is when the session ends now. It is left out if that is never.
	ExpiresAt wire.Time `json:"expiresAt,omitzero"`
}

// refresh lets a session go on with another token of the same user, whose rights count from the next
// command on. A token that is refused changes nothing.
func (g *Gateway) refresh(ctx context.Context, c *call, request refreshToken) {
	s := c.session
	if request.Token == "" {
		c.done(nil, domain.Invalid("token", "is required"))
		return
	}
	principal, user, err := g.authenticate(ctx, request.Token)
	switch {
	case err != nil:
		c.done(nil, err)
		return
	case !user.Active || user.ID != s.userID:
		c.done(nil, domain.Errorf(domain.CodeInvalidUser, "the token is not of the user who is connected"))
		return
	}
	end := endOf(principal, g.cfg.Now())
	if !g.expiry.renew(s, end) {
		c.done(nil, errExpired())
		return
	}
	s.principal.Store(&principal)
	c.done(refreshed{wire.Time(end)}, nil)
}

func errExpired() error {
	return domain.Errorf(domain.CodeTokenExpired, "the token has expired")
}

// Expel removes every session that acts for a principal of whom concerned says so, and counts them.
// It is quick to do that again.
func (g *Gateway) Expel(concerned func(domain.Principal) bool) int {
	n := 0
	g.hub.Each(func(place *hub.Socket) {
		if s, ok := place.Sink().(*Session); ok && concerned(s.Principal()) {
			s.peer.Remove()
			n++
		}
	})
	return n
}
