package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/domain/event"
)

// benchSends measures the whole command path beside what Postgres does with bare rows.
func benchSends(ctx context.Context, b *bench) ([]row, error) {
	n, err := b.populated(ctx, "sends")
	if err != nil {
		return nil, err
	}
	defer n.close()
	refPool, err := pool(ctx, n.pool.Config().ConnString(), 32)
	if err != nil {
		return nil, err
	}
	defer refPool.Close()
	refs, err := newReferences(ctx, refPool)
	if err != nil {
		return nil, err
	}
	var sends, inserts, copies, overInsert, overCopy []float64
	for range b.rounds {
		send, err := n.sends(ctx, b.duration)
		if err != nil {
			return nil, err
		}
		insert, err := refs.insert(ctx, 32, b.duration)
		if err != nil {
			return nil, err
		}
		copied, err := refs.copy(ctx, 500, b.duration)
		if err != nil {
			return nil, err
		}
		sends, inserts, copies = append(sends, send), append(inserts, insert), append(copies, copied)
		overInsert, overCopy = append(overInsert, send/insert), append(overCopy, send/copied)
	}
	figure := fmt.Sprintf("%.0f/s", median(sends))
	return []row{
		{
			"durable sends, 500 senders in 100 rooms, over one INSERT per transaction from 32 connections",
			fmt.Sprintf("%.2f times (%s over %.0f/s)", median(overInsert), figure, median(inserts)), "at least 2 times", median(overInsert) >= 2,
		},
		{
			"the same over COPY in batches of 500",
			fmt.Sprintf("%.2f times (%s over %.0f/s)", median(overCopy), figure, median(copies)), "at least 0.5 times", median(overCopy) >= 0.5,
		},
	}, nil
}

// benchSingle measures the ack of one sender beside one bare commit.
func benchSingle(ctx context.Context, b *bench) ([]row, error) {
	n, err := b.populated(ctx, "single")
	if err != nil {
		return nil, err
	}
	defer n.close()
	refs, err := newReferences(ctx, n.pool)
	if err != nil {
		return nil, err
	}
	const each = 500
	var ratios []float64
	var acks, commits []time.Duration
	for range b.rounds {
		ack, err := medianOf(each, func() (time.Duration, error) { return n.send(ctx, 0) })
		if err != nil {
			return nil, err
		}
		commit, err := medianOf(each, func() (time.Duration, error) { return refs.commit(ctx) })
		if err != nil {
			return nil, err
		}
		acks, commits = append(acks, ack), append(commits, commit)
		ratios = append(ratios, float64(ack)/float64(commit))
	}
	return []row{{
		"one sender alone, ack p50 over one bare commit",
		fmt.Sprintf("%.2f times (%v over %v)", median(ratios), median(acks), median(commits)), "at most 3 times", median(ratios) <= 3,
	}}, nil
}

func medianOf(times int, measure func() (time.Duration, error)) (time.Duration, error) {
	all := make([]time.Duration, times)
	for i := range all {
		took, err := measure()
		if err != nil {
			return 0, err
		}
		all[i] = took
	}
	return median(all), nil
}

// benchGrowth measures sends into two logs in turn: a short and a long one.
func benchGrowth(ctx context.Context, b *bench) ([]row, error) {
	short, err := b.filled(ctx, "short", 10_000)
	if err != nil {
		return nil, err
	}
	defer short.close()
	long, err := b.filled(ctx, "long", b.events)
	if err != nil {
		return nil, err
	}
	defer long.close()
	var ratios []float64
	for range b.rounds {
		slow, err := long.sends(ctx, b.duration)
		if err != nil {
			return nil, err
		}
		fast, err := short.sends(ctx, b.duration)
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, fast/slow)
	}
	return []row{{
		fmt.Sprintf("cost of a send at %d events over that at 10,000", b.events),
		fmt.Sprintf("%.2f times", median(ratios)), "at most 1.2 times", median(ratios) <= 1.2,
	}}, nil
}

// benchCatchUp measures a follower that starts at the beginning.
func benchCatchUp(ctx context.Context, b *bench) ([]row, error) {
	n, err := b.filled(ctx, "catchup", b.events)
	if err != nil {
		return nil, err
	}
	defer n.close()
	head, err := n.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	var rates []float64
	for range b.rounds {
		rate, err := n.follow(ctx, head)
		if err != nil {
			return nil, err
		}
		rates = append(rates, rate)
	}
	return []row{{
		"a subscribing node catching up from Postgres",
		fmt.Sprintf("%.0f events/s", median(rates)), "at least 100,000/s", median(rates) >= 100_000,
	}}, nil
}

var errCaughtUp = errors.New("caught up")

func (n *node) follow(ctx context.Context, head event.Position) (float64, error) {
	began := time.Now()
	err := n.bus.Follow(ctx, 0, func(_ context.Context, batch []event.Recorded) error {
		if batch[len(batch)-1].Position >= head {
			return errCaughtUp
		}
		return nil
	})
	if !errors.Is(err, errCaughtUp) {
		return 0, err
	}
	return float64(head) / time.Since(began).Seconds(), nil
}

// populated is a node on a fresh database with senders and rooms.
func (b *bench) populated(ctx context.Context, name string) (*node, error) {
	return b.filled(ctx, name, 0)
}

// filled is such a node whose log already has so many events. The messages in it are copied in
// below the positions of the node's own events.
func (b *bench) filled(ctx context.Context, name string, events int) (*node, error) {
	dsn, err := b.database(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, dsn, events); err != nil {
		return nil, err
	}
	n, err := startNode(ctx, b, dsn)
	if err != nil {
		return nil, err
	}
	if err := n.populate(ctx); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// fill copies messages of past rooms into an empty log.
func fill(ctx context.Context, dsn string, events int) error {
	if events == 0 {
		return nil
	}
	return copyPast(ctx, dsn, func(at event.Position) (saying, bool) { return pastSaying(at), int(at) <= events })
}
