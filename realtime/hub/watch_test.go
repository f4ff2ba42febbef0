package hub_test

import (
	"errors"
	"testing"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/hub"
)

// presence is one event about how a user is there, told to watchers and to the user's own devices.
func presence(at event.Position, user string, own bool) *hub.Fact {
	f := &hub.Fact{Position: at, Watched: user}
	if own {
		f.Users = []string{user}
	}
	f.Make = func() []*hub.Push {
		made := []*hub.Push{hub.NewPush(wire.Push{Event: "shown", Watched: user}, at)}
		if own {
			made = append(made, hub.NewPush(wire.Push{Event: "own", Users: []string{user}}, at))
		}
		return made
	}
	return f
}

func TestWatchersHearOfThoseWhomTheyWatch(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{Lanes: 3, MaxRooms: 1})
	_, device := attached(t, h, "ann")
	watcher, ear := attached(t, h, "mia", "r")
	_, other := attached(t, h, "mel", "r")
	p, err := watcher.Watch("ann", "bob", "ann", "")
	if err != nil || p != 0 {
		t.Fatal(p, err)
	}
	h.Dispatch([]*hub.Fact{presence(1, "ann", true)})
	watcher.Release(ear.say("ack"))
	h.Dispatch([]*hub.Fact{presence(2, "bob", false), presence(3, "cy", false), fact(4, "said", "r")})
	ear.want(t, "ack", "shown@1", "shown@2", "said@4")
	device.want(t, "own@1")
	other.want(t, "said@4")

	if _, err := watcher.Watch("cy"); err != nil {
		t.Fatal(err)
	}
	watcher.Release(func() {})
	h.Dispatch([]*hub.Fact{presence(5, "ann", false), presence(6, "cy", false)})
	ear.want(t, "ack", "shown@1", "shown@2", "said@4", "shown@6")
	if rooms := watcher.Rooms(); len(rooms) != 1 || watcher.Free() != 0 {
		t.Errorf("watching counts as rooms: %v, %d free", rooms, watcher.Free())
	}
	watcher.Detach()
	h.Dispatch([]*hub.Fact{presence(7, "cy", false)})
	ear.want(t, "ack", "shown@1", "shown@2", "said@4", "shown@6")
	if _, err := watcher.Watch("ann"); !errors.Is(err, hub.ErrDetached) {
		t.Errorf("a socket that has left watches: %v", err)
	}
}
