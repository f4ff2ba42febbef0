package e2e_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// soundLog reads a deployment's log as an auditor would, straight from Postgres, and checks
// what the contract says of it.
func soundLog(t *testing.T, database string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatalf("connect to the log: %v", err)
	}
	defer conn.Close(t.Context())
	for rule, query := range map[string]string{
		"positions are gapless from 1": `
			SELECT count(*) > 0 AND min(position) = 1 AND max(position) = count(*) FROM log.events`,
		"versions are gapless from 1 in each stream, in the order of positions": `
			SELECT bool_and(version = n) FROM (
				SELECT version, row_number() OVER (PARTITION BY stream ORDER BY position) AS n FROM log.events) AS v`,
		"time does not go back": `
			SELECT bool_and(recorded_at >= before) FROM (
				SELECT recorded_at, lag(recorded_at, 1, recorded_at) OVER (ORDER BY position) AS before FROM log.events) AS v`,
		"ids are unique": `SELECT count(DISTINCT id) = count(*) FROM log.events`,
		"no secret is in an event": `
			SELECT count(*) = 0 FROM log.events
			WHERE data::text ~ 'eyJhbGci|argon2' OR metadata::text ~ 'eyJhbGci|argon2'
			   OR strpos(data::text, '` + password + `') > 0`,
	} {
		var holds *bool
		if err := conn.QueryRow(t.Context(), query).Scan(&holds); err != nil {
			t.Errorf("%s: %v", rule, err)
		} else if holds == nil || !*holds {
			t.Errorf("not so: %s", rule)
		}
	}
}

// logHead reads the last position of the log.
func logHead(t *testing.T, database string) (position int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatalf("connect to the log: %v", err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "SELECT coalesce(max(position), 0) FROM log.events").Scan(&position); err != nil {
		t.Fatalf("read the head of the log: %v", err)
	}
	return position
}
