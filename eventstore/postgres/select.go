package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
)

// One statement looks at so many rows at most, whatever of them is wanted: it is short, holds its snapshot for a
// moment, and is over when the reader is slow.
const (
	selectRows    = 2_000  // that are wanted
	selectScanned = 20_000 // that are looked at for a type or a category
	// Of several streams each is read as far as the one that has most: these bound the sum.
	selectStreamRows = 10_000
	selectLeast      = 100
)

const (
	sqlSelectAll = `SELECT ` + columns + ` FROM log.events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3`

	// split_part keeps the planner off the index by stream, which would find the whole category and sort it.
	sqlSelectSome = `
SELECT ` + columns + ` FROM log.events
WHERE position > $1 AND position <= $2 AND ($4::text[] IS NULL OR type = ANY($4))
  AND ($5::text[] IS NULL OR split_part(stream, '-', 1) = ANY($5))
ORDER BY position LIMIT $3`

	// Every step finds the next stream and its last event by the index: what it costs is the number of streams on the
	// page, not of their events.
	sqlStreamHeads = `
WITH RECURSIVE names(stream) AS (
	(SELECT stream FROM log.events WHERE stream > $1 AND stream < $2 ORDER BY stream LIMIT 1)
UNION ALL
	SELECT (SELECT e.stream FROM log.events e WHERE e.stream > names.stream AND e.stream < $2 ORDER BY e.stream LIMIT 1)
	FROM names WHERE names.stream IS NOT NULL
)
SELECT last.* FROM (SELECT stream FROM names WHERE stream IS NOT NULL LIMIT $3) found
CROSS JOIN LATERAL (SELECT ` + columns + ` FROM log.events e WHERE e.stream = found.stream ORDER BY e.version DESC LIMIT 1) last
ORDER BY last.stream`
)

// Select hands the first events of a selection to visit, in order, out of one short statement: at most so many as
// limit says (0, or too many: 2,000), and fewer or none where a part of the log holds little of what is wanted. It
// returns the position up to which all has been visited, and is to be called again from there until that
// is sel.UpTo, or visit has returned false. What visit gets is valid until it returns: it must copy what it keeps, and
// not block. When the statement fails, some may have been visited: the position is that of the last one.
func (s *Store) Select(
	ctx context.Context, sel event.Selection, limit int, visit func(*event.Recorded) bool,
) (event.Position, error) {
	if sel.After >= sel.UpTo {
		return sel.UpTo, ctx.Err()
	}
	if limit <= 0 || limit > selectRows {
		limit = selectRows
	}
	switch {
	case len(sel.Streams) > 0:
		return s.selectStreams(ctx, sel, limit, visit)
	case sel.All():
		x := selecting{visit: visit, reached: sel.After, limit: limit, end: sel.UpTo}
		return x.run(ctx, s, sqlSelectAll, int64(sel.After), int64(sel.UpTo), limit)
	default:
		end := min(sel.UpTo, sel.After+selectScanned)
		x := selecting{visit: visit, reached: sel.After, limit: limit, end: end}
		return x.run(ctx, s, sqlSelectSome, int64(sel.After), int64(end), limit, orNull(sel.Types), orNull(sel.Categories))
	}
}

// selectStreams reads whole streams by their index. Types are looked at here: a statement that had to find a rare
// one in a long stream would not be short.
func (s *Store) selectStreams(
	ctx context.Context, sel event.Selection, limit int, visit func(*event.Recorded) bool,
) (event.Position, error) {
	names := slices.Compact(slices.Sorted(slices.Values(sel.Streams)))
	limit = min(limit, max(selectLeast, selectStreamRows/len(names)))
	wanted := func(e *event.Recorded) bool { return !sel.Wants(e) || visit(e) }
	x := selecting{visit: wanted, reached: sel.After, limit: limit, end: sel.UpTo}
	return x.run(ctx, s, sqlReadSince, names, int64(sel.After), int64(sel.UpTo), limit)
}

// orNull makes no filter of an empty one.
func orNull(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return names
}

// StreamHeads lists the streams whose names lie between two others, by name, each by its last event.
func (s *Store) StreamHeads(ctx context.Context, after, before event.Stream, limit int) ([]event.Recorded, error) {
	return s.page(ctx, "list streams", min(pageSize(limit), guess), sqlStreamHeads, string(after), string(before), pageSize(limit))
}

// selecting is one statement of a Select.
type selecting struct {
	visit   func(*event.Recorded) bool
	limit   int            // of rows
	end     event.Position // that is reached when there are fewer
	reached event.Position
}

func (x *selecting) run(ctx context.Context, s *Store, sql string, args ...any) (event.Position, error) {
	err := s.read(ctx, "select events", func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, sql, append([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		return x.hand(rows)
	})
	return x.reached, err
}

// hand visits the rows. The rest of those that visit does not want any more are read and dropped: that costs less than
// the connection.
func (x *selecting) hand(rows pgx.Rows) error {
	var d lender
	count, stopped := 0, false
	for rows.Next() {
		if count++; stopped {
			continue
		}
		e := d.lend(rows.RawValues())
		stopped = !x.visit(e)
		x.reached = e.Position
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if !stopped && count < x.limit {
		x.reached = x.end
	}
	return nil
}

// lender is a decoder that copies nothing but names: its event lies in the connection's buffer.
type lender struct {
	decoder

	event event.Recorded
}

func (l *lender) lend(v [][]byte) *event.Recorded {
	e := &l.event
	e.Position, e.Version, e.Seq = event.Position(decodeInt8(v[0])), decodeInt8(v[1]), decodeInt8(v[2])
	e.RecordedAt, e.SchemaVersion = decodeTime(v[3]), decodeInt2(v[5])
	copy(e.ID[:], v[4])
	e.Stream, e.Type, e.Subject = event.Stream(l.name(v[6])), l.name(v[7]), string(v[8])
	e.Data, e.Metadata = v[9], v[10]
	return e
}
