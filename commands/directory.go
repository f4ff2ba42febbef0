package commands

import (
	"context"
	"fmt"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/room"
	"parley/domain/user"
	"parley/domain/wire"
)

// user reads an account the way the task wants it.
func (a *app) user(ctx context.Context, r *reading, id string) (*snapshot[user.State], error) {
	return read(ctx, r, a.users, id)
}

// room reads a room the way the task wants it.
func (a *app) room(ctx context.Context, r *reading, id string) (*snapshot[room.State], error) {
	return read(ctx, r, a.rooms, id)
}

func read[S any](ctx context.Context, r *reading, from *states[S], id string) (*snapshot[S], error) {
	if r.fresh {
		if !r.asked {
			var err error
			if r.sure, err = from.learnt.all(ctx); err != nil {
				return nil, err
			}
			r.asked = true
		}
		if !r.sure {
			return from.readOn(ctx, id)
		}
	}
	snap, cached, err := from.get(ctx, id)
	r.cached = r.cached || cached
	return snap, err
}

// actor reads who asks. It fails with INVALID_USER for an account that may not act.
func (a *app) actor(ctx context.Context, r *reading, p domain.Principal) (*snapshot[user.State], room.Actor, error) {
	if !domain.ValidID(p.UserID) {
		return nil, room.Actor{}, user.ErrInvalidUser()
	}
	snap, err := a.user(ctx, r, p.UserID)
	if err != nil {
		return nil, room.Actor{}, err
	}
	if err := snap.State.MayAct(); err != nil {
		return nil, room.Actor{}, err
	}
	return snap, room.Actor{ID: snap.State.ID, Username: snap.State.Username, Admin: p.IsAdmin()}, nil
}

func userShape(s *snapshot[user.State]) wire.User {
	u := s.State
	return wire.User{
		ID: u.ID, Username: u.Username, DisplayName: u.DisplayName, AvatarURL: u.AvatarURL,
		Active: u.Active, Position: s.Position,
	}
}

func roomShape(s *snapshot[room.State]) wire.Room {
	r := s.State
	return wire.Room{
		ID: r.ID, Name: r.Name, Type: r.Type, Topic: r.Topic, CreatedBy: r.CreatedBy,
		CreatedAt: wire.Time(r.CreatedAt), ArchivedAt: wire.OptionalTime(r.ArchivedAt),
		MemberCount: r.Members.Len(), Position: s.Position,
	}
}

func memberShape(s *snapshot[room.State], userID string) Member {
	m, _ := s.State.Members.Get(userID)
	return Member{
		Member:   wire.Member{UserID: userID, Username: m.Username, Role: m.Role, JoinedAt: wire.Time(m.JoinedAt)},
		Position: s.Position,
	}
}

// after is the room once r, which was decided on s, has happened.
func after(s *snapshot[room.State], r event.Recorded) *snapshot[room.State] {
	return &snapshot[room.State]{State: room.Evolve(s.State, r), Version: r.Version, Position: r.Position}
}

// directory reads states for the edges.
type directory struct{ *app }

// User answers from the cache while Run keeps it up to date; that somebody does not exist
// or is not active is never said without looking.
func (d directory) User(ctx context.Context, userID string) (wire.User, error) {
	if !domain.ValidID(userID) {
		return wire.User{}, user.ErrInvalidUser()
	}
	snap, cached, err := d.users.get(ctx, userID)
	if err == nil && cached && (!snap.State.Active || !d.following.Load()) {
		snap, err = d.users.refresh(ctx, userID)
	}
	if err != nil {
		return wire.User{}, visible(err)
	}
	if !snap.State.Registered {
		return wire.User{}, user.ErrInvalidUser()
	}
	return userShape(snap), nil
}

// Membership looks at the log each time: at its end, which is shared by all who ask at once, or when this node has not learnt of all
// that is there, at the room's stream, which is shared by those who ask about the same room.
func (d directory) Membership(ctx context.Context, p domain.Principal, roomID string) (wire.Room, bool, error) {
	if !domain.ValidID(roomID) {
		return wire.Room{}, false, room.ErrNotFound()
	}
	snap, err := d.rooms.refresh(ctx, roomID)
	if err != nil {
		return wire.Room{}, false, visible(err)
	}
	if err := snap.State.MaySee(room.Actor{ID: p.UserID, Admin: p.IsAdmin()}); err != nil {
		return wire.Room{}, false, err
	}
	_, isMember := snap.State.Members.Get(p.UserID)
	return roomShape(snap), isMember, nil
}

// Moderates looks at the log as Membership does.
func (d directory) Moderates(ctx context.Context, p domain.Principal, roomID string) (bool, error) {
	if !domain.ValidID(roomID) {
		return false, nil
	}
	snap, err := d.rooms.refresh(ctx, roomID)
	if err != nil {
		return false, visible(err)
	}
	return snap.State.Moderates(room.Actor{ID: p.UserID, Admin: p.IsAdmin()}), nil
}

// Seen reads the cache while Run keeps it up to date.
func (d directory) Seen(ctx context.Context, p domain.Principal, roomID string) (wire.Room, bool, error) {
	if domain.ValidID(roomID) && d.following.Load() {
		snap, _, err := d.rooms.get(ctx, roomID)
		if err == nil {
			if _, isMember := snap.State.Members.Get(p.UserID); isMember {
				return roomShape(snap), true, nil
			}
		}
	}
	return d.Membership(ctx, p, roomID)
}

// RoomHead is one indexed read, once for each room while Run keeps up.
func (d directory) RoomHead(ctx context.Context, roomID string, at event.Position) (int64, error) {
	return d.heads.at(ctx, roomID, at, func(ctx context.Context) (int64, error) {
		last, ok, err := d.Log.Last(ctx, event.MessagesStream(roomID), at)
		if err != nil {
			return 0, visible(fmt.Errorf("find the last message of room %s: %w", roomID, err))
		}
		if !ok {
			return 0, nil
		}
		return last.Seq, nil
	})
}
