package hub_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain/wire"
	"parley/realtime/hub"
)

func TestStats(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{Lanes: 3, MaxHeld: 2})
	attached(t, h, "ann", "here", "there")
	attached(t, h, "ann", "here")
	bob, _ := attached(t, h, "bob", "here")
	paused := new(ear)
	if _, _, err := h.Attach("cyd", 0, paused, wants(0, "here")...); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.Watch("ann", "cyd"); err != nil {
		t.Fatal(err)
	}
	bob.Release(func() {})

	h.Dispatch([]*hub.Fact{fact(1, "a", "here"), fact(2, "b", "there"), fact(3, "c", "nowhere")})
	h.Tell(hub.NewPush(wire.Push{Event: "typing", Room: "here"}, 0), "ann")
	want := hub.Stats{Sockets: 4, Rooms: 2, Seats: 5, Watched: 2, Paused: 1, Held: 1, Delivered: 3 + 1 + 1}
	if diff := cmp.Diff(want, h.Stats()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h.Dispatch([]*hub.Fact{fact(4, "d", "here"), fact(5, "e", "here")}) // one too many for who waits
	want.Held, want.Delivered, want.Overruns = 2, want.Delivered+6, 1
	if diff := cmp.Diff(want, h.Stats()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
