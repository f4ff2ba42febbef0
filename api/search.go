package api

import (
	"strconv"

	"parley/domain"
	"parley/domain/room"
	"parley/domain/wire"
	"parley/projections/search"
)

// findMessages shows what was said in the rooms that the caller is a member of now. The view finds it; of each
// room on the page the write side says whether that is so, since it knows of a removal before any view does.
func (a *API) findMessages(c *call) error {
	q := c.query()
	r := search.Request{
		UserID: c.actor.UserID, Text: q.values.Get("q"), RoomID: q.values.Get("roomId"),
		Cursor: q.cursor(), Limit: q.limitTo(search.MaxLimit),
	}
	if err := q.err(); err != nil {
		return err
	}
	if r.RoomID != "" && domain.ValidID(r.RoomID) {
		member, err := a.isMember(c, r.RoomID)
		if err != nil {
			return err
		}
		if !member {
			return room.ErrNotAMember()
		}
	}
	list, err := a.Search.Find(c.ctx(), r)
	if err != nil {
		return err
	}
	if list.Items, err = a.membersOnly(c, list.Items); err != nil {
		return err
	}
	c.at(list.Position)
	return sendList(c, &list, (*wire.Message).AppendJSON)
}

// membersOnly leaves out messages of rooms that the caller is no member of any more.
func (a *API) membersOnly(c *call, items []wire.Message) ([]wire.Message, error) {
	may := make(map[string]bool)
	kept := items[:0]
	for _, m := range items {
		if _, known := may[m.RoomID]; !known {
			member, err := a.isMember(c, m.RoomID)
			if err != nil && domain.CodeOf(err) != domain.CodeRoomNotFound {
				return nil, err
			}
			may[m.RoomID] = member && err == nil
		}
		if may[m.RoomID] {
			kept = append(kept, m)
		}
	}
	return kept, nil
}

func (a *API) isMember(c *call, roomID string) (bool, error) {
	_, member, err := a.Commands.Directory.Membership(c.ctx(), c.actor.Principal, roomID)
	return member, err
}

// limitTo is limit for lists whose pages are smaller than most.
func (q *query) limitTo(most int) int {
	n := q.limit()
	if n > most {
		q.fields["limit"] = "must be 1 to " + strconv.Itoa(most)
	}
	return n
}
