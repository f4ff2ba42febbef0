package migrations_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"parley/eventstore/testenv"
	"parley/migrations"
)

func TestUpAppliesEveryStepOnce(t *testing.T) {
	t.Parallel()
	dsn := testenv.EmptyDSN(t)

	if err := migrations.Check(t.Context(), dsn); !errors.Is(err, migrations.ErrPending) {
		t.Fatalf("check of an empty database: %v, want ErrPending", err)
	}
	for range 2 {
		if err := migrations.Up(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrations.Check(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	steps, err := migrations.Status(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) == 0 || steps[0].Name != "0001_log.sql" {
		t.Fatalf("status lists %+v, want 0001_log.sql first", steps)
	}
	for i, step := range steps {
		if !step.Applied || step.AppliedAt.IsZero() || step.Version != int64(i+1) {
			t.Errorf("step %d is %+v, want it applied and versions without gaps", i, step)
		}
	}
}

func TestNodesMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := testenv.EmptyDSN(t)
	var nodes errgroup.Group
	for range 4 {
		nodes.Go(func() error { return migrations.Up(t.Context(), dsn) })
	}
	if err := nodes.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestDownTakesEachStepBack(t *testing.T) {
	t.Parallel()
	dsn := testenv.EmptyDSN(t)
	up := func() {
		t.Helper()
		if err := migrations.Up(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	up()
	steps, err := migrations.Status(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	for range len(steps) + 1 { // one more finds nothing to do
		if err := migrations.Down(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var left int
	err = conn.QueryRow(t.Context(),
		`SELECT count(*) FROM pg_namespace WHERE nspname IN ('log', 'views', 'auth')`).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d schemas left after going all the way down (%v)", left, err)
	}
	up()
}

func TestBadURL(t *testing.T) {
	t.Parallel()
	if err := migrations.Up(t.Context(), "postgres://%zz"); err == nil {
		t.Error("no error")
	}
}
