package gateway

import (
	"context"
	"maps"
	"slices"

	"parley/commands"
	"parley/domain"
	"parley/domain/room"
	"parley/domain/wire"
	"parley/realtime/hub"
)

// Typing is told who is typing, and tells it to everybody else in the room. None of its methods waits.
type Typing interface {
	// Start says that a member is typing, and Stop that it is not any more.
	Start(roomID, userID, username string)
	Stop(roomID, userID string)
	// In lists who is typing in a room, but for one user.
	In(roomID, except string) []wire.Typing
}

// nobody types.
type nobody struct{}

func (nobody) Start(string, string, string)           {}
func (nobody) Stop(string, string)                    {}
func (nobody) In(string, string) (list []wire.Typing) { return nil }

func (g *Gateway) typingStart(ctx context.Context, c *call, ref commands.RoomRef) {
	s := c.session
	if err := g.mayType(ctx, s, ref.RoomID); err != nil {
		c.done(nil, err)
		return
	}
	user, err := g.menu.Directory.User(ctx, s.userID)
	if err == nil {
		if s.typing == nil {
			s.typing = make(map[string]bool)
		}
		s.typing[ref.RoomID] = true
		g.cfg.Typing.Start(ref.RoomID, s.userID, user.Username)
	}
	c.done(struct{}{}, err)
}

func (g *Gateway) typingStop(ctx context.Context, c *call, ref commands.RoomRef) {
	err := g.mayType(ctx, c.session, ref.RoomID)
	if err == nil {
		c.session.stopTyping(ref.RoomID)
	}
	c.done(struct{}{}, err)
}

// mayType fails with ROOM_NOT_FOUND, NOT_A_MEMBER or ROOM_ARCHIVED, as of now: who was removed does not type, on any node.
func (g *Gateway) mayType(ctx context.Context, s *Session, roomID string) error {
	if !domain.ValidID(roomID) {
		return domain.Invalid("roomId", "must be an id")
	}
	known, member, err := g.menu.Directory.Membership(ctx, s.Principal(), roomID)
	switch {
	case err != nil:
		return err
	case known.ArchivedAt != nil:
		return domain.Errorf(domain.CodeRoomArchived, "the room is archived")
	case !member:
		return room.ErrNotAMember()
	default:
		return nil
	}
}

// stopTyping is for rooms in which the session was typing, perhaps.
func (s *Session) stopTyping(rooms ...string) {
	for _, id := range rooms {
		if s.typing[id] {
			delete(s.typing, id)
			s.gateway.cfg.Typing.Stop(id, s.userID)
		}
	}
}

func (s *Session) stopTypingAnywhere() { s.stopTyping(slices.Collect(maps.Keys(s.typing))...) }

// hint tells a session that has come late who is typing.
func (s *Session) hint(rooms ...string) {
	for _, id := range rooms {
		for _, t := range s.gateway.cfg.Typing.In(id, s.userID) {
			data, err := wire.Marshal(t)
			if err == nil {
				s.Deliver(hub.NewPush(wire.Push{Event: wire.EventTypingStarted, Room: id, Data: data}, 0))
			}
		}
	}
}
