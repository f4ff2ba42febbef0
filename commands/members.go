package commands

import (
	"context"

	"parley/domain/erase"
	"parley/domain/event"
	"parley/domain/room"
	"parley/eventstore"
)

func (c *Commands) fillMembers(a *app) {
	c.JoinRoom = &useCase[RoomRef, Joined]{app: a, name: "join-room", decide: a.joinRoom, turn: roomOf}
	c.LeaveRoom = &useCase[RoomRef, Left]{app: a, name: "leave-room", decide: a.leaveRoom, turn: roomOf}
	c.AddMember = &useCase[AddMember, Member]{
		app: a, name: "add-member", decide: a.addMember, turn: func(c *AddMember) string { return c.RoomID },
	}
	c.RemoveMember = &useCase[RemoveMember, Done]{
		app: a, name: "remove-member", decide: a.removeMember, turn: func(c *RemoveMember) string { return c.RoomID },
	}
	c.SetRole = &useCase[SetRole, Member]{
		app: a, name: "set-role", decide: a.setRole, turn: func(c *SetRole) string { return c.RoomID },
	}
}

func (a *app) joinRoom(ctx context.Context, t *task[RoomRef]) (decision[Joined], error) {
	c, err := a.decideRoom(ctx, &t.reading, t.actor, t.c.RoomID, func(by room.Actor) roomCommand {
		return room.Join{By: by}
	})
	if err != nil {
		return decision[Joined]{}, err
	}
	return decision[Joined]{
		event: c.event, conditions: c.conditions,
		unchanged: Joined{Room: roomShape(c.room), Position: c.room.Position},
		stored: func(r event.Recorded) (Joined, error) {
			return Joined{Room: roomShape(after(c.room, r)), Joined: true, Position: r.Position}, nil
		},
	}, nil
}

func (a *app) leaveRoom(ctx context.Context, t *task[RoomRef]) (decision[Left], error) {
	c, err := a.decideRoom(ctx, &t.reading, t.actor, t.c.RoomID, func(by room.Actor) roomCommand {
		return room.Leave{By: by}
	})
	if err != nil {
		return decision[Left]{}, err
	}
	return decision[Left]{
		event: c.event, conditions: c.conditions, id: c.end(t.actor.UserID),
		stored: func(r event.Recorded) (Left, error) { return Left{RoomID: t.c.RoomID, Position: r.Position}, nil },
	}, nil
}

func (a *app) removeMember(ctx context.Context, t *task[RemoveMember]) (decision[Done], error) {
	c, err := a.decideRoom(ctx, &t.reading, t.actor, t.c.RoomID, func(by room.Actor) roomCommand {
		return room.Remove{By: by, UserID: t.c.UserID}
	})
	if err != nil {
		return decision[Done]{}, err
	}
	if err := a.naming(ctx, &t.reading, &c, t.c.UserID); err != nil {
		return decision[Done]{}, err
	}
	return decision[Done]{event: c.event, conditions: c.conditions, id: c.end(t.c.UserID), stored: done}, nil
}

// naming makes a decision that names another user depend on that account. A room calls its members what they were called when they
// came; who was erased since is not called anything.
func (a *app) naming(ctx context.Context, r *reading, c *roomChange, userID string) error {
	if c.event == nil || userID == c.by.ID {
		return nil
	}
	named, err := a.user(ctx, r, userID)
	if err != nil {
		return err
	}
	if named.State.Erased {
		c.event, _ = erase.Blank(c.event, userID)
	}
	c.conditions = append(c.conditions, eventstore.StreamAt(event.UserStream(userID), named.Version))
	return nil
}

// end is the id of the event that ends the membership: a membership ends once.
func (c roomChange) end(userID string) event.ID {
	m, _ := c.room.State.Members.Get(userID)
	return room.EndedID(c.room.State.ID, userID, m)
}

func (a *app) addMember(ctx context.Context, t *task[AddMember]) (decision[Member], error) {
	target, err := a.user(ctx, &t.reading, t.c.UserID)
	if err != nil {
		return decision[Member]{}, err
	}
	c, err := a.decideRoom(ctx, &t.reading, t.actor, t.c.RoomID, func(by room.Actor) roomCommand {
		return room.Add{By: by, User: target.State, UserID: t.c.UserID, Role: t.c.Role}
	})
	if err == nil {
		err = a.naming(ctx, &t.reading, &c, t.c.UserID)
	}
	return memberDecision(c, t.c.UserID, err)
}

func (a *app) setRole(ctx context.Context, t *task[SetRole]) (decision[Member], error) {
	c, err := a.decideRoom(ctx, &t.reading, t.actor, t.c.RoomID, func(by room.Actor) roomCommand {
		return room.SetRole{By: by, UserID: t.c.UserID, Role: t.c.Role}
	})
	if err == nil {
		err = a.naming(ctx, &t.reading, &c, t.c.UserID)
	}
	return memberDecision(c, t.c.UserID, err)
}

// memberDecision answers with the member as it is afterwards.
func memberDecision(c roomChange, userID string, err error) (decision[Member], error) {
	if err != nil {
		return decision[Member]{}, err
	}
	return decision[Member]{
		event: c.event, conditions: c.conditions, unchanged: memberShape(c.room, userID),
		stored: func(r event.Recorded) (Member, error) { return memberShape(after(c.room, r), userID), nil },
	}, nil
}
