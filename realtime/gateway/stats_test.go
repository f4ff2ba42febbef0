package gateway_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/domain"
	"parley/realtime/gateway"
	"parley/realtime/recovery"
)

// observed remembers the names that it was told of.
type observed chan string

func (o observed) Observe(name string, code domain.Code, _ time.Duration) {
	o <- name + " " + string(code)
}

func TestArrivalsAndCommandsAreCounted(t *testing.T) {
	t.Parallel()
	heard := make(observed, 100)
	var traced []string
	s := newStand(t, gateway.Config{
		Past:    recovery.NewPast(recovery.NewRing(recovery.RingConfig{}), nil, nil, nil, recovery.Config{}),
		Metrics: heard,
		Trace: func(name, correlation string, code domain.Code, _ time.Time, _ time.Duration) {
			traced = append(traced, name+" "+correlation+" "+string(code))
		},
	})
	for i, offset := range []string{"", "100", "no position"} {
		session, err := s.Open(t.Context(), newPeer(string(rune('a'+i))), &gateway.Handshake{}, gateway.Options{Token: "ann", Offset: offset, Rooms: []string{}})
		if err != nil {
			t.Fatal(err)
		}
		defer session.Closed()
		if i == 0 {
			session.Handle("join-rooms", []byte(`[]`), func(gateway.Answer) {})
			session.Handle("room:made up", nil, func(gateway.Answer) {})
			session.Handle("room:join", []byte(`{}`), func(gateway.Answer) {})
		}
	}
	if diff := cmp.Diff(gateway.Stats{Fresh: 1, Ring: 1, Resync: 1}, s.Stats()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	close(heard)
	names := s.Names()
	for what := range heard {
		name, _, _ := strings.Cut(what, " ")
		if !slices.Contains(names, name) {
			t.Errorf("counted as %q, which was not announced", name)
		}
	}
	want := []string{"join-rooms a-1 INVALID_PAYLOAD", "unknown a-2 UNKNOWN_EVENT", "join-room a-3 "}
	if !slices.Equal(traced, want) {
		t.Errorf("traced %q", traced)
	}
}
