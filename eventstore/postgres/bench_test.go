package postgres_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/chain"
	"parley/eventstore/postgres"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
)

// The references that appends are measured against, on a table like the log's:
// one INSERT in a transaction of its own from 32 connections, and COPY in batches of 500.
const (
	referenceTable = `CREATE TABLE reference (LIKE log.events INCLUDING ALL);
		ALTER TABLE reference DROP COLUMN hash;
		CREATE SEQUENCE reference_position; CREATE SEQUENCE reference_version`
	referenceInsert = `INSERT INTO reference (position, version, seq, recorded_at, id, schema_version, stream, type, data, metadata)
		VALUES (nextval('reference_position'), nextval('reference_version'), 1, clock_timestamp(), $1, 1, $2, $3, $4, $5)`
	referenceConns = 32
	copyBatch      = 500
)

func openWide(b *testing.B) *pgxpool.Pool {
	b.Helper()
	config, err := pgxpool.ParseConfig(testenv.DSN(b))
	if err != nil {
		b.Fatal(err)
	}
	config.MaxConns = referenceConns
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	if _, err := pool.Exec(b.Context(), referenceTable); err != nil {
		b.Fatal(err)
	}
	return pool
}

// messages are sends to 100 rooms on the condition that the room is unchanged.
func messages(b *testing.B, log eventstore.Log, n int) []eventstore.Append {
	b.Helper()
	const rooms = 100
	for r := range rooms {
		e := storetest.Left(b, fmt.Sprint("bench", r))
		if _, err := log.Append(b.Context(), eventstore.Append{Events: []event.New{e}}); err != nil {
			b.Fatal(err)
		}
	}
	appends := make([]eventstore.Append, n)
	for i := range appends {
		room := fmt.Sprint("bench", i%rooms)
		appends[i] = sent(b, room)
		appends[i].Conditions = []eventstore.Condition{eventstore.StreamAt(event.RoomStream(room), 1)}
	}
	return appends
}

func perSecond(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// chainShare reports how long one core is busy with the hashes of the appends, in percent of the time that they took.
func chainShare(b *testing.B, appends []eventstore.Append) {
	b.Helper()
	var last chain.Hash
	began := time.Now()
	for i := range appends {
		e := appends[i].Events[0].Record(event.Position(i+1), 1, 1, began)
		last = chain.LinkOf(&e).After(last)
	}
	b.ReportMetric(100*time.Since(began).Seconds()/b.Elapsed().Seconds(), "chain-%")
}

func BenchmarkAppend(b *testing.B) {
	for _, senders := range []int{1, 10, 100, 500, 2000} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			store := run(b, openWide(b), postgres.Config{})
			appends := messages(b, store, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Int64
			var group errgroup.Group
			for range senders {
				group.Go(func() error {
					for {
						i := int(next.Add(1)) - 1
						if i >= len(appends) {
							return nil
						}
						if _, err := store.Append(b.Context(), appends[i]); err != nil {
							return err
						}
					}
				})
			}
			if err := group.Wait(); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			perSecond(b)
			chainShare(b, appends)
		})
	}
}

func BenchmarkReferenceInsert(b *testing.B) {
	for _, conns := range []int{1, referenceConns} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			pool := openWide(b)
			appends := make([]event.New, b.N)
			for i := range appends {
				appends[i] = storetest.Sent(b, fmt.Sprint("bench", i%100))
			}
			b.ResetTimer()
			var next atomic.Int64
			var group errgroup.Group
			for range conns {
				group.Go(func() error {
					for {
						i := int(next.Add(1)) - 1
						if i >= len(appends) {
							return nil
						}
						e := appends[i]
						if _, err := pool.Exec(b.Context(), referenceInsert, e.ID, string(e.Stream), e.Type, e.Data, e.Metadata); err != nil {
							return err
						}
					}
				})
			}
			if err := group.Wait(); err != nil {
				b.Fatal(err)
			}
			perSecond(b)
		})
	}
}

func BenchmarkReferenceCopy(b *testing.B) {
	pool := openWide(b)
	rows := make([][]any, b.N)
	versions := map[event.Stream]int64{}
	for i := range rows {
		e := storetest.Sent(b, fmt.Sprint("bench", i%100))
		versions[e.Stream]++
		rows[i] = []any{
			int64(i + 1), versions[e.Stream], int64(1), e.ID, int16(1),
			string(e.Stream), e.Type, e.Data, e.Metadata,
		}
	}
	if _, err := pool.Exec(b.Context(), `ALTER TABLE reference ALTER recorded_at SET DEFAULT clock_timestamp()`); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for len(rows) > 0 {
		n := min(copyBatch, len(rows))
		_, err := pool.CopyFrom(b.Context(), pgx.Identifier{"reference"}, []string{
			"position", "version", "seq", "id", "schema_version", "stream", "type", "data", "metadata",
		}, pgx.CopyFromRows(rows[:n]))
		if err != nil {
			b.Fatal(err)
		}
		rows = rows[n:]
	}
	perSecond(b)
}

// BenchmarkBareCommit is what a lone sender cannot go below: the flush of one small transaction.
func BenchmarkBareCommit(b *testing.B) {
	conn, err := pgx.Connect(b.Context(), testenv.DSN(b))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	if _, err := conn.Exec(b.Context(), `CREATE TABLE bare (n int)`); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := conn.Exec(b.Context(), `INSERT INTO bare VALUES (1)`); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadAll(b *testing.B) {
	store := run(b, openWide(b), postgres.Config{})
	const n = 50_000
	appends := messages(b, store, n)
	var group errgroup.Group
	for _, a := range appends {
		group.Go(func() error {
			_, err := store.Append(b.Context(), a)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	read := 0
	for b.Loop() {
		for after := event.Position(0); ; {
			page, err := store.All(b.Context(), after, 0)
			if err != nil {
				b.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1].Position
			read += len(page)
		}
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "events/s")
}
