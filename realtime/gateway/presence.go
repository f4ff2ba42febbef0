package gateway

import (
	"context"
	"encoding/json"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

// Presence is told which users have connections here.
type Presence interface {
	// Opened says that a device of the user has connected, which may ask to be invisible. closed is called once, when
	// the connection has ended. Neither may wait.
	Opened(userID string, invisible bool) (closed func())
}

func (g *Gateway) appear(s *Session, options Options) (gone func()) {
	if g.cfg.Presence == nil {
		return func() {}
	}
	return g.cfg.Presence.Opened(s.userID, options.Invisible)
}

// maxWatched is how many users a session may watch.
const maxWatched = 200

// watchPresence is the payload of watch-presence.
type watchPresence struct {
	UserIDs []string `json:"userIds"`
}

// watched is the answer to watch-presence.
type watched struct {
	Users []wire.Presence `json:"users"`
}

func userList(payload json.RawMessage) (watchPresence, error) {
	return decodeBare[watchPresence](payload, "userIds", '[')
}

// watchPresence replaces whom the session watches. The answer is how they are there now, and everything that
// changes after it follows. Nobody has to watch themselves: a session hears of its own user.
func (g *Gateway) watchPresence(ctx context.Context, c *call, request watchPresence) {
	s := c.session
	others := make([]string, 0, len(request.UserIDs))
	for _, id := range request.UserIDs {
		if !domain.ValidID(id) {
			c.done(nil, domain.Invalid("userIds", "must be ids"))
			return
		}
		if id != s.userID {
			others = append(others, id)
		}
	}
	if len(request.UserIDs) > maxWatched {
		c.done(nil, domain.Invalid("userIds", "must name at most 200 users"))
		return
	}
	p, err := s.place.Watch(others...)
	if err != nil {
		c.done(nil, domain.Unavailable(err))
		return
	}
	s.flush() // what it got before is at or below p
	list, err := g.presenceOf(ctx, s.userID, p, request.UserIDs)
	if err != nil {
		_, _ = s.place.Watch() // nobody, rather than without an answer
	}
	s.place.Release(c.settled(watched{list}, err))
}

func (g *Gateway) presenceOf(ctx context.Context, viewer string, asOf event.Position, ids []string) ([]wire.Presence, error) {
	if g.cfg.PresenceOf != nil && len(ids) > 0 {
		return g.cfg.PresenceOf(ctx, viewer, asOf, ids)
	}
	list := make([]wire.Presence, len(ids))
	for i, id := range ids {
		list[i] = wire.Presence{UserID: id, Status: event.StatusOffline}
	}
	return list, nil
}
