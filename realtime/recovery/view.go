package recovery

import (
	"context"
	"slices"

	"parley/domain/event"
)

// View says in which rooms a user is. It reads a view of rooms as it is, which may be behind what this node has told:
// what the view does not show yet is in the ring. So a client that comes back need not wait for views, nor is it
// refused when they are slow. Only if the ring does not reach back to where the view is, the view is waited for.
type View struct {
	Ring *Ring
	// Of lists rooms that the user is a member of, those of newest activity first, and where the view is.
	Of func(ctx context.Context, userID string, limit int) ([]string, event.Position, error)
	// CameInto lists at least those of them that the user came into after a position.
	CameInto func(ctx context.Context, userID string, after event.Position, limit int) ([]string, event.Position, error)
	// Wait waits until the view has reached a position. The error is of code STALE after a while.
	Wait func(ctx context.Context, position event.Position) error
}

// RoomsOf lists the rooms that a user is a member of as of a position that this node has told, those of newest activity
// first. Beside an error of code STALE it lists those of an earlier time.
func (v View) RoomsOf(ctx context.Context, userID string, asOf event.Position, limit int) ([]string, error) {
	return v.asOf(ctx, userID, asOf, limit, func() ([]string, event.Position, error) {
		return v.Of(ctx, userID, limit)
	})
}

// Joined implements the type Joined.
func (v View) Joined(ctx context.Context, userID string, after, upTo event.Position, limit int) ([]string, error) {
	return v.asOf(ctx, userID, upTo, limit, func() ([]string, event.Position, error) {
		return v.CameInto(ctx, userID, after, limit)
	})
}

func (v View) asOf(
	ctx context.Context, userID string, asOf event.Position, limit int,
	read func() ([]string, event.Position, error),
) ([]string, error) {
	rooms, at, err := read()
	if err != nil || at >= asOf {
		return rooms, err
	}
	if rooms, ok := v.moved(rooms, userID, at, asOf); ok {
		return rooms[:min(len(rooms), limit)], nil
	}
	if err := v.Wait(ctx, asOf); err != nil {
		return rooms, err
	}
	rooms, _, err = read()
	return rooms, err
}

// moved applies to rooms what has changed since.
func (v View) moved(rooms []string, userID string, after, upTo event.Position) ([]string, bool) {
	facts, ok := v.Ring.Since(nil, userID, after, upTo, int(upTo-after))
	if !ok {
		return nil, false
	}
	for _, f := range facts {
		rooms = slices.DeleteFunc(rooms, func(id string) bool { return id == f.Room })
		if f.Left != userID {
			rooms = slices.Insert(rooms, 0, f.Room)
		}
	}
	return rooms, true
}
