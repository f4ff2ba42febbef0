package api

import (
	"context"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
	"parley/projections/history"
	"parley/projections/messages"
	"parley/projections/receipts"
)

// HistoryQueries shows rooms as they were.
type HistoryQueries interface {
	Position(ctx context.Context, when history.When) (event.Position, error)
	Room(ctx context.Context, roomID string, at event.Position) (wire.Room, error)
	Members(ctx context.Context, roomID string, at event.Position, cursor string, limit int) (projections.List[wire.Member], error)
	Messages(ctx context.Context, roomID string, at event.Position, req messages.PageRequest, sight history.Sight) (messages.Page, error)
	Message(ctx context.Context, roomID, id string, at event.Position, sight history.Sight) (wire.Message, error)
	Receipts(ctx context.Context, roomID string, at event.Position, cursor string, limit int) (projections.List[receipts.Receipt], error)
	Unread(ctx context.Context, userID string, at event.Position, cursor string, limit int) (receipts.UnreadList, error)
}

// when is the moment of the past that is asked for; nil for the present.
func (q *query) when() *history.When {
	if !q.values.Has("at") {
		return nil
	}
	when, err := history.ParseWhen(q.values.Get("at"))
	if err != nil {
		q.fields["at"] = err.Error()
	}
	return &when
}

// present refuses to answer with the present who asks for the past.
func (q *query) present() {
	if q.values.Has("at") {
		q.fields["at"] = "is not supported here"
	}
}

// position finds the moment, waits until the views that are looked at beside the log have reached it, and says so in the answer.
func (a *API) position(c *call, when history.When, views ...string) (event.Position, error) {
	at, err := a.History.Position(c.ctx(), when)
	if err != nil {
		return 0, err
	}
	if len(views) > 0 {
		if err := a.Views.WaitFor(c.ctx(), at, views...); err != nil {
			return 0, err
		}
	}
	c.at(at)
	return at, nil
}

// sight is what the caller sees of what was deleted since: what the revisions show, too.
func (a *API) sight(c *call, roomID string) (history.Sight, error) {
	all, err := a.Commands.Directory.Moderates(c.ctx(), c.actor.Principal, roomID)
	return history.Sight{All: all, UserID: c.actor.UserID}, err
}

func (a *API) roomThen(c *call, roomID string, when history.When) error {
	at, err := a.position(c, when)
	if err != nil {
		return err
	}
	then, err := a.History.Room(c.ctx(), roomID, at)
	if err != nil {
		return err
	}
	return c.ok(then)
}

func (a *API) membersThen(c *call, roomID string, when history.When, cursor string, limit int) error {
	at, err := a.position(c, when)
	if err != nil {
		return err
	}
	list, err := a.History.Members(c.ctx(), roomID, at, cursor, limit)
	if err != nil {
		return err
	}
	return c.ok(list)
}

func (a *API) messagesThen(c *call, roomID string, when history.When, req messages.PageRequest) error {
	sight, err := a.sight(c, roomID)
	if err != nil {
		return err
	}
	at, err := a.position(c, when, viewMessages)
	if err != nil {
		return err
	}
	page, err := a.History.Messages(c.ctx(), roomID, at, req, sight)
	if err != nil {
		return err
	}
	return c.ok(page)
}

func (a *API) messageThen(c *call, roomID string, when history.When) error {
	sight, err := a.sight(c, roomID)
	if err != nil {
		return err
	}
	at, err := a.position(c, when, viewMessages)
	if err != nil {
		return err
	}
	then, err := a.History.Message(c.ctx(), roomID, c.param("mid"), at, sight)
	if err != nil {
		return err
	}
	return c.ok(then)
}

func (a *API) receiptsThen(c *call, roomID string, when history.When) error {
	at, err := a.position(c, when)
	if err != nil {
		return err
	}
	return c.receipts(func(ctx context.Context, cursor string, limit int) (projections.List[receipts.Receipt], error) {
		return a.History.Receipts(ctx, roomID, at, cursor, limit)
	})
}

func (a *API) unreadThen(c *call, when history.When, cursor string, limit int) error {
	at, err := a.position(c, when, viewRooms)
	if err != nil {
		return err
	}
	list, err := a.History.Unread(c.ctx(), c.actor.UserID, at, cursor, limit)
	if err != nil {
		return err
	}
	return c.ok(list)
}
