package commands_test

import (
	"fmt"
	"sync"
	"testing"

	"parley/commands"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
)

// BenchmarkSendMessage is the cost of a message without the database: the pipeline, and a
// store that only appends to memory.
func BenchmarkSendMessage(b *testing.B) {
	for _, members := range []int{4, 10_000} {
		b.Run(fmt.Sprintf("%d members", members), func(b *testing.B) {
			k := inMemory(b, commands.Config{})
			room := k.open(event.RoomPublic)
			for i := range members - 4 {
				name := fmt.Sprintf("user-%d", i)
				k.users(name)
				must(k, k.JoinRoom, name, commands.RoomRef{RoomID: room})
			}
			c := commands.SendMessage{RoomID: room, Content: "hello, this is an ordinary message of some length", Mentions: []string{"ann"}}
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range b.N {
				wg.Add(1)
				k.SendMessage.Submit(b.Context(), as("mia"), c, func(_ wire.Message, err error) {
					if err != nil {
						b.Error(err)
					}
					wg.Done()
				})
			}
			wg.Wait()
		})
	}
}

func BenchmarkMembership(b *testing.B) {
	k := inMemory(b, commands.Config{})
	room := k.open(event.RoomPublic)
	p := as("mia").Principal
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := k.Directory.Membership(b.Context(), p, room); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeen(b *testing.B) {
	k := inMemory(b, commands.Config{})
	room := k.open(event.RoomPublic)
	p := as("mia").Principal
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := k.Directory.Seen(b.Context(), p, room); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSendMessagePostgres sends durable messages, 500 at a time, by 100 users in 10 rooms.
func BenchmarkSendMessagePostgres(b *testing.B) {
	k := newKit(b, store(b, testenv.Pool(b)), commands.Config{})
	k.users("ann", "mod", "mia", "mel")
	rooms, users := make([]string, 10), make([]string, 100)
	for i := range users {
		users[i] = fmt.Sprintf("user-%d", i)
		k.users(users[i])
	}
	for i := range rooms {
		rooms[i] = must(k, k.CreateRoom, "ann", commands.CreateRoom{Name: "x", Type: event.RoomPublic, MemberIDs: users}).ID
	}
	slots := make(chan struct{}, 500)
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		slots <- struct{}{}
		wg.Add(1)
		c := commands.SendMessage{RoomID: rooms[i%10], Content: "hello, this is an ordinary message of some length"}
		k.SendMessage.Submit(b.Context(), as(users[i%100]), c, func(_ wire.Message, err error) {
			if err != nil {
				b.Error(err)
			}
			<-slots
			wg.Done()
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
