package search_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/projectiontest"
	"parley/projections/rooms"
	"parley/projections/search"
)

func created(id string, members ...string) event.RoomCreated {
	e := event.RoomCreated{RoomID: id, Name: id, RoomType: event.RoomPublic, CreatedBy: members[0]}
	for _, m := range members {
		e.Members = append(e.Members, event.Member{UserID: m, Username: m, Role: event.RoleOwner})
	}
	return e
}

// text is a message with the number n of its room.
func text(room string, n int, content string) event.Message {
	return event.Message{
		RoomID: room, MessageID: event.DeriveID(room, strconv.Itoa(n)).String(), Content: content, Sender: event.Sender{ID: "ada"},
	}
}

func said(room string, n int, content string) event.MessageSent {
	return event.MessageSent{Message: text(room, n, content)}
}

func edited(room string, n int, content string) event.MessageEdited {
	return event.MessageEdited{Message: text(room, n, content), Seq: int64(n), SentAt: projectiontest.TimeOf(1)}
}

func deleted(room string, n int) event.MessageDeleted {
	return event.MessageDeleted{RoomID: room, MessageID: text(room, n, "").MessageID, Seq: int64(n), Author: "ada", By: "ada"}
}

func views(t testing.TB, pool *pgxpool.Pool, log *projectiontest.Log) {
	t.Helper()
	projectiontest.Apply(t, pool, rooms.NewProjector(""), log.Events())
	projectiontest.Apply(t, pool, messages.NewProjector(""), log.Events())
	projectiontest.Apply(t, pool, search.NewProjector(""), log.Events())
}

// find is what a user finds, as room:seq.
func find(t testing.TB, q *search.Queries, r search.Request) string {
	t.Helper()
	var found []string
	for {
		list, err := q.Find(t.Context(), r)
		if err != nil {
			t.Fatalf("%q: %v", r.Text, err)
		}
		for _, m := range list.Items {
			found = append(found, fmt.Sprintf("%s:%d", m.RoomID, m.Seq))
		}
		if r.Cursor = list.NextCursor; r.Cursor == "" {
			return strings.Join(found, " ")
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	pool, log := testenv.Pool(t), &projectiontest.Log{}
	log.Add(
		created("den", "ada", "bob"), created("hall", "ada"), created("x|y:z", "ada"),
		said("den", 1, "the quick brown fox"), said("den", 2, "a slow brown bear"), said("den", 3, "fox fox fox, and a bear"),
		said("hall", 1, "the fox is in the hall"), said("hall", 2, "ÉCOLE 学校 100% snake_case <b>bold</b>"),
		said("x|y:z", 1, "a fox's den"), said("den", 4, "old words"), edited("den", 4, "new words"),
		said("den", 5, "secret words"), deleted("den", 5), said("den", 6, "den hall room"),
		said("den", 7, "gone at once"), edited("den", 7, "gone soon"), deleted("den", 7),
	)
	views(t, pool, log)
	q := search.NewQueries(pool, search.Config{})
	for _, c := range []struct{ user, room, text, want string }{
		{"bob", "", "fox", "den:3 den:1"},
		{"bob", "", "FOX", "den:3 den:1"},
		{"ada", "", "fox", "den:3 x|y:z:1 den:1 hall:1"},
		{"ada", "hall", "fox", "hall:1"},
		{"bob", "hall", "fox", ""},
		{"ada", "x|y:z", "fox", "x|y:z:1"},
		{"eve", "", "fox", ""},
		{"eve", "den", "fox", ""},
		{"ada", "nowhere", "fox", ""},
		{"bob", "", "brown fox", "den:1"},
		{"bob", "", "fox or bear", "den:3 den:2 den:1"},
		{"bob", "", "fox -quick", "den:3"},
		{"bob", "", "-fox -words", "den:6 den:2"},
		{"bob", "", `"brown fox"`, "den:1"},
		{"bob", "", `"fox brown"`, ""},
		{"bob", "", "fo", ""},
		{"bob", "", "old", ""},
		{"bob", "", "new", "den:4"},
		{"bob", "", "secret", ""},
		{"bob", "", "gone", ""},
		{"bob", "", "den", "den:6"}, // the room is no word of its messages
		{"bob", "", "\x01den", "den:6"},
		{"bob", "", "'\x01hall'", "den:6"},
		{"ada", "", "école", "hall:2"},
		{"ada", "", "学校", "hall:2"},
		{"ada", "", "snake", "hall:2"},
		{"ada", "", "!!!", ""},
		{"ada", "", " ", ""},
		{"ada", "", "🎉", ""},
	} {
		for _, limit := range []int{1, 3, 100} {
			if got := find(t, q, search.Request{UserID: c.user, RoomID: c.room, Text: c.text, Limit: limit}); got != c.want {
				t.Errorf("%s finds %q in %q with pages of %d: %s, want %s", c.user, c.text, c.room, limit, got, c.want)
			}
		}
	}
}

func TestNoQueryFails(t *testing.T) {
	t.Parallel()
	pool, log := testenv.Pool(t), &projectiontest.Log{}
	log.Add(created("den", "ada"), created("hall", "bob"), said("den", 1, "hello world"), said("hall", 1, "hello hall"))
	views(t, pool, log)
	q := search.NewQueries(pool, search.Config{})
	for _, text := range []string{
		"' OR 1=1 --", "%%%%", "_", ":*", "a:*", "hello:*", "!", "&", "|", "(", ")", "()", "((((", "<->", "a <-> b", `"`, `""`, `"""`, `\`, `\\'`, "''",
		"-", "--", "- -", "or", "or or or", "hello or", "-hello", "hello -world", "a:b:c", "http://example.com/?a=b&c=d", "mail@example.com",
		"\u202ehello", "\ufeff", "\u200b", "🎉🎉", "e\u0301", ".*+?^${}()|[]", "'; DROP TABLE views.search; --", strings.Repeat("a ", 128),
		strings.Repeat("a", 256), strings.Repeat("\U0001F600", 256), strings.Repeat("學", 256), strings.Repeat("(", 256), strings.Repeat(`"`, 255),
		strings.Repeat("or ", 85), strings.Repeat("a-", 128), "hello\x01den", "\x01hall", "or \x01hall", "hello or \x01hall",
	} {
		list, err := q.Find(t.Context(), search.Request{UserID: "ada", Text: text})
		if err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
		for _, m := range list.Items {
			if m.RoomID != "den" {
				t.Errorf("%.40q shows room %s", text, m.RoomID)
			}
		}
	}
	for name, r := range map[string]search.Request{
		"nothing":          {},
		"too long":         {Text: strings.Repeat("é", search.MaxQuery+1)},
		"not UTF-8":        {Text: "a\xff"},
		"NUL":              {Text: "a\x00b"},
		"all not":          {Text: strings.Repeat("-", search.MaxQuery)},
		"no room":          {Text: "a", RoomID: "a b"},
		"no cursor":        {Text: "a", Cursor: "abc"},
		"cursor of others": {Text: "a", Cursor: "WyJhIl0"},
		"cursor, no rank":  {Text: "a", Cursor: cursor("x", "1", event.DeriveID("a").String())},
		"cursor, no time":  {Text: "a", Cursor: cursor("1", "-1", event.DeriveID("a").String())},
		"cursor, no id":    {Text: "a", Cursor: cursor("1", "1", "a")},
		"cursor, too late": {Text: "a", Cursor: cursor("1", "9223372036854775807", event.DeriveID("a").String())},
	} {
		r.UserID = "ada"
		if _, err := q.Find(t.Context(), r); domain.CodeOf(err) != domain.CodeInvalidPayload {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPagesDoNotRepeatWhenMoreIsSaid(t *testing.T) {
	t.Parallel()
	pool, log := testenv.Pool(t), &projectiontest.Log{}
	log.Add(created("den", "ada"))
	for n := range 30 {
		log.Add(said("den", n+1, strings.Repeat("fox ", 1+n%3)))
	}
	views(t, pool, log)
	q := search.NewQueries(pool, search.Config{})
	seen := map[int64]bool{}
	for cursor, n := "", 30; ; n++ {
		list, err := q.Find(t.Context(), search.Request{UserID: "ada", Text: "fox", Cursor: cursor, Limit: 4})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list.Items {
			if seen[m.Seq] {
				t.Errorf("message %d is shown twice", m.Seq)
			}
			seen[m.Seq] = true
		}
		if cursor = list.NextCursor; cursor == "" {
			break
		}
		log.Add(said("den", n+1, "fox"))
		views(t, pool, log)
	}
	for n := range int64(30) {
		if !seen[n+1] {
			t.Errorf("message %d is not shown", n+1)
		}
	}
}

// What is shown is never more than the views beside this one know.
func TestViewsAtDifferentPositions(t *testing.T) {
	t.Parallel()
	pool, log := testenv.Pool(t), &projectiontest.Log{}
	log.Add(created("den", "ada", "bob"), said("den", 1, "one fox"), said("den", 2, "two fox"), said("den", 3, "three fox"))
	views(t, pool, log)
	more := log.Add(edited("den", 1, "one bear"), deleted("den", 2), event.MemberLeft{RoomID: "den", UserID: "bob"})
	projectiontest.Apply(t, pool, messages.NewProjector(""), more)
	q := search.NewQueries(pool, search.Config{})
	request := search.Request{UserID: "ada", Text: "fox"}
	list, err := q.Find(t.Context(), request)
	if err != nil || len(list.Items) != 1 || list.Items[0].Seq != 3 || list.Position != 4 {
		t.Errorf("%+v, %v; want message 3 at position 4", list, err)
	}
	projectiontest.Apply(t, pool, rooms.NewProjector(""), more)
	request.UserID = "bob"
	if got := find(t, q, request); got != "" {
		t.Errorf("bob has left and finds %s", got)
	}
}

func TestManyRooms(t *testing.T) {
	t.Parallel()
	pool, log := testenv.Pool(t), &projectiontest.Log{}
	for n := range 1100 {
		room := fmt.Sprint("room-", n)
		log.Add(created(room, "ada"), said(room, 1, "fox "+strconv.Itoa(n)))
	}
	log.Add(created("other", "bob"), said("other", 1, "fox"))
	views(t, pool, log)
	q := search.NewQueries(pool, search.Config{})
	if got := strings.Fields(find(t, q, search.Request{UserID: "ada", Text: "fox", Limit: 100})); len(got) != 1100 {
		t.Errorf("%d messages, want 1100", len(got))
	}
	if got := find(t, q, search.Request{UserID: "ada", Text: "fox 1099"}); got != "room-1099:1" {
		t.Errorf("found %s", got)
	}
}

func TestLongMessages(t *testing.T) {
	t.Parallel()
	pool, log := testenv.Pool(t), &projectiontest.Log{}
	var long strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&long, "wörd%d ", n)
	}
	log.Add(created("den", "ada"), said("den", 1, long.String()))
	projectiontest.Apply(t, pool, search.NewProjector(""), log.Events())
	var words int
	if err := pool.QueryRow(t.Context(), "SELECT length(words) FROM views.search").Scan(&words); err != nil || words < 5000 {
		t.Errorf("%d words, %v", words, err)
	}
}

func TestTakesNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	lock, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback(t.Context()) }()
	if _, err := lock.Exec(t.Context(), "LOCK TABLE views.search"); err != nil {
		t.Fatal(err)
	}
	q := search.NewQueries(pool, search.Config{Timeout: 100 * time.Millisecond, Parallel: 1})
	start := time.Now()
	answers := make(chan error)
	for range 5 {
		go func() {
			_, err := q.Find(t.Context(), search.Request{UserID: "ada", Text: "fox"})
			answers <- err
		}()
	}
	for range 5 {
		if err := <-answers; domain.CodeOf(err) != domain.CodeUnavailable {
			t.Errorf("%v, want UNAVAILABLE", err)
		}
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// stuck is a database that answers nobody, and tells who asks.
type stuck struct{ asked chan any }

type asker struct{}

func (s stuck) Begin(ctx context.Context) (pgx.Tx, error) {
	s.asked <- ctx.Value(asker{})
	<-ctx.Done()
	return nil, ctx.Err()
}

// However much one user searches, there is a place for others.
func TestNobodyTakesAllPlaces(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	db := stuck{make(chan any, 10)}
	q := search.NewQueries(db, search.Config{Timeout: time.Minute, Parallel: 2})
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	find := func(userID string) {
		all.Go(func() {
			_, _ = q.Find(context.WithValue(ctx, asker{}, userID), search.Request{UserID: userID, Text: "fox"})
		})
	}
	asks := func(want string) {
		t.Helper()
		select {
		case got := <-db.asked:
			if got != want {
				t.Errorf("%v has a place, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s has no place", want)
		}
	}
	for range 5 {
		find("ada")
	}
	asks("ada")
	find("bob")
	asks("bob")
}

func cursor(parts ...string) string { return projections.EncodeCursor(parts...) }

func BenchmarkFind(b *testing.B) {
	pool := testenv.Pool(b)
	bulk(b, pool, 100_000)
	q := search.NewQueries(pool, search.Config{})
	for _, c := range []struct{ name, room, text string }{
		{"one message", "", "number-77777"}, {"1000 messages in 1 room", "room-1", "common"}, {"100000 messages", "", "common"},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				list, err := q.Find(b.Context(), search.Request{UserID: "ada", RoomID: c.room, Text: c.text})
				if err != nil || len(list.Items) == 0 {
					b.Fatal(len(list.Items), err)
				}
			}
		})
	}
}

// bulk puts so many messages into a hundred rooms without a log.
func bulk(b *testing.B, pool *pgxpool.Pool, n int) {
	b.Helper()
	for _, sql := range []string{
		`INSERT INTO views.members (room_id, user_id, position, joined_at, role, username)
		SELECT 'room-' || r, 'ada', r, now(), 'member', 'Ada' FROM generate_series(0, 99) r`,
		`INSERT INTO views.messages (room_id, seq, position, sent_at, id, sender_id, sender_username, sender_display_name, sender_avatar_url, content)
		SELECT 'room-' || n % 100, n, n, now() + n * interval '1 ms', gen_random_uuid(), 'ada', 'Ada', 'Ada L.', 'https://example.com/a',
		  'a common message with number-' || n || ' and some other words ' || n % 1000 FROM generate_series(1, ` + strconv.Itoa(n) + `) n`,
		`INSERT INTO views.search (id, room_id, position, sent_at, text_at, words)
		SELECT id, room_id, position, sent_at, sent_at, array_to_tsvector(ARRAY[E'\x01' || room_id]) || to_tsvector('simple', content) FROM views.messages`,
		`ANALYZE views.search`, `ANALYZE views.messages`, `ANALYZE views.members`,
	} {
		if _, err := pool.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	const size = 1000
	pool, log := testenv.Pool(b), &projectiontest.Log{}
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		sent := make([]event.Event, size)
		for n := range sent {
			k := i*size + n
			sent[n] = said(fmt.Sprint("room-", n%50), k, fmt.Sprintf("number %d of a series with %x more or less %x ordinary words", k, k%1000, k*7919%100_000))
		}
		batch := log.Add(sent...)
		b.StartTimer()
		projectiontest.Apply(b, pool, search.NewProjector(""), batch)
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
}
