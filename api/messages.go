package api

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/message"
	"parley/projections/messages"
)

func (a *API) listMessages(c *call) error {
	glimpsed, err := a.glimpsed(c)
	if err != nil {
		return err
	}
	q := c.query()
	pinned := q.oneOf("pinned", "false", "true") == "true"
	when := q.when()
	if pinned {
		q.present()
	}
	req, err := q.page()
	if err != nil {
		return err
	}
	if when != nil {
		roomID, err := a.readable(c)
		if err != nil {
			return err
		}
		return a.messagesThen(c, roomID, *when, req)
	}
	read := a.Messages.Page
	if pinned {
		read = a.Messages.Pinned
	}
	page, err := read(c.ctx(), glimpsed.ID, req)
	if err != nil {
		return err
	}
	if err := a.confirm(c, glimpsed, page.RoomChanged); err != nil {
		return err
	}
	c.at(page.Position)
	return c.sendPage(&page)
}

// page reads before, after and around, of which one may be given.
func (q *query) page() (messages.PageRequest, error) {
	req := messages.PageRequest{Limit: q.limit()}
	given := 0
	for _, p := range []struct {
		name  string
		least int64
		set   func(seq int64)
	}{
		{"before", 1, func(seq int64) { req.Before = seq }},
		{"after", 0, func(seq int64) { req.After = &seq }},
		{"around", 1, func(seq int64) { req.Around = seq }},
	} {
		seq, ok := q.seq(p.name, p.least)
		if !ok {
			continue
		}
		p.set(seq)
		if given++; given > 1 {
			q.fields[p.name] = "excludes the others of before, after, around"
		}
	}
	return req, q.err()
}

func (a *API) getMessage(c *call) error {
	roomID, err := a.readable(c)
	if err != nil {
		return err
	}
	q := c.query()
	when := q.when()
	if err := q.err(); err != nil {
		return err
	}
	if when != nil {
		return a.messageThen(c, roomID, *when)
	}
	found, position, err := a.Messages.Get(c.ctx(), roomID, c.param("mid"))
	c.at(position)
	if err != nil {
		return err
	}
	return c.ok(found)
}

func (a *API) sendMessage(c *call) error {
	var body commands.SendMessage
	if err := c.decode(&body); err != nil {
		return err
	}
	var err error
	if body.RoomID, err = c.roomID(); err != nil {
		return err
	}
	if body.ClientMessageID, err = c.idempotencyKey(body.ClientMessageID); err != nil {
		return err
	}
	sent, err := a.Commands.SendMessage.Do(c.ctx(), c.actor, body)
	if err != nil {
		return err
	}
	c.at(sent.Position)
	c.Response().Header().Set(echo.HeaderLocation, Base+"/rooms/"+url.PathEscape(body.RoomID)+"/messages/"+sent.ID)
	return c.send(http.StatusCreated, sent)
}

// idempotencyKey is the clientMessageId, by whichever name the client gives it.
func (c *call) idempotencyKey(inBody string) (string, error) {
	header := c.Request().Header.Get(headerIdempotencyKey)
	if header == "" {
		return inBody, nil
	}
	if inBody != "" && inBody != header {
		return "", domain.Invalid("clientMessageId", "must be the same as the header "+headerIdempotencyKey)
	}
	return header, nil
}

func (a *API) editMessage(c *call) error {
	var body commands.EditMessage
	if err := c.decode(&body); err != nil {
		return err
	}
	var err error
	if body.RoomID, body.MessageID, err = c.messageID(); err != nil {
		return err
	}
	edited, err := a.Commands.EditMessage.Do(c.ctx(), c.actor, body)
	if err != nil {
		return err
	}
	c.at(edited.Position)
	return c.ok(edited)
}

func (a *API) deleteMessage(c *call) error {
	roomID, messageID, err := c.messageID()
	if err != nil {
		return err
	}
	deleted, err := a.Commands.DeleteMessage.Do(c.ctx(), c.actor, commands.DeleteMessage{RoomID: roomID, MessageID: messageID})
	if err != nil {
		return err
	}
	c.at(deleted.Position)
	return c.ok(deleted)
}

// messageID is the ids in the path. One that cannot be is answered like one that is not there.
func (c *call) messageID() (roomID, messageID string, err error) {
	if roomID, err = c.roomID(); err != nil {
		return "", "", err
	}
	messageID = c.param("mid")
	if _, err := event.ParseID(messageID); err != nil {
		return "", "", message.ErrNotFound()
	}
	return roomID, messageID, nil
}
