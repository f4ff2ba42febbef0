package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parley/domain"
)

// faultOfData reports whether Postgres refused what it was given, so that a smaller batch may pass.
// (Class 22 is data exceptions, 23 constraints, 54 limits.)
func faultOfData(err error) bool {
	switch class(err) {
	case "22", "23", "54":
		return true
	default:
		return false
	}
}

const uniqueViolation = "23505"

// unusable reports whether the connection is good for nothing any more, though it is open: the server
// has become a standby, so that another one may be the primary now (25006), or the prepared statements
// do not fit the tables any more (0A000) or are gone (26000).
func unusable(err error) bool {
	switch code(err) {
	case "25006", "0A000", "26000":
		return true
	default:
		return false
	}
}

func class(err error) string {
	if c := code(err); len(c) == 5 {
		return c[:2]
	}
	return ""
}

func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// refusal is the answer to an append that Postgres refused by itself.
func refusal(err error) error {
	if class(err) == "23" {
		// The lock rules this out: somebody has written to the log beside us.
		return domain.Unavailable(err)
	}
	invalid := domain.Invalid("events", "cannot be stored as JSON")
	invalid.Cause = err
	return invalid
}

// ErrUnsafe is returned by CheckDurability.
var ErrUnsafe = errors.New("postgres may lose what it has acknowledged")

// sqlUnsafe names the settings that break the promise of durability.
const sqlUnsafe = `
SELECT string_agg(name || ' = ' || setting, ', ' ORDER BY name) FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' HAVING count(*) > 0`

func unsafeError(settings string) error { return fmt.Errorf("%w: %s", ErrUnsafe, settings) }

// CheckDurability returns ErrUnsafe, naming the settings, for a server with fsync, full_page_writes or
// synchronous_commit off, unless Config.AllowUnsafe; or UNAVAILABLE.
func (s *Store) CheckDurability(ctx context.Context) error {
	if s.cfg.AllowUnsafe {
		return nil
	}
	return s.read(ctx, "check durability", func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, sqlUnsafe)
		if err != nil {
			return err
		}
		unsafe, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err == nil && len(unsafe) > 0 {
			return unsafeError(strings.Join(unsafe, ", "))
		}
		return err
	})
}
