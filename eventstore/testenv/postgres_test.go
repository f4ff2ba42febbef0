package testenv_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/eventstore/testenv"
)

func TestPostgresKeepsCommitsThroughKillAndStop(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgres(t)
	for _, fault := range []struct {
		name string
		do   func()
	}{{"kill", server.Kill}, {"stop", server.Stop}} {
		conn := connect(t, server.DSN)
		exec(t, conn, "CREATE TABLE IF NOT EXISTS kept (what text)")
		if _, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES ($1)", fault.name); err != nil {
			t.Fatal(err)
		}
		fault.do()
		if _, err := pgx.Connect(t.Context(), server.DSN); err == nil {
			t.Fatalf("after %s it still takes connections", fault.name)
		}
		if err := conn.Ping(t.Context()); err == nil {
			t.Fatalf("after %s an old connection still works", fault.name)
		}
		server.Start()
	}
	if n := queryOne[int](t, connect(t, server.DSN), "SELECT count(*) FROM kept"); n != 2 {
		t.Errorf("%d of 2 commits survived", n)
	}
}

func TestPausedPostgresIsSilentAndGoesOn(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgres(t)
	conn := connect(t, server.DSN)
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := pgx.Connect(ctx, server.DSN); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a paused server answered: %v", err)
	}
	server.Resume()
	if got := queryOne[int](t, conn, "SELECT 7"); got != 7 {
		t.Errorf("got %d", got)
	}
}

func TestPausedPostgresCanBeKilledAndStopped(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgres(t)
	server.Pause()
	server.Kill()
	server.Kill() // nothing left to do
	server.Start()
	server.Pause()
	server.Stop()
}
