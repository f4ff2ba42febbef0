package messages_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/projections/messages"
	"parley/projections/projectiontest"
)

func said(room string, n int) event.Message {
	return event.Message{
		RoomID: room, MessageID: event.DeriveID(room, strconv.Itoa(n)).String(), Content: fmt.Sprint("number ", n),
		Sender: event.Sender{ID: "ada", Username: "Ada", DisplayName: "Ada L.", AvatarURL: "https://example.com/a"},
	}
}

// chat makes a view of rooms with so many messages each.
func chat(t testing.TB, pool *pgxpool.Pool, perRoom int, rooms ...string) *projectiontest.Log {
	t.Helper()
	log := &projectiontest.Log{}
	for i := range perRoom {
		for _, room := range rooms {
			log.Add(event.MessageSent{Message: said(room, i+1)})
		}
	}
	projectiontest.Apply(t, pool, messages.NewProjector(""), log.Events())
	return log
}

func seqs(list []wire.Message) string {
	if len(list) == 0 {
		return ""
	}
	for i, m := range list {
		if m.Seq != list[0].Seq+int64(i) {
			return "a hole"
		}
	}
	return fmt.Sprintf("%d-%d", list[0].Seq, list[len(list)-1].Seq)
}

func TestPage(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := chat(t, pool, 300, "big", "other")
	q := messages.NewQueries(pool)
	const before, after = true, true
	for name, c := range map[string]struct {
		room          string
		req           messages.PageRequest
		want          string
		before, after bool
	}{
		"newest by default":     {"big", messages.PageRequest{}, "251-300", before, false},
		"newest, some":          {"big", messages.PageRequest{Limit: 3}, "298-300", before, false},
		"never above 200":       {"big", messages.PageRequest{Limit: 1000}, "101-300", before, false},
		"negative limit":        {"big", messages.PageRequest{Limit: -1}, "251-300", before, false},
		"before":                {"big", messages.PageRequest{Before: 100, Limit: 10}, "90-99", before, after},
		"before, down to first": {"big", messages.PageRequest{Before: 11, Limit: 10}, "1-10", false, after},
		"before, one is left":   {"big", messages.PageRequest{Before: 12, Limit: 10}, "2-11", before, after},
		"before the first":      {"big", messages.PageRequest{Before: 1, Limit: 10}, "", false, after},
		"before, beyond":        {"big", messages.PageRequest{Before: 1 << 62, Limit: 10}, "291-300", before, false},
		"before the next":       {"big", messages.PageRequest{Before: 301, Limit: 10}, "291-300", before, false},
		"after none":            {"big", messages.PageRequest{After: new(int64(0)), Limit: 10}, "1-10", false, after},
		"after":                 {"big", messages.PageRequest{After: new(int64(100)), Limit: 10}, "101-110", before, after},
		"after, up to last":     {"big", messages.PageRequest{After: new(int64(290)), Limit: 10}, "291-300", before, false},
		"after, one is left":    {"big", messages.PageRequest{After: new(int64(289)), Limit: 10}, "290-299", before, after},
		"after the last":        {"big", messages.PageRequest{After: new(int64(300)), Limit: 10}, "", before, false},
		"after, beyond":         {"big", messages.PageRequest{After: new(int64(1<<63 - 1)), Limit: 10}, "", before, false},
		"around":                {"big", messages.PageRequest{Around: 100, Limit: 10}, "95-104", before, after},
		"around, odd":           {"big", messages.PageRequest{Around: 100, Limit: 5}, "98-102", before, after},
		"around, one":           {"big", messages.PageRequest{Around: 100, Limit: 1}, "100-100", before, after},
		"around the first":      {"big", messages.PageRequest{Around: 1, Limit: 10}, "1-5", false, after},
		"around the last":       {"big", messages.PageRequest{Around: 300, Limit: 10}, "295-300", before, false},
		"a room without any":    {"empty", messages.PageRequest{}, "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := q.Page(t.Context(), c.room, c.req)
			if err != nil {
				t.Fatal(err)
			}
			if got := seqs(page.Items); got != c.want || page.HasMoreBefore != c.before || page.HasMoreAfter != c.after {
				t.Errorf("got %q, more before %t, after %t; want %q, %t, %t",
					got, page.HasMoreBefore, page.HasMoreAfter, c.want, c.before, c.after)
			}
			if page.Position != log.Head() {
				t.Errorf("position %d, want %d", page.Position, log.Head())
			}
			if page.Items == nil {
				t.Error("items are nil, want an empty list")
			}
		})
	}
}

func TestPageRefusesAContradiction(t *testing.T) {
	t.Parallel()
	for _, req := range []messages.PageRequest{
		{Before: 1, After: new(int64(1))},
		{Before: 1, Around: 1},
		{After: new(int64(1)), Around: 1},
		{Before: -1},
		{After: new(int64(-1))},
		{Around: -1},
	} {
		if _, err := messages.NewQueries(nil).Page(t.Context(), "room", req); domain.CodeOf(err) != domain.CodeInvalidPayload {
			t.Errorf("%+v: %v, want INVALID_PAYLOAD", req, err)
		}
	}
}

func TestAMessageReadsAsItWasPushed(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	whole := said("room", 2)
	whole.Content = "<b>\u00e9\U0001F600 \\ \" %_\n\t"
	whole.Attachments = []event.Attachment{{URL: "https://example.com/a?b=c&d", Name: "a \"b\"", ContentType: "text/plain", Size: 1 << 40}}
	whole.ReplyTo, whole.Mentions, whole.ClientMessageID = said("room", 1).MessageID, []string{"ada", "bob|x=1"}, "mine 1"
	sent := log.Add(event.MessageSent{Message: said("room", 1)}, event.MessageSent{Message: whole})
	projectiontest.Apply(t, pool, messages.NewProjector(""), log.Events())
	for i, e := range []event.Message{said("room", 1), whole} {
		got, position, err := messages.NewQueries(pool).Get(t.Context(), "room", e.MessageID)
		if err != nil || position != log.Head() {
			t.Fatalf("position %d, %v; want %d", position, err, log.Head())
		}
		if got.Thread != nil && (i == 1 || got.Thread.ReplyCount != 1 || got.Thread.LastReplySeq != 2) {
			t.Errorf("message %d has the thread %+v", i+1, got.Thread)
		}
		got.Thread = nil // is not pushed
		if diff := cmp.Diff(encoded(t, wire.NewMessage(sent[i], event.MessageSent{Message: e})), encoded(t, got)); diff != "" {
			t.Errorf("(-pushed +read):\n%s", diff)
		}
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	data, err := wire.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestADeletedMessageIsATombstone(t *testing.T) {
	t.Parallel()
	for name, split := range map[string]int{"in one batch": 0, "in another batch": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testenv.Pool(t)
			log := &projectiontest.Log{}
			m := said("room", 1)
			m.Attachments = []event.Attachment{{URL: "https://example.com/secret"}}
			sent := log.Add(event.MessageSent{Message: m})[0]
			log.Add(event.MessageEdited{Message: m, Seq: 1, SentAt: sent.RecordedAt},
				event.MessageDeleted{RoomID: "room", MessageID: m.MessageID, Seq: 1, Author: "ada", By: "bob"})
			for _, batch := range [][]event.Recorded{log.Events()[:split], log.Events()[split:]} {
				if len(batch) > 0 {
					projectiontest.Apply(t, pool, messages.NewProjector(""), batch)
				}
			}
			got, _, err := messages.NewQueries(pool).Get(t.Context(), "room", m.MessageID)
			if err != nil {
				t.Fatal(err)
			}
			if got.Content != "" || len(got.Attachments) != 0 || got.DeletedAt == nil || got.EditedAt == nil || got.Seq != 1 ||
				got.Sender.ID != "ada" || got.Position != 3 {
				t.Errorf("got %+v, want a tombstone", got)
			}
			for _, row := range projectiontest.Dump(t, pool, "", messages.NewProjector(""))["messages"] {
				if strings.Contains(row, "secret") || strings.Contains(row, "number 1") {
					t.Errorf("content is left in the row %s", row)
				}
			}
		})
	}
}

func TestGetAndByIDs(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	chat(t, pool, 3, "room", "other")
	q := messages.NewQueries(pool)
	for _, id := range []string{said("other", 1).MessageID, "no uuid", "", event.DeriveID("none").String()} {
		_, position, err := q.Get(t.Context(), "room", id)
		if domain.CodeOf(err) != domain.CodeMessageNotFound || position != 6 {
			t.Errorf("%q: position %d, %v; want 6 and MESSAGE_NOT_FOUND", id, position, err)
		}
	}
	list, err := q.ByIDs(t.Context(), "room", said("room", 3).MessageID, "x", said("room", 1).MessageID, said("other", 1).MessageID)
	if err != nil || len(list.Items) != 2 || list.Items[0].Seq != 1 || list.Items[1].Seq != 3 {
		t.Errorf("got %+v, %v; want messages 1 and 3", list.Items, err)
	}
	if list, err := q.ByIDs(t.Context(), "room"); err != nil || len(list.Items) != 0 {
		t.Errorf("no ids: %+v, %v", list, err)
	}
}

func TestQueriesUseAnIndex(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := chat(t, pool, 1000, "a", "b", "c")
	var more []event.Event
	for n := range 40 {
		m := said("a", 2000+n)
		m.ReplyTo = said("a", n%4).MessageID
		more = append(more, event.MessageSent{Message: m},
			event.MessagePinned{Pin: event.Pin{RoomID: "b", MessageID: said("b", n).MessageID, Seq: int64(n + 1)}})
		for user := range 50 {
			more = append(more, event.ReactionAdded{Reaction: event.Reaction{
				RoomID: "a", MessageID: said("a", n).MessageID, Seq: int64(n + 1), Emoji: "x", UserID: fmt.Sprint("user ", user),
			}})
		}
	}
	projectiontest.Apply(t, pool, messages.NewProjector(""), log.Add(more...))
	if _, err := pool.Exec(t.Context(), "ANALYZE views.messages, views.reactions"); err != nil {
		t.Fatal(err)
	}
	db := projectiontest.Explain(t, pool)
	q := messages.NewQueries(db)
	for _, req := range []messages.PageRequest{{}, {Before: 500}, {After: new(int64(500))}, {Around: 500}} {
		if _, err := q.Page(t.Context(), "a", req); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Replies(t.Context(), "a", said("a", 3).MessageID, req); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Pinned(t.Context(), "b", req); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := q.Get(t.Context(), "a", said("a", 1).MessageID); err != nil {
		t.Fatal(err)
	}
	db.AssertNoScan("messages", "reactions")
	db.AssertNoWaste(0)
}

func BenchmarkPage(b *testing.B) {
	pool := testenv.Pool(b)
	bulk(b, pool, 200_000)
	q := messages.NewQueries(pool)
	for _, room := range []struct {
		name string
		req  messages.PageRequest
	}{{"newest", messages.PageRequest{}}, {"middle", messages.PageRequest{Before: 100_000}}} {
		b.Run(room.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if page, err := q.Page(b.Context(), "big", room.req); err != nil || len(page.Items) != 50 {
					b.Fatal(len(page.Items), err)
				}
			}
		})
	}
}

// bulk puts so many messages into a room without a log.
func bulk(b *testing.B, pool *pgxpool.Pool, n int) {
	b.Helper()
	_, err := pool.Exec(b.Context(), `
		INSERT INTO views.messages (room_id, seq, position, sent_at, id, sender_id, sender_username, sender_display_name, sender_avatar_url, content)
		SELECT 'big', n, n, now(), gen_random_uuid(), 'ada', 'Ada', 'Ada L.', 'https://example.com/a', 'number ' || n
		FROM generate_series(1, $1::int) n`, n)
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkApply(b *testing.B) {
	const size = 1000
	pool := testenv.Pool(b)
	log := &projectiontest.Log{}
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		sent := make([]event.Event, size)
		for n := range sent {
			sent[n] = event.MessageSent{Message: said(fmt.Sprint("room ", n%50), i*size+n)}
		}
		batch := decoded(log.Add(sent...))
		b.StartTimer()
		projectiontest.Apply(b, pool, messages.NewProjector(""), batch)
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
}

// decoded is what a follower near the head is handed.
func decoded(batch []event.Recorded) []event.Recorded {
	for i := range batch {
		batch[i] = batch[i].Decoded()
	}
	return batch
}
