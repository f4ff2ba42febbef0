package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"parley/domain/event"
	"parley/eventstore/chain"
)

// The statements of an append. Each has a snapshot of its own (READ COMMITTED), taken after the lock
// was granted, so each sees what the lock's last holder committed.
const (
	sqlBegin    = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`
	sqlCommit   = `COMMIT`
	sqlRollback = `ROLLBACK`
	sqlLock     = `SELECT pg_advisory_xact_lock($1)`

	sqlHead = `
SELECT coalesce(last.position, 0), greatest(last.recorded_at, now.clock), now.clock, last.hash
FROM (SELECT clock_timestamp() AS clock) now LEFT JOIN LATERAL (
	SELECT position, recorded_at, hash FROM log.events ORDER BY position DESC LIMIT 1
) last ON true`

	sqlStreams = `
SELECT asked.i, last.version, last.seq
FROM unnest($1::text[]) WITH ORDINALITY asked(stream, i) CROSS JOIN LATERAL (
	SELECT version, seq FROM log.events WHERE stream = asked.stream ORDER BY version DESC LIMIT 1
) last`

	// The whole rows: hardly any id is found, and a repetition is answered with them.
	sqlIDs = `
SELECT asked.i, e.*
FROM unnest($1::uuid[]) WITH ORDINALITY asked(id, i) CROSS JOIN LATERAL (
	SELECT ` + columns + ` FROM log.events WHERE id = asked.id LIMIT 1
) e`

	sqlSubjects = `
SELECT asked.i, last.position
FROM unnest($1::text[]) WITH ORDINALITY asked(subject, i) CROSS JOIN LATERAL (
	SELECT position FROM log.events WHERE subject = asked.subject ORDER BY position DESC LIMIT 1
) last`

	// sqlInsertAt inserts nothing if the log does not end at $1 with the hash $13 any more, or if $2, which
	// this node believes to be the time, is before the last event's or is not what the clock shows here, give or take.
	sqlInsertAt = `
WITH last AS MATERIALIZED (
	SELECT position, recorded_at, hash, clock_timestamp() AS clock FROM log.events ORDER BY position DESC LIMIT 1
), stored AS (` + sqlInsert + `
	WHERE EXISTS (
		SELECT FROM last WHERE position = $1 AND hash = $13 AND recorded_at <= $2
			AND $2 BETWEEN clock - interval '1 s' AND greatest(recorded_at, clock + interval '1 ms')
	)
	RETURNING 1
)
SELECT (SELECT count(*) FROM stored), clock FROM last`

	sqlInsert = `
INSERT INTO log.events (position, version, seq, recorded_at, id, schema_version, stream, type, subject, data, metadata, hash)
SELECT $1 + e.i, e.version, e.seq, $2, e.id, e.schema_version, e.stream, e.type, e.subject, e.data, e.metadata, e.hash
FROM unnest($3::bigint[], $4::bigint[], $5::uuid[], $6::smallint[], $7::text[], $8::text[], $9::text[], $10::json[], $11::json[], $12::bytea[])
	WITH ORDINALITY e(version, seq, id, schema_version, stream, type, subject, data, metadata, hash, i)`
)

// session is the appender's own connection. It speaks in batches of prepared statements with parameters
// that are encoded here, since this is the hottest path of all.
type session struct {
	conn  *pgconn.PgConn
	lock  []byte
	clock serverClock

	begin, commit, takeLock, head, streams, ids, subjects, insert, insertAt *pgconn.StatementDescription
}

// setup is what a session runs first. The planner's guesses about a table that has just been made would
// stay in the prepared statements; there is an index for each, so other plans are switched off. There is no
// statement_timeout, because it would also cut a COMMIT's wait for a synchronous standby short and
// have it reported as done.
//
// A node that stops while it holds the lock is thrown out in half the time that the others wait for it. If its
// host vanishes in the middle of a message, only the keepalives tell: they take 5 s.
const setup = `
SET statement_timeout = 0; SET lock_timeout = %[1]d; SET idle_in_transaction_session_timeout = %[2]d;
SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;
SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off;
SET plan_cache_mode = force_generic_plan; SET jit = off;
SET application_name = 'parley append'; SET client_min_messages = warning`

// connect opens a session that waits no longer than timeout for the lock, and holds it idle for half of that at most.
func connect(ctx context.Context, config *pgconn.Config, lockKey int64, timeout time.Duration, allowUnsafe bool) (*session, error) {
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &session{conn: conn, lock: int8Param(lockKey)}
	if err := s.prepare(ctx, timeout, allowUnsafe); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) prepare(ctx context.Context, timeout time.Duration, allowUnsafe bool) error {
	if _, err := s.conn.Exec(ctx, fmt.Sprintf(setup, max(2, timeout.Milliseconds()), max(1, timeout.Milliseconds()/2))).ReadAll(); err != nil {
		return fmt.Errorf("set up the connection: %w", err)
	}
	if !allowUnsafe {
		results, err := s.conn.Exec(ctx, sqlUnsafe).ReadAll()
		if err != nil {
			return fmt.Errorf("check durability: %w", err)
		}
		for _, row := range results[0].Rows {
			return unsafeError(string(row[0]))
		}
	}
	for _, p := range []struct {
		statement **pgconn.StatementDescription
		name, sql string
		oids      []uint32
	}{
		{&s.begin, "begin", sqlBegin, nil},
		{&s.commit, "commit", sqlCommit, nil},
		{&s.takeLock, "lock", sqlLock, []uint32{oidInt8}},
		{&s.head, "head", sqlHead, nil},
		{&s.streams, "streams", sqlStreams, []uint32{oidTexts}},
		{&s.ids, "ids", sqlIDs, []uint32{oidUUIDs}},
		{&s.subjects, "subjects", sqlSubjects, []uint32{oidTexts}},
		{&s.insert, "insert", sqlInsert, []uint32{
			oidInt8, oidTimestamptz, oidInt8s, oidInt8s, oidUUIDs, oidInt2s, oidTexts, oidTexts, oidTexts, oidJSONs, oidJSONs, oidByteas,
		}},
		{&s.insertAt, "insert at", sqlInsertAt, []uint32{
			oidInt8, oidTimestamptz, oidInt8s, oidInt8s, oidUUIDs, oidInt2s, oidTexts, oidTexts, oidTexts, oidJSONs, oidJSONs, oidByteas, oidBytea,
		}},
	} {
		var err error
		if *p.statement, err = s.conn.Prepare(ctx, p.name, p.sql, p.oids); err != nil {
			return fmt.Errorf("prepare %s: %w", p.name, err)
		}
	}
	return nil
}

// lookUp begins the transaction, takes the lock and reads what the batch asks for. One round trip.
func (s *session) lookUp(ctx context.Context, b *batch) error {
	binary := []int16{1}
	var out pgconn.Batch
	out.ExecStatement(s.begin, nil, nil, nil)
	out.ExecStatement(s.takeLock, [][]byte{s.lock}, binary, binary)
	out.ExecStatement(s.head, nil, nil, binary)
	out.ExecStatement(s.streams, [][]byte{encodeTexts(b.streamKeys)}, binary, binary)
	out.ExecStatement(s.ids, [][]byte{encodeIDs(b.idKeys)}, binary, binary)
	if len(b.subjectKeys) > 0 {
		out.ExecStatement(s.subjects, [][]byte{encodeTexts(b.subjectKeys)}, binary, binary)
	}
	asked := time.Now()
	results := s.conn.ExecBatch(ctx, &out)
	for i := 0; results.NextResult(); i++ {
		rows := results.ResultReader()
		for rows.NextRow() {
			values := rows.Values()
			if i == 2 {
				s.clock.set(decodeTime(values[2]), asked)
			}
			b.found(i, values)
		}
		_, _ = rows.Close() // its error is that of results
	}
	if err := results.Close(); err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	return nil
}

// found takes in one row of the answer to the statement with that number in lookUp.
func (b *batch) found(statement int, values [][]byte) {
	switch statement {
	case 2:
		b.head, b.at = event.Position(decodeInt8(values[0])), decodeTime(values[1])
		b.before = chain.Hash{}
		copy(b.before[:], values[3])
	case 3:
		*b.streams[b.streamKeys[decodeInt8(values[0])-1]] = tail{decodeInt8(values[1]), decodeInt8(values[2])}
	case 4:
		b.foundID(values[1:])
	case 5:
		b.subjects[b.subjectKeys[decodeInt8(values[0])-1]] = event.Position(decodeInt8(values[1]))
	}
}

func (b *batch) foundID(columns [][]byte) {
	if b.logged == nil {
		b.logged = recordedByID{}
	}
	e := b.decoder.decode(columns)
	b.ids[e.ID] = e.Position
	b.logged[e.ID] = e
}

var errNotCommitted = errors.New("the server rolled the commit back")

// write inserts the rows and commits. One round trip.
func (s *session) write(ctx context.Context, b *batch) error {
	binary := []int16{1}
	var out pgconn.Batch
	out.ExecStatement(s.insert, b.encode(), binary, nil)
	out.ExecStatement(s.commit, nil, nil, nil)
	results := s.conn.ExecBatch(ctx, &out)
	committed := false
	for results.NextResult() {
		tag, _ := results.ResultReader().Close()
		committed = tag.String() == sqlCommit
	}
	if err := results.Close(); err != nil {
		return fmt.Errorf("insert and commit: %w", err)
	}
	if !committed {
		return errNotCommitted
	}
	return nil
}

// writeAt is lookUp and write in one round trip, for a batch that was judged from memory. It stores all rows, or
// none if the log does not end where the batch begins.
func (s *session) writeAt(ctx context.Context, b *batch) (stored bool, err error) {
	binary := []int16{1}
	var out pgconn.Batch
	out.ExecStatement(s.begin, nil, nil, nil)
	out.ExecStatement(s.takeLock, [][]byte{s.lock}, binary, binary)
	out.ExecStatement(s.insertAt, append(b.encode(), b.before[:]), binary, binary)
	out.ExecStatement(s.commit, nil, nil, nil)
	asked := time.Now()
	results := s.conn.ExecBatch(ctx, &out)
	committed := false
	for i := 0; results.NextResult(); i++ {
		rows := results.ResultReader()
		for rows.NextRow() {
			if values := rows.Values(); i == 2 {
				stored = decodeInt8(values[0]) > 0
				s.clock.improve(decodeTime(values[1]), asked)
			}
		}
		tag, _ := rows.Close() // its error is that of results
		committed = tag.String() == sqlCommit
	}
	if err := results.Close(); err != nil {
		return false, fmt.Errorf("insert and commit: %w", err)
	}
	if !committed {
		return false, errNotCommitted
	}
	return stored, nil
}

// rollback ends a transaction that stores nothing.
func (s *session) rollback(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, sqlRollback).ReadAll(); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

func (s *session) broken() bool { return s.conn.IsClosed() }

// closeTimeout bounds the farewell, which nobody needs.
const closeTimeout = time.Second

// close waits for pgconn's own goroutine, which has the server cancel what is still running, but not for
// a server that does not answer.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = s.conn.Close(ctx)
	select {
	case <-s.conn.CleanupDone():
	case <-ctx.Done():
	}
}

// encode makes the parameters that all inserts begin with, and the hashes of the rows.
func (b *batch) encode() [][]byte {
	n := len(b.rows)
	version, seq := newArray(oidInt8, n, 8*n), newArray(oidInt8, n, 8*n)
	id, schema := newArray(oidUUID, n, 16*n), newArray(oidInt2, n, 2*n)
	stream, typ := newArray(oidText, n, 48*n), newArray(oidText, n, 16*n)
	subject := newArray(oidText, n, 0)
	data, metadata := newArray(oidJSON, n, b.size), newArray(oidJSON, n, 128*n)
	hashes := newArray(oidBytea, n, chain.Size*n)
	b.last = b.before
	for i, r := range b.rows {
		version.int8(r.version)
		seq.int8(r.seq)
		id.bytes(r.event.ID[:])
		schema.int2(r.event.SchemaVersion)
		stream.text(string(r.event.Stream))
		typ.text(r.event.Type)
		subject.textOrNull(r.event.Subject)
		data.bytes(r.event.Data)
		metadata.bytes(r.event.Metadata)
		recorded := b.record(i)
		b.last = r.digests.link(&recorded).After(b.last)
		hashes.bytes(b.last[:])
	}
	return [][]byte{
		int8Param(int64(b.base)), timeParam(b.at),
		version.buf, seq.buf, id.buf, schema.buf, stream.buf, typ.buf, subject.buf, data.buf, metadata.buf, hashes.buf,
	}
}

func encodeTexts[S ~string](list []S) []byte {
	a := newArray(oidText, len(list), 48*len(list))
	for _, s := range list {
		a.text(string(s))
	}
	return a.buf
}

func encodeIDs(list []event.ID) []byte {
	a := newArray(oidUUID, len(list), 16*len(list))
	for i := range list {
		a.bytes(list[i][:])
	}
	return a.buf
}
