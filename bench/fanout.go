package main

import (
	"context"
	"fmt"
	"math"
	"slices"
)

const (
	fanout = "fanout"
	// calm is the share of the Node peer's most that latency is measured at: a rate at which nobody has a queue.
	calm = 0.3
)

var roomSizes = []int{10, 100, 1000, 10_000}

// ofRooms and calmRooms name the works of a room size.
func ofRooms(size int) string   { return fmt.Sprintf("rooms of %d", size) }
func calmRooms(size int) string { return fmt.Sprintf("rooms of %d, 30%% of Node's most", size) }

// benchFanout measures what arrives in rooms of each size: first as much as goes, then how late at a rate that all can do.
func benchFanout(ctx context.Context, b *bench) ([]row, error) {
	f, err := b.startFleet(ctx, nodePeer, parley, barePeer)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	for _, size := range roomSizes {
		for range b.roundsOf(size) {
			if err := b.fanoutRound(ctx, f, size); err != nil {
				return nil, err
			}
		}
	}
	return b.fanoutRows(), nil
}

// budgeted are the sizes that have a budget; the others are for the plot, and measured once.
var budgeted = []int{100, 1000}

func (b *bench) roundsOf(size int) int {
	if slices.Contains(budgeted, size) {
		return b.rounds
	}
	return 1
}

func (b *bench) fanoutRound(ctx context.Context, f fleet, size int) error {
	clients := max(1000, size)
	most := b.timed(fanout, ofRooms(size), "fanout", clients, size)
	r, err := b.do(ctx, most, nodePeer, f[nodePeer])
	if err != nil {
		return err
	}
	messages := max(1, math.Round(calm*r.DeliveriesPerSecond/float64(size)))
	steady := b.timed(fanout, calmRooms(size), "fanout", clients, size, flagOf("rate", messages))
	for _, run := range []struct {
		work work
		who  string
	}{{steady, nodePeer}, {most, parley}, {steady, parley}, {most, barePeer}} {
		if _, err := b.do(ctx, run.work, run.who, f[run.who]); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) fanoutRows() []row {
	var rates, cpus, late []row
	for _, size := range budgeted {
		ours, node, bound := b.journal.rounds(fanout, ofRooms(size), parley), b.journal.rounds(fanout, ofRooms(size), nodePeer), b.journal.rounds(fanout, ofRooms(size), barePeer)
		rates = append(rates, atLeast(fmt.Sprintf("fan-out, %s: deliveries/s over Node's", ofRooms(size)), ratio(ours, node, deliveriesPerSecond), 4,
			fmt.Sprintf("%s over %s; bare %s", rate(middle(ours, deliveriesPerSecond)), rate(middle(node, deliveriesPerSecond)), rate(middle(bound, deliveriesPerSecond))),
			"at least 4 times"))
		cpus = append(cpus, atMost(fmt.Sprintf("fan-out, %s: server CPU for each delivery over bare's", ofRooms(size)), ratio(ours, bound, cpuPerDelivery), 1.25,
			fmt.Sprintf("%s over %s; Node %s", micros(middle(ours, cpuPerDelivery)), micros(middle(bound, cpuPerDelivery)), micros(middle(node, cpuPerDelivery))),
			"at most 1.25 times"))
		ours, node = b.journal.rounds(fanout, calmRooms(size), parley), b.journal.rounds(fanout, calmRooms(size), nodePeer)
		late = append(late, atMost(fmt.Sprintf("fan-out, %s, at 30%% of Node's most: delivery p99 over Node's", ofRooms(size)), ratio(ours, node, deliveryP99), 1.0/3,
			fmt.Sprintf("%s over %s; p50 %s over %s", ms(middle(ours, deliveryP99)), ms(middle(node, deliveryP99)), ms(middle(ours, deliveryP50)), ms(middle(node, deliveryP50))),
			"at most 0.33 times"))
	}
	return append(append(rates, cpus...), late...)
}
