package main

import (
	"context"
	"fmt"
)

const (
	size      = "size"
	lengthOf  = "%s events in the log"
	fewRooms  = 10
	manyRooms = 1000
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
