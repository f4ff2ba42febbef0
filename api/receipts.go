package api

import (
	"context"

	"parley/commands"
	"parley/projections"
	"parley/projections/receipts"
)

func (a *API) markRead(c *call) error {
	var body commands.Mark
	if err := c.decode(&body); err != nil {
		return err
	}
	var err error
	if body.RoomID, err = c.roomID(); err != nil {
		return err
	}
	read, err := a.Commands.MarkRead.Do(c.ctx(), c.actor, body)
	if err != nil {
		return err
	}
	c.at(read.Position)
	return c.ok(read)
}

func (a *API) listReceipts(c *call) error {
	glimpsed, err := a.glimpsed(c)
	if err != nil {
		return err
	}
	q := c.query()
	when := q.when()
	if err := q.err(); err != nil {
		return err
	}
	if when != nil {
		roomID, err := a.readable(c)
		if err != nil {
			return err
		}
		return a.receiptsThen(c, roomID, *when)
	}
	return c.receipts(func(ctx context.Context, cursor string, limit int) (projections.List[receipts.Receipt], error) {
		list, err := a.Receipts.Of(ctx, glimpsed.ID, cursor, limit)
		if err != nil {
			return list, err
		}
		return list, a.confirm(c, glimpsed, list.RoomChanged)
	})
}

// listReaders shows who has read one message, and when.
func (a *API) listReaders(c *call) error {
	roomID, messageID, err := a.readableMessage(c)
	if err != nil {
		return err
	}
	m, position, err := a.Messages.Get(c.ctx(), roomID, messageID)
	if err != nil {
		c.at(position)
		return err
	}
	return c.receipts(func(ctx context.Context, cursor string, limit int) (projections.List[receipts.Receipt], error) {
		return a.Receipts.ReadersOf(ctx, roomID, m, cursor, limit)
	})
}

func (c *call) receipts(read func(ctx context.Context, cursor string, limit int) (projections.List[receipts.Receipt], error)) error {
	q := c.query()
	cursor, limit := q.cursor(), q.limit()
	if err := q.err(); err != nil {
		return err
	}
	list, err := read(c.ctx(), cursor, limit)
	if err != nil {
		return err
	}
	c.at(list.Position)
	return sendList(c, &list, (*receipts.Receipt).AppendJSON)
}

func (a *API) listUnread(c *call) error {
	q := c.query()
	cursor, limit, when := q.cursor(), q.limit(), q.when()
	if err := q.err(); err != nil {
		return err
	}
	if when != nil {
		return a.unreadThen(c, *when, cursor, limit)
	}
	list, err := a.Receipts.UnreadOf(c.ctx(), c.actor.UserID, cursor, limit)
	if err != nil {
		return err
	}
	c.at(list.Position)
	return c.ok(list)
}
