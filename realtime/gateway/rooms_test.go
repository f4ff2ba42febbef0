package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

func message(at event.Position, room string) *hub.Fact {
	return &hub.Fact{Position: at, Room: room, Make: func() []*hub.Push {
		data := fmt.Appendf(nil, `{"roomId":%q,"position":"%d"}`, room, at)
		return []*hub.Push{hub.NewPush(wire.Push{Event: "new-message", Room: room, Data: data}, at)}
	}}
}

func removal(at event.Position, room, user string) *hub.Fact {
	return &hub.Fact{Position: at, Room: room, Left: user}
}

const roomJSON = `{"id":"%s","name":"","type":"","topic":"","createdBy":"","createdAt":"0001-01-01T00:00:00.000Z","archivedAt":null,"memberCount":0,"position":"1"}`

func TestJoinRoomIsAnsweredAtItsPosition(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	session, p := s.enter(t, "ann")
	s.hub.Dispatch([]*hub.Fact{message(101, "r")})
	got := ask(t, session, "join-room", `"r"`)
	want := `{"success":true,"data":{"room":` + fmt.Sprintf(roomJSON, "r") + `,"seq":1010,"position":"101"}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("answer (-want +got):\n%s", diff)
	}
	s.hub.Dispatch([]*hub.Fact{message(102, "r"), message(103, "other")})
	p.wants(t, `new-message {"roomId":"r","position":"102"}`)
	p.silent(t)
	ask(t, session, "unsubscribe-room", `"r"`)
	s.hub.Dispatch([]*hub.Fact{message(104, "r")})
	p.silent(t)
}

func TestAnswerComesBeforeWhatFollowsIt(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	s.menu.Directory = &busyDirectory{Directory: s.directory, hub: s.hub}
	session, p := s.enter(t, "ann")
	session.Handle("join-room", json.RawMessage(`"r"`), func(gateway.Answer) { p.said <- "ack" })
	p.wants(t, "ack", `new-message {"roomId":"r","position":"101"}`)
}

// busyDirectory lets something happen in the room while it is asked.
type busyDirectory struct {
	commands.Directory
	hub *hub.Hub
}

func (d *busyDirectory) RoomHead(ctx context.Context, room string, at event.Position) (int64, error) {
	d.hub.Dispatch([]*hub.Fact{message(at+1, room)})
	return d.Directory.RoomHead(ctx, room, at)
}

func TestJoinRooms(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	session, _ := s.enter(t, "ann")
	got := ask(t, session, "join-rooms", `{"roomIds":["a","secret","a","b"]}`)
	want := `{"success":true,"data":{"joined":[` +
		`{"roomId":"a","room":` + fmt.Sprintf(roomJSON, "a") + `,"seq":1000,"position":"100"},` +
		`{"roomId":"b","room":` + fmt.Sprintf(roomJSON, "b") + `,"seq":1000,"position":"100"}],` +
		`"denied":[{"roomId":"secret","code":"ROOM_NOT_FOUND"}]}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if many := ask(t, session, "join-rooms", "["+strings.Repeat(`"x",`, 100)+`"x"]`); !strings.Contains(many, "INVALID_PAYLOAD") {
		t.Errorf("101 rooms: %s", many)
	}
}

func TestRoomsBeyondTheLimitAreNotJoined(t *testing.T) {
	t.Parallel()
	joins := make(chan string, 20)
	s := newStand(t, gateway.Config{}, func(m *commands.Commands) {
		m.JoinRoom = useCase[commands.RoomRef, commands.Joined](func(_ context.Context, _ commands.Actor, c commands.RoomRef) (commands.Joined, error) {
			joins <- c.RoomID
			return commands.Joined{Room: wire.Room{ID: c.RoomID}, Position: 1}, nil
		})
	})
	session, _ := s.enter(t, "ann")
	got := ask(t, session, "join-rooms", `["1","2","3","4","5","6"]`)
	if !strings.HasSuffix(got, `"denied":[{"roomId":"6","code":"TOO_MANY_ROOMS"}]}}`) {
		t.Errorf("got %s", got)
	}
	if got := ask(t, session, "join-room", `"7"`); !strings.Contains(got, `"code":"TOO_MANY_ROOMS"`) {
		t.Errorf("join-room: %s", got)
	}
	if got := ask(t, session, "join-room", `"5"`); !strings.Contains(got, `"success":true`) {
		t.Errorf("a room that is heard: %s", got)
	}
	if len(joins) != 6 {
		t.Errorf("%d joins, want 6", len(joins))
	}
}

func TestCreatorHearsTheRoom(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	session, p := s.enter(t, "ann")
	ask(t, session, "create-room", `{"id":"mine","name":"n","type":"public"}`)
	s.hub.Dispatch([]*hub.Fact{message(101, "mine")})
	p.wants(t, `new-message {"roomId":"mine","position":"101"}`)
}

// Who creates a room is its member whatever the socket hears already.
func TestRoomIsCreatedWithoutAPlaceToHearIt(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	session, p := s.enter(t, "ann")
	ask(t, session, "join-rooms", `["1","2","3","4","5"]`)
	got := ask(t, session, "create-room", `{"id":"mine","name":"n","type":"public"}`)
	if !strings.Contains(got, `"success":true`) || !strings.Contains(got, `"id":"mine"`) {
		t.Errorf("got %s", got)
	}
	s.hub.Dispatch([]*hub.Fact{message(101, "mine"), message(102, "1")})
	p.wants(t, `new-message {"roomId":"1","position":"102"}`)
	p.silent(t)
}

// The directory and the hub read the log at different speeds. The user was removed at
// 105, the hub knows, and the decision was made before.
func TestJoinOnOldEvidence(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		now  event.Position // what the directory says when asked again; negative: no member
		want string
		told bool
	}{
		{"still a non-member", -105, `"code":"NOT_A_MEMBER"`, false},
		{"a member again", 106, `"success":true`, true},
		{"still behind", 104, `"code":"UNAVAILABLE"`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, gateway.Config{})
			session, p := s.enter(t, "ann")
			s.hub.Dispatch([]*hub.Fact{removal(105, "r", "ann"), message(106, "elsewhere")})
			s.directory.set("r", tc.now)
			if got := ask(t, session, "join-room", `"r"`); !strings.Contains(got, tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			s.hub.Dispatch([]*hub.Fact{message(107, "r")})
			if tc.told {
				p.wants(t, `new-message {"roomId":"r","position":"107"}`)
			}
			p.silent(t)
		})
	}
}

func TestFailedHeadLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	session, p := s.enter(t, "ann")
	s.directory.err = context.DeadlineExceeded
	if got := ask(t, session, "join-room", `"r"`); !strings.Contains(got, `"code":"UNAVAILABLE"`) {
		t.Errorf("got %s", got)
	}
	s.hub.Dispatch([]*hub.Fact{message(101, "r")})
	p.silent(t)
}
