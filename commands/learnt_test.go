package commands_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/memory"
)

// A node that is up to date knows what it has in memory by one look at the end of the log.
func TestThatNothingChangesTakesALookAtTheEnd(t *testing.T) {
	t.Parallel()
	log := &counting{Log: memory.New(memory.Config{})}
	c, err := commands.New(commands.Deps{Log: log, Follower: polling{log}}, commands.Config{})
	if err != nil {
		t.Fatal(err)
	}
	k := kit{t, log, c}
	k.run()
	k.users("ann", "mod", "mia", "mel")
	room := k.open(event.RoomPublic)
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprint("u", i))
	}
	k.users(names...)
	again := func(who string) {
		if joined := must(k, k.JoinRoom, who, commands.RoomRef{RoomID: room}); joined.Position == 0 {
			t.Errorf("%s: %+v", who, joined)
		}
	}
	for _, name := range names {
		again(name)
	}
	reads := func() (n int64) {
		before := log.reads.Load()
		var wg sync.WaitGroup
		for _, name := range names {
			wg.Go(func() { again(name) })
		}
		wg.Wait()
		return log.reads.Load() - before
	}
	for deadline := time.Now().Add(10 * time.Second); reads() > 0; { // until it has learnt of all
		if time.Now().After(deadline) {
			t.Fatal("who is a member already is always looked for in the log")
		}
	}
}

// deaf is told nothing of the log.
type deaf struct{}

func (deaf) Follow(ctx context.Context, _ event.Position, _ func(context.Context, []event.Recorded) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// What a node has in memory is not believed when it has not learnt of all that is in the log.
func TestWhoIsBehindReadsTheLog(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	a := node(t, log)
	var behind eventstore.Log = log.Node(nil)
	c, err := commands.New(commands.Deps{Log: behind, Follower: deaf{}}, commands.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b := kit{t, behind, c}
	b.run()
	room := a.open(event.RoomPrivate)
	for range 3 {
		must(a, a.AddMember, "ann", commands.AddMember{RoomID: room, UserID: "out"})
		must(b, b.SendMessage, "out", commands.SendMessage{RoomID: room, Content: "hi"}) // b knows the room
		must(b, b.JoinRoom, "out", commands.RoomRef{RoomID: room})
		must(a, a.RemoveMember, "ann", commands.RemoveMember{RoomID: room, UserID: "out"})
		if got := code(b, b.JoinRoom, "out", commands.RoomRef{RoomID: room}); got != domain.CodeRoomNotFound {
			t.Fatalf("a removed member joins: %q", got)
		}
		if _, member, err := c.Directory.Membership(t.Context(), as("out").Principal, room); member || domain.CodeOf(err) != domain.CodeRoomNotFound {
			t.Fatalf("a removed member is one: %v, %v", member, err)
		}
	}
}
