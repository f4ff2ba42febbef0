package api

import (
	"parley/domain"
	"parley/domain/event"
)

// maxSync is how many events are in one answer.
const maxSync = 500

// sync tells what the caller could have heard since a position, in the words in which sockets are told.
func (a *API) sync(c *call) error {
	q := c.query()
	after, err := event.ParsePosition(q.values.Get("since"))
	if err != nil {
		q.fields["since"] = "must be a position: a whole number, not negative"
	}
	limit, given := q.seq("limit", 1)
	if given && limit > maxSync {
		q.fields["limit"] = "must be 1 to 500"
	}
	if err := q.err(); err != nil {
		return err
	}
	atLeast, err := c.minPosition()
	if err != nil {
		return err
	}
	if a.Past == nil {
		return domain.Errorf(domain.CodeUnavailable, "nothing can be read again here")
	}
	synced, err := a.Past.Since(c.ctx(), c.actor.UserID, after, atLeast, int(limit))
	if err != nil {
		return err
	}
	c.at(synced.Position)
	return c.ok(synced)
}
