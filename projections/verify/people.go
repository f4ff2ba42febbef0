package verify

import (
	"context"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/user"
	"parley/domain/wire"
	"parley/projections/presence"
	"parley/projections/users"
)

// The names of the views.
const (
	viewUsers    = "users"
	viewRooms    = "rooms"
	viewMessages = "messages"
	viewReceipts = "receipts"
	viewSearch   = "search"
	viewPresence = "presence"
)

type userFold struct {
	c     *comparison
	id    string
	state user.State
	last  event.Position
}

func (f *userFold) add(r event.Recorded, _ event.Event) {
	if f.c.shows(viewUsers, r) {
		f.state, f.last = user.Evolve(f.state, r), r.Position
	}
}

func (f *userFold) compare(ctx context.Context, c *comparison) error {
	var want, got any
	if f.state.Registered {
		s := f.state
		want = wire.User{ID: s.ID, Username: s.Username, DisplayName: s.DisplayName, AvatarURL: s.AvatarURL, Active: s.Active, Position: f.last}
	}
	shown, _, err := users.NewQueries(c.tx).Get(ctx, f.id)
	switch {
	case err == nil:
		got = shown
	case domain.CodeOf(err) != domain.CodeInvalidUser:
		return err
	}
	return c.same(viewUsers, "user "+f.id, want, got)
}

type presenceFold struct {
	c    *comparison
	id   string
	own  wire.Presence
	seen wire.Presence
}

func (f *presenceFold) add(r event.Recorded, payload event.Event) {
	if !f.c.shows(viewPresence, r) {
		return
	}
	var p event.Presence
	switch e := payload.(type) {
	case event.UserCameOnline:
		p = e.Presence
	case event.UserPresenceChanged:
		p = e.Presence
	case event.UserWentOffline:
		p = event.Presence{UserID: e.UserID, Status: event.StatusOffline, Unseen: e.Unseen}
	default:
		return
	}
	f.own = wire.NewPresence(r, p)
	if !p.Unseen {
		f.seen = f.own.Shown()
	}
}

func (f *presenceFold) compare(ctx context.Context, c *comparison) error {
	for _, as := range []struct {
		viewer string
		want   wire.Presence
	}{{f.id, f.own}, {"", f.seen}} {
		if as.want.UserID == "" {
			as.want = wire.Presence{UserID: f.id, Status: event.StatusOffline}
		}
		list, err := presence.NewQueries(c.tx).Of(ctx, as.viewer, f.id)
		if err != nil {
			return err
		}
		if err := c.same(viewPresence, "presence of "+f.id, as.want, list.Items[0]); err != nil {
			return err
		}
	}
	return nil
}
