package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

const columns = `position, version, seq, recorded_at, id, schema_version, stream, type, subject, data, metadata`

const (
	sqlReadHead   = `SELECT position FROM log.events ORDER BY position DESC LIMIT 1`
	sqlReadAll    = `SELECT ` + columns + ` FROM log.events WHERE position > $1 ORDER BY position LIMIT $2`
	sqlReadStream = `SELECT ` + columns + ` FROM log.events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3`
	sqlReadIDs    = `SELECT ` + columns + ` FROM log.events WHERE id = ANY($1) ORDER BY position`
	sqlReadLast   = `SELECT ` + columns + ` FROM log.events WHERE stream = $1 ORDER BY version DESC LIMIT 1`

	sqlReadTails = `
SELECT ` + columns + ` FROM (
	SELECT e.* FROM unnest($1::text[]) AS wanted(name)
	CROSS JOIN LATERAL (SELECT * FROM log.events WHERE stream = wanted.name ORDER BY version DESC LIMIT $2) e
) tails ORDER BY position`

	// Positions ascend with versions, so the last version at or before a position is found by
	// halving the range of versions, whatever was appended since.
	sqlReadLastUpTo = `
WITH RECURSIVE search(low, high) AS (
	SELECT 0::bigint, coalesce((SELECT version FROM log.events WHERE stream = $1 ORDER BY version DESC LIMIT 1), 0)
UNION ALL
	SELECT CASE WHEN probe.hit THEN probe.middle ELSE search.low END,
	       CASE WHEN probe.hit THEN search.high ELSE probe.middle - 1 END
	FROM search CROSS JOIN LATERAL (
		SELECT middle, (SELECT position FROM log.events WHERE stream = $1 AND version = middle) <= $2 AS hit
		FROM (SELECT (search.low + search.high + 1) / 2 AS middle) m
	) probe
	WHERE search.low < search.high
)
SELECT ` + columns + ` FROM log.events WHERE stream = $1 AND version = (SELECT low FROM search WHERE low = high)`

	// Numbers never fall along a stream: the first version that has one is searched for.
	sqlReadNumbered = `
WITH RECURSIVE search(low, high) AS (
	SELECT 1::bigint, (SELECT version FROM log.events WHERE stream = $1 ORDER BY version DESC LIMIT 1)
UNION ALL
	SELECT CASE WHEN probe.hit THEN search.low ELSE probe.middle + 1 END,
	       CASE WHEN probe.hit THEN probe.middle ELSE search.high END
	FROM search CROSS JOIN LATERAL (
		SELECT middle, (SELECT seq FROM log.events WHERE stream = $1 AND version = middle) >= $2 AS hit
		FROM (SELECT (search.low + search.high) / 2 AS middle) m
	) probe
	WHERE search.low < search.high
)
SELECT ` + columns + ` FROM log.events
WHERE stream = $1 AND version = (SELECT low FROM search WHERE low = high) AND seq = $2`

	// Both ends are searched for. What lies between them is read as it is, unless there is much more than what is
	// asked for: then each one is searched for, too. A number's first event is the one that was given it. (The
	// numbers come as an array behind a condition, and the range has a limit, so that the planner expects few rows
	// and does not compile the statement, which takes far longer than to run it.)
	sqlReadNumberedBetween = `
WITH bounds AS MATERIALIZED (
	SELECT first.version AS low, final.version AS high, final.seq
	FROM (SELECT version, least(seq, $3) AS seq FROM log.events WHERE stream = $1 ORDER BY version DESC LIMIT 1) last
	CROSS JOIN LATERAL (
		WITH RECURSIVE search(low, high) AS (
			SELECT 1::bigint, last.version
		UNION ALL
			SELECT CASE WHEN probe.hit THEN search.low ELSE probe.middle + 1 END,
			       CASE WHEN probe.hit THEN probe.middle ELSE search.high END
			FROM search CROSS JOIN LATERAL (
				SELECT middle, (SELECT seq FROM log.events WHERE stream = $1 AND version = middle) >= $2 AS hit
				FROM (SELECT (search.low + search.high) / 2 AS middle) m
			) probe
			WHERE search.low < search.high
		)
		SELECT low AS version FROM search WHERE low = high
	) first
	CROSS JOIN LATERAL (
		WITH RECURSIVE search(low, high) AS (
			SELECT first.version, last.version
		UNION ALL
			SELECT CASE WHEN probe.hit THEN search.low ELSE probe.middle + 1 END,
			       CASE WHEN probe.hit THEN probe.middle ELSE search.high END
			FROM search CROSS JOIN LATERAL (
				SELECT middle, (SELECT seq FROM log.events WHERE stream = $1 AND version = middle) >= last.seq AS hit
				FROM (SELECT (search.low + search.high) / 2 AS middle) m
			) probe
			WHERE search.low < search.high
		)
		SELECT low AS version, last.seq FROM search WHERE low = high
	) final
	WHERE last.seq >= $2
)
SELECT ` + columns + ` FROM (
	(SELECT DISTINCT ON (e.seq) e.* FROM bounds
	CROSS JOIN LATERAL (
		SELECT * FROM log.events WHERE stream = $1 AND version BETWEEN bounds.low AND bounds.high
		ORDER BY version LIMIT 16 * ($3 - $2 + 1) + 1
	) e
	WHERE bounds.high - bounds.low <= 16 * ($3 - $2 + 1)
	ORDER BY e.seq, e.version)
UNION ALL
	SELECT e.* FROM bounds
	CROSS JOIN unnest(CASE WHEN bounds.high - bounds.low > 16 * ($3 - $2 + 1) THEN $4::bigint[] END) AS wanted(seq)
	CROSS JOIN LATERAL (
		WITH RECURSIVE search(low, high) AS (
			SELECT bounds.low, bounds.high
		UNION ALL
			SELECT CASE WHEN probe.hit THEN search.low ELSE probe.middle + 1 END,
			       CASE WHEN probe.hit THEN probe.middle ELSE search.high END
			FROM search CROSS JOIN LATERAL (
				SELECT middle, (SELECT seq FROM log.events WHERE stream = $1 AND version = middle) >= wanted.seq AS hit
				FROM (SELECT (search.low + search.high) / 2 AS middle) m
			) probe
			WHERE search.low < search.high
		)
		SELECT low AS version FROM search WHERE low = high
	) given
	CROSS JOIN LATERAL (SELECT * FROM log.events WHERE stream = $1 AND version = given.version) e
	WHERE wanted.seq <= bounds.seq
) numbered ORDER BY position`

	// Most streams have nothing new, which their last version tells; only in the others the first version to
	// return is searched for, as above. "last" is at most where the search has to end.
	sqlReadSince = `
SELECT ` + columns + ` FROM (
	SELECT e.*
	FROM unnest($1::text[]) AS wanted(name)
	CROSS JOIN LATERAL (
		SELECT version, position FROM log.events WHERE stream = wanted.name ORDER BY version DESC LIMIT 1
	) last
	CROSS JOIN LATERAL (
		WITH RECURSIVE search(low, high) AS (
			SELECT 0::bigint, last.version - 1
		UNION ALL
			SELECT CASE WHEN probe.hit THEN probe.middle ELSE search.low END,
			       CASE WHEN probe.hit THEN search.high ELSE probe.middle - 1 END
			FROM search CROSS JOIN LATERAL (
				SELECT middle, (SELECT position FROM log.events WHERE stream = wanted.name AND version = middle) <= $2 AS hit
				FROM (SELECT (search.low + search.high + 1) / 2 AS middle) m
			) probe
			WHERE search.low < search.high
		)
		SELECT low AS version FROM search WHERE low >= high
	) seen
	CROSS JOIN LATERAL (
		SELECT * FROM log.events
		WHERE stream = wanted.name AND version > seen.version AND position <= $3
		ORDER BY version LIMIT $4
	) e
	WHERE last.position > $2
) missed ORDER BY position LIMIT $4`

	// The same over positions, which have no gaps, and times, which never go back.
	sqlPositionAt = `
WITH RECURSIVE search(low, high) AS (
	SELECT 0::bigint, coalesce((SELECT position FROM log.events ORDER BY position DESC LIMIT 1), 0)
UNION ALL
	SELECT CASE WHEN probe.hit THEN probe.middle ELSE search.low END,
	       CASE WHEN probe.hit THEN search.high ELSE probe.middle - 1 END
	FROM search CROSS JOIN LATERAL (
		SELECT middle, (SELECT recorded_at FROM log.events WHERE position = middle) <= $1 AS hit
		FROM (SELECT (search.low + search.high + 1) / 2 AS middle) m
	) probe
	WHERE search.low < search.high
)
SELECT low FROM search WHERE low = high`

	sqlAbout = `
SELECT ` + columns + ` FROM (
	(SELECT ` + columns + ` FROM log.events WHERE id = $1)
UNION ALL
	(SELECT ` + columns + ` FROM log.events WHERE subject = $2 ORDER BY position LIMIT $3)
) about ORDER BY position LIMIT $3`

	sqlLastAbout = `
SELECT ` + columns + ` FROM (
	SELECT ` + columns + ` FROM log.events
	WHERE subject = $1 AND position < $2 AND ($4::text[] IS NULL OR type = ANY($4))
	ORDER BY position DESC LIMIT $3
) last ORDER BY position`

	sqlLastAboutEach = `
SELECT ` + columns + ` FROM (
	SELECT e.* FROM unnest($1::text[], $2::bigint[]) AS wanted(subject, below)
	CROSS JOIN LATERAL (
		SELECT * FROM log.events
		WHERE subject = wanted.subject AND position < wanted.below AND ($4::text[] IS NULL OR type = ANY($4))
		ORDER BY position DESC LIMIT $3
	) e
) last ORDER BY position`
)

// Head is the last position, 0 for an empty log.
func (s *Store) Head(ctx context.Context) (head event.Position, err error) {
	err = s.read(ctx, "read the head", func(ctx context.Context) error {
		return optional(s.pool.QueryRow(ctx, sqlReadHead).Scan((*int64)(&head)))
	})
	return head, err
}

// All reads the events after a position.
func (s *Store) All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error) {
	return s.page(ctx, "read the log", pageSize(limit), sqlReadAll, int64(after), pageSize(limit))
}

// Stream reads the events of one stream after a version.
func (s *Store) Stream(ctx context.Context, stream event.Stream, afterVersion int64, limit int) ([]event.Recorded, error) {
	return s.page(ctx, "read a stream", min(pageSize(limit), guess), sqlReadStream, string(stream), afterVersion, pageSize(limit))
}

// Tails reads the last events of several streams.
func (s *Store) Tails(ctx context.Context, streams []event.Stream, each int) ([]event.Recorded, error) {
	if len(streams) == 0 || each <= 0 {
		return nil, ctx.Err()
	}
	names := slices.Compact(slices.Sorted(slices.Values(streams)))
	return s.page(ctx, "read the ends of streams", min(len(names)*each, guess), sqlReadTails, names, min(each, eventstore.MaxPage))
}

// Since reads what was added to several streams after one position and up to another.
func (s *Store) Since(
	ctx context.Context, streams []event.Stream, after, upTo event.Position, limit int,
) ([]event.Recorded, error) {
	if len(streams) == 0 {
		return nil, ctx.Err()
	}
	if upTo == 0 {
		upTo = math.MaxInt64
	}
	names := slices.Compact(slices.Sorted(slices.Values(streams)))
	return s.page(ctx, "read what streams have got since", min(pageSize(limit), guess), sqlReadSince,
		names, int64(after), int64(upTo), pageSize(limit))
}

// Last is the last event of a stream at or before a position.
func (s *Store) Last(ctx context.Context, stream event.Stream, upTo event.Position) (event.Recorded, bool, error) {
	var found []event.Recorded
	var err error
	if upTo == 0 {
		found, err = s.page(ctx, "read the last of a stream", 1, sqlReadLast, string(stream))
	} else {
		found, err = s.page(ctx, "read the last of a stream", 1, sqlReadLastUpTo, string(stream), int64(upTo))
	}
	if err != nil || len(found) == 0 {
		return event.Recorded{}, false, err
	}
	return found[0], true, nil
}

// Numbered is the event of a stream that was given a seq.
func (s *Store) Numbered(ctx context.Context, stream event.Stream, seq int64) (event.Recorded, bool, error) {
	if seq <= 0 {
		return event.Recorded{}, false, ctx.Err()
	}
	found, err := s.page(ctx, "read by number", 1, sqlReadNumbered, string(stream), seq)
	if err != nil || len(found) == 0 {
		return event.Recorded{}, false, err
	}
	return found[0], true, nil
}

// NumberedBetween reads the events of a stream that were given the seqs from one to another.
func (s *Store) NumberedBetween(ctx context.Context, stream event.Stream, from, to int64) ([]event.Recorded, error) {
	from = max(from, 1)
	to = min(to, from+eventstore.MaxPage-1)
	if to < from {
		return nil, ctx.Err()
	}
	wanted := make([]int64, to-from+1)
	for i := range wanted {
		wanted[i] = from + int64(i)
	}
	return s.page(ctx, "read by numbers", len(wanted), sqlReadNumberedBetween, string(stream), from, to, wanted)
}

// ByID reads the events of these ids.
func (s *Store) ByID(ctx context.Context, ids ...event.ID) ([]event.Recorded, error) {
	if len(ids) == 0 {
		return nil, ctx.Err()
	}
	return s.page(ctx, "read by id", len(ids), sqlReadIDs, ids)
}

// About reads a message and everything about it.
func (s *Store) About(ctx context.Context, messageID event.ID, limit int) ([]event.Recorded, error) {
	return s.page(ctx, "read about a message", guess, sqlAbout, messageID, messageID.String(), pageSize(limit))
}

// LastAbout reads the last events about a subject below a position.
func (s *Store) LastAbout(
	ctx context.Context, subject string, below event.Position, limit int, types ...string,
) ([]event.Recorded, error) {
	if below == 0 {
		below = math.MaxInt64
	}
	return s.page(ctx, "read the last about a subject", min(pageSize(limit), guess), sqlLastAbout,
		subject, int64(below), pageSize(limit), types)
}

// LastAboutEach is LastAbout for several subjects.
func (s *Store) LastAboutEach(
	ctx context.Context, subjects []eventstore.Subject, limit int, types ...string,
) ([]event.Recorded, error) {
	if len(subjects) == 0 {
		return nil, ctx.Err()
	}
	subjects = subjects[:min(len(subjects), eventstore.MaxPage)]
	ids, below := make([]string, len(subjects)), make([]int64, len(subjects))
	for i, about := range subjects {
		ids[i], below[i] = about.ID, int64(about.Below)
		if about.Below == 0 {
			below[i] = math.MaxInt64
		}
	}
	return s.page(ctx, "read the last about subjects", guess, sqlLastAboutEach,
		ids, below, eventstore.EachOf(len(subjects), limit), types)
}

// PositionAt is the last position that was recorded at or before t.
func (s *Store) PositionAt(ctx context.Context, t time.Time) (pos event.Position, err error) {
	err = s.read(ctx, "find the position at a time", func(ctx context.Context) error {
		return s.pool.QueryRow(ctx, sqlPositionAt, t).Scan((*int64)(&pos))
	})
	return pos, err
}

// guess is room for what usually comes.
const guess = 64

func pageSize(limit int) int {
	if limit <= 0 {
		return eventstore.MaxPage
	}
	return min(limit, eventstore.MaxPage)
}

// page reads rows of the log's columns.
func (s *Store) page(ctx context.Context, what string, room int, sql string, args ...any) (events []event.Recorded, err error) {
	err = s.read(ctx, what, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, sql, append([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		var d decoder
		for rows.Next() {
			if events == nil {
				events = make([]event.Recorded, 0, room)
			}
			events = append(events, d.decode(rows.RawValues()))
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// read bounds a call and gives its error a code.
func (s *Store) read(ctx context.Context, what string, call func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
	defer cancel()
	err := call(bounded)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, ctx.Err())
	default:
		return domain.Unavailable(fmt.Errorf("%s: %w", what, err))
	}
}

func optional(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// decoder turns rows of one read into events. Rows lie in a buffer that the connection reuses; they
// are copied into chunks that many events share. Names that repeat are kept once.
type decoder struct {
	chunk []byte
	names map[string]string
}

const (
	minChunk = 512
	maxChunk = 32 << 10
	maxNames = 4096
)

// decode reads the columns in their binary form.
func (d *decoder) decode(v [][]byte) event.Recorded {
	e := event.Recorded{
		Position: event.Position(decodeInt8(v[0])), Version: decodeInt8(v[1]), Seq: decodeInt8(v[2]),
		RecordedAt: decodeTime(v[3]), SchemaVersion: decodeInt2(v[5]),
		Stream: event.Stream(d.name(v[6])), Type: d.name(v[7]),
		Data: d.keep(v[9]), Metadata: d.keep(v[10]),
	}
	copy(e.ID[:], v[4])
	if v[8] != nil {
		e.Subject = string(v[8])
	}
	return e
}

func (d *decoder) keep(b []byte) []byte {
	if len(b) > maxChunk/8 {
		return bytes.Clone(b)
	}
	if cap(d.chunk)-len(d.chunk) < len(b) { // a short read stays small
		d.chunk = make([]byte, 0, min(max(2*cap(d.chunk), len(b), minChunk), maxChunk))
	}
	start := len(d.chunk)
	d.chunk = append(d.chunk, b...)
	return d.chunk[start:len(d.chunk):len(d.chunk)]
}

func (d *decoder) name(b []byte) string {
	if name, known := d.names[string(b)]; known {
		return name
	}
	if d.names == nil || len(d.names) >= maxNames {
		d.names = map[string]string{}
	}
	name := string(b)
	d.names[name] = name
	return name
}
