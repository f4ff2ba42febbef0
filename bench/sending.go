package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	sending   = "send"
	senders   = 200
	smallRoom = 5

	closedLoop = "200 senders in rooms of 5"
	openLoop   = "the same, 1,000 messages/s"
	limited    = "200 senders, rate limit on"
	unlimited  = "200 senders, rate limit off"
	slowDisk   = "200 senders, slower disk"
	usualDisk  = "200 senders, this disk"
)

// benchSend measures durable messages: each sender waits for its ack, then all send at a fixed rate.
func benchSend(ctx context.Context, b *bench) ([]row, error) {
	f, err := b.startFleet(ctx, nodePeer, parley)
	if err != nil {
		return nil, err
	}
	defer f.stop()
	rows, err := b.bareRows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.pool.Close()
	fast, steady := b.fastSends(closedLoop), b.timed(sending, openLoop, "send", senders, smallRoom, flagOf("rate", 1000))
	for range b.rounds {
		for _, w := range []work{fast, steady} {
			for _, who := range []string{nodePeer, parley} {
				if _, err := b.do(ctx, w, who, f[who]); err != nil {
					return nil, err
				}
			}
		}
		if err := b.bareWrites(ctx, rows); err != nil {
			return nil, err
		}
	}
	return b.sendRows(), nil
}

func (b *bench) fastSends(name string) work {
	return b.timed(sending, name, "send", senders, smallRoom)
}

func (b *bench) sendRows() []row {
	ours, node := b.journal.rounds(sending, closedLoop, parley), b.journal.rounds(sending, closedLoop, nodePeer)
	late, lateNode := b.journal.rounds(sending, openLoop, parley), b.journal.rounds(sending, openLoop, nodePeer)
	return []row{
		atLeast("durable sends, 200 senders in rooms of 5: acks/s over Node's", ratio(ours, node, acksPerSecond), 3,
			fmt.Sprintf("%s over %s", rate(middle(ours, acksPerSecond)), rate(middle(node, acksPerSecond))), "at least 3 times"),
		atMost("durable sends: server CPU for each, with its 5 deliveries, over Node's", ratio(ours, node, cpuPerAck), 0.4,
			fmt.Sprintf("%s over %s", micros(middle(ours, cpuPerAck)), micros(middle(node, cpuPerAck))), "at most 0.4 times"),
		atMost("durable sends at 1,000/s: ack p50 over Node's", ratio(late, lateNode, ackP50), 1,
			fmt.Sprintf("%s over %s", ms(middle(late, ackP50)), ms(middle(lateNode, ackP50))), "at most 1 times"),
		atMost("durable sends at 1,000/s: ack p99 over Node's", ratio(late, lateNode, ackP99), 0.5,
			fmt.Sprintf("%s over %s", ms(middle(late, ackP99)), ms(middle(lateNode, ackP99))), "at most 0.5 times"),
	}
}

// bareRows is a table like the log, in a database of its own.
func (b *bench) bareRows(ctx context.Context) (*references, error) {
	dsn, err := b.database(ctx, "rows")
	if err != nil {
		return nil, err
	}
	p, err := pool(ctx, dsn, 4)
	if err != nil {
		return nil, err
	}
	refs, err := newReferences(ctx, p)
	if err != nil {
		p.Close()
	}
	return refs, err
}

// bareWrites notes what Postgres does with rows alone: no rules, no order, nobody told.
func (b *bench) bareWrites(ctx context.Context, rows *references) error {
	each, err := pgbench(ctx, rows.pool.Config().ConnString(), rows.statement(), 32, b.duration)
	if err != nil {
		return err
	}
	batches, err := rows.copy(ctx, 500, b.duration)
	if err != nil {
		return err
	}
	b.journal.note(sending, closedLoop, "pgbench, an INSERT each from 32 connections", &result{AcksPerSecond: each})
	b.journal.note(sending, closedLoop, "COPY of 500 rows at a time", &result{AcksPerSecond: batches})
	return nil
}

// benchRateLimit measures what the rate limit costs, when nobody reaches it: some hundred messages a second of one user would.
func benchRateLimit(ctx context.Context, b *bench) ([]row, error) {
	with, err := b.startParley(ctx, "SOCKET_RATE_LIMIT_MESSAGES=6000")
	if err != nil {
		return nil, err
	}
	defer with.stop()
	return b.besides(ctx, with, limited, unlimited, 0.85, "durable sends with the rate limit in Redis on, over off", "costs at most 15%")
}

// benchSlowDisk measures sends where a commit takes two milliseconds.
func benchSlowDisk(ctx context.Context, b *bench) ([]row, error) {
	const work = "durable sends on a slower disk (commit_delay=2000) over this one"
	dsn, err := b.database(ctx, "slow")
	if err != nil {
		return nil, err
	}
	if err := slow(ctx, dsn); err != nil {
		if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == "42501" {
			return []row{{work, "not measured: this role may not set commit_delay (GRANT SET ON PARAMETER commit_delay)", "loses at most 20%", false}}, nil
		}
		return nil, err
	}
	disk, err := b.parleyOn(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer disk.stop()
	return b.besides(ctx, disk, slowDisk, usualDisk, 0.8, work, "loses at most 20%")
}

// slow makes commits take longer in one database alone, so that there is nothing to put back.
func slow(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	name := pgx.Identifier{conn.Config().Database}.Sanitize()
	for _, setting := range []string{"commit_delay = 2000", "commit_siblings = 0"} {
		if _, err := conn.Exec(ctx, "ALTER DATABASE "+name+" SET "+setting); err != nil {
			return err
		}
	}
	return nil
}

// besides measures the sends of a node under some condition, alternating with those of a node without it.
func (b *bench) besides(ctx context.Context, under *server, condition, control string, floor float64, work, budget string) ([]row, error) {
	plain, err := b.startParley(ctx)
	if err != nil {
		return nil, err
	}
	defer plain.stop()
	for range b.rounds {
		if _, err := b.do(ctx, b.fastSends(condition), parley, under); err != nil {
			return nil, err
		}
		if _, err := b.do(ctx, b.fastSends(control), parley, plain); err != nil {
			return nil, err
		}
	}
	with, without := b.journal.rounds(sending, condition, parley), b.journal.rounds(sending, control, parley)
	return []row{atLeast(work, ratio(with, without, acksPerSecond), floor,
		fmt.Sprintf("%s over %s", rate(middle(with, acksPerSecond)), rate(middle(without, acksPerSecond))), budget)}, nil
}
