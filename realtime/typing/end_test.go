package typing_test

import (
	"context"
	"errors"
	"testing"

	"parley/domain/event"
	"parley/eventstore"
	"parley/realtime/typing"
)

var errDamaged = errors.New("the log is damaged")

// damaged is a log that can't be followed.
type damaged struct{ eventstore.Follower }

func (damaged) Follow(context.Context, event.Position, func(context.Context, []event.Recorded) error) error {
	return errDamaged
}

func TestRunSaysWhyItEnds(t *testing.T) {
	t.Parallel()
	s := typing.New(typing.Deps{
		Head:     func(context.Context) (event.Position, error) { return 7, nil },
		Follower: damaged{},
	}, typing.Config{})
	if err := s.Run(t.Context()); !errors.Is(err, errDamaged) {
		t.Errorf("it ended with %v", err)
	}
}
