package testenv_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"parley/eventstore/testenv"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func queryOne[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) (value T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func TestEveryCallMakesItsOwnDatabase(t *testing.T) {
	t.Parallel()
	first, second := connect(t, testenv.DSN(t)), connect(t, testenv.DSN(t))
	exec(t, first, "CREATE TABLE mine (id int)")
	exec(t, second, "CREATE TABLE mine (id int)")
}

func TestDatabasesCanBeMadeAtTheSameTime(t *testing.T) {
	t.Parallel()
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			connect(t, testenv.DSN(t))
		})
	}
}

func TestDatabaseIsDroppedWithItsConnections(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("uses a database", func(t *testing.T) {
		conn, err := pgx.Connect(t.Context(), testenv.DSN(t))
		if err != nil {
			t.Fatal(err)
		}
		name = queryOne[string](t, conn, "SELECT current_database()") // and never closes the connection
	})
	other := connect(t, testenv.EmptyDSN(t))
	if n := queryOne[int](t, other, "SELECT count(*) FROM pg_database WHERE datname = $1", name); n != 0 {
		t.Errorf("database %s is still there", name)
	}
}

func TestPoolServesManyQueries(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	for range 20 {
		t.Run("", func(t *testing.T) {
			if _, err := pool.Exec(t.Context(), "SELECT 1"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDurableSettingsAreOn(t *testing.T) {
	t.Parallel()
	conn := connect(t, testenv.EmptyDSN(t))
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		if got := queryOne[string](t, conn, "SELECT current_setting($1)", name); got != "on" {
			t.Errorf("%s is %s: numbers measured here would mean nothing", name, got)
		}
	}
}

func TestDatabaseHasTheLogAndAnEmptyOneHasNothing(t *testing.T) {
	t.Parallel()
	const tables = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
	if n := queryOne[int](t, connect(t, testenv.DSN(t)), tables); n == 0 {
		t.Error("a migrated database has no tables")
	}
	if n := queryOne[int](t, connect(t, testenv.EmptyDSN(t)), tables); n != 0 {
		t.Errorf("an empty database has %d tables", n)
	}
}
