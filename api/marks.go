package api

import (
	"context"

	"parley/commands"
	"parley/domain/event"
	"parley/domain/message"
	"parley/projections/messages"
)

func (a *API) putReaction(c *call) error { return c.react(a.Commands.AddReaction) }

func (a *API) deleteReaction(c *call) error { return c.react(a.Commands.RemoveReaction) }

func (c *call) react(use commands.UseCase[commands.React, commands.Reacted]) error {
	roomID, messageID, err := c.messageID()
	if err != nil {
		return err
	}
	reacted, err := use.Do(c.ctx(), c.actor, commands.React{RoomID: roomID, MessageID: messageID, Emoji: c.param("emoji")})
	if err != nil {
		return err
	}
	c.at(reacted.Position)
	return c.ok(reacted)
}

func (a *API) putPin(c *call) error { return c.pin(a.Commands.PinMessage) }

func (a *API) deletePin(c *call) error { return c.pin(a.Commands.UnpinMessage) }

func (c *call) pin(use commands.UseCase[commands.MessageRef, commands.Done]) error {
	roomID, messageID, err := c.messageID()
	if err != nil {
		return err
	}
	done, err := use.Do(c.ctx(), c.actor, commands.MessageRef{RoomID: roomID, MessageID: messageID})
	if err != nil {
		return err
	}
	c.at(done.Position)
	return c.ok(done)
}

func (a *API) listReplies(c *call) error {
	roomID, messageID, err := a.readableMessage(c)
	if err != nil {
		return err
	}
	q := c.query()
	q.present()
	req, err := q.page()
	if err != nil {
		return err
	}
	if _, position, err := a.Messages.Get(c.ctx(), roomID, messageID); err != nil {
		c.at(position)
		return err
	}
	page, err := a.Messages.Replies(c.ctx(), roomID, messageID, req)
	if err != nil {
		return err
	}
	c.at(page.Position)
	return c.sendPage(&page)
}

// listRevisions shows what a deleted message has said to its author and to moderators alone.
func (a *API) listRevisions(c *call) error {
	roomID, messageID, err := a.readableMessage(c)
	if err != nil {
		return err
	}
	q := c.query()
	req := messages.RevisionRequest{Limit: q.limit()}
	if before, ok := q.seq("before", 1); ok {
		req.Before = event.Position(before)
	}
	if err := q.err(); err != nil {
		return err
	}
	if req.Deleted, err = a.Commands.Directory.Moderates(c.ctx(), c.actor.Principal, roomID); err != nil {
		return err
	}
	page, err := a.revisions(c.ctx(), c.actor.UserID, roomID, messageID, req)
	if err != nil {
		return err
	}
	c.at(page.Position)
	return c.ok(page)
}

func (a *API) revisions(
	ctx context.Context, userID, roomID, messageID string, req messages.RevisionRequest,
) (messages.RevisionPage, error) {
	page, err := a.Revisions.Page(ctx, roomID, messageID, req)
	if err != nil || req.Deleted || len(page.Items) == 0 || page.Items[0].Sender.ID != userID {
		return page, err
	}
	req.Deleted = true // it is the author
	return a.Revisions.Page(ctx, roomID, messageID, req)
}

// readableMessage is the ids in the path, if the caller may read what is said in the room.
func (a *API) readableMessage(c *call) (roomID, messageID string, err error) {
	if roomID, err = a.readable(c); err != nil {
		return "", "", err
	}
	messageID = c.param("mid")
	if _, err := event.ParseID(messageID); err != nil {
		return "", "", message.ErrNotFound()
	}
	return roomID, messageID, nil
}
