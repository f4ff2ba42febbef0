package projections_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/rooms"
	"parley/projections/users"
)

func TestQueriesTellABadRequestFromABadDay(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	away := nowhere(t)
	for name, ask := range map[string]func(projections.DB, string) error{
		"user": func(db projections.DB, s string) error {
			_, _, err := users.NewQueries(db).Get(t.Context(), s)
			return err
		},
		"search": func(db projections.DB, s string) error {
			_, err := users.NewQueries(db).Search(t.Context(), s, "", 0)
			return err
		},
		"room": func(db projections.DB, s string) error {
			_, _, err := rooms.NewQueries(db).Get(t.Context(), s)
			return err
		},
		"public": func(db projections.DB, s string) error {
			_, err := rooms.NewQueries(db).Public(t.Context(), s, "", 0)
			return err
		},
		"members": func(db projections.DB, s string) error {
			_, err := rooms.NewQueries(db).Members(t.Context(), s, "", 0)
			return err
		},
		"mine": func(db projections.DB, s string) error {
			_, err := rooms.NewQueries(db).Mine(t.Context(), s, "", 0)
			return err
		},
		"page": func(db projections.DB, s string) error {
			_, err := messages.NewQueries(db).Page(t.Context(), s, messages.PageRequest{})
			return err
		},
	} {
		if err := ask(pool, "a\x00b"); domain.CodeOf(err) != domain.CodeInvalidPayload {
			t.Errorf("%s of a text with a NUL: %v, want INVALID_PAYLOAD", name, err)
		}
		if err := ask(away, "ada"); domain.CodeOf(err) != domain.CodeUnavailable {
			t.Errorf("%s while Postgres is away: %v, want UNAVAILABLE", name, err)
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	if _, _, err := users.NewQueries(pool).Get(t.Context(), "\xff"); domain.CodeOf(err) != domain.CodeInvalidPayload {
		t.Errorf("as an id: %v, want INVALID_PAYLOAD", err)
	}
	if list, err := users.NewQueries(pool).Search(t.Context(), "\xff", "", 0); err != nil || len(list.Items) != 0 {
		t.Errorf("as a text: %v, %v, want nothing found", list, err)
	}
}

// nowhere is a pool whose server is not there.
func nowhere(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none?sslmode=disable&connect_timeout=5")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestCursorsKeepTheirParts(t *testing.T) {
	t.Parallel()
	for _, key := range [][]string{{""}, {"a", "b"}, {`"`, "é/+ ", "\U0010FFFF"}} {
		got, err := projections.DecodeCursor(projections.EncodeCursor(key...), len(key))
		if err != nil || !slices.Equal(got, key) {
			t.Errorf("%q became %q, %v", key, got, err)
		}
	}
}

func FuzzDecodeCursor(f *testing.F) {
	f.Add(projections.EncodeCursor("a", "b"))
	f.Add("e30")
	f.Fuzz(func(t *testing.T, cursor string) {
		key, err := projections.DecodeCursor(cursor, 2)
		if (err == nil) != (len(key) == 2) || strings.Contains(strings.Join(key, ""), "\x00") {
			t.Errorf("%q gave %q, %v", cursor, key, err)
		}
		if err != nil && domain.CodeOf(err) != domain.CodeInvalidPayload {
			t.Errorf("%q: %v, want INVALID_PAYLOAD", cursor, err)
		}
	})
}

func TestFoldIgnoresCase(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{{"Ada", "aDA"}, {"ÉCOLE", "école"}, {"Σίσυφος", "ΣΊΣΥΦΟΣ"}} {
		if projections.Fold(same[0]) != projections.Fold(same[1]) {
			t.Errorf("%q and %q are searched for as %q and %q", same[0], same[1], projections.Fold(same[0]), projections.Fold(same[1]))
		}
	}
}

func TestInNamesTheSchemaSafely(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		"": "SELECT 1 FROM views.rooms", "views": "SELECT 1 FROM views.rooms",
		"next": `SELECT 1 FROM "next".rooms`, `a"b`: `SELECT 1 FROM "a""b".rooms`,
	} {
		if got := projections.In(schema, "SELECT 1 FROM views.rooms"); got != want {
			t.Errorf("%q: %s, want %s", schema, got, want)
		}
	}
}
