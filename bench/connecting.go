package main

import (
	"context"
	"fmt"
	"strings"
)

const (
	connecting = "connect"
	arriving   = "2,000 connections"
	idling     = "10,000 idle connections"
	idleLimit  = 8 * 1024
)

var idlers = []string{"--clients=10000", "--name=idle"}

// benchConnect measures how fast clients come in, and then, once, what an idle one costs: that hardly varies. Each run has a fresh
// server: memory that others have used would be there already.
func benchConnect(ctx context.Context, b *bench) ([]row, error) {
	compared := []string{nodePeer, parley, barePeer}
	come := work{connecting, arriving, "connect", []string{"--clients=2000"}}
	for range b.rounds {
		for _, who := range compared {
			if err := b.connectOnce(ctx, come, who); err != nil {
				return nil, err
			}
		}
	}
	stay := work{connecting, idling, "connect", append([]string{"--known", "--settle=4s", "--at=2000,5000,10000"}, idlers...)}
	for _, who := range compared {
		if err := b.idleOnce(ctx, stay, who); err != nil {
			return nil, err
		}
	}
	return b.connectRows(), nil
}

func (b *bench) connectOnce(ctx context.Context, w work, who string) error {
	s, err := b.startPeer(ctx, who)
	if err != nil {
		return err
	}
	defer s.stop()
	_, err = b.do(ctx, w, who, s)
	return err
}

// idleOnce measures memory in a process that has done nothing before. Parley has the clients as members from another: the others
// remember nobody.
func (b *bench) idleOnce(ctx context.Context, w work, who string) error {
	if who != parley {
		return b.connectOnce(ctx, w, who)
	}
	dsn, err := b.database(ctx, "idle")
	if err != nil {
		return err
	}
	before, err := b.parleyOn(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = b.generate(ctx, "connect", []*server{before}, idlers...)
	before.stop()
	if err != nil {
		return err
	}
	s, err := b.parleyOn(ctx, dsn)
	if err != nil {
		return err
	}
	defer s.stop()
	_, err = b.do(ctx, w, who, s)
	return err
}

func connectionsPerSecond(r *result) float64 { return r.ConnectionsPerSecond }

// idleAt is the memory of an idle connection when so many are there.
func idleAt(i int) figure {
	return func(r *result) float64 {
		if i >= len(r.Memory) {
			return 0
		}
		return float64(r.Memory[i].BytesEach)
	}
}

func (b *bench) connectRows() []row {
	ours, node, bound := b.journal.rounds(connecting, arriving, parley), b.journal.rounds(connecting, arriving, nodePeer), b.journal.rounds(connecting, arriving, barePeer)
	idle := b.journal.rounds(connecting, idling, parley)
	few, many := middle(idle, idleAt(0)), middle(idle, idleAt(2))
	return []row{
		atLeast("connections/s (handshake, JWT, join one room) over Node's", ratio(ours, node, connectionsPerSecond), 4,
			fmt.Sprintf("%s over %s; bare %s", rate(middle(ours, connectionsPerSecond)), rate(middle(node, connectionsPerSecond)), rate(middle(bound, connectionsPerSecond))),
			"at least 4 times"),
		{
			"idle authenticated connection, resident memory each at 10,000",
			fmt.Sprintf("%s%s; Node %s, bare %s", kb(many), over(many, idleLimit), kb(middle(b.journal.rounds(connecting, idling, nodePeer), idleAt(2))), kb(middle(b.journal.rounds(connecting, idling, barePeer), idleAt(2)))),
			"at most 8 KB", many > 0 && many <= idleLimit,
		},
		atMost("the same over that at 2,000", many/max(few, 1), 1.1, idleSeries(idle), "flat from 2,000 to 10,000"),
	}
}

// over says by how much a value is above its limit.
func over(value, limit float64) string {
	if value <= limit {
		return ""
	}
	return fmt.Sprintf(", %.0f%% over", 100*(value/limit-1))
}

// idleSeries is the memory of a connection at each number of them.
func idleSeries(all []*result) string {
	var at []string
	for i := range 3 {
		at = append(at, kb(middle(all, idleAt(i))))
	}
	return strings.Join(at, ", ")
}
