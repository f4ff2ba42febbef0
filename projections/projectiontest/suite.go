package projectiontest

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/erase"
	"parley/domain/event"
	"parley/eventstore/testenv"
	"parley/projections"
)

// Suite checks that a projector keeps the promises of projections.Projector. build makes one that
// writes to a schema.
func Suite(t *testing.T, build func(schema string) projections.Projector) {
	t.Helper()
	s := suite{build: build, events: History(7, 700).Events()}
	s.want = s.tables(t, s.events)
	for _, rule := range []struct {
		name  string
		check func(*testing.T)
	}{
		{"batches make no difference", s.batches},
		{"a repetition changes nothing", s.repetition},
		{"unknown types are skipped", s.unknownTypes},
		{"another schema", s.otherSchema},
		{"a runner that is restarted", s.restarts},
		{"who was erased is gone", s.erasure},
	} {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			rule.check(t)
		})
	}
}

type suite struct {
	build  func(schema string) projections.Projector
	events []event.Recorded
	want   map[string][]string
}

// tables is what the batches make of empty tables.
func (s *suite) tables(t *testing.T, batches ...[]event.Recorded) map[string][]string {
	t.Helper()
	pool := testenv.Pool(t)
	Apply(t, pool, s.build(""), batches...)
	return Dump(t, pool, "", s.build(""))
}

func (s *suite) same(t *testing.T, got map[string][]string) {
	t.Helper()
	if diff := cmp.Diff(s.want, got); diff != "" {
		t.Errorf("tables differ (-want +got):\n%.2000s", diff)
	}
}

func (s *suite) batches(t *testing.T) {
	s.same(t, s.tables(t, slices.Collect(slices.Chunk(s.events, 1))...))
	s.same(t, s.tables(t, slices.Collect(slices.Chunk(s.events, 7))...))
	random := rand.New(rand.NewPCG(1, 1))
	for range 3 {
		var batches [][]event.Recorded
		for rest := s.events; len(rest) > 0; {
			n := 1 + random.IntN(min(200, len(rest)))
			batches, rest = append(batches, rest[:n]), rest[n:]
		}
		s.same(t, s.tables(t, batches...))
	}
}

func (s *suite) repetition(t *testing.T) {
	s.same(t, s.tables(t, s.events, s.events, s.events[:100], s.events[300:400], s.events[600:]))
	s.same(t, s.tables(t, s.events[:500], s.events[300:]))
}

func (s *suite) unknownTypes(t *testing.T) {
	strange := []event.Recorded{}
	for _, category := range []string{event.CategoryUser, event.CategoryRoom, event.CategoryMessages, "weather"} {
		r := stored(s.events[0])
		r.Position, r.Version = event.Position(len(s.events)+1), 1<<40
		r.Stream, r.Type, r.Data = event.Stream(category+"-user-0"), "RainForecast", []byte(`{"mm":3}`)
		strange = append(strange, r)
	}
	s.same(t, s.tables(t, s.events, strange))
}

func (s *suite) otherSchema(t *testing.T) {
	pool := testenv.Pool(t)
	p := s.build("views_next")
	exec(t, pool, "CREATE SCHEMA views_next")
	for _, table := range p.Tables() {
		exec(t, pool, "CREATE TABLE views_next."+table+" (LIKE views."+table+" INCLUDING ALL)")
	}
	Apply(t, pool, p, s.events)
	s.same(t, Dump(t, pool, "views_next", p))
	for table, rows := range Dump(t, pool, "", p) {
		if len(rows) != 0 {
			t.Errorf("views.%s has %d rows, want none", table, len(rows))
		}
	}
}

func (s *suite) restarts(t *testing.T) {
	pool := testenv.Pool(t)
	random := rand.New(rand.NewPCG(2, 2))
	log := &Log{Chunk: 50}
	for from := 0; from < len(s.events); {
		to := min(from+1+random.IntN(400), len(s.events))
		log.AddRaw(s.events[from:to]...)
		from = to
		func() {
			r := projections.NewRunner(pool, log, []projections.Projector{s.build("")}, projections.Config{BatchSize: 30})
			defer Start(t, r)()
			if err := r.WaitFor(t.Context(), log.Head()); err != nil {
				t.Fatal(err)
			}
		}()
	}
	s.same(t, Dump(t, pool, "", s.build("")))
}

// erasure: a view that has met UserErased shows the same as one that is made of a log in which the user was
// blanked, whole or in part.
func (s *suite) erasure(t *testing.T) {
	whole := slices.Clone(s.events)
	for _, id := range []string{"user-1", "user-2"} {
		n, err := event.Encode(event.DeriveID("erased", id), nil, event.UserErased{UserID: id, By: "user-0"})
		if err != nil {
			t.Fatal(err)
		}
		position := event.Position(len(whole) + 1)
		whole = append(whole, n.Record(position, 1<<40, 0, TimeOf(position)))
	}
	blanked := slices.Clone(whole)
	for i, r := range blanked {
		for _, id := range []string{"user-1", "user-2"} {
			data, metadata, _, err := erase.Blanked(r, id)
			if err != nil {
				t.Fatal(err)
			}
			r = stored(r)
			r.Data, r.Metadata = data, metadata
		}
		blanked[i] = r
	}
	half := len(whole) / 2
	live := &suite{want: s.tables(t, whole), build: s.build}
	live.same(t, s.tables(t, blanked))
	live.same(t, s.tables(t, whole[:half], blanked[half:]))
	live.same(t, s.tables(t, blanked[:half], whole[half:], whole[half:]))
	live.same(t, s.tables(t, slices.Collect(slices.Chunk(whole, 7))...))
}

// Start runs r until stop is called, which waits for the end.
func Start(t testing.TB, r *projections.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run does not end")
		}
	}
}

// Apply applies batches, each in a transaction of its own, and sets the checkpoint of the view.
func Apply(t testing.TB, pool *pgxpool.Pool, p projections.Projector, batches ...[]event.Recorded) {
	t.Helper()
	for _, batch := range batches {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SET LOCAL synchronous_commit = off"); err != nil { // as a Runner does
				return err
			}
			if err := p.Apply(t.Context(), tx, batch); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), "UPDATE views.checkpoints SET position = $2 WHERE name = $1",
				p.Name(), int64(batch[len(batch)-1].Position))
			return err
		})
		if err != nil {
			t.Fatalf("apply %d events: %v", len(batch), err)
		}
	}
}

// Dump is every row of the view's tables as text, in order of that text.
func Dump(t testing.TB, pool *pgxpool.Pool, schema string, p projections.Projector) map[string][]string {
	t.Helper()
	dump := map[string][]string{}
	for _, table := range p.Tables() {
		sql := projections.In(schema, `SELECT t::text FROM views.`+table+` t ORDER BY t::text COLLATE "C"`)
		rows, err := pool.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		dump[table] = list
	}
	return dump
}

func exec(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
