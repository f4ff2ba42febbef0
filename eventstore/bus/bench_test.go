package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/bus"
	"parley/eventstore/postgres"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
)

const benchEvents = 50_000

// filled is a running bus on a log of so many events.
func filled(b *testing.B, cfg bus.Config) *bus.Bus {
	b.Helper()
	var err error
	if cfg.Redis, err = bus.ParseRedisURL(testenv.RedisURL(b)); err != nil {
		b.Fatal(err)
	}
	cfg.Topic = testenv.Prefix(b) + "commits"
	var live *bus.Bus
	store := postgres.New(testenv.Pool(b), postgres.Config{OnCommit: func(batch []event.Recorded) { live.Committed(batch) }})
	live = bus.New(store, cfg)
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	var running errgroup.Group
	running.Go(func() error { return store.Run(ctx) })
	running.Go(func() error { return live.Run(ctx) })
	b.Cleanup(func() {
		cancel()
		_ = running.Wait()
	})
	var sending errgroup.Group
	sending.SetLimit(2000)
	for i := range benchEvents {
		a := eventstore.Append{Events: []event.New{storetest.Sent(b, fmt.Sprint("r", i%100))}}
		sending.Go(func() error {
			_, err := store.Append(ctx, a)
			return err
		})
	}
	if err := sending.Wait(); err != nil {
		b.Fatal(err)
	}
	return live
}

// BenchmarkFollow is how fast a follower from 0 gets through the log: out of Postgres, or out of memory.
func BenchmarkFollow(b *testing.B) {
	for name, cfg := range map[string]bus.Config{
		"postgres": {RingEvents: 1000},
		"ring":     {RingEvents: 1 << 20, RingBytes: 1 << 30},
	} {
		b.Run(name, func(b *testing.B) {
			live := filled(b, cfg)
			enough := errors.New("enough")
			b.ReportAllocs()
			for b.Loop() {
				err := live.Follow(b.Context(), 0, func(_ context.Context, batch []event.Recorded) error {
					if batch[len(batch)-1].Position >= benchEvents {
						return enough
					}
					return nil
				})
				if !errors.Is(err, enough) {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*benchEvents/b.Elapsed().Seconds(), "events/s")
		})
	}
}
