package presence_test

import (
	"testing"

	"parley/projections"
	"parley/projections/presence"
	"parley/projections/projectiontest"
)

func TestProjector(t *testing.T) {
	t.Parallel()
	projectiontest.Suite(t, func(schema string) projections.Projector { return presence.NewProjector(schema) })
}
