package commands_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/memory"
)

// kit is a system under test: one log, one or more nodes on it, and helpers that fail the test.
type kit struct {
	t   testing.TB
	log eventstore.Log
	*commands.Commands
}

func newKit(t testing.TB, log eventstore.Log, cfg commands.Config) kit {
	t.Helper()
	c, err := commands.New(commands.Deps{Log: log, Node: "n1"}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return kit{t, log, c}
}

// inMemory is a kit on a log of its own with the usual users: ann, mod, mia, mel, out and
// the admin root are active, off is deactivated.
func inMemory(t testing.TB, cfg commands.Config) kit {
	t.Helper()
	k := newKit(t, memory.New(memory.Config{}), cfg)
	k.users("ann", "mod", "mia", "mel", "out", "root", "off")
	must(k, k.DeactivateUser, "root!", commands.UserRef{UserID: "off"})
	return k
}

// as is an actor; a name with an exclamation mark is an admin.
func as(name string) commands.Actor {
	p := domain.Principal{UserID: name}
	if n := len(name) - 1; n > 0 && name[n] == '!' {
		p = domain.Principal{UserID: name[:n], Roles: []domain.Role{domain.RoleAdmin}}
	}
	return commands.Actor{Principal: p}
}

// must asks and fails the test on a refusal.
func must[C, R any](k kit, u commands.UseCase[C, R], who string, c C) R {
	k.t.Helper()
	r, err := u.Do(k.t.Context(), as(who), c)
	if err != nil {
		k.t.Fatalf("%s asks %T %+v: %v", who, c, c, err)
	}
	return r
}

// code asks and is the code of the refusal, "" for none.
func code[C, R any](k kit, u commands.UseCase[C, R], who string, c C) domain.Code {
	k.t.Helper()
	_, err := u.Do(k.t.Context(), as(who), c)
	if err != nil && !errors.As(err, new(*domain.Error)) {
		k.t.Errorf("%T fails with %T, want a *domain.Error", c, err)
	}
	return domain.CodeOf(err)
}

func (k kit) users(names ...string) {
	k.t.Helper()
	for _, name := range names {
		must(k, k.RegisterUser, name, commands.RegisterUser{UserID: name, Username: "U" + name, DisplayName: "D " + name})
	}
}

var rooms atomic.Int64

// open makes a room of that type: ann owns, mod moderates, mia and mel are members.
func (k kit) open(kind event.RoomType) string {
	k.t.Helper()
	if kind == event.RoomDirect {
		return must(k, k.CreateRoom, "ann", commands.CreateRoom{Type: kind, MemberIDs: []string{"mia"}}).ID
	}
	id := fmt.Sprintf("room-%d", rooms.Add(1))
	must(k, k.CreateRoom, "ann", commands.CreateRoom{ID: id, Name: "Tea", Type: kind, MemberIDs: []string{"mod", "mia", "mel"}})
	must(k, k.SetRole, "ann", commands.SetRole{RoomID: id, UserID: "mod", Role: event.RoleModerator})
	return id
}

// archived is open, and then closed for good.
func (k kit) archived() string {
	k.t.Helper()
	id := k.open(event.RoomPublic)
	must(k, k.ArchiveRoom, "ann", commands.RoomRef{RoomID: id})
	return id
}

func (k kit) say(who, roomID, content string) wire.Message {
	k.t.Helper()
	return must(k, k.SendMessage, who, commands.SendMessage{RoomID: roomID, Content: content})
}

// stream reads all events of a stream.
func (k kit) stream(s event.Stream) []event.Recorded {
	k.t.Helper()
	all, err := k.log.Stream(k.t.Context(), s, 0, 0)
	if err != nil {
		k.t.Fatal(err)
	}
	return all
}

// types are the types of events, in order.
func types(events []event.Recorded) []string {
	names := make([]string, len(events))
	for i, r := range events {
		names[i] = r.Type
	}
	return names
}

// blamed are the fields that err names.
func blamed(err error) []string {
	if e := domain.AsError(err); e != nil {
		return slices.Sorted(maps.Keys(e.Fields))
	}
	return nil
}
