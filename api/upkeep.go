package api

import (
	"context"
	"net/http"

	"parley/domain"
	"parley/projections/upkeep"
)

// Upkeep rebuilds and proves views: see projections/upkeep.
type Upkeep interface {
	Rebuild(ctx context.Context, by domain.Principal, view string) (upkeep.Job, error)
	Verify(ctx context.Context, by domain.Principal, sample int) (upkeep.Job, error)
	Last(ctx context.Context) (upkeep.Job, bool)
	Cancel(ctx context.Context, id string) error
}

func (a *API) upkeepRoutes() []Route {
	if a.Upkeep == nil {
		return nil
	}
	return []Route{
		{Method: http.MethodPost, Path: "/debug/projections/:name/rebuild", Access: Admin, handle: a.rebuildView},
		{Method: http.MethodPost, Path: "/debug/verify", Access: Admin, handle: a.verifyViews},
		{Method: http.MethodGet, Path: "/debug/upkeep", Access: Admin, handle: a.getUpkeep},
		{Method: http.MethodDelete, Path: "/debug/upkeep/:id", Access: Admin, handle: a.cancelUpkeep},
	}
}

func (a *API) rebuildView(c *call) error {
	return c.begun(a.Upkeep.Rebuild(c.ctx(), c.actor.Principal, c.param("name")))
}

// proof says how much to look at.
type proof struct {
	// Sample is how many rooms and users, picked at random; 0 is all.
	Sample int `json:"sample,omitempty"`
}

func (a *API) verifyViews(c *call) error {
	var body proof
	if err := c.decodeOptional(&body); err != nil {
		return err
	}
	return c.begun(a.Upkeep.Verify(c.ctx(), c.actor.Principal, body.Sample))
}

// begun answers with a job that goes on: its progress is asked for elsewhere.
func (c *call) begun(job upkeep.Job, err error) error {
	if err != nil {
		return err
	}
	return c.send(http.StatusAccepted, job)
}

// lastUpkeep is the job under way, or the last one.
type lastUpkeep struct {
	Job *upkeep.Job `json:"job"`
}

func (a *API) getUpkeep(c *call) error {
	job, ok := a.Upkeep.Last(c.ctx())
	if !ok {
		return c.ok(lastUpkeep{})
	}
	return c.ok(lastUpkeep{&job})
}

func (a *API) cancelUpkeep(c *call) error {
	if err := a.Upkeep.Cancel(c.ctx(), c.param("id")); err != nil {
		return err
	}
	return c.ok(struct{}{})
}
