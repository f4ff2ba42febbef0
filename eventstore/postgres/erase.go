package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain"
	"parley/domain/erase"
	"parley/domain/event"
	"parley/eventstore/chain"
)

// Erasure is what has been done of a UserErased event.
type Erasure struct {
	// Position and UserID are those of the event.
	Position event.Position
	UserID   string
	// Swept is how far the log is blanked; at the end it is Position.
	Swept event.Position
	// DoneAt is when nothing was left to do anywhere; zero until then.
	DoneAt time.Time
}

// erasePage is how many events are searched in one transaction. Those that are blanked are locked until it ends, for others who
// blank them; who reads or appends does not wait.
const erasePage = 10_000

const (
	sqlErasures = `
SELECT e.position, e.data ->> 'userId', coalesce(x.swept, 0), x.done_at
FROM log.events e LEFT JOIN log.erasures x ON x.position = e.position
WHERE e.subject = $1 AND ($2 = 0 OR e.position = $2) ORDER BY e.position`

	// An id has no character that JSON escapes.
	sqlOfUser = `
SELECT ` + columns + ` FROM log.events
WHERE position > $1 AND position <= $2 AND (strpos(data::text, $3) > 0 OR strpos(metadata::text, $3) > 0)
ORDER BY position FOR UPDATE`

	// What was blanked before keeps the digests that it had first.
	sqlBlank = `
WITH less AS MATERIALIZED (
	SELECT * FROM unnest($1::bigint[], $2::json[], $3::json[], $4::bytea[]) l(position, data, metadata, digest)
), others AS (
	UPDATE log.erased x SET left_digest = less.digest FROM less WHERE x.position = less.position
), kept AS (
	INSERT INTO log.erased (position, by_position, data_digest, metadata_digest, left_digest)
	SELECT e.position, $5, coalesce(x.data_digest, sha256(convert_to(e.data::text, 'UTF8'))),
		coalesce(x.metadata_digest, sha256(convert_to(e.metadata::text, 'UTF8'))), less.digest
	FROM less JOIN log.events e USING (position)
	LEFT JOIN LATERAL (SELECT * FROM log.erased WHERE position = e.position LIMIT 1) x ON true
	ON CONFLICT DO NOTHING
)
UPDATE log.events e SET data = less.data, metadata = less.metadata FROM less WHERE e.position = less.position`

	sqlSwept = `
INSERT INTO log.erasures (position, swept) VALUES ($1, $2)
ON CONFLICT (position) DO UPDATE SET swept = greatest(erasures.swept, excluded.swept)`

	sqlErasureDone = `UPDATE log.erasures SET done_at = coalesce(done_at, now()) WHERE position = $1`
)

// ErrNoErasure is returned by Erasure for a position where no user was erased.
var ErrNoErasure = errors.New("there is no erasure at this position")

// Erasures are all that were ever asked for, in order, or the one at a position (0: all).
func (s *Store) Erasures(ctx context.Context, at event.Position) (list []Erasure, err error) {
	err = s.read(ctx, "list the erasures", func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, sqlErasures, event.ErasuresSubject(), int64(at))
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Erasure, err error) {
			var done *time.Time
			err = row.Scan((*int64)(&e.Position), &e.UserID, (*int64)(&e.Swept), &done)
			if done != nil {
				e.DoneAt = *done
			}
			return e, err
		})
		return err
	})
	if err == nil && at > 0 && len(list) == 0 {
		err = ErrNoErasure
	}
	return list, err
}

// Sweep blanks what is of the user in the next part of the log that is not swept, and says how far it is now. It may be
// stopped anywhere, and several may be at it.
func (s *Store) Sweep(ctx context.Context, e Erasure) (Erasure, error) {
	until := min(e.Swept+erasePage, e.Position)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		events, err := ofUser(ctx, tx, e.UserID, e.Swept, until)
		if err != nil {
			return err
		}
		if err := blank(ctx, tx, events, e); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sqlSwept, int64(e.Position), int64(until))
		return err
	})
	if err != nil {
		return e, fmt.Errorf("blank what is of a user in positions %d to %d: %w", e.Swept+1, until, err)
	}
	e.Swept = until
	return e, nil
}

// FinishErasure notes that nothing is left to do.
func (s *Store) FinishErasure(ctx context.Context, at event.Position) error {
	return s.read(ctx, "note that an erasure is done", func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, sqlErasureDone, int64(at))
		return err
	})
}

// Vacuum frees what the dead versions of blanked rows take, in the log and in other tables, and has the planner forget the
// values that it knew of them.
func (s *Store) Vacuum(ctx context.Context, tables ...string) error {
	list := []string{"log.events"}
	for _, name := range tables {
		list = append(list, pgx.Identifier(strings.Split(name, ".")).Sanitize())
	}
	if _, err := s.pool.Exec(ctx, `VACUUM (ANALYZE) `+strings.Join(list, ", ")); err != nil {
		return domain.Unavailable(fmt.Errorf("vacuum: %w", err))
	}
	return nil
}

func ofUser(ctx context.Context, tx pgx.Tx, userID string, after, until event.Position) ([]event.Recorded, error) {
	rows, err := tx.Query(ctx, sqlOfUser, pgx.QueryResultFormats{pgx.BinaryFormatCode}, int64(after), int64(until), `"`+userID+`"`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []event.Recorded
	var d decoder
	for rows.Next() {
		events = append(events, d.decode(rows.RawValues()))
	}
	return events, rows.Err()
}

func blank(ctx context.Context, tx pgx.Tx, events []event.Recorded, e Erasure) error {
	var positions []int64
	var data, metadata []json.RawMessage
	var left [][]byte
	for _, r := range events {
		d, m, changed, err := erase.Blanked(r, e.UserID)
		if err != nil {
			return fmt.Errorf("position %d: %w", r.Position, err)
		}
		if changed {
			positions, data, metadata = append(positions, int64(r.Position)), append(data, d), append(metadata, m)
			digest := leftOf(d, m)
			left = append(left, digest[:])
		}
	}
	if len(positions) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, sqlBlank, positions, data, metadata, left, int64(e.Position))
	return err
}

// leftOf is the digest of what is left of an event.
func leftOf(data, metadata []byte) chain.Hash {
	d, m := chain.Digest(data), chain.Digest(metadata)
	return chain.Digest(append(d[:], m[:]...))
}
