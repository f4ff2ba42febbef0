package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/postgres"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
	"parley/migrations"
)

// fill appends some events, also with subjects, from two nodes in turn.
func fill(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	stores := []*postgres.Store{run(t, pool, postgres.Config{}), run(t, pool, postgres.Config{})}
	for i := range n {
		a := sent(t, "a")
		a.Events = append(a.Events, storetest.Left(t, "b"), storetest.Sent(t, "é"))
		a.Events[1].Subject = "a subject"
		if _, err := stores[i/3%2].Append(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

func prove(t *testing.T, pool *pgxpool.Pool) (postgres.ChainHead, error) {
	t.Helper()
	return postgres.New(pool, postgres.Config{}).ProveChain(t.Context(), nil)
}

func mustProve(t *testing.T, pool *pgxpool.Pool) postgres.ChainHead {
	t.Helper()
	head, err := prove(t, pool)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func TestChainIsProved(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	if head := mustProve(t, pool); head != (postgres.ChainHead{}) {
		t.Errorf("an empty log ends at %v", head)
	}
	fill(t, pool, 400) // more than a page
	head := mustProve(t, pool)
	if stored, err := postgres.New(pool, postgres.Config{}).ChainHead(t.Context()); err != nil || stored != head {
		t.Errorf("proved up to %v, stored %v, %v", head, stored, err)
	}
	if head.Position != 1200 {
		t.Errorf("proved up to %d", head.Position)
	}
}

// TestMigrationLinksWhatIsThere: the SQL of the migration and the program make the same hashes.
func TestMigrationLinksWhatIsThere(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	fill(t, pool, 10)
	head := mustProve(t, pool)
	dsn := pool.Config().ConnString()
	linked := func() bool {
		steps, err := migrations.Status(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(steps, func(m migrations.Migration) bool { return m.Name == "0009_chain.sql" && m.Applied })
	}
	for linked() {
		if err := migrations.Down(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrations.Up(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	if again := mustProve(t, open(t, dsn)); again != head {
		t.Errorf("proved up to %v, before the migration up to %v", again, head)
	}
}

func TestProofNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql     string
		at      event.Position
		problem string
	}{
		"a byte of the data":        {`UPDATE log.events SET data = replace(data::text, 'a', 'b')::json WHERE position = 7`, 7, "the event was changed"},
		"white space in the data":   {`UPDATE log.events SET data = (data::text || ' ')::json WHERE position = 7`, 7, "the event was changed"},
		"the metadata":              {`UPDATE log.events SET metadata = '{"userId":"else"}' WHERE position = 1`, 1, "the event was changed"},
		"a time":                    {`UPDATE log.events SET recorded_at = recorded_at - interval '1 us' WHERE position = 9`, 9, "the event was changed"},
		"a subject":                 {`UPDATE log.events SET subject = 'b' WHERE position = 2`, 2, "the event was changed"},
		"the last event":            {`UPDATE log.events SET type = 'Other' WHERE position = 15`, 15, "the event or its hash was changed"},
		"a hash":                    {`UPDATE log.events SET hash = sha256(hash) WHERE position = 8`, 8, "the hash was changed"},
		"an event and its hash":     {`UPDATE log.events SET hash = sha256(hash), type = 'Other' WHERE position = 8`, 8, "does not link"},
		"a deleted row":             {`DELETE FROM log.events WHERE position = 5`, 5, "missing"},
		"the first row":             {`DELETE FROM log.events WHERE position = 1`, 1, "missing"},
		"digests of nothing erased": {`INSERT INTO log.erased SELECT 5, 15, hash, hash, hash FROM log.events WHERE position = 5`, 5, "erased"},
		"a deleted row, closed up": {
			`DELETE FROM log.events WHERE position = 5; UPDATE log.events SET position = 5 WHERE position = 15`, 5, "does not link",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testenv.Pool(t)
			fill(t, pool, 5)
			mustProve(t, pool)
			if _, err := pool.Exec(t.Context(), c.sql); err != nil {
				t.Fatal(err)
			}
			head, err := prove(t, pool)
			wrong, ok := errors.AsType[*postgres.ChainError](err)
			if !ok || wrong.Position != c.at || !strings.Contains(wrong.Problem, c.problem) || head.Position != c.at-1 {
				t.Errorf("proved up to %d, %v; want %d, %q", head.Position, err, c.at, c.problem)
			}
		})
	}
}

// TestChainAfterRestore: a store that remembers an end of the log that is not there any more links to the one that is.
func TestChainAfterRestore(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	store := run(t, pool, postgres.Config{})
	for range 4 {
		if _, err := store.Append(t.Context(), sent(t, "a")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), `DELETE FROM log.events WHERE position > 2`); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := store.Append(t.Context(), eventstore.Append{Events: []event.New{storetest.Sent(t, "a")}}); err != nil {
			t.Fatal(err)
		}
	}
	if head := mustProve(t, pool); head.Position != 6 {
		t.Errorf("proved up to %d", head.Position)
	}
}
