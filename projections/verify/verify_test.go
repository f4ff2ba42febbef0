package verify_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

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
	"parley/projections/verify"
)

// memory is a log that was made up.
type memory []event.Recorded

func (m memory) Head(context.Context) (event.Position, error) { return event.Position(len(m)), nil }

func (m memory) All(_ context.Context, after event.Position, limit int) ([]event.Recorded, error) {
	rest := m[min(int(after), len(m)):]
	return rest[:min(limit, len(rest))], nil
}

func (m memory) Since(_ context.Context, streams []event.Stream, after, upTo event.Position, limit int) ([]event.Recorded, error) {
	var page []event.Recorded
	for _, r := range m {
		if r.Position > after && r.Position <= upTo && slices.Contains(streams, r.Stream) && len(page) < limit {
			page = append(page, r)
		}
	}
	return page, nil
}

func (m memory) things() []verify.Thing {
	var list []verify.Thing
	for _, r := range m {
		if t, ok := verify.ThingOf(r.Stream); ok && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

func projectors() []projections.Projector {
	return []projections.Projector{
		users.NewProjector(""), rooms.NewProjector(""), messages.NewProjector(""), receipts.NewProjector(""),
		presence.NewProjector(""), search.NewProjector(""),
	}
}

func differences(t *testing.T, pool *pgxpool.Pool, log memory) (lines []string, events int) {
	t.Helper()
	v := verify.New(pool, log)
	for _, thing := range log.things() {
		found, n, err := v.Thing(t.Context(), thing)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range found {
			lines = append(lines, d.String())
		}
		events += n
	}
	return lines, events
}

func TestViewsAreWhatTheLogSays(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := memory(projectiontest.History(11, 3000).Events())
	for i, p := range projectors() {
		projectiontest.Apply(t, pool, p, log[:len(log)-137*i]) // each view is somewhere else
	}
	lines, events := differences(t, pool, log)
	if len(lines) > 0 || events < len(log)*9/10 {
		t.Errorf("%d differences, %d events of %d:\n%.3000s", len(lines), events, len(log), strings.Join(lines, "\n"))
	}
}

func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	log := memory(projectiontest.History(12, 1500).Events())
	for damage, view := range map[string]string{
		"UPDATE views.users SET display_name = 'Eve' WHERE id = (SELECT min(id) FROM views.users)":            "users",
		"UPDATE views.users SET active = NOT active":                                                          "users",
		"DELETE FROM views.members WHERE user_id = (SELECT min(user_id) FROM views.members)":                  "rooms",
		"UPDATE views.rooms SET member_count = member_count + 1 WHERE id = (SELECT min(id) FROM views.rooms)": "rooms",
		"UPDATE views.rooms SET last_seq = last_seq + 1":                                                      "rooms",
		"DELETE FROM views.messages WHERE seq = 2":                                                            "messages",
		"UPDATE views.messages SET content = 'forged' WHERE deleted_at IS NULL":                               "messages",
		"UPDATE views.messages SET deleted_at = NULL":                                                         "messages",
		"UPDATE views.messages SET reply_count = reply_count + 1 WHERE reply_count > 0":                       "messages",
		"DELETE FROM views.reactions":                                                                         "messages",
		"UPDATE views.search SET words = to_tsvector('simple', 'x') WHERE words IS NULL":                      "search",
		"DELETE FROM views.search":                                                                            "search",
		"UPDATE views.receipts SET read_seq = 0, base_seq = 0":                                                "receipts",
		"DELETE FROM views.deletions":                                                                         "receipts",
		"UPDATE views.receipt_rooms SET last_seq = last_seq + 1":                                              "receipts",
		"UPDATE views.presence SET status = 'busy'":                                                           "presence",
		"UPDATE views.presence SET shown_at = shown_at + interval '1 s' WHERE shown_position > 0":             "presence",
	} {
		t.Run(damage, func(t *testing.T) {
			t.Parallel()
			pool := testenv.Pool(t)
			for _, p := range projectors() {
				if p.Name() == view {
					projectiontest.Apply(t, pool, p, log)
				}
			}
			if lines, _ := differences(t, pool, log); len(lines) > 0 {
				t.Fatalf("before:\n%.500s", strings.Join(lines, "\n"))
			}
			if _, err := pool.Exec(t.Context(), damage); err != nil {
				t.Fatal(err)
			}
			lines, _ := differences(t, pool, log)
			if len(lines) == 0 || !strings.HasPrefix(lines[0], view+": ") {
				t.Errorf("%d differences:\n%.500s", len(lines), strings.Join(lines, "\n"))
			}
		})
	}
}

func TestSampleIsRepeatable(t *testing.T) {
	t.Parallel()
	log := memory(projectiontest.History(13, 500).Events())
	v := verify.New(nil, log)
	first, err := v.Sample(t.Context(), 5, 42)
	if err != nil || len(first) != 5 {
		t.Fatal(first, err)
	}
	if again, _ := v.Sample(t.Context(), 5, 42); !slices.Equal(first, again) {
		t.Errorf("%v, then %v", first, again)
	}
}

func TestWatchCountsDriftUntilItIsMended(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := memory(projectiontest.History(14, 500).Events())
	for _, p := range projectors() {
		projectiontest.Apply(t, pool, p, log)
	}
	var logged strings.Builder
	w := verify.NewWatch(verify.New(pool, log), verify.WatchConfig{Things: 30, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	w.Look(t.Context())
	if n := w.Drift("messages"); n != 0 || logged.Len() > 0 {
		t.Fatalf("%d differences before; %s", n, logged.String())
	}
	damage := func(sql string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		w.Look(t.Context())
	}
	damage("UPDATE views.messages SET content = content || ' forged' WHERE deleted_at IS NULL")
	if w.Drift("messages") == 0 || w.Drift("rooms") != 0 || strings.Contains(logged.String(), "forged") || !strings.Contains(logged.String(), "view=messages") {
		t.Errorf("drift %d; %s", w.Drift("messages"), logged.String())
	}
	damage("UPDATE views.messages SET content = replace(content, ' forged', '')")
	if n := w.Drift("messages"); n != 0 {
		t.Errorf("drift %d after it was mended", n)
	}
	small := verify.NewWatch(verify.New(pool, log), verify.WatchConfig{Things: 30, MaxEvents: 1})
	damage("UPDATE views.messages SET content = 'forged'")
	if small.Look(t.Context()); small.Drift("messages") != 0 {
		t.Error("what is too big was looked at")
	}
}
