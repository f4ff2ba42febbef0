package commands

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/room"
	"parley/domain/user"
	"parley/domain/wire"
	"parley/eventstore"
)

func (c *Commands) fillRooms(a *app) {
	c.CreateRoom = &useCase[CreateRoom, wire.Room]{
		app: a, name: "create-room", tidy: tidyCreate, decide: a.createRoom, repeated: openedBefore,
		bind: func(_ Actor, c *CreateRoom) event.ID {
			if c.ID == "" {
				c.ID = a.NewID().String()
			}
			return room.CreatedID(c.ID)
		},
	}
	c.UpdateRoom = &useCase[UpdateRoom, wire.Room]{
		app: a, name: "update-room", tidy: tidyUpdate, check: checkUpdate, decide: a.updateRoom,
		turn: func(c *UpdateRoom) string { return c.RoomID },
	}
	c.ArchiveRoom = &useCase[RoomRef, wire.Room]{
		app: a, name: "archive-room", decide: a.archiveRoom, turn: roomOf,
		bind:     func(_ Actor, c *RoomRef) event.ID { return room.ArchivedID(c.RoomID) },
		repeated: func(*task[RoomRef], event.Recorded) (wire.Room, error) { return wire.Room{}, room.ErrArchived() },
	}
}

func roomOf(c *RoomRef) string { return c.RoomID }

func tidyCreate(c *CreateRoom) {
	trim(&c.Name)
	clean(&c.Topic)
}

func tidyUpdate(c *UpdateRoom) {
	trim(c.Name)
	clean(c.Topic)
}

func checkUpdate(c *UpdateRoom) error {
	if c.Name != nil && *c.Name == "" {
		return domain.Invalid("name", "is required")
	}
	return nil
}

// openedBefore answers for an id that is in use: a direct room is what was asked for.
func openedBefore(_ *task[CreateRoom], first event.Recorded) (wire.Room, error) {
	payload, err := first.Payload()
	if err != nil {
		return wire.Room{}, err
	}
	if e, ok := payload.(event.RoomCreated); ok && e.RoomType == event.RoomDirect {
		return wire.NewRoom(first, e), nil // nothing about a direct room ever changes
	}
	return wire.Room{}, room.ErrTaken()
}

func (a *app) createRoom(ctx context.Context, t *task[CreateRoom]) (decision[wire.Room], error) {
	none := decision[wire.Room]{}
	creator, by, err := a.actor(ctx, &t.reading, t.actor.Principal)
	if err != nil {
		return none, err
	}
	id := t.id
	if other := theOther(by.ID, t.c.MemberIDs); t.c.Type == event.RoomDirect && other != "" {
		id = room.DirectID(by.ID, other)
		if d, err := a.openedDirect(ctx, t, id); err != nil || d != nil {
			return decision[wire.Room]{unchanged: wireRoom(d)}, err
		}
	}
	snap, err := a.room(ctx, &t.reading, t.c.ID)
	if err != nil {
		return none, err
	}
	invited, unchanged, err := a.invited(ctx, &t.reading, t.c.MemberIDs)
	if err != nil {
		return none, err
	}
	e, err := room.Create{
		By: by, ID: t.c.ID, Name: t.c.Name, Type: t.c.Type, Topic: t.c.Topic, Invited: invited,
	}.Decide(snap.State)
	return decision[wire.Room]{
		event: e, id: id, stored: changedRoom(snap),
		conditions: append(unchanged, eventstore.StreamAt(event.RoomStream(t.c.ID), 0), stillActive(creator)),
	}, err
}

// theOther is the one user besides self that ids name, or "".
func theOther(self string, ids []string) string {
	other := ""
	for _, id := range ids {
		if id == self || id == other {
			continue
		}
		if other != "" {
			return ""
		}
		other = id
	}
	return other
}

// openedDirect is the room that a pair has already, or nil.
func (a *app) openedDirect(ctx context.Context, t *task[CreateRoom], id event.ID) (*wire.Room, error) {
	found, err := a.Log.ByID(ctx, id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	r, err := openedBefore(t, found[0])
	return &r, err
}

func wireRoom(r *wire.Room) wire.Room {
	if r == nil {
		return wire.Room{}
	}
	return *r
}

const (
	// readers bounds how many accounts one command reads at once.
	readers = 8
	// maxNamed bounds how many ids a refusal names.
	maxNamed = 10
	// conditionsOfCreate is how many a new room has beside its members.
	conditionsOfCreate = 2
)

// invited reads the accounts, and fails with INVALID_PAYLOAD (memberIds) when it cannot find them all. What names them
// depends on that they are unchanged.
func (a *app) invited(ctx context.Context, r *reading, ids []string) ([]user.State, []eventstore.Condition, error) {
	users, unchanged := make([]user.State, len(ids)), make([]eventstore.Condition, len(ids), len(ids)+conditionsOfCreate)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	ways := make([]reading, len(ids))
	for i, id := range ids {
		ways[i] = *r
		group.Go(func() error {
			snap, err := a.user(ctx, &ways[i], id)
			if err == nil {
				users[i], unchanged[i] = snap.State, eventstore.StreamAt(event.UserStream(id), snap.Version)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	var unknown []string
	for i, u := range users {
		r.cached = r.cached || ways[i].cached
		if u.MayAct() != nil {
			unknown = append(unknown, ids[i])
		}
	}
	if len(unknown) > 0 {
		named := strings.Join(unknown[:min(len(unknown), maxNamed)], ", ")
		return nil, nil, domain.Invalid("memberIds", "must name active users, which these are not: "+named)
	}
	return users, unchanged, nil
}

func (a *app) updateRoom(ctx context.Context, t *task[UpdateRoom]) (decision[wire.Room], error) {
	return a.changeRoom(ctx, &t.reading, t.actor, t.c.RoomID, func(by room.Actor) roomCommand {
		return room.Update{By: by, Name: t.c.Name, Topic: t.c.Topic}
	})
}

func (a *app) archiveRoom(ctx context.Context, t *task[RoomRef]) (decision[wire.Room], error) {
	return a.changeRoom(ctx, &t.reading, t.actor, t.c.RoomID, func(by room.Actor) roomCommand {
		return room.Archive{By: by}
	})
}

// roomCommand decides on a room.
type roomCommand interface {
	Decide(s room.State) (event.Event, error)
}

// changeRoom decides what answers with the room as it is afterwards.
func (a *app) changeRoom(
	ctx context.Context, r *reading, actor Actor, roomID string, command func(room.Actor) roomCommand,
) (decision[wire.Room], error) {
	c, err := a.decideRoom(ctx, r, actor, roomID, command)
	if err != nil {
		return decision[wire.Room]{}, err
	}
	return decision[wire.Room]{
		event: c.event, conditions: c.conditions, unchanged: roomShape(c.room), stored: changedRoom(c.room),
	}, nil
}

// roomChange is what was decided on a room, and the room that it was decided on.
type roomChange struct {
	event      event.Event
	conditions []eventstore.Condition
	room       *snapshot[room.State]
	by         room.Actor
}

func (a *app) decideRoom(
	ctx context.Context, r *reading, actor Actor, roomID string, command func(room.Actor) roomCommand,
) (roomChange, error) {
	u, by, err := a.actor(ctx, r, actor.Principal)
	if err != nil {
		return roomChange{}, err
	}
	snap, err := a.room(ctx, r, roomID)
	if err != nil {
		return roomChange{}, err
	}
	e, err := command(by).Decide(snap.State)
	return roomChange{
		event: e, room: snap, by: by,
		conditions: []eventstore.Condition{eventstore.StreamAt(event.RoomStream(roomID), snap.Version), stillActive(u)},
	}, err
}

func changedRoom(before *snapshot[room.State]) func(event.Recorded) (wire.Room, error) {
	return func(r event.Recorded) (wire.Room, error) { return roomShape(after(before, r)), nil }
}
