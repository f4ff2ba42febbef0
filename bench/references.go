package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/event"
)

// references are the loaders that Parley is compared with: what Postgres itself does with
// rows of the same size, in a table of the same columns and indexes as the log.
type references struct {
	pool    *pgxpool.Pool
	samples [benchRooms]event.New
	next    atomic.Int64
}

func newReferences(ctx context.Context, p *pgxpool.Pool) (*references, error) {
	_, err := p.Exec(ctx, `CREATE SCHEMA bench;
CREATE TABLE bench.events (LIKE log.events INCLUDING ALL);
ALTER TABLE bench.events DROP COLUMN hash;
CREATE TABLE bench.commits (n bigint);
CREATE SEQUENCE bench.position START 1000000000000`)
	r := &references{pool: p}
	for room := range r.samples {
		r.samples[room] = sampleEvent(saying{roomID(room), room})
	}
	return r, err
}

// columns of log.events, in the order of row.
func refColumns() []string {
	return []string{"position", "id", "stream", "version", "seq", "type", "schema_version", "data", "metadata", "recorded_at"}
}

// row is the n-th row: a message like those that the senders send, encoded beforehand.
func (r *references) row(n int64) []any {
	message := r.samples[n%benchRooms]
	version := n/benchRooms + 1
	return []any{
		n, newID().String(), string(message.Stream), version, version, message.Type, message.SchemaVersion,
		message.Data, message.Metadata, time.Now(),
	}
}

func newID() event.ID {
	return event.ID(uuid.Must(uuid.NewV7()))
}

// insert commits one row per transaction from many connections for a while: rows/s.
func (r *references) insert(ctx context.Context, conns int, d time.Duration) (float64, error) {
	const sql = `INSERT INTO bench.events (position, id, stream, version, seq, type, schema_version, data, metadata, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	return timed(ctx, conns, d, func(ctx context.Context) (int, error) {
		_, err := r.pool.Exec(ctx, sql, r.row(r.next.Add(1))...)
		return 1, err
	})
}

// statement inserts one such row, far behind those that are numbered here.
func (r *references) statement() statement {
	message := r.samples[0]
	return statement{
		`INSERT INTO bench.events (position, id, stream, version, seq, type, schema_version, data, metadata, recorded_at)
SELECT n, gen_random_uuid(), 'messages-bare-' || n % 100, n, n, $1, $2, $3, $4, now() FROM nextval('bench.position') AS n`,
		[]any{message.Type, message.SchemaVersion, string(message.Data), string(message.Metadata)},
	}
}

// copy commits batches of rows with COPY from one connection for a while: rows/s.
func (r *references) copy(ctx context.Context, batch int, d time.Duration) (float64, error) {
	return timed(ctx, 1, d, func(ctx context.Context) (int, error) {
		rows := make([][]any, batch)
		for i := range rows {
			rows[i] = r.row(r.next.Add(1))
		}
		n, err := r.pool.CopyFrom(ctx, pgx.Identifier{"bench", "events"}, refColumns(), pgx.CopyFromRows(rows))
		return int(n), err
	})
}

// commit is the time of one transaction that writes next to nothing.
func (r *references) commit(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	_, err := r.pool.Exec(ctx, "INSERT INTO bench.commits VALUES ($1)", r.next.Add(1))
	return time.Since(began), err
}

// timed calls do from so many goroutines until d has passed, and says how many it did in
// a second. The first error ends it.
func timed(ctx context.Context, workers int, d time.Duration, do func(context.Context) (int, error)) (float64, error) {
	return timedWith(ctx, workers, d, func() func(context.Context) (int, error) { return do })
}

// timedWith is timed with a function of its own for each goroutine.
func timedWith(ctx context.Context, workers int, d time.Duration, worker func() func(context.Context) (int, error)) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg    sync.WaitGroup
		total atomic.Int64
	)
	began := time.Now()
	deadline := began.Add(d)
	for range workers {
		do := worker()
		wg.Go(func() {
			for time.Now().Before(deadline) && ctx.Err() == nil {
				n, err := do(ctx)
				if err != nil {
					cancel(err)
					return
				}
				total.Add(int64(n))
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	return float64(total.Load()) / took.Seconds(), context.Cause(ctx)
}
