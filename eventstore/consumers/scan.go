package consumers

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
)

const (
	// span is how many rows one statement looks at.
	span = 20_000
	// readTimeout bounds a statement, waiting for a connection included.
	readTimeout = 5 * time.Second
)

const scanSQL = `
SELECT position, version, recorded_at, id, schema_version, stream, type, data::text, metadata::text FROM log.events
WHERE position > $1 AND position <= $2
	AND (cardinality($3::text[]) = 0 OR type = ANY($3))
	AND (cardinality($4::text[]) = 0 OR stream = ANY($4))
	AND (cardinality($5::text[]) = 0 OR split_part(stream, '-', 1) = ANY($5))
ORDER BY position LIMIT $6`

// scan reads a page from Postgres. s.UpTo must be committed.
func scan(ctx context.Context, pool *pgxpool.Pool, s *event.Selection, limit Limit) (page Page, err error) {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	page.UpTo = min(s.UpTo, s.After+span)
	// One more than fits tells where the page ends.
	rows, err := pool.Query(bounded, scanSQL, int64(s.After), int64(page.UpTo),
		listed(s.Types), listed(s.Streams), listed(s.Categories), limit.Events+1)
	if err != nil {
		return Page{}, away(ctx, err)
	}
	defer rows.Close()
	bytes, full := 0, false
	for rows.Next() && !full {
		e, err := recorded(rows)
		if err != nil {
			return Page{}, err
		}
		if full = limit.full(len(page.Events), bytes, &e); !full {
			bytes += size(&e)
			page.Events = append(page.Events, e)
		}
	}
	if err := rows.Err(); err != nil {
		return Page{}, away(ctx, err)
	}
	if full {
		page.UpTo = page.Events[len(page.Events)-1].Position
	}
	return page, nil
}

func recorded(row pgx.Row) (e event.Recorded, err error) {
	var at time.Time
	var data, metadata []byte
	err = row.Scan((*int64)(&e.Position), &e.Version, &at, (*[16]byte)(&e.ID), &e.SchemaVersion, (*string)(&e.Stream), &e.Type,
		&data, &metadata)
	e.RecordedAt, e.Data, e.Metadata = at.UTC(), data, metadata
	return e, err
}

// listed is never NULL.
func listed[S ~[]E, E ~string](list S) []string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = string(s)
	}
	return texts
}

// away gives an error of Postgres its code.
func away(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return domain.Unavailable(err)
	}
}
