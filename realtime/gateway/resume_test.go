package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"parley/domain/event"
	"parley/realtime/gateway"
	"parley/realtime/hub"
	"parley/realtime/recovery"
)

// A client whose rooms are forgotten gets those of its user. If these are more than one may hear, some may be
// missing of those that it heard, and so it must not take itself for recovered.
func TestThePIDChangesIfRoomsMayBeMissing(t *testing.T) {
	t.Parallel()
	nowhere := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = nowhere.Close() })
	sessions := recovery.NewSessions(nowhere, []byte("key"), recovery.SessionsConfig{})
	for count, same := range map[int]bool{5: true, 6: false} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			t.Parallel()
			var rooms []string
			s := newStand(t, gateway.Config{
				Past: recovery.NewPast(recovery.NewRing(recovery.RingConfig{}), nil, nil, nil, recovery.Config{}), Sessions: sessions,
				RoomsOf: func(_ context.Context, _ string, _ event.Position, limit int) ([]string, error) {
					return slices.Clip(rooms[:min(len(rooms), limit)]), nil
				},
			})
			for i := range count {
				rooms = append(rooms, fmt.Sprint("room", i))
				s.directory.set(rooms[i], 50)
			}
			pid, p := sessions.New("ann"), newPeer("1")
			session, err := s.Open(t.Context(), p, &gateway.Handshake{}, gateway.Options{
				Token: "ann", Recovery: true, PID: pid, Offset: "100",
			})
			if err != nil {
				t.Fatal(err)
			}
			defer session.Closed()
			var hello struct {
				PID   string
				Rooms []string
			}
			frame := <-p.said
			if err := json.NewDecoder(strings.NewReader(strings.TrimPrefix(frame, "session "))).Decode(&hello); err != nil {
				t.Fatal(err)
			}
			if len(hello.Rooms) != min(count, 5) || hello.PID != p.pid {
				t.Errorf("began with %s", frame)
			}
			if (p.pid == pid) != same {
				t.Errorf("with %d rooms: pid %s, had %s", count, p.pid, pid)
			}
		})
	}
}

// What was missed is made ready for the connection while others get theirs.
func TestTheHubGoesOnWhileWhatWasMissedIsEncoded(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	p := newPeer("1")
	session, err := s.Open(t.Context(), encoder{p, func() {
		s.hub.Dispatch([]*hub.Fact{told(101, "new-message", "r", "ann")})
	}}, &gateway.Handshake{}, gateway.Options{Token: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Closed()
	p.wants(t, `session {"userId":"ann","position":"100","rooms":[],"roomsPosition":"100"} @100`, "new-message 101")
}

// encoder is a peer to which something happens while it encodes what was missed.
type encoder struct {
	*peer
	meanwhile func()
}

func (e encoder) Replay(missed []*hub.Push) (send func()) {
	e.meanwhile()
	return e.peer.Replay(missed)
}
