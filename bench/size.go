package main

import (
	"context"
	"fmt"
)

const (
	size      = "size"
	lengthOf  = "%s events in the log"
	tenRooms  = "10 rooms of 5, no others"
	manyRooms = "10 rooms of 5, with 990 others"
)

// logSizes are the lengths of the logs that sends are measured on, up to the longest.
func (b *bench) logSizes() []int {
	var sizes []int
	for events := 1000; events < b.events; events *= 10 {
		sizes = append(sizes, events)
	}
	return append(sizes, b.events)
}

func withEvents(events int) string { return fmt.Sprintf(lengthOf, grouped(float64(events))) }

// benchSize measures sends on logs of every length, whose nodes all run all the time.
func benchSize(ctx context.Context, b *bench) ([]row, error) {
	var servers []*server
	defer func() { stopAll(servers) }()
	for _, events := range b.logSizes() {
		dsn, err := b.database(ctx, "size")
		if err != nil {
			return nil, err
		}
		progress("  a log of %s events", grouped(float64(events)))
		if err := fill(ctx, dsn, events); err != nil {
			return nil, err
		}
		s, err := b.parleyOn(ctx, dsn)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	for range b.rounds {
		for i, events := range b.logSizes() {
			if _, err := b.do(ctx, b.timed(size, withEvents(events), "send", senders, smallRoom), parley, servers[i]); err != nil {
				return nil, err
			}
		}
	}
	return b.sizeRows(), nil
}

func (b *bench) sizeRows() []row {
	sizes := b.logSizes()
	short, long := b.journal.rounds(size, withEvents(sizes[0]), parley), b.journal.rounds(size, withEvents(b.events), parley)
	work := fmt.Sprintf("with %s over that with 1,000", withEvents(b.events))
	return []row{
		atLeast("acks/s "+work, ratio(long, short, acksPerSecond), 0.9,
			fmt.Sprintf("%s over %s", rate(middle(long, acksPerSecond)), rate(middle(short, acksPerSecond))), "within 10%"),
		atLeast("deliveries/s "+work, ratio(long, short, deliveriesPerSecond), 0.9,
			fmt.Sprintf("%s over %s", rate(middle(long, deliveriesPerSecond)), rate(middle(short, deliveriesPerSecond))), "within 10%"),
	}
}

// benchManyRooms measures sends in ten rooms of a node that has no others, and of one that has 990, all with people in them.
func benchManyRooms(ctx context.Context, b *bench) ([]row, error) {
	alone, err := b.startParley(ctx)
	if err != nil {
		return nil, err
	}
	defer alone.stop()
	among, err := b.startParley(ctx)
	if err != nil {
		return nil, err
	}
	defer among.stop()
	leave, err := b.occupy(ctx, among, 990, smallRoom)
	if err != nil {
		return nil, err
	}
	defer leave()
	for range b.rounds {
		for _, run := range []struct {
			name string
			on   *server
		}{{tenRooms, alone}, {manyRooms, among}} {
			if _, err := b.do(ctx, b.timed(size, run.name, "send", 10*smallRoom, smallRoom), parley, run.on); err != nil {
				return nil, err
			}
		}
	}
	few, many := b.journal.rounds(size, tenRooms, parley), b.journal.rounds(size, manyRooms, parley)
	return []row{atLeast("acks/s and deliveries/s in 10 rooms of 1,000 over those where there are no others", ratio(many, few, acksPerSecond), 0.9,
		fmt.Sprintf("%s over %s", rate(middle(many, acksPerSecond)), rate(middle(few, acksPerSecond))), "within 10%")}, nil
}
