package rooms_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/projectiontest"
	"parley/projections/receipts"
	"parley/projections/rooms"
)

func created(id, name string, kind event.RoomType, members ...string) event.RoomCreated {
	e := event.RoomCreated{RoomID: id, Name: name, RoomType: kind, CreatedBy: "ada"}
	for _, m := range members {
		e.Members = append(e.Members, event.Member{UserID: m, Username: strings.ToUpper(m), Role: event.RoleOwner})
	}
	return e
}

func said(room string, n int) event.MessageSent {
	return event.MessageSent{Message: event.Message{
		RoomID: room, MessageID: event.DeriveID(room, strconv.Itoa(n)).String(), Content: fmt.Sprint("number ", n), Sender: event.Sender{ID: "ada"},
	}}
}

// views applies the log to the view and to that of the messages.
func views(t testing.TB, pool *pgxpool.Pool, log *projectiontest.Log) {
	t.Helper()
	projectiontest.Apply(t, pool, rooms.NewProjector(""), log.Events())
	projectiontest.Apply(t, pool, messages.NewProjector(""), log.Events())
	projectiontest.Apply(t, pool, receipts.NewProjector(""), log.Events())
}

func TestPublicShowsOpenPublicRooms(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	for i, name := range []string{"General", "generous", "100%", "100x", "a_b", "axb", "ÉCOLE", "general"} {
		log.Add(created(fmt.Sprint("p", i), name, event.RoomPublic, "ada"))
	}
	log.Add(created("secret", "General", event.RoomPrivate, "ada"), created("direct", "", event.RoomDirect, "ada", "bob"))
	log.Add(created("old", "General", event.RoomPublic, "ada"))
	log.Add(event.RoomArchived{Room: event.Room{RoomID: "old", Name: "General", RoomType: event.RoomPublic, MemberCount: 1}})
	log.Add(created("renamed", "Generic", event.RoomPublic, "ada"))
	log.Add(event.RoomUpdated{Room: event.Room{RoomID: "renamed", Name: "Special", RoomType: event.RoomPublic, MemberCount: 1}})
	views(t, pool, log)
	q := rooms.NewQueries(pool)
	for text, want := range map[string]string{
		"gener": "p0 p7 p1", "GENERAL": "p0 p7", "100%": "p2", "100": "p2 p3", "a_": "p4", "%": "", "_": "", "école": "p6",
		"spec": "renamed", "": "p2 p3 p4 p5 p0 p7 p1 renamed p6",
	} {
		for _, limit := range []int{1, 2, 50} {
			if got := public(t, q, text, limit); got != want {
				t.Errorf("%q by %d: got %q, want %q", text, limit, got, want)
			}
		}
	}
	if _, err := q.Public(t.Context(), "", "junk", 1); domain.CodeOf(err) != domain.CodeInvalidPayload {
		t.Errorf("a bad cursor: %v, want INVALID_PAYLOAD", err)
	}
}

// public is the ids of all pages.
func public(t *testing.T, q *rooms.Queries, text string, limit int) string {
	t.Helper()
	var ids []string
	for cursor := ""; ; {
		list, err := q.Public(t.Context(), text, cursor, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Items {
			ids = append(ids, r.ID)
		}
		if cursor = list.NextCursor; cursor == "" {
			return strings.Join(ids, " ")
		}
	}
}

func TestMineIsSortedByActivity(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	for i := range 5 {
		log.Add(created(fmt.Sprint("r", i), "Room", event.RoomPrivate, "ada", "bob"))
	}
	log.Add(created("others", "Room", event.RoomPublic, "bob"), said("others", 1))
	log.Add(said("r1", 1), said("r1", 2), said("r3", 1))
	first := said("r3", 1)
	log.Add(
		event.MessageEdited{Message: event.Message{RoomID: "r1", MessageID: said("r1", 2).MessageID, Content: "edited"}, Seq: 2, SentAt: projectiontest.TimeOf(9)},
		event.MessageDeleted{RoomID: "r3", MessageID: first.MessageID, Seq: 1, Author: "ada", By: "ada"},
		event.MemberLeft{RoomID: "r4", UserID: "ada"},
	)
	views(t, pool, log)
	q := rooms.NewQueries(pool)
	for _, limit := range []int{1, 2, 4, 50} {
		var got []string
		for cursor := ""; ; {
			list, err := q.Mine(t.Context(), "ada", cursor, limit)
			if err != nil {
				t.Fatal(err)
			}
			if list.Position != log.Head() {
				t.Errorf("position %d, want %d", list.Position, log.Head())
			}
			for _, s := range list.Items {
				got = append(got, describe(s))
			}
			if cursor = list.NextCursor; cursor == "" {
				break
			}
		}
		want := "r3:1 deleted, r1:2 edited, r2:0, r0:0"
		if strings.Join(got, ", ") != want {
			t.Errorf("by %d: got %s, want %s", limit, strings.Join(got, ", "), want)
		}
	}
	ids, _, err := q.IDsOf(t.Context(), "ada", 3)
	if err != nil || strings.Join(ids, " ") != "r3 r1 r2" {
		t.Errorf("ids: %v, %v", ids, err)
	}
	all, _, err := q.CameInto(t.Context(), "ada", 0, 100)
	if slices.Sort(all); err != nil || strings.Join(all, " ") != "r0 r1 r2 r3" {
		t.Errorf("came into %v, %v", all, err)
	}
	_, position, _ := q.IDsOf(t.Context(), "ada", 1)
	if none, _, err := q.CameInto(t.Context(), "ada", position, 100); err != nil || len(none) != 0 {
		t.Errorf("came into %v since now, %v", none, err)
	}
	if list, err := q.Mine(t.Context(), "nobody", "", 0); err != nil || list.Items == nil || len(list.Items) != 0 {
		t.Errorf("nobody: %+v, %v; want an empty list", list, err)
	}
	if _, err := q.Mine(t.Context(), "ada", projections.EncodeCursor("x"), 1); domain.CodeOf(err) != domain.CodeInvalidPayload {
		t.Errorf("a bad cursor: %v, want INVALID_PAYLOAD", err)
	}
}

func describe(s rooms.Summary) string {
	text := fmt.Sprintf("%s:%d", s.ID, s.LastSeq)
	switch m := s.LastMessage; {
	case m == nil:
		return text
	case m.DeletedAt != nil:
		return text + " deleted" + m.Content
	default:
		return text + " " + m.Content
	}
}

func TestMineAnswersWithTheLesserPosition(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	log.Add(created("r", "Room", event.RoomPrivate, "ada"), said("r", 1))
	projectiontest.Apply(t, pool, messages.NewProjector(""), log.Events()[:1])
	projectiontest.Apply(t, pool, rooms.NewProjector(""), log.Events())
	projectiontest.Apply(t, pool, receipts.NewProjector(""), log.Events())
	list, err := rooms.NewQueries(pool).Mine(t.Context(), "ada", "", 0)
	if err != nil || list.Position != 1 {
		t.Errorf("position %d, %v; want 1", list.Position, err)
	}
}

// Who goes on counting from what is listed must neither leave a message out nor count one twice.
func TestMineCountsUpToTheLastSeqThatItTells(t *testing.T) {
	t.Parallel()
	for _, ahead := range []string{"rooms", "receipts"} {
		pool := testenv.Pool(t)
		log := &projectiontest.Log{}
		log.Add(created("r", "Room", event.RoomPrivate, "ada", "bob"), said("r", 1), said("r", 2))
		upTo := map[string]int{"rooms": 2, "receipts": 2, ahead: 3}
		projectiontest.Apply(t, pool, messages.NewProjector(""), log.Events())
		projectiontest.Apply(t, pool, rooms.NewProjector(""), log.Events()[:upTo["rooms"]])
		projectiontest.Apply(t, pool, receipts.NewProjector(""), log.Events()[:upTo["receipts"]])
		list, err := rooms.NewQueries(pool).Mine(t.Context(), "bob", "", 0)
		if err != nil || len(list.Items) != 1 || list.Position != 2 {
			t.Fatalf("%s ahead: %+v, %v", ahead, list, err)
		}
		if got := list.Items[0]; got.LastSeq != got.UnreadCount || got.UnreadCount == 0 {
			t.Errorf("%s ahead: %d unread up to message %d", ahead, got.UnreadCount, got.LastSeq)
		}
	}
}

// Views advance by themselves. Who was removed, which this view has not seen yet, must not hear
// by it what was said afterwards, which that of the messages has.
func TestMineShowsNoMessageThatTheMembershipsDoNotCover(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	log.Add(created("r", "Room", event.RoomPrivate, "ada", "bob"), said("r", 1))
	projectiontest.Apply(t, pool, rooms.NewProjector(""), log.Events())
	log.Add(event.MemberRemoved{RoomID: "r", UserID: "bob", By: "ada"}, said("r", 2))
	projectiontest.Apply(t, pool, messages.NewProjector(""), log.Events())
	projectiontest.Apply(t, pool, receipts.NewProjector(""), log.Events())
	list, err := rooms.NewQueries(pool).Mine(t.Context(), "bob", "", 0)
	if err != nil || len(list.Items) != 1 || list.Position != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if got := describe(list.Items[0]); got != "r:1 number 1" {
		t.Errorf("got %q, want %q", got, "r:1 number 1")
	}
}

func TestGetAndMembers(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	log.Add(created("r", "Room", event.RoomPrivate, "ada", "bob"))
	log.Add(
		event.MemberJoined{RoomID: "r", UserID: "eve", Username: "EVE", Role: event.RoleMember, By: "ada"},
		event.MemberRemoved{RoomID: "r", UserID: "bob", By: "ada"},
		event.MemberRoleChanged{RoomID: "r", UserID: "eve", Username: "EVE", Role: event.RoleModerator, JoinedAt: projectiontest.TimeOf(2)},
		event.RoomArchived{Room: event.Room{RoomID: "r", Name: "Room", RoomType: event.RoomPrivate, Topic: "done", MemberCount: 2}},
	)
	views(t, pool, log)
	q := rooms.NewQueries(pool)
	room, position, err := q.Get(t.Context(), "r")
	if err != nil || position != 5 || room.Position != 5 || room.MemberCount != 2 || room.Topic != "done" || room.ArchivedAt == nil || room.CreatedBy != "ada" {
		t.Errorf("got %+v at %d, %v", room, position, err)
	}
	if _, position, err := q.Get(t.Context(), "none"); domain.CodeOf(err) != domain.CodeRoomNotFound || position != 5 {
		t.Errorf("no such room: position %d, %v; want ROOM_NOT_FOUND", position, err)
	}
	eve := wire.Member{UserID: "eve", Username: "EVE", Role: event.RoleModerator}
	got, position, err := q.Member(t.Context(), "r", "eve")
	if eve.JoinedAt = got.JoinedAt; err != nil || got != eve || position != 5 {
		t.Errorf("got %+v at %d, %v; want %+v", got, position, err, eve)
	}
	if at, _ := got.JoinedAt.MarshalText(); string(at) != "2026-01-02T03:04:07.469Z" {
		t.Errorf("joined at %s", at)
	}
	if _, _, err := q.Member(t.Context(), "r", "bob"); domain.CodeOf(err) != domain.CodeNotAMember {
		t.Errorf("who was removed: %v, want NOT_A_MEMBER", err)
	}
	list, err := q.MembersOf(t.Context(), "r", "eve", "bob", "ada", "zoe")
	if err != nil || len(list.Items) != 2 || list.Items[0].UserID != "ada" || list.Items[1].UserID != "eve" {
		t.Errorf("members of these: %+v, %v", list.Items, err)
	}
	if list, err := q.Members(t.Context(), "none", "", 0); err != nil || list.Items == nil || len(list.Items) != 0 {
		t.Errorf("members of no room: %+v, %v; want an empty list", list, err)
	}
}

func TestMembersPages(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	var ids []string
	for i := range 45 {
		ids = append(ids, fmt.Sprintf("user-%02d", i))
	}
	log.Add(created("r", "Room", event.RoomPublic, ids...), created("s", "Room", event.RoomPublic, "user-00"))
	views(t, pool, log)
	for _, limit := range []int{1, 44, 45, 46, 0} {
		var got []string
		for cursor := ""; ; {
			list, err := rooms.NewQueries(pool).Members(t.Context(), "r", cursor, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list.Items {
				got = append(got, m.UserID)
			}
			if cursor = list.NextCursor; cursor == "" {
				break
			}
		}
		if strings.Join(got, " ") != strings.Join(ids, " ") {
			t.Errorf("by %d: got %v", limit, got)
		}
	}
}

func TestQueriesUseAnIndex(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	for i := range 2000 {
		id := fmt.Sprint("room", i)
		log.Add(created(id, fmt.Sprint("Name ", i), event.RoomPublic, fmt.Sprint("user", i), fmt.Sprint("user", i+1)), said(id, 1))
	}
	views(t, pool, log)
	for _, table := range []string{"rooms", "members", "messages", "receipts", "receipt_rooms"} {
		if _, err := pool.Exec(t.Context(), "ANALYZE views."+table); err != nil {
			t.Fatal(err)
		}
	}
	db := projectiontest.Explain(t, pool)
	q := rooms.NewQueries(db)
	ask := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ask(q.Mine(t.Context(), "user7", "", 0))
	ask(q.Public(t.Context(), "name 1", "", 0))
	ask(q.Members(t.Context(), "room7", "", 0))
	ask(q.MembersOf(t.Context(), "room7", "user7"))
	_, _, err := q.Get(t.Context(), "room7")
	ask(nil, err)
	_, _, err = q.IDsOf(t.Context(), "user7", 100)
	ask(nil, err)
	_, _, err = q.CameInto(t.Context(), "user7", 5, 100)
	ask(nil, err)
	db.AssertNoScan("rooms", "members", "messages", "receipts", "receipt_rooms")
	db.AssertNoWaste(0)
}

func BenchmarkApply(b *testing.B) {
	const size, roomCount = 1000, 50
	pool := testenv.Pool(b)
	log := &projectiontest.Log{}
	for i := range roomCount {
		log.Add(created(fmt.Sprint("room", i), "Room", event.RoomPublic, "ada"))
	}
	views(b, pool, log)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		sent := make([]event.Event, size)
		for n := range sent {
			sent[n] = said(fmt.Sprint("room", n%roomCount), i*size+n)
		}
		batch := log.Add(sent...)
		for i := range batch {
			batch[i] = batch[i].Decoded()
		}
		b.StartTimer()
		projectiontest.Apply(b, pool, rooms.NewProjector(""), batch)
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkMine(b *testing.B) {
	pool := testenv.Pool(b)
	log := &projectiontest.Log{}
	for room := range 200 {
		id := fmt.Sprint("room", room)
		log.Add(created(id, "Room", event.RoomPublic, "ada", "bob"))
		for n := range 20 {
			log.Add(said(id, n+1))
		}
		log.Add(event.MessageDeleted{RoomID: id, MessageID: said(id, 7).MessageID, Seq: 7, Author: "ada", By: "ada"})
	}
	views(b, pool, log)
	if _, err := pool.Exec(b.Context(), "VACUUM ANALYZE"); err != nil {
		b.Fatal(err)
	}
	q := rooms.NewQueries(pool)
	for b.Loop() {
		list, err := q.Mine(b.Context(), "bob", "", 200)
		if err != nil || len(list.Items) != 200 || list.Items[0].UnreadCount != 19 {
			b.Fatal(len(list.Items), list.Items[0].UnreadCount, err)
		}
	}
}
