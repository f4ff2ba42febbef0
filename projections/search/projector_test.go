package search_test

import (
	"testing"

	"parley/projections"
	"parley/projections/projectiontest"
	"parley/projections/search"
)

func TestProjector(t *testing.T) {
	t.Parallel()
	projectiontest.Suite(t, func(schema string) projections.Projector { return search.NewProjector(schema) })
}
