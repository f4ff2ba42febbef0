package testenv

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	testPrefix     = "parley_test_" // + hex Unix time + "_" + random
	templatePrefix = "parley_template_"
	leftoverAge    = time.Hour
	adminTimeout   = time.Minute

	templateLock = 0x7061726c6579 // advisory lock: one process at a time makes the template
	poolConns    = 8

	codeUnknownDatabase = "3D000"
	codeObjectInUse     = "55006"
)

// DSN makes a database with all migrations applied and returns its connection
// URL. The database is empty, belongs to this test alone, and is dropped with
// all its connections when the test ends.
func DSN(tb testing.TB) string {
	tb.Helper()
	return database(tb, true)
}

// EmptyDSN is DSN without any migration: for the tests of the migrations.
func EmptyDSN(tb testing.TB) string {
	tb.Helper()
	return database(tb, false)
}

// Pool returns a pool of a few connections to a database of its own, see [DSN].
// It is closed when the test ends.
func Pool(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(DSN(tb))
	if err != nil {
		tb.Fatalf("read the connection URL: %v", err)
	}
	config.MaxConns = poolConns
	pool, err := pgxpool.NewWithConfig(tb.Context(), config)
	if err != nil {
		tb.Fatalf("open a pool: %v", err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

func database(tb testing.TB, migrated bool) string {
	tb.Helper()
	server := address(tb, "DATABASE_URL")
	name := testPrefix + strconv.FormatInt(time.Now().Unix(), 16) + "_" + randomHex()

	ctx, cancel := context.WithTimeout(tb.Context(), adminTimeout)
	defer cancel()
	template := "template0"
	hash, compiledIn := migrationsHash(tb)
	if migrated && compiledIn {
		template = templatePrefix + hash
	}
	// Registered first: also a creation that was cut off half way is cleaned up.
	tb.Cleanup(func() { drop(tb, server, name) })
	if err := create(ctx, server, name, template); err != nil {
		tb.Fatalf("make a test database: %v", err)
	}
	dsn := withDatabase(server, name)
	if migrated && !compiledIn {
		if err := migrate(ctx, dsn); err != nil {
			tb.Fatalf("migrate a test database: %v", err)
		}
	}
	return dsn
}

// create copies the template, which it makes first when there is none.
func create(ctx context.Context, server, name, template string) error {
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer admin.Close(context.WithoutCancel(ctx))

	if err := dropLeftovers(ctx, admin); err != nil {
		return err
	}
	for {
		_, err = admin.Exec(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(template))
		switch pgCode(err) {
		case codeUnknownDatabase:
			if err := makeTemplate(ctx, server, admin, template); err != nil {
				return err
			}
		case codeObjectInUse: // a connection that made the template is still closing
			if err := pause(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// makeTemplate builds it under another name: one that has its name is whole.
func makeTemplate(ctx context.Context, server string, admin *pgx.Conn, template string) error {
	if _, err := admin.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return fmt.Errorf("lock the template: %w", err)
	}
	defer func() { _, _ = admin.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", templateLock) }()

	names, err := databases(ctx, admin, templatePrefix)
	if err != nil {
		return err
	}
	if slices.Contains(names, template) {
		return nil // another process was faster
	}
	for _, name := range names { // of migrations that have changed since
		if err := dropDatabase(ctx, admin, name); err != nil {
			return err
		}
	}
	building := template + "_building"
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+quote(building)+" TEMPLATE template0"); err != nil {
		return fmt.Errorf("create the template: %w", err)
	}
	if err := migrate(ctx, withDatabase(server, building)); err != nil {
		return fmt.Errorf("migrate the template: %w", err)
	}
	for {
		_, err := admin.Exec(ctx, "ALTER DATABASE "+quote(building)+" RENAME TO "+quote(template))
		if pgCode(err) != codeObjectInUse {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// dropLeftovers drops what processes that died left long ago.
func dropLeftovers(ctx context.Context, admin *pgx.Conn) error {
	names, err := databases(ctx, admin, testPrefix)
	if err != nil {
		return err
	}
	for _, name := range names {
		made, _, _ := strings.Cut(strings.TrimPrefix(name, testPrefix), "_")
		seconds, err := strconv.ParseInt(made, 16, 64)
		if err != nil || time.Since(time.Unix(seconds, 0)) < leftoverAge {
			continue
		}
		if err := dropDatabase(ctx, admin, name); err != nil {
			return err
		}
	}
	return nil
}

func databases(ctx context.Context, admin *pgx.Conn, prefix string) ([]string, error) {
	rows, err := admin.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix)
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", err)
	}
	return names, nil
}

func drop(tb testing.TB, server, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), adminTimeout)
	defer cancel()
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		tb.Errorf("drop the test database: connect: %v", err)
		return
	}
	defer admin.Close(ctx)
	if err := dropDatabase(ctx, admin, name); err != nil {
		tb.Error(err)
	}
}

// dropDatabase ends whoever is still connected. FORCE needs the right to signal each of them, which
// nobody but a superuser has over an autovacuum worker (insufficient_privilege); a plain DROP sends
// those away by itself.
func dropDatabase(ctx context.Context, admin *pgx.Conn, name string) error {
	drop := "DROP DATABASE IF EXISTS " + quote(name)
	_, err := admin.Exec(ctx, drop+" WITH (FORCE)")
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == "42501" {
		_, err = admin.Exec(ctx, drop)
	}
	if err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

// migrationsHash names the state of the migrations folder, SQL and Go alike. compiledIn is false when a file
// changed after this program was built: what the program applies then has another name than the folder's.
func migrationsHash(tb testing.TB) (name string, compiledIn bool) {
	tb.Helper()
	hash := sha256.New()
	built := programTime(tb)
	compiledIn = true
	folder := filepath.Join(moduleRoot(tb), "migrations")
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		compiledIn = compiledIn && info.ModTime().Before(built)
		content, err := os.ReadFile(path)
		fmt.Fprintf(hash, "%s %d\n", entry.Name(), len(content))
		hash.Write(content)
		return err
	})
	if err != nil {
		tb.Fatalf("read the migrations: %v", err)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), compiledIn
}

// programTime is when the test program was built.
func programTime(tb testing.TB) time.Time {
	tb.Helper()
	program, err := os.Executable()
	if err != nil {
		tb.Fatalf("find the test program: %v", err)
	}
	info, err := os.Stat(program)
	if err != nil {
		tb.Fatalf("find the test program: %v", err)
	}
	return info.ModTime()
}

func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil { // cannot be: a connection was opened with it
		return server
	}
	u.Path = "/" + name
	return u.String()
}

func pgCode(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code
	}
	return ""
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func randomHex() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
