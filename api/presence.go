package api

import (
	"slices"
	"strings"

	"parley/domain"
	"parley/domain/wire"
	"parley/projections"
)

// maxPresence is of how many users may be asked at once.
const maxPresence = 200

// listPresence shows how users are there, in the order in which they are named.
func (a *API) listPresence(c *call) error {
	var ids []string
	for _, list := range c.QueryParams()["userIds"] {
		ids = append(ids, strings.Split(list, ",")...)
	}
	if len(ids) == 0 || len(ids) > maxPresence {
		return domain.Invalid("userIds", "must name 1 to 200 users")
	}
	if slices.ContainsFunc(ids, func(id string) bool { return !domain.ValidID(id) }) {
		return domain.Invalid("userIds", "must be ids")
	}
	list, err := a.Presence.Of(c.ctx(), c.actor.UserID, ids...)
	if err != nil {
		return err
	}
	c.at(list.Position)
	return c.ok(list)
}

// listRoomPresence shows how the members of a room are there, page by page as they are listed.
func (a *API) listRoomPresence(c *call) error {
	roomID, err := a.readable(c)
	if err != nil {
		return err
	}
	q := c.query()
	cursor, limit := q.cursor(), q.limit()
	if err := q.err(); err != nil {
		return err
	}
	members, err := a.Rooms.Members(c.ctx(), roomID, cursor, limit)
	if err != nil {
		return err
	}
	ids := make([]string, len(members.Items))
	for i, m := range members.Items {
		ids[i] = m.UserID
	}
	list := projections.List[wire.Presence]{Items: []wire.Presence{}, Position: members.Position}
	if len(ids) > 0 {
		if list, err = a.Presence.Of(c.ctx(), c.actor.UserID, ids...); err != nil {
			return err
		}
	}
	list.NextCursor, list.Position = members.NextCursor, min(members.Position, list.Position)
	c.at(list.Position)
	return c.ok(list)
}
