package api

import (
	"parley/commands"
	"parley/domain"
	"parley/domain/event"
)

func (a *API) listMembers(c *call) error {
	room, _, err := a.visible(c)
	if err != nil {
		return err
	}
	q := c.query()
	cursor, limit, when := q.cursor(), q.limit(), q.when()
	if err := q.err(); err != nil {
		return err
	}
	if when != nil {
		return a.membersThen(c, room.ID, *when, cursor, limit)
	}
	list, err := a.Rooms.Members(c.ctx(), room.ID, cursor, limit)
	if err != nil {
		return err
	}
	c.at(list.Position)
	return c.ok(list)
}

// membership is what may be said of a member.
type membership struct {
	Role event.MemberRole `json:"role"`
}

// putMember makes a user a member, with the role of the body if there is one. Of oneself, without
// a role, it is joining.
func (a *API) putMember(c *call) error {
	var body membership
	if err := c.decodeOptional(&body); err != nil {
		return err
	}
	roomID, err := c.roomID()
	if err != nil {
		return err
	}
	userID := c.param("userId")
	if userID == c.actor.UserID && body.Role == "" {
		return a.join(c, roomID)
	}
	member, err := a.Commands.AddMember.Do(c.ctx(), c.actor, commands.AddMember{RoomID: roomID, UserID: userID, Role: body.Role})
	if err == nil && body.Role != "" && member.Role != body.Role { // was a member before
		member, err = a.Commands.SetRole.Do(c.ctx(), c.actor, commands.SetRole{RoomID: roomID, UserID: userID, Role: body.Role})
	}
	if err != nil {
		return err
	}
	c.at(member.Position)
	return c.ok(member)
}

// join answers with the member, as the view has it once it has seen the join. STALE if that takes
// too long; asking again is harmless.
func (a *API) join(c *call, roomID string) error {
	joined, err := a.Commands.JoinRoom.Do(c.ctx(), c.actor, commands.RoomRef{RoomID: roomID})
	if err != nil {
		return err
	}
	c.at(joined.Position)
	if err := a.Views.WaitFor(c.ctx(), joined.Position, viewRooms); err != nil {
		return err
	}
	member, _, err := a.Rooms.Member(c.ctx(), roomID, c.actor.UserID)
	if err != nil {
		return err
	}
	return c.ok(commands.Member{Member: member, Position: joined.Position})
}

// deleteMember removes a member. Of oneself it is leaving.
func (a *API) deleteMember(c *call) error {
	roomID, err := c.roomID()
	if err != nil {
		return err
	}
	userID := c.param("userId")
	if userID == c.actor.UserID {
		left, err := a.Commands.LeaveRoom.Do(c.ctx(), c.actor, commands.RoomRef{RoomID: roomID})
		if err != nil {
			return err
		}
		c.at(left.Position)
		return c.ok(left)
	}
	if !domain.ValidID(userID) {
		return domain.Invalid("userId", "must be an id")
	}
	done, err := a.Commands.RemoveMember.Do(c.ctx(), c.actor, commands.RemoveMember{RoomID: roomID, UserID: userID})
	if err != nil {
		return err
	}
	c.at(done.Position)
	return c.ok(done)
}
