package history_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/memory"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/history"
	"parley/projections/messages"
	"parley/projections/projectiontest"
	"parley/projections/receipts"
	"parley/projections/rooms"
)

// replay makes a log in memory of these events: the same positions, ids and times.
func replay(t *testing.T, events []event.Recorded) *memory.Node {
	t.Helper()
	at := event.Position(0)
	log := memory.New(memory.Config{Now: func() time.Time { at++; return projectiontest.TimeOf(at) }})
	for _, r := range events {
		payload, err := r.Payload()
		if err != nil {
			t.Fatal(err)
		}
		n, err := event.Encode(r.ID, r.Metadata, payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), eventstore.Append{Events: []event.New{n}}); err != nil {
			t.Fatal(err)
		}
	}
	return log
}

func projectors() []projections.Projector {
	return []projections.Projector{rooms.NewProjector(""), messages.NewProjector(""), receipts.NewProjector("")}
}

// picture is what there is to be seen of some rooms.
type picture struct {
	Rooms    map[string]wire.Room
	Members  map[string][]wire.Member
	Messages map[string][]messages.Page
	Receipts map[string][]receipts.Receipt
	Unread   map[string]map[string]receipts.Unread
}

// eyes look at the present or at the past.
type eyes struct {
	room     func(id string) (wire.Room, error)
	members  func(id, cursor string) (projections.List[wire.Member], error)
	messages func(id string, req messages.PageRequest) (messages.Page, error)
	receipts func(id, cursor string) (projections.List[receipts.Receipt], error)
	unread   func(userID, cursor string) (receipts.UnreadList, error)
}

func present(ctx context.Context, pool *pgxpool.Pool) eyes {
	r, m, c := rooms.NewQueries(pool), messages.NewQueries(pool), receipts.NewQueries(pool)
	return eyes{
		room: func(id string) (wire.Room, error) {
			room, _, err := r.Get(ctx, id)
			return room, err
		},
		members: func(id, cursor string) (projections.List[wire.Member], error) { return r.Members(ctx, id, cursor, 3) },
		messages: func(id string, req messages.PageRequest) (messages.Page, error) {
			return m.Page(ctx, id, req)
		},
		receipts: func(id, cursor string) (projections.List[receipts.Receipt], error) { return c.Of(ctx, id, cursor, 3) },
		unread:   func(userID, cursor string) (receipts.UnreadList, error) { return c.UnreadOf(ctx, userID, cursor, 3) },
	}
}

func past(ctx context.Context, q *history.Queries, at event.Position, sight history.Sight) eyes {
	return eyes{
		room: func(id string) (wire.Room, error) { return q.Room(ctx, id, at) },
		members: func(id, cursor string) (projections.List[wire.Member], error) {
			return q.Members(ctx, id, at, cursor, 3)
		},
		messages: func(id string, req messages.PageRequest) (messages.Page, error) {
			return q.Messages(ctx, id, at, req, sight)
		},
		receipts: func(id, cursor string) (projections.List[receipts.Receipt], error) {
			return q.Receipts(ctx, id, at, cursor, 3)
		},
		unread: func(userID, cursor string) (receipts.UnreadList, error) { return q.Unread(ctx, userID, at, cursor, 3) },
	}
}

// requests are all kinds of pages.
func requests() []messages.PageRequest {
	first, middle := int64(0), int64(4)
	return []messages.PageRequest{
		{Limit: 200},
		{Limit: 7},
		{Before: 5, Limit: 3},
		{Before: 1, Limit: 3},
		{Before: 1 << 62, Limit: 2},
		{After: &first, Limit: 4},
		{After: &middle, Limit: 4},
		{Around: 6, Limit: 5},
		{Around: 1 << 62, Limit: 4},
	}
}

func look(t *testing.T, through eyes, roomIDs, userIDs []string) picture {
	t.Helper()
	p := picture{
		Rooms: map[string]wire.Room{}, Members: map[string][]wire.Member{}, Messages: map[string][]messages.Page{},
		Receipts: map[string][]receipts.Receipt{}, Unread: map[string]map[string]receipts.Unread{},
	}
	for _, id := range roomIDs {
		room, err := through.room(id)
		if domain.CodeOf(err) != domain.CodeRoomNotFound {
			must(t, err)
			p.Rooms[id] = room
		}
		p.Members[id] = items(t, func(cursor string) (projections.List[wire.Member], error) { return through.members(id, cursor) })
		p.Receipts[id] = items(t, func(cursor string) (projections.List[receipts.Receipt], error) { return through.receipts(id, cursor) })
		for _, req := range requests() {
			page, err := through.messages(id, req)
			must(t, err)
			p.Messages[id] = append(p.Messages[id], page)
		}
	}
	for _, id := range userIDs {
		p.Unread[id] = map[string]receipts.Unread{}
		list := items(t, func(cursor string) (projections.List[receipts.Unread], error) {
			list, err := through.unread(id, cursor)
			return list.List, err
		})
		for _, u := range list {
			p.Unread[id][u.RoomID] = u
		}
	}
	return p
}

func items[T any](t *testing.T, read func(cursor string) (projections.List[T], error)) (all []T) {
	t.Helper()
	for cursor := ""; ; {
		list, err := read(cursor)
		must(t, err)
		all = append(all, list.Items...)
		if cursor = list.NextCursor; cursor == "" {
			return all
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What is seen live at a position is seen as of that position ever after.
func TestThePastIsWhatThePresentWas(t *testing.T) {
	t.Parallel()
	events := projectiontest.History(21, 900).Events()
	roomIDs, userIDs := []string{}, []string{}
	for _, r := range events {
		switch r.Type {
		case event.TypeRoomCreated:
			roomIDs = append(roomIDs, r.Stream.Key())
		case event.TypeUserRegistered:
			userIDs = append(userIDs, r.Stream.Key())
		}
	}
	roomIDs, userIDs = roomIDs[:6], userIDs[:6]
	pool := testenv.Pool(t)
	live := map[event.Position]picture{}
	for from := 0; from < len(events); from += 97 {
		batch := events[from:min(from+97, len(events))]
		for _, p := range projectors() {
			projectiontest.Apply(t, pool, p, batch)
		}
		live[batch[len(batch)-1].Position] = look(t, present(t.Context(), pool), roomIDs, userIDs)
	}
	log := replay(t, events)
	q := history.New(log, messages.NewQueries(pool), rooms.NewQueries(pool), history.Config{})
	now := live[event.Position(len(events))]
	for at, want := range live {
		for who, got := range want.Unread { // those of the rooms that the user is not in any more are not told
			for id := range got {
				if _, is := now.Unread[who][id]; !is {
					delete(got, id)
				}
			}
		}
		got := look(t, past(t.Context(), q, at, history.Sight{All: true}), roomIDs, userIDs)
		if diff := cmp.Diff(text(want), text(got)); diff != "" {
			t.Fatalf("as of %d (-live +later):\n%.3000s", at, diff)
		}
	}
}

// text is a picture in lines.
func text(p picture) string {
	encoded, err := wire.Marshal(p)
	if err != nil {
		return err.Error()
	}
	return string(indent(encoded))
}

// What was deleted since is a tombstone to most, also in the past; otherwise they see what everybody sees.
func TestWhoSeesWhatWasDeletedSince(t *testing.T) {
	t.Parallel()
	events := projectiontest.History(22, 700).Events()
	pool := testenv.Pool(t)
	projectiontest.Apply(t, pool, messages.NewProjector(""), events)
	q := history.New(replay(t, events), messages.NewQueries(pool), rooms.NewQueries(pool), history.Config{})
	deleted := map[string]event.Recorded{}
	for _, r := range events {
		if r.Type == event.TypeMessageDeleted {
			deleted[r.Subject] = r
		}
	}
	hidden := 0
	for _, r := range events {
		if r.Type != event.TypeRoomCreated {
			continue
		}
		at := event.Position(len(events) / 2)
		all, err := q.Messages(t.Context(), r.Stream.Key(), at, messages.PageRequest{Limit: 200}, history.Sight{All: true})
		must(t, err)
		for i, m := range all.Items {
			d, gone := deleted[m.ID]
			later := gone && d.Position > at
			if isGone := m.DeletedAt != nil; isGone != (gone && !later) {
				t.Errorf("message %d is gone: %v", m.Seq, isGone)
			}
			for who, sight := range map[string]history.Sight{"author": {UserID: m.Sender.ID}, "other": {UserID: "other"}, "": {}} {
				page, err := q.Messages(t.Context(), r.Stream.Key(), at, messages.PageRequest{Limit: 200}, sight)
				must(t, err)
				one, err := q.Message(t.Context(), r.Stream.Key(), m.ID, at, sight)
				must(t, err)
				want := m
				if later && who != "author" {
					hidden++
					stamp := wire.Time(d.RecordedAt)
					want.Content, want.Attachments, want.DeletedAt = "", []event.Attachment{}, &stamp
				}
				for _, got := range []wire.Message{page.Items[i], one} {
					if diff := cmp.Diff(string(encode(t, want)), string(encode(t, got))); diff != "" {
						t.Errorf("message %d, %q (-want +got):\n%s", m.Seq, who, diff)
					}
				}
			}
		}
	}
	if hidden == 0 {
		t.Error("nothing was deleted later")
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	data, err := wire.Marshal(v)
	must(t, err)
	return data
}

func TestWhenIsATimeOrAPosition(t *testing.T) {
	t.Parallel()
	utc := func(nanos int) time.Time { return time.Date(2026, 1, 2, 3, 4, 5, nanos, time.UTC) }
	for text, want := range map[string]history.When{
		"position:0":                   {},
		"position:17":                  {Position: 17},
		"2026-01-02T03:04:05Z":         {Time: utc(999_999)},
		"2026-01-02T03:04:05.001Z":     {Time: utc(1_999_999)},
		"2026-01-02T03:04:05.001002Z":  {Time: utc(1_002_000)},
		"2026-01-02T05:04:05+02:00":    {Time: utc(999_999)},
		"2026-01-02T05:04:05 02:00":    {Time: utc(999_999)},
		"2026-01-02T03:04:05.0000001Z": {Time: utc(100)},
	} {
		got, err := history.ParseWhen(text)
		if err != nil || !got.Time.Equal(want.Time) || got.Position != want.Position {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "now", "position:", "position:-1", "position:+1", "position:1.5", "position:9223372036854775808", "17", "2026-01-02",
		"2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "0001-01-01T00:00:00Z", " position:1",
	} {
		if got, err := history.ParseWhen(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
