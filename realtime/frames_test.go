package realtime_test

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/realtime"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a frame with the one in testdata/frames.
func golden(t *testing.T, name, frame string) {
	t.Helper()
	path := filepath.Join("testdata", "frames", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(frame+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), frame+"\n"); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// fixed is a use case with one answer.
type fixed[C, R any] struct {
	answer R
	err    error
}

func (f fixed[C, R]) Do(context.Context, commands.Actor, C) (R, error) { return f.answer, f.err }

func (f fixed[C, R]) Submit(_ context.Context, _ commands.Actor, _ C, done func(R, error)) {
	done(f.answer, f.err)
}

// heads is a directory that knows how far rooms are, and no more.
type heads struct{ commands.Directory }

func (heads) RoomHead(context.Context, string, event.Position) (int64, error) { return 12, nil }

func (heads) User(_ context.Context, id string) (wire.User, error) {
	return wire.User{ID: id, Active: true}, nil
}

func fixedMenu(eventstore.Log, eventstore.Follower) (menu *commands.Commands, run func(context.Context) error) {
	return fixedCommands(), func(context.Context) error { return nil }
}

func fixedCommands() *commands.Commands {
	at := wire.Time(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
	room := wire.Room{ID: "r-1", Name: "A & B", Type: event.RoomPublic, CreatedBy: "ann", CreatedAt: at, MemberCount: 2, Position: 7}
	return &commands.Commands{
		JoinRoom:   fixed[commands.RoomRef, commands.Joined]{answer: commands.Joined{Room: room, Position: 7}},
		CreateRoom: fixed[commands.CreateRoom, wire.Room]{answer: room},
		LeaveRoom:  fixed[commands.RoomRef, commands.Left]{answer: commands.Left{RoomID: "r-1", Position: 9}},
		SendMessage: fixed[commands.SendMessage, wire.Message]{answer: wire.Message{
			ID: "m-1", RoomID: "r-1", Seq: 13, Sender: event.Sender{ID: "ann", Username: "ann"}, Content: "<b>hi</b> & \u2028",
			Attachments: []event.Attachment{}, Mentions: []string{}, Reactions: map[string][]string{}, At: at, Position: 9,
		}},
		EditMessage: fixed[commands.EditMessage, wire.Message]{err: &domain.Error{
			Code: domain.CodeRateLimited, Message: "too many messages", RetryAfter: 1200 * time.Millisecond,
		}},
		UpdateRoom: fixed[commands.UpdateRoom, wire.Room]{err: domain.InvalidFields(map[string]string{
			"name": "is too long", "topic": "must be text",
		})},
		ArchiveRoom: fixed[commands.RoomRef, wire.Room]{err: context.Canceled},
		Directory:   heads{},
	}
}

func TestFramesOfAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, fixedMenu, gateway.Config{})
	s.hub.Start(20)
	c := dial(t, s.url, http.Header{"Authorization": {"Bearer ann"}})
	c.say(`40{"token":"expired"}`)
	golden(t, "connect-error", c.next())
	c.say("40")
	c.next()
	golden(t, "session", c.next())
	for _, tc := range []struct{ name, say string }{
		{"ack-message", `421["send-message",{"roomId":"r-1","content":"x"},"ignored"]`},
		{"ack-join", `422["join-room","r-1"]`},
		{"ack-join-rooms", `423["join-rooms",["r-1"]]`},
		{"ack-create", `424["create-room",{"name":"A & B","type":"public"}]`},
		{"ack-leave", `425["leave-room","r-1"]`},
		{"ack-unsubscribe", `426["unsubscribe-room","r-1"]`},
		{"ack-rate-limited", `427["edit-message",{}]`},
		{"ack-invalid", `428["update-room",{}]`},
		{"ack-unavailable", `429["archive-room","r-1"]`},
		{"ack-unknown", `4210["no-such-event"]`},
		{"ack-missing", `4211["join-room"]`},
		{"error-rate-limited", `42["edit-message",{}]`},
		{"error-invalid", `42["update-room",{}]`},
		{"error-unknown", `42["<no> \"such\" event",1]`},
	} {
		c.say(tc.say)
		golden(t, tc.name, c.next())
	}
}

// record reads an event as it would be stored.
func record(t *testing.T, typ string, at event.Position) event.Recorded {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "domain", "event", "testdata", typ+".v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	return event.Recorded{
		Position: at, Type: typ, SchemaVersion: 1, Data: data, Seq: 12,
		RecordedAt: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
	}
}

func TestFramesOfPushes(t *testing.T) {
	t.Parallel()
	s := start(t, fixedMenu, gateway.Config{})
	s.hub.Start(20)
	c := dial(t, s.url, nil)
	c.login("mia")
	c.must("join-room", `"r-1"`)
	for i, typ := range event.Types() {
		r := record(t, typ, event.Position(i+100))
		pushes, err := wire.Pushes(r)
		if err != nil {
			t.Fatal(err)
		}
		f := &hub.Fact{Position: r.Position, Room: "r-1", Users: []string{"mia"}, Make: func() []*hub.Push {
			var made []*hub.Push
			for _, p := range pushes {
				p.Users = []string{"mia"}
				made = append(made, hub.NewPush(p, r.Position))
			}
			return made
		}}
		s.hub.Dispatch([]*hub.Fact{f})
		for range pushes {
			frame := c.next()
			e, _ := parseEvent(frame)
			golden(t, "push-"+typ+"-"+e.Name, frame)
		}
	}
}

// What Concerns says of an event without encoding it is what wire.Pushes addresses.
func TestConcernsNamesEverybody(t *testing.T) {
	t.Parallel()
	for _, typ := range event.Types() {
		concernsEverybody(t, record(t, typ, 1).Decoded())
	}
	n, err := event.Encode(event.DeriveID("direct"), nil, event.MessageSent{
		DirectTo: "bob", Message: event.Message{RoomID: "r-1", MessageID: "m-1", Sender: event.Sender{ID: "ann"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	concernsEverybody(t, event.Recorded{Position: 1, Type: n.Type, SchemaVersion: n.SchemaVersion, Data: n.Data}.Decoded())
}

// concernsEverybody also looks that there is one durable push at most: a cursor cannot stand between two.
func concernsEverybody(t *testing.T, r event.Recorded) {
	t.Helper()
	payload, err := r.Payload()
	if err != nil {
		t.Fatal(err)
	}
	f := realtime.Concerns(payload)
	pushes, err := wire.Pushes(r)
	if err != nil {
		t.Fatal(err)
	}
	durable := 0
	for _, p := range pushes {
		if p.Durable {
			durable++
		}
		if p.Watched != "" && p.Watched != f.Watched {
			t.Errorf("%s: %s goes to the watchers of %s, not of %s", r.Type, p.Event, p.Watched, f.Watched)
		}
		if p.Room != "" && p.Room != f.Room {
			t.Errorf("%s: %s goes to room %s, not %s", r.Type, p.Event, p.Room, f.Room)
		}
		for _, u := range p.Users {
			if !slices.Contains(f.Users, u) {
				t.Errorf("%s: %s goes to %s, who is not named", r.Type, p.Event, u)
			}
		}
	}
	if durable > 1 {
		t.Errorf("%s: %d durable pushes", r.Type, durable)
	}
}
