package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/event"
	"parley/eventstore/postgres"
	"parley/eventstore/testenv"
)

// What is selected is what a walk through the whole log finds, whatever the pages are.
func TestSelectFindsWhatAWalkFinds(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	const n = 25_000 // more than one statement looks at
	writeRows(t, pool, n)
	store := postgres.New(pool, postgres.Config{})
	everything := walk(t, store, event.Selection{UpTo: n})
	if len(everything) != n {
		t.Fatalf("the log has %d events", len(everything))
	}
	rare := []string{event.TypeRoomCreated}
	for _, sel := range []event.Selection{
		{},
		{After: 7, UpTo: 4321},
		{After: n},
		{Types: []string{event.TypeMessageSent}},
		{Types: rare},
		{Types: []string{"Nothing"}},
		{Types: []string{}, Categories: []string{event.CategoryRoom, event.CategoryUser}},
		{Categories: []string{"mess"}},
		{Streams: []event.Stream{"messages-3"}},
		{Streams: []event.Stream{"messages-3", "room-3", "messages-3", "messages-absent"}},
		{Streams: []event.Stream{"messages-1", "room-1", "messages-2", "room-2", "messages-0", "room-0"}, Types: rare},
		{After: 100, UpTo: 10_000, Streams: []event.Stream{"messages-1", "messages-4"}, Categories: []string{"messages"}},
	} {
		if sel.UpTo == 0 {
			sel.UpTo = n
		}
		var want []event.Position
		for i := range everything {
			if e := &everything[i]; e.Position > sel.After && e.Position <= sel.UpTo && sel.Wants(e) {
				want = append(want, e.Position)
			}
		}
		if diff := cmp.Diff(want, positions(walk(t, store, sel))); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", sel, diff)
		}
	}
}

// Who stops in the middle goes on behind the last event it has taken.
func TestSelectStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	const n = 1000
	writeRows(t, pool, n)
	store := postgres.New(pool, postgres.Config{})
	sel := event.Selection{UpTo: n}
	var got []event.Position
	for sel.After < sel.UpTo {
		left := 37
		reached, err := store.Select(t.Context(), sel, 0, func(e *event.Recorded) bool {
			got = append(got, e.Position)
			left--
			return left > 0
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := min(sel.After+37, n); reached != want {
			t.Fatalf("after %d reached %d", sel.After, reached)
		}
		sel.After = reached
	}
	if len(got) != n || !slices.IsSorted(got) {
		t.Errorf("visited %d events", len(got))
	}
}

func TestStreamHeads(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	writeRows(t, pool, 600)
	store := postgres.New(pool, postgres.Config{})
	list := func(after, before event.Stream, limit int) (names []string) {
		heads, err := store.StreamHeads(t.Context(), after, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range heads {
			names = append(names, fmt.Sprint(h.Stream, " ", h.Version))
		}
		return names
	}
	if diff := cmp.Diff([]string{"messages-0 120", "messages-1 115"}, list("", "~", 2)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"room-0 1", "room-1 1", "room-2 1", "room-3 1", "room-4 1"}, list("room-", "room.", 100)); diff != "" {
		t.Error(diff)
	}
	if all := list("", "~", 0); len(all) != 10 {
		t.Errorf("all: %v", all)
	}
	if none := list("user-", "user.", 10); none != nil {
		t.Errorf("none: %v", none)
	}
}

// writeRows puts n events into an empty log: five rooms that are created far apart, and messages in all of them.
func writeRows(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `
ALTER TABLE log.events ADD COLUMN IF NOT EXISTS hash bytea, ALTER COLUMN hash SET DEFAULT sha256('')`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.Exec(t.Context(), `
INSERT INTO log.events (position, version, seq, recorded_at, id, schema_version, stream, type, data, metadata)
SELECT p, row_number() OVER (PARTITION BY stream ORDER BY p), 0, timestamptz '2026-01-01' + p * interval '1 ms', gen_random_uuid(), 1, stream, type,
       json_build_object('n', p), '{}'
FROM (
	SELECT p, CASE WHEN p % ($1 / 5) = 1 THEN 'RoomCreated' ELSE 'MessageSent' END AS type,
	       CASE WHEN p % ($1 / 5) = 1 THEN 'room-' || p / ($1 / 5) ELSE 'messages-' || p % 5 END AS stream
	FROM generate_series(1, $1) p
) rows`, n)
	if err != nil {
		t.Fatal(err)
	}
}

// walk selects page by page, and copies what it keeps.
func walk(t *testing.T, store *postgres.Store, sel event.Selection) (all []event.Recorded) {
	t.Helper()
	for sel.After < sel.UpTo {
		reached, err := store.Select(t.Context(), sel, 0, func(e *event.Recorded) bool {
			all = append(all, *e)
			return true
		})
		if err == nil && reached <= sel.After {
			err = errors.New("no progress")
		}
		if err != nil {
			t.Fatal(err)
		}
		sel.After = reached
	}
	return all
}

func positions(events []event.Recorded) (list []event.Position) {
	for _, e := range events {
		list = append(list, e.Position)
	}
	return list
}
