package rooms_test

import (
	"testing"

	"parley/projections"
	"parley/projections/projectiontest"
	"parley/projections/rooms"
)

func TestProjector(t *testing.T) {
	t.Parallel()
	projectiontest.Suite(t, func(schema string) projections.Projector { return rooms.NewProjector(schema) })
}
