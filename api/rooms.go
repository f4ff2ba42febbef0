package api

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/room"
	"parley/domain/wire"
	"parley/projections/rooms"
)

func (a *API) createRoom(c *call) error {
	var body commands.CreateRoom
	if err := c.decode(&body); err != nil {
		return err
	}
	created, err := a.Commands.CreateRoom.Do(c.ctx(), c.actor, body)
	if err != nil {
		return err
	}
	c.at(created.Position)
	c.Response().Header().Set(echo.HeaderLocation, Base+"/rooms/"+url.PathEscape(created.ID))
	return c.send(http.StatusCreated, created)
}

func (a *API) listRooms(c *call) error {
	q := c.query()
	scope, text, cursor, limit := q.oneOf("scope", "mine", "public"), q.text("q"), q.cursor(), q.limit()
	if err := q.err(); err != nil {
		return err
	}
	if scope == "public" {
		list, err := a.Rooms.Public(c.ctx(), text, cursor, limit)
		if err != nil {
			return err
		}
		c.at(list.Position)
		return c.ok(list)
	}
	list, err := a.Rooms.Mine(c.ctx(), c.actor.UserID, cursor, limit)
	if err != nil {
		return err
	}
	c.at(list.Position)
	return sendList(c, &list, (*rooms.Summary).AppendJSON)
}

// visible is the room of the path, if the caller may know of it, and whether the caller is a member.
func (a *API) visible(c *call) (known wire.Room, member bool, err error) {
	id := c.param("id")
	if !domain.ValidID(id) {
		return wire.Room{}, false, room.ErrNotFound()
	}
	return a.Commands.Directory.Membership(c.ctx(), c.actor.Principal, id)
}

// readable is the id of the room of the path, if the caller may read what is said there.
func (a *API) readable(c *call) (string, error) {
	known, member, err := a.visible(c)
	if err != nil {
		return "", err
	}
	if !member && !c.actor.IsAdmin() {
		return "", room.ErrNotAMember()
	}
	return known.ID, nil
}

// glimpsed is readable as far as this node knows, without a look at the log: what is read of the room then says
// whether that was enough, see confirm.
func (a *API) glimpsed(c *call) (wire.Room, error) {
	known, member, err := a.Commands.Directory.Seen(c.ctx(), c.actor.Principal, c.param("id"))
	if err == nil && !member && !c.actor.IsAdmin() {
		err = room.ErrNotAMember()
	}
	return known, err
}

// confirm looks whether the caller may still read a room that was glimpsed, if it has changed since. changed is when
// it last has, as of what is about to be shown; a replica does not say for sure.
func (a *API) confirm(c *call, glimpsed wire.Room, changed event.Position) error {
	if changed <= glimpsed.Position && !a.Replica {
		return nil
	}
	_, err := a.readable(c)
	return err
}

func (a *API) getRoom(c *call) error {
	known, _, err := a.visible(c)
	if err != nil {
		return err
	}
	q := c.query()
	when := q.when()
	if err := q.err(); err != nil {
		return err
	}
	if when != nil {
		return a.roomThen(c, known.ID, *when)
	}
	viewed, position, err := a.Rooms.Get(c.ctx(), known.ID)
	if err != nil && domain.CodeOf(err) != domain.CodeRoomNotFound {
		return err
	}
	c.at(position)
	return c.ok(newerRoom(viewed, known))
}

// newerRoom: see newerUser.
func newerRoom(a, b wire.Room) wire.Room {
	if a.Position > b.Position {
		return a
	}
	return b
}

func (a *API) updateRoom(c *call) error {
	var body commands.UpdateRoom
	if err := c.decode(&body); err != nil {
		return err
	}
	var err error
	if body.RoomID, err = c.roomID(); err != nil {
		return err
	}
	updated, err := a.Commands.UpdateRoom.Do(c.ctx(), c.actor, body)
	if err != nil {
		return err
	}
	c.at(updated.Position)
	return c.ok(updated)
}

func (a *API) archiveRoom(c *call) error {
	id, err := c.roomID()
	if err != nil {
		return err
	}
	archived, err := a.Commands.ArchiveRoom.Do(c.ctx(), c.actor, commands.RoomRef{RoomID: id})
	if err != nil {
		return err
	}
	c.at(archived.Position)
	return c.ok(archived)
}

// roomID is the id in the path. One that cannot be is answered like one that is not there.
func (c *call) roomID() (string, error) {
	id := c.param("id")
	if !domain.ValidID(id) {
		return "", room.ErrNotFound()
	}
	return id, nil
}
