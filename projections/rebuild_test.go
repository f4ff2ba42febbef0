package projections_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/event"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/presence"
	"parley/projections/projectiontest"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/search"
	"parley/projections/users"
)

// everyView makes all projectors.
func everyView() []func(schema string) projections.Projector {
	return []func(string) projections.Projector{
		func(s string) projections.Projector { return users.NewProjector(s) },
		func(s string) projections.Projector { return rooms.NewProjector(s) },
		func(s string) projections.Projector { return messages.NewProjector(s) },
		func(s string) projections.Projector { return receipts.NewProjector(s) },
		func(s string) projections.Projector { return presence.NewProjector(s) },
		func(s string) projections.Projector { return search.NewProjector(s) },
	}
}

// pages reads a log in memory as if it were stored.
type pages struct{ *projectiontest.Log }

func (p pages) Head(context.Context) (event.Position, error) { return p.Log.Head(), nil }

func (p pages) All(_ context.Context, after event.Position, limit int) ([]event.Recorded, error) {
	rest := p.Events()
	rest = rest[min(int(after), len(rest)):]
	return rest[:min(limit, len(rest))], nil
}

// schema is how the tables of the views are made.
func schema(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	var all string
	err := pool.QueryRow(t.Context(), `
		SELECT string_agg(line, E'\n' ORDER BY line) FROM (
			SELECT pg_get_indexdef(indexrelid) AS line FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'views'::regnamespace
			UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'views'::regnamespace
			UNION ALL SELECT attrelid::regclass || ' ' || (SELECT count(*) FROM pg_attribute o WHERE o.attrelid = a.attrelid AND o.attnum > 0 AND o.attnum <= a.attnum AND NOT o.attisdropped) || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || coalesce(pg_get_expr(adbin, adrelid), '-')
			FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON d.adrelid = attrelid AND d.adnum = attnum
			WHERE relnamespace = 'views'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
			UNION ALL SELECT relname || ' ' || coalesce(reloptions::text, '') FROM pg_class WHERE relnamespace = 'views'::regnamespace
			UNION ALL SELECT relname || ' ' || relowner::regrole || ' ' || coalesce(relacl::text, '') FROM pg_class WHERE relnamespace = 'views'::regnamespace
			UNION ALL SELECT attrelid::regclass || ' ' || attname || ' ' || attacl::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'views'::regnamespace AND attacl IS NOT NULL
			UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE 'views%'
		) lines`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRebuildOfEveryViewWhileItIsWritten(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	history := projectiontest.History(21, 3000).Events()
	log := &projectiontest.Log{Chunk: 40}
	log.AddRaw(history[:2000]...)
	var live []projections.Projector
	for _, build := range everyView() {
		live = append(live, build(""))
	}
	r := projections.NewRunner(pool, log, live, projections.Config{WaitLimit: 10 * time.Second})
	defer projectiontest.Start(t, r)()
	if err := r.WaitFor(t.Context(), log.Head()); err != nil {
		t.Fatal(err)
	}
	exec(t, pool, "GRANT SELECT, TRIGGER ON views.messages TO PUBLIC")
	exec(t, pool, "GRANT UPDATE (name), REFERENCES (id) ON views.rooms TO PUBLIC")
	before := schema(t, pool)
	grown := make(chan struct{})
	go func() {
		defer close(grown)
		for rest := history[2000:]; len(rest) > 0; {
			n := min(3, len(rest))
			log.AddRaw(rest[:n]...)
			rest = rest[n:]
			if r.WaitFor(context.WithoutCancel(t.Context()), log.Head()) != nil { // no faster than it is read
				return
			}
		}
	}()
	for _, build := range everyView() {
		result, err := projections.Rebuild{Pool: pool, Log: pages{log}, Build: build}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !result.Compared || result.Old != result.New || result.Old == "" || len(result.Differences) > 0 || result.Events == 0 {
			t.Errorf("%s: %+v", build("").Name(), result)
		}
	}
	<-grown
	if err := r.WaitFor(t.Context(), log.Head()); err != nil {
		t.Fatal(err)
	}
	fresh := testenv.Pool(t)
	for _, p := range live {
		projectiontest.Apply(t, fresh, p, history)
		if diff := cmp.Diff(projectiontest.Dump(t, fresh, "", p), projectiontest.Dump(t, pool, "", p)); diff != "" {
			t.Errorf("%s (-built at once +rebuilt meanwhile):\n%.1000s", p.Name(), diff)
		}
	}
	if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(schema(t, pool), "\n")); diff != "" {
		t.Errorf("the tables are made otherwise (-before +after):\n%s", diff)
	}
}

func TestRebuildMendsAndTells(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := projectiontest.History(22, 800)
	build := everyView()[2]
	projectiontest.Apply(t, pool, build(""), log.Events())
	want := projectiontest.Dump(t, pool, "", build(""))
	exec(t, pool, "UPDATE views.messages SET content = 'forged' WHERE seq = 1 AND deleted_at IS NULL")
	exec(t, pool, "CREATE SCHEMA views_next_messages CREATE TABLE messages (what text)") // of one that was killed
	result, err := projections.Rebuild{Pool: pool, Log: pages{log}, Build: build}.Run(t.Context())
	if err != nil || !result.Compared || result.Old == result.New || len(result.Differences) < 2 {
		t.Fatalf("%+v, %v", result, err)
	}
	if !strings.HasPrefix(result.Differences[0], "- messages ") || !strings.Contains(result.Differences[0], "forged") {
		t.Errorf("differences %q", result.Differences)
	}
	if diff := cmp.Diff(want, projectiontest.Dump(t, pool, "", build(""))); diff != "" {
		t.Errorf("(-before the damage +rebuilt):\n%.1000s", diff)
	}
}

// A view that nobody writes, or that stands still far behind, is brought to the end of the log.
func TestRebuildOfAViewThatStandsStill(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := projectiontest.History(23, 4000)
	build := everyView()[1]
	result, err := projections.Rebuild{Pool: pool, Log: pages{log}, Build: build}.Run(t.Context())
	if err != nil || result.Compared || result.Position < 3000 {
		t.Fatalf("%+v, %v", result, err)
	}
	r := projections.NewRunner(pool, log, []projections.Projector{build("")}, projections.Config{WaitLimit: 10 * time.Second})
	defer projectiontest.Start(t, r)()
	if err := r.WaitFor(t.Context(), log.Head()); err != nil {
		t.Fatal(err)
	}
	fresh := testenv.Pool(t)
	projectiontest.Apply(t, fresh, build(""), log.Events())
	if diff := cmp.Diff(projectiontest.Dump(t, fresh, "", build("")), projectiontest.Dump(t, pool, "", build(""))); diff != "" {
		t.Errorf("(-built at once +rebuilt):\n%.1000s", diff)
	}
}

// So is one that stands still close to it, if no node writes it.
func TestRebuildOfAViewThatNobodyWrites(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := projectiontest.History(25, 600)
	build := everyView()[1]
	projectiontest.Apply(t, pool, build(""), log.Events()[:400])
	result, err := projections.Rebuild{Pool: pool, Log: pages{log}, Build: build}.Run(t.Context())
	if err != nil || result.Position != log.Head() {
		t.Fatalf("%+v, %v, want position %d", result, err, log.Head())
	}
}

// weighed notes what is read at once.
type weighed struct {
	pages
	most int
}

func (w *weighed) All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error) {
	events, err := w.pages.All(ctx, after, limit)
	bytes := 0
	for _, e := range events {
		bytes += len(e.Data)
	}
	if after > 0 { // of the first page nothing is known
		w.most = max(w.most, bytes)
	}
	return events, err
}

func TestRebuildReadsNoMoreThanItCanHold(t *testing.T) {
	t.Parallel()
	log := &projectiontest.Log{}
	for i := range 500 {
		id := event.DeriveID("large", strconv.Itoa(i)).String()
		log.Add(event.MessageSent{Message: event.Message{RoomID: "r", MessageID: id, Content: strings.Repeat("x", 100_000)}})
	}
	read := &weighed{pages: pages{log}}
	result, err := projections.Rebuild{Pool: testenv.Pool(t), Log: read, Build: everyView()[0]}.Run(t.Context())
	if err != nil || result.Position != log.Head() || read.most == 0 || read.most > 10_000_000 {
		t.Errorf("%+v, %v, at most %d bytes at once", result, err, read.most)
	}
}

func TestOneRebuildAtATime(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := projectiontest.History(24, 300)
	build := everyView()[0]
	projectiontest.Apply(t, pool, build(""), log.Events())
	second := make(chan error, 1)
	first := projections.Rebuild{Pool: pool, Log: pages{log}, Build: build, Progress: func(event.Position, event.Position) {
		if len(second) == 0 {
			_, err := projections.Rebuild{Pool: pool, Log: pages{log}, Build: build}.Run(context.WithoutCancel(t.Context()))
			second <- err
		}
	}}
	if _, err := first.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-second; !errors.Is(err, projections.ErrRebuilding) {
		t.Errorf("a second one: %v", err)
	}
}
