package api_test

import (
	"context"
	"testing"

	"parley/api"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections/messages"
)

// removed is a directory whose node has not heard yet that the caller is no member of "mine" any more.
type removed struct{ fakeDirectory }

func (removed) Membership(context.Context, domain.Principal, string) (wire.Room, bool, error) {
	return wire.Room{}, false, domain.Errorf(domain.CodeRoomNotFound, "no such room")
}

// changedMessages are of a room that changed at a position.
type changedMessages struct {
	fakeMessages
	at event.Position
}

func (m changedMessages) Page(ctx context.Context, roomID string, req messages.PageRequest) (messages.Page, error) {
	page, err := m.fakeMessages.Page(ctx, roomID, req)
	page.RoomChanged = m.at
	return page, err
}

func TestWhoMayReadIsLookedUpWhereTheRoomMayHaveChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		changed event.Position // the node knows the room as of position 5
		replica bool
		want    int
	}{
		{"as known", 5, false, 200},
		{"changed since", 6, false, 404},
		{"not known on a replica", 5, true, 404},
	} {
		a := newFake(t, api.Config{}, func(d *api.Deps) {
			d.Commands.Directory, d.Messages, d.Replica = removed{}, changedMessages{at: c.changed}, c.replica
		})
		if got := ask(t, a, request{method: "GET", path: "/api/v1/rooms/mine/messages", token: "user"}); got.status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, got.status, c.want, got.body)
		}
	}
}
