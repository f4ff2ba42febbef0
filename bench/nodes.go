package main

import (
	"context"
	"fmt"
)

const (
	nodes     = "nodes"
	ordering  = "order"
	oneNode   = "rooms of 100, one node"
	twoNodes  = "rooms of 100, two nodes"
	calmNodes = "rooms of 100, two nodes, a third of it"
	inFlight  = "8 messages in flight for each sender, two nodes"
)

// pair starts two processes of one chat.
func (b *bench) pair(ctx context.Context, who string) ([]*server, error) {
	var (
		dsn   string
		err   error
		start = b.parleyOn
	)
	if who == nodePeer {
		start = b.nodeOn
		dsn, err = b.emptyDatabase(ctx, "pair")
	} else {
		dsn, err = b.database(ctx, "pair")
	}
	if err != nil {
		return nil, err
	}
	first, err := start(ctx, dsn)
	if err != nil {
		return nil, err
	}
	second, err := start(ctx, dsn)
	if err != nil {
		first.stop()
		return nil, err
	}
	return []*server{first, second}, nil
}

func stopAll(servers []*server) {
	for _, s := range servers {
		s.stop()
	}
}

// benchNodes measures two nodes beside one on the same machine, and how much later a message is on the other node.
func benchNodes(ctx context.Context, b *bench) ([]row, error) {
	one, err := b.startParley(ctx)
	if err != nil {
		return nil, err
	}
	defer one.stop()
	two, err := b.pair(ctx, parley)
	if err != nil {
		return nil, err
	}
	defer stopAll(two)
	for range b.rounds {
		r, err := b.do(ctx, b.timed(nodes, oneNode, "fanout", 1000, 100), parley, one)
		if err != nil {
			return nil, err
		}
		if _, err := b.do(ctx, b.timed(nodes, twoNodes, "fanout", 1000, 100), parley, two...); err != nil {
			return nil, err
		}
		messages := max(1, int(calm*r.DeliveriesPerSecond/100))
		if _, err := b.do(ctx, b.timed(nodes, calmNodes, "fanout", 1000, 100, flagOf("rate", messages)), parley, two...); err != nil {
			return nil, err
		}
	}
	return b.nodesRows(), nil
}

func (b *bench) nodesRows() []row {
	single, double, apart := b.journal.rounds(nodes, oneNode, parley), b.journal.rounds(nodes, twoNodes, parley), b.journal.rounds(nodes, calmNodes, parley)
	within, across := middle(apart, func(r *result) float64 { return of(r.LatencyWithin).p50 }), middle(apart, func(r *result) float64 { return of(r.LatencyAcross).p50 })
	return []row{
		atLeast("two nodes on one machine: deliveries/s over one node's", ratio(double, single, deliveriesPerSecond), 1,
			fmt.Sprintf("%s over %s", rate(middle(double, deliveriesPerSecond)), rate(middle(single, deliveriesPerSecond))), "no worse"),
		{
			"delivery p50 across nodes, more than within one",
			fmt.Sprintf("%s (%s against %s)", ms(across-within), ms(across), ms(within)), "at most 1 ms", across > 0 && across-within <= 1000,
		},
	}
}

// benchOrder lets senders have many messages on their way into rooms whose members are on two nodes.
func benchOrder(ctx context.Context, b *bench) ([]row, error) {
	servers := map[string][]*server{}
	for _, who := range []string{nodePeer, parley} {
		two, err := b.pair(ctx, who)
		if err != nil {
			return nil, err
		}
		defer stopAll(two)
		servers[who] = two
	}
	for range b.rounds {
		for _, who := range []string{nodePeer, parley} {
			if _, err := b.do(ctx, b.timed(ordering, inFlight, "order", 200, 20), who, servers[who]...); err != nil {
				return nil, err
			}
		}
	}
	ours, node := b.journal.rounds(ordering, inFlight, parley), b.journal.rounds(ordering, inFlight, nodePeer)
	disorder := func(r *result) int64 { return r.Reordered + r.Disagreeing }
	return []row{none("order, 8 messages in flight, members on two nodes: deliveries out of order and receivers that disagree",
		sum(ours, disorder), fmt.Sprintf("of %s deliveries; Node: %.0f%% out of order, %d receivers disagree",
			grouped(float64(sum(ours, deliveries))), 100*float64(sum(node, reordered))/max(1, float64(sum(node, deliveries))), sum(node, disagreeing)),
		"one and the same order")}, nil
}
