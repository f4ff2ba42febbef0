package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/eventstore/bus"
	"parley/eventstore/postgres"
)

// The work that sends are measured with.
const (
	benchRooms   = 100
	benchSenders = 500
	benchContent = "The quick brown fox jumps over the lazy dog, and nobody in the room is surprised any more."
)

func roomID(n int) string { return fmt.Sprintf("bench-%d", n%benchRooms) }
func userID(n int) string { return fmt.Sprintf("user-%d", n) }

func actor(n int) commands.Actor {
	return commands.Actor{Principal: domain.Principal{UserID: userID(n), Username: userID(n)}}
}

// node is a Parley without edges: commands, store and bus in this process.
type node struct {
	pool     *pgxpool.Pool
	store    *postgres.Store
	bus      *bus.Bus
	commands *commands.Commands
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// startNode wires a node the way `parley serve` does, with rate limits off.
func startNode(ctx context.Context, b *bench, dsn string) (*node, error) {
	p, err := pool(ctx, dsn, 24)
	if err != nil {
		return nil, err
	}
	n := &node{pool: p}
	ctx, n.stop = context.WithCancel(ctx)
	if err := n.wire(ctx, b.redisURL); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *node) run(ctx context.Context, part func(context.Context) error) {
	n.running.Go(func() {
		if err := part(ctx); err != nil && !errors.Is(err, context.Canceled) {
			panic(err) // a bench without its node measures nothing
		}
	})
}

func (n *node) close() {
	n.stop()
	n.running.Wait()
	n.pool.Close()
}

// populate registers the senders and opens the rooms, five senders to a room.
func (n *node) populate(ctx context.Context) error {
	for i := range benchSenders {
		c := commands.RegisterUser{UserID: userID(i), Username: userID(i), DisplayName: userID(i)}
		if _, err := n.commands.RegisterUser.Do(ctx, actor(i), c); err != nil {
			return fmt.Errorf("register %s: %w", userID(i), err)
		}
	}
	for room := range benchRooms {
		var members []string
		for i := room + benchRooms; i < benchSenders; i += benchRooms {
			members = append(members, userID(i))
		}
		_, err := n.commands.CreateRoom.Do(ctx, actor(room), commands.CreateRoom{
			ID: roomID(room), Name: roomID(room), Type: event.RoomPublic, MemberIDs: members,
		})
		if err != nil {
			return fmt.Errorf("create %s: %w", roomID(room), err)
		}
	}
	return nil
}

// sends is the closed loop: every sender sends, waits for the ack, and sends again. Messages/s.
func (n *node) sends(ctx context.Context, d time.Duration) (float64, error) {
	ids := make(chan int, benchSenders)
	for i := range benchSenders {
		ids <- i
	}
	return timedWith(ctx, benchSenders, d, func() func(context.Context) (int, error) {
		who := <-ids
		return func(ctx context.Context) (int, error) {
			_, err := n.send(ctx, who)
			return 1, err
		}
	})
}

// send is one message, and how long its ack took.
func (n *node) send(ctx context.Context, who int) (time.Duration, error) {
	began := time.Now()
	_, err := n.commands.SendMessage.Do(ctx, actor(who), commands.SendMessage{RoomID: roomID(who), Content: benchContent})
	return time.Since(began), err
}

func (n *node) wire(ctx context.Context, redisURL string) error {
	options, err := bus.ParseRedisURL(redisURL)
	if err != nil {
		return err
	}
	n.store = postgres.New(n.pool, postgres.Config{
		OnCommit: func(batch []event.Recorded) { n.bus.Committed(batch) },
	})
	if err := n.store.CheckDurability(ctx); err != nil {
		return err
	}
	identity, err := n.store.Identity(ctx)
	if err != nil {
		return err
	}
	n.bus = bus.New(n.store, bus.Config{Redis: options, Topic: "parley:commits:" + identity})
	n.commands, err = commands.New(commands.Deps{Log: n.store, Follower: n.bus, Node: "bench"}, commands.Config{})
	if err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{n.store.Run, n.bus.Run, n.commands.Run} {
		n.run(ctx, part)
	}
	return nil
}
