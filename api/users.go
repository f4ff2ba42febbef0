package api

import (
	"net/http"
	"time"

	"parley/commands"
	"parley/domain"
	"parley/domain/wire"
)

func (a *API) getMe(c *call) error {
	user, position, err := a.Users.Get(c.ctx(), c.actor.UserID)
	if err != nil && domain.CodeOf(err) != domain.CodeInvalidUser {
		return err
	}
	c.at(position)
	email, err := a.ownEmail(c)
	if err != nil {
		return err
	}
	return c.ok(own(newerUser(user, c.user), email, c.actor.Roles))
}

// ownEmail is the caller's address, "" where accounts are kept elsewhere.
func (a *API) ownEmail(c *call) (string, error) {
	if a.Accounts == nil {
		return "", nil
	}
	return a.Accounts.Email(c.ctx(), c.actor.UserID)
}

// newerUser: a view may not have seen yet what the write side knows, and the write side of
// this node not what a view has.
func newerUser(a, b wire.User) wire.User {
	if a.Position > b.Position {
		return a
	}
	return b
}

func (a *API) patchMe(c *call) error {
	var body commands.ChangeProfile
	if err := c.decode(&body); err != nil {
		return err
	}
	email, err := a.ownEmail(c) // before anything is stored
	if err != nil {
		return err
	}
	user, err := a.Commands.ChangeProfile.Do(c.ctx(), c.actor, body)
	if err != nil {
		return err
	}
	c.at(user.Position)
	return c.ok(own(user, email, c.actor.Roles))
}

func (a *API) searchUsers(c *call) error {
	q := c.query()
	text, cursor, limit := q.text("q"), q.cursor(), q.limit()
	if err := q.err(); err != nil {
		return err
	}
	list, err := a.Users.Search(c.ctx(), text, cursor, limit)
	if err != nil {
		return err
	}
	c.at(list.Position)
	return c.ok(list)
}

func (a *API) getUser(c *call) error {
	id := c.param("id")
	if !domain.ValidID(id) {
		return noSuchUser(domain.Errorf(domain.CodeInvalidUser, "no such user"))
	}
	user, position, err := a.Users.Get(c.ctx(), id)
	c.at(position)
	if err != nil {
		return noSuchUser(err)
	}
	return c.ok(user)
}

func (a *API) deactivateUser(c *call) error {
	return a.administer(c, a.Commands.DeactivateUser)
}

func (a *API) reactivateUser(c *call) error {
	return a.administer(c, a.Commands.ReactivateUser)
}

func (a *API) administer(c *call, use commands.UseCase[commands.UserRef, commands.Done]) error {
	id := c.param("id")
	if !domain.ValidID(id) {
		return noSuchUser(domain.Errorf(domain.CodeInvalidUser, "no such user"))
	}
	done, err := use.Do(c.ctx(), c.actor, commands.UserRef{UserID: id})
	if err != nil {
		return noSuchUser(err)
	}
	c.at(done.Position)
	return c.ok(done)
}

// eraseTimeout is how long a caller waits for an erasure, which takes seconds for each million events. It goes on without them.
const eraseTimeout = 25 * time.Second

// erased is the answer to an erasure.
type erased struct {
	commands.Done
	// Finished says that nothing is left; else it is being worked on.
	Finished bool `json:"finished"`
}

// eraseUser answers 202 for what is decided and not finished; asked again it tells whether it is.
func (a *API) eraseUser(c *call) error {
	id := c.param("id")
	if !domain.ValidID(id) {
		return noSuchUser(domain.Errorf(domain.CodeInvalidUser, "no such user"))
	}
	done, err := a.Commands.EraseUser.Do(c.ctx(), c.actor, commands.UserRef{UserID: id})
	if err != nil {
		return noSuchUser(err)
	}
	c.at(done.Position)
	defer c.patient(eraseTimeout)()
	if err := a.Eraser.Finish(c.ctx(), done.Position, nil); err != nil {
		a.Logger.WarnContext(c.ctx(), "an erasure takes longer", "err", err)
		return c.send(http.StatusAccepted, erased{Done: done})
	}
	return c.ok(erased{Done: done, Finished: true})
}
