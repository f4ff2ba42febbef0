package api

import "parley/projections"

// debugProjections shows each view as this node knows it: of one that another node writes, only
// the position, as it was a second ago at most.
func (a *API) debugProjections(c *call) error {
	body := items[projections.Status]{[]projections.Status{}}
	if a.Projections != nil {
		body.Items = a.Projections.Status()
	}
	return c.ok(body)
}
