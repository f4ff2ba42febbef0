package users_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/projections/projectiontest"
	"parley/projections/users"
)

// people registers accounts named "id username/display name".
func people(t testing.TB, pool *pgxpool.Pool, named ...string) {
	t.Helper()
	log := &projectiontest.Log{}
	for i, names := range named {
		username, name, _ := strings.Cut(names, "/")
		log.Add(event.UserRegistered{UserID: fmt.Sprintf("u%03d", i), Username: username, DisplayName: name})
	}
	projectiontest.Apply(t, pool, users.NewProjector(""), log.Events())
}

func names(list []wire.User) string {
	var all []string
	for _, u := range list {
		all = append(all, u.Username)
	}
	return strings.Join(all, " ")
}

func TestSearch(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	people(t, pool, "Ada/Lovelace", "adam/Smith", "grace/Adams", "Zoë/ÉCLAIR", "100%/percent", "100x/percent",
		"a_b/under", "axb/under", `back\slash/b`, "love/Ada", "bob/Bob")
	q := users.NewQueries(pool)
	for text, want := range map[string]string{
		"ada":                 "Ada adam love grace", // usernames first, then display names
		"ADA":                 "Ada adam love grace",
		"lovelace":            "Ada",
		"love":                "love Ada",
		"éclair":              "Zoë",
		"ZOË":                 "Zoë",
		"100%":                "100%",
		"100":                 "100% 100x",
		"a_":                  "a_b",
		"%":                   "",
		"_":                   "",
		`back\`:               `back\slash`,
		"da":                  "",
		"bob":                 "bob", // once, though both names match
		"'; DROP TABLE users": "",
		"":                    `100% 100x a_b Ada adam axb back\slash bob grace love Zoë`,
	} {
		list, err := q.Search(t.Context(), text, "", 0)
		if got := names(list.Items); err != nil || got != want || list.NextCursor != "" || list.Position != 11 {
			t.Errorf("%q: got %q, cursor %q, position %d, %v; want %q", text, got, list.NextCursor, list.Position, err, want)
		}
	}
}

func TestSearchPages(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	var all []string
	for i := range 20 { // the same names again and again: the id decides
		all = append(all, fmt.Sprintf("same/x%d", i%3), fmt.Sprintf("other%d/Same", i%3))
	}
	people(t, pool, all...)
	q := users.NewQueries(pool)
	for _, limit := range []int{1, 3, 19, 20, 21, 39, 40, 41} {
		var ids []string
		pages := 0
		for cursor := ""; ; pages++ {
			list, err := q.Search(t.Context(), "SAME", cursor, limit)
			if err != nil || len(list.Items) > limit {
				t.Fatalf("%d items, %v", len(list.Items), err)
			}
			for _, u := range list.Items {
				ids = append(ids, u.ID)
			}
			if cursor = list.NextCursor; cursor == "" {
				break
			}
		}
		if got := len(slices.Compact(slices.Sorted(slices.Values(ids)))); len(ids) != 40 || got != 40 {
			t.Errorf("limit %d: %d users, %d different, want 40", limit, len(ids), got)
		}
		if pages != (40-1)/limit {
			t.Errorf("limit %d: %d pages after the first, want %d", limit, pages, (40-1)/limit)
		}
	}
}

func TestABadCursorIsRefused(t *testing.T) {
	t.Parallel()
	for _, cursor := range []string{"x", "e30", "WyIwIl0", "WyIwIiwiXHUwMDAwIiwiYSJd"} {
		if _, err := users.NewQueries(nil).Search(t.Context(), "", cursor, 1); domain.CodeOf(err) != domain.CodeInvalidPayload {
			t.Errorf("%q: %v, want INVALID_PAYLOAD", cursor, err)
		}
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	log.Add(
		event.UserRegistered{UserID: "ada", Username: "Ada", DisplayName: "A", AvatarURL: "https://example.com/a"},
		event.UserProfileChanged{UserID: "ada", Username: "Ada", DisplayName: "Lovelace"},
		event.UserRegistered{UserID: "bob", Username: "Bob"},
		event.UserDeactivated{UserID: "ada", By: "root"},
	)
	projectiontest.Apply(t, pool, users.NewProjector(""), log.Events())
	q := users.NewQueries(pool)
	got, position, err := q.Get(t.Context(), "ada")
	if want := (wire.User{ID: "ada", Username: "Ada", DisplayName: "Lovelace", Position: 4}); err != nil || got != want || position != 4 {
		t.Errorf("got %+v at %d, %v; want %+v", got, position, err, want)
	}
	if _, position, err := q.Get(t.Context(), "eve"); domain.CodeOf(err) != domain.CodeInvalidUser || position != 4 {
		t.Errorf("no such user: position %d, %v; want INVALID_USER", position, err)
	}
	list, err := q.ByIDs(t.Context(), "bob", "eve", "ada", "ada")
	if err != nil || names(list.Items) != "Ada Bob" {
		t.Errorf("by ids: %q, %v", names(list.Items), err)
	}
}

func TestQueriesUseAnIndex(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	all := make([]string, 3000)
	for i := range all {
		all[i] = fmt.Sprintf("name%d/Name%d", i, i) // as with most people, one is found by both
	}
	people(t, pool, all...)
	if _, err := pool.Exec(t.Context(), "ANALYZE views.users"); err != nil {
		t.Fatal(err)
	}
	db := projectiontest.Explain(t, pool)
	q := users.NewQueries(db)
	list, err := q.Search(t.Context(), "name1", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Search(t.Context(), "name1", list.NextCursor, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Search(t.Context(), "", "", 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := q.Get(t.Context(), "u001"); err != nil {
		t.Fatal(err)
	}
	db.AssertNoScan("users")
	db.AssertNoWaste(0)
}
