package messages_test

import (
	"testing"

	"parley/projections"
	"parley/projections/messages"
	"parley/projections/projectiontest"
)

func TestProjector(t *testing.T) {
	t.Parallel()
	projectiontest.Suite(t, func(schema string) projections.Projector { return messages.NewProjector(schema) })
}
