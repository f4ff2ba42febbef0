package users_test

import (
	"testing"

	"parley/projections"
	"parley/projections/projectiontest"
	"parley/projections/users"
)

func TestProjector(t *testing.T) {
	t.Parallel()
	projectiontest.Suite(t, func(schema string) projections.Projector { return users.NewProjector(schema) })
}
