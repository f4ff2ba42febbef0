package recovery_test

import (
	"context"
	"strings"
	"testing"

	"parley/domain"
	"parley/domain/event"
	"parley/realtime/hub"
	"parley/realtime/recovery"
)

// A view that is behind is completed from the ring, and waited for only where the ring does not reach.
func TestRoomsAreThoseOfThePositionThatIsAskedFor(t *testing.T) {
	t.Parallel()
	moves := []*hub.Fact{ // from position 11
		{Room: "new", Users: []string{"ann", "bob"}, Joins: true},
		{Room: "a", Users: []string{"ann"}, Left: "ann"},
		{Room: "b", Users: []string{"bob"}, Left: "bob"},
		{Room: "new", Users: []string{"mia"}}, // is mentioned
		{Room: "c", Users: []string{"ann"}, Left: "ann"},
		{Room: "c", Users: []string{"ann"}, Joins: true},
	}
	for name, c := range map[string]struct {
		viewAt, ringFrom, asOf event.Position
		limit                  int
		rooms                  string
		waits                  bool
	}{
		"the view is there":               {viewAt: 16, ringFrom: 10, asOf: 16, limit: 9, rooms: "a b c"},
		"the view is ahead":               {viewAt: 99, ringFrom: 10, asOf: 16, limit: 9, rooms: "a b c"},
		"the view is behind":              {viewAt: 10, ringFrom: 10, asOf: 16, limit: 9, rooms: "c new b"},
		"a little":                        {viewAt: 12, ringFrom: 10, asOf: 15, limit: 9, rooms: "a b"},
		"and the ring does not reach":     {viewAt: 10, ringFrom: 11, asOf: 16, limit: 9, rooms: "a b c", waits: true},
		"there are more than asked for":   {viewAt: 10, ringFrom: 10, asOf: 16, limit: 2, rooms: "c new"},
		"the view is behind in the midst": {viewAt: 14, ringFrom: 13, asOf: 16, limit: 9, rooms: "c a b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring, waited := recovery.NewRing(recovery.RingConfig{}), false
			for i, m := range moves {
				f := &hub.Fact{Position: event.Position(11 + i), Room: m.Room, Users: m.Users, Joins: m.Joins, Left: m.Left}
				if f.Position > c.ringFrom {
					ring.Add([]*hub.Fact{f})
				}
			}
			view := recovery.View{
				Ring: ring,
				Of: func(context.Context, string, int) ([]string, event.Position, error) {
					return []string{"a", "b", "c"}, c.viewAt, nil
				},
				CameInto: func(context.Context, string, event.Position, int) ([]string, event.Position, error) {
					return []string{"a", "b", "c"}, c.viewAt, nil
				},
				Wait: func(context.Context, event.Position) error {
					waited = true
					return nil
				},
			}
			for what, ask := range map[string]func() ([]string, error){
				"all":  func() ([]string, error) { return view.RoomsOf(t.Context(), "ann", c.asOf, c.limit) },
				"came": func() ([]string, error) { return view.Joined(t.Context(), "ann", 3, c.asOf, c.limit) },
			} {
				rooms, err := ask()
				if got := strings.Join(rooms, " "); got != c.rooms || err != nil || waited != c.waits {
					t.Errorf("%s: %s (%v), waited %v", what, got, err, waited)
				}
			}
		})
	}
}

func TestRoomsOfAViewThatDoesNotMoveAreOld(t *testing.T) {
	t.Parallel()
	view := recovery.View{
		Ring: recovery.NewRing(recovery.RingConfig{}),
		Of: func(context.Context, string, int) ([]string, event.Position, error) {
			return []string{"a"}, 1, nil
		},
		Wait: func(context.Context, event.Position) error { return domain.Errorf(domain.CodeStale, "behind") },
	}
	rooms, err := view.RoomsOf(t.Context(), "ann", 5, 10)
	if domain.CodeOf(err) != domain.CodeStale || len(rooms) != 1 {
		t.Errorf("%v, %v", rooms, err)
	}
}
