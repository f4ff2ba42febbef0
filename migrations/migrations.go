// Package migrations holds the schema of the database and brings a database to it.
//
// A file is one step: NNNN_name.sql with a part to go up and a part to go back. A step that
// has been released is never edited; a change is a new file.
//
// # Promises
//
// Each step is one transaction: a step that fails leaves nothing behind, and the steps
// before it stay. One process at a time migrates a database (a session advisory lock), so nodes may all
// start at once: the others wait, up to five minutes, and find nothing left to do. A database
// that is newer than the program is left alone.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// The lock is asked for once a second, so that a node which starts beside another loses no more than that.
const (
	lockPeriodSeconds = 1
	lockTries         = 300
)

// ErrPending is what Check returns when a migration has not been applied.
var ErrPending = errors.New("database schema is older than this program: migrations are pending")

// Migration is one step and whether the database has it.
type Migration struct {
	Version int64
	// Name is the file's, such as 0001_log.sql.
	Name    string
	Applied bool
	// AppliedAt is zero for a step that is pending.
	AppliedAt time.Time
}

// Up applies every pending step to the database that dsn names.
func Up(ctx context.Context, dsn string) error {
	return with(dsn, func(p *goose.Provider) error {
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrate up: %w", err)
		}
		return nil
	})
}

// Down takes the newest applied step back, with all data in its tables. It does nothing when none is applied.
func Down(ctx context.Context, dsn string) error {
	return with(dsn, func(p *goose.Provider) error {
		if _, err := p.Down(ctx); err != nil && !errors.Is(err, goose.ErrNoNextVersion) {
			return fmt.Errorf("migrate down: %w", err)
		}
		return nil
	})
}

// Status lists every step, oldest first.
func Status(ctx context.Context, dsn string) ([]Migration, error) {
	var list []Migration
	err := with(dsn, func(p *goose.Provider) error {
		steps, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("migration status: %w", err)
		}
		for _, s := range steps {
			list = append(list, Migration{
				Version: s.Source.Version, Name: path.Base(s.Source.Path),
				Applied: s.State == goose.StateApplied, AppliedAt: s.AppliedAt,
			})
		}
		return nil
	})
	return list, err
}

// Check returns ErrPending unless every step has been applied.
func Check(ctx context.Context, dsn string) error {
	return with(dsn, func(p *goose.Provider) error {
		pending, err := p.HasPending(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("check migrations: %w", err)
		case pending:
			return ErrPending
		default:
			return nil
		}
	})
}

// with opens the database for one call.
func with(dsn string, call func(*goose.Provider) error) (err error) {
	// The pool's parser, because it knows the pool_ settings that a URL may carry.
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("read the database URL: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockPeriodSeconds, lockTries))
	if err != nil {
		return fmt.Errorf("make the migration lock: %w", err)
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return errors.Join(fmt.Errorf("read the migrations: %w", err), db.Close())
	}
	defer func() { err = errors.Join(err, provider.Close()) }()
	return call(provider)
}
