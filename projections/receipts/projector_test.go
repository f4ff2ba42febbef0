package receipts_test

import (
	"testing"

	"parley/projections"
	"parley/projections/projectiontest"
	"parley/projections/receipts"
)

func TestProjector(t *testing.T) {
	t.Parallel()
	projectiontest.Suite(t, func(schema string) projections.Projector { return receipts.NewProjector(schema) })
}
