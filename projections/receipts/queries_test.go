package receipts_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/projectiontest"
	"parley/projections/receipts"
)

// truth is what is left to read, counted message by message.
type truth struct {
	read, base map[[2]string]int64 // room and user
	member     map[[2]string]bool
	sent       map[string][]event.MessageSent // in order: the seq is the index plus one
	deleted    map[string]map[int64]bool
}

func truthOf(events []event.Recorded) truth {
	m := truth{
		read: map[[2]string]int64{}, base: map[[2]string]int64{}, member: map[[2]string]bool{},
		sent: map[string][]event.MessageSent{}, deleted: map[string]map[int64]bool{},
	}
	join := func(room, user string) {
		m.member[[2]string{room, user}], m.base[[2]string{room, user}] = true, int64(len(m.sent[room]))
	}
	for _, r := range events {
		payload, _ := r.Payload()
		switch e := payload.(type) {
		case event.RoomCreated:
			m.deleted[e.RoomID] = map[int64]bool{}
			for _, who := range e.Members {
				join(e.RoomID, who.UserID)
			}
		case event.MemberJoined:
			join(e.RoomID, e.UserID)
		case event.MemberLeft:
			m.member[[2]string{e.RoomID, e.UserID}] = false
		case event.MemberRemoved:
			m.member[[2]string{e.RoomID, e.UserID}] = false
		case event.MessageSent:
			m.sent[e.RoomID] = append(m.sent[e.RoomID], e)
			m.read[[2]string{e.RoomID, e.Sender.ID}] = r.Seq
		case event.MessageDeleted:
			m.deleted[e.RoomID][e.Seq] = true
		case event.MessagesRead:
			k := [2]string{e.RoomID, e.UserID}
			m.read[k] = max(m.read[k], e.Seq)
		default:
		}
	}
	return m
}

// unread is what a user's list must be.
func (m truth) unread(user string) (all receipts.UnreadList) {
	for k, is := range m.member {
		if !is || k[1] != user {
			continue
		}
		u := receipts.Unread{RoomID: k[0], ReadSeq: max(m.read[k], m.base[k])}
		for i, e := range m.sent[k[0]] {
			if seq := int64(i + 1); seq <= u.ReadSeq || m.deleted[k[0]][seq] {
				continue
			}
			u.UnreadCount++
			if slices.Contains(e.Mentions, user) {
				u.MentionCount++
			}
		}
		all.Items = append(all.Items, u)
		all.UnreadCount += u.UnreadCount
		all.MentionCount += u.MentionCount
	}
	slices.SortFunc(all.Items, func(a, b receipts.Unread) int { return cmpText(a.RoomID, b.RoomID) })
	return all
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func TestUnreadIsWhatIsLeft(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			events := projectiontest.History(seed+100, 900).Events()
			pool := testenv.Pool(t)
			q := receipts.NewQueries(pool)
			for from := 0; from < len(events); from += 150 {
				batch := events[from:min(from+150, len(events))]
				projectiontest.Apply(t, pool, receipts.NewProjector(""), batch)
				model := truthOf(events[:from+len(batch)])
				for user := range users(events) {
					compareUnread(t, q, user, model.unread(user), batch[len(batch)-1].Position)
				}
			}
		})
	}
}

func users(events []event.Recorded) map[string]bool {
	found := map[string]bool{}
	for _, r := range events {
		if r.Type == event.TypeUserRegistered {
			found[r.Stream.Key()] = true
		}
	}
	return found
}

func compareUnread(t *testing.T, q *receipts.Queries, user string, want receipts.UnreadList, at event.Position) {
	t.Helper()
	got := receipts.UnreadList{}
	for cursor := ""; ; {
		page, err := q.UnreadOf(t.Context(), user, cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		got.Items = append(got.Items, page.Items...)
		if page.Position != at {
			t.Errorf("position %d, want %d", page.Position, at)
		}
		if cursor == "" {
			got.UnreadCount, got.MentionCount = page.UnreadCount, page.MentionCount
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s at %d (-true +counted):\n%s", user, at, diff)
	}
	for _, u := range want.Items {
		left, err := q.LeftOf(t.Context(), u.RoomID, user, 0)
		if err != nil || left.Unread != u.UnreadCount || left.Mentions != u.MentionCount || left.Position != at {
			t.Fatalf("%s in %s at %d: %+v, %v; want %+v", user, u.RoomID, at, left, err, u)
		}
	}
}

func opened(members ...string) event.RoomCreated {
	e := event.RoomCreated{RoomID: "room", RoomType: event.RoomPublic, CreatedBy: "ada"}
	for _, id := range members {
		e.Members = append(e.Members, event.Member{UserID: id, Role: event.RoleMember})
	}
	return e
}

func said(n int, by string, mentions ...string) event.MessageSent {
	return event.MessageSent{Message: event.Message{
		RoomID: "room", MessageID: event.DeriveID("room", strconv.Itoa(n)).String(), Sender: event.Sender{ID: by}, Mentions: mentions,
	}}
}

func read(who string, seq int64) event.MessagesRead {
	return event.MessagesRead{Receipt: event.Receipt{RoomID: "room", UserID: who, Seq: seq, ReadSeq: seq, DeliveredSeq: seq}}
}

func gone(seq int) event.MessageDeleted {
	return event.MessageDeleted{RoomID: "room", MessageID: said(seq, "").MessageID, Seq: int64(seq)}
}

func apply(t testing.TB, pool *pgxpool.Pool, log *projectiontest.Log, events ...event.Event) {
	t.Helper()
	projectiontest.Apply(t, pool, receipts.NewProjector(""), log.Add(events...))
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	pool, log := testenv.Pool(t), &projectiontest.Log{}
	apply(t, pool, log, opened("ada", "bob", "cy", "dee"))
	for n := range 5 {
		apply(t, pool, log, said(n+1, "ada")) // 2 to 6
	}
	apply(t, pool, log,
		read("bob", 3), // 7
		event.MessagesDelivered{Receipt: event.Receipt{RoomID: "room", UserID: "cy", Seq: 4, DeliveredSeq: 4}},
		read("bob", 5), // 9
		said(6, "cy"),  // 10
		said(7, "cy"),  // 11
		read("bob", 4), // goes nowhere
		read("dee", 7), // 13
		event.MemberLeft{RoomID: "room", UserID: "dee"},
	)
	q := receipts.NewQueries(pool)
	at := func(position event.Position) *wire.Time {
		return wire.OptionalTime(projectiontest.TimeOf(position).Truncate(time.Microsecond))
	}
	want := []receipts.Receipt{
		{UserID: "ada", ReadSeq: 5, DeliveredSeq: 5, ReadAt: at(6), DeliveredAt: at(6)},
		{UserID: "bob", ReadSeq: 5, DeliveredSeq: 5, ReadAt: at(9), DeliveredAt: at(9)},
		{UserID: "cy", ReadSeq: 7, DeliveredSeq: 7, ReadAt: at(11), DeliveredAt: at(11)},
	}
	for _, limit := range []int{1, 2, 3, 0} {
		same(t, want, func(cursor string) (projections.List[receipts.Receipt], error) {
			return q.Of(t.Context(), "room", cursor, limit)
		})
	}
	for seq, readers := range map[int64][]receipts.Receipt{
		3: {
			{UserID: "bob", ReadSeq: 5, DeliveredSeq: 5, ReadAt: at(7), DeliveredAt: at(9)},
			{UserID: "cy", ReadSeq: 7, DeliveredSeq: 7, ReadAt: at(10), DeliveredAt: at(11)},
		},
		4: {
			{UserID: "bob", ReadSeq: 5, DeliveredSeq: 5, ReadAt: at(9), DeliveredAt: at(9)},
			{UserID: "cy", ReadSeq: 7, DeliveredSeq: 7, ReadAt: at(10), DeliveredAt: at(11)},
		},
	} {
		m := wire.Message{Seq: seq, Sender: event.Sender{ID: "ada"}}
		same(t, readers, func(cursor string) (projections.List[receipts.Receipt], error) {
			return q.ReadersOf(t.Context(), "room", m, cursor, 1)
		})
	}
	if list, err := q.Of(t.Context(), "none", "", 0); err != nil || list.Items == nil || len(list.Items) > 0 || list.Position != log.Head() {
		t.Errorf("no room: %+v, %v", list, err)
	}
	for _, cursor := range []string{"x", projections.EncodeCursor("a", "b")} {
		_, err := q.Of(t.Context(), "room", cursor, 0)
		_, err2 := q.UnreadOf(t.Context(), "ada", cursor, 0)
		if domain.CodeOf(err) != domain.CodeInvalidPayload || domain.CodeOf(err2) != domain.CodeInvalidPayload {
			t.Errorf("cursor %q: %v, %v", cursor, err, err2)
		}
	}
}

func same(t *testing.T, want []receipts.Receipt, page func(cursor string) (projections.List[receipts.Receipt], error)) {
	t.Helper()
	var got []receipts.Receipt
	for cursor := ""; ; {
		list, err := page(cursor)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, list.Items...)
		if cursor = list.NextCursor; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(shown(t, want), shown(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func shown(t *testing.T, v any) string {
	t.Helper()
	data, err := wire.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Deletions beyond a cursor are counted whatever ranges they are in.
func TestDeletionsInManyRanges(t *testing.T) {
	t.Parallel()
	pool, log := testenv.Pool(t), &projectiontest.Log{}
	apply(t, pool, log, opened("ada", "bob"))
	const n = 3100
	all := make([]event.Event, n)
	for i := range all {
		all[i] = said(i+1, "ada")
	}
	apply(t, pool, log, all...)
	deleted := []int{1, 2, 1022, 1023, 1024, 1025, 2047, 2048, 2049, 3072, 3100}
	for _, seq := range deleted {
		apply(t, pool, log, gone(seq))
	}
	for _, cursor := range []int64{0, 1, 2, 3, 1021, 1022, 1023, 1024, 1025, 2046, 2047, 2048, 2049, 2050, 3071, 3072, 3099, 3100, 4000} {
		want := max(n-cursor, 0)
		for _, seq := range deleted {
			if int64(seq) > cursor {
				want--
			}
		}
		left, err := receipts.NewQueries(pool).LeftOf(t.Context(), "room", "bob", cursor)
		if err != nil || left.Unread != want || left.Cursor != cursor {
			t.Errorf("beyond %d: %+v, %v; want %d", cursor, left, err, want)
		}
	}
}

// A message, a receipt and a count cost the same however many members a room has, and
// however many messages.
func TestCostsDoNotGrowWithTheRoom(t *testing.T) {
	t.Parallel()
	pool, log := testenv.Pool(t), &projectiontest.Log{}
	const size, messages = 3000, 4000
	members := make([]string, size)
	for i := range members {
		members[i] = fmt.Sprintf("user-%05d", i)
	}
	apply(t, pool, log, opened(members...))
	all := make([]event.Event, messages)
	for i := range all {
		all[i] = said(i+1, members[i%50], members[(i+1)%50])
	}
	apply(t, pool, log, all...)
	for seq := 7; seq < messages; seq += 7 {
		apply(t, pool, log, gone(seq))
	}
	if _, err := pool.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	before := projectiontest.Dump(t, pool, "", receipts.NewProjector(""))["receipts"]
	apply(t, pool, log, said(messages+1, members[77]), read(members[78], messages+1))
	after := projectiontest.Dump(t, pool, "", receipts.NewProjector(""))["receipts"]
	changed := slices.DeleteFunc(after, func(row string) bool { return slices.Contains(before, row) })
	if len(changed) != 2 {
		t.Errorf("%d rows have changed, want those of sender and reader", len(changed))
	}
	db := projectiontest.Explain(t, pool)
	q := receipts.NewQueries(db)
	ask := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ask(q.Of(t.Context(), "room", "", 0))
	ask(q.UnreadOf(t.Context(), members[4], "", 0))
	ask(q.LeftOf(t.Context(), "room", members[4], 0))
	db.AssertNoScan("receipts", "receipt_history", "unread_mentions", "deletions") // the other two have a few rows
}

func BenchmarkApply(b *testing.B) {
	const size, rooms, people = 1000, 50, 20
	pool, log := testenv.Pool(b), &projectiontest.Log{}
	for room := range rooms {
		e := opened()
		e.RoomID = fmt.Sprint("room ", room)
		for user := range people {
			e.Members = append(e.Members, event.Member{UserID: fmt.Sprint("user ", user)})
		}
		apply(b, pool, log, e)
	}
	seqs := make([]int64, rooms)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		events := make([]event.Event, size)
		for n := range events {
			room := n % rooms
			id := fmt.Sprint("room ", room)
			if n%4 == 3 { // a receipt for three messages
				events[n] = event.MessagesRead{Receipt: event.Receipt{
					RoomID: id, UserID: fmt.Sprint("user ", n%people), Seq: seqs[room], ReadSeq: seqs[room],
				}}
				continue
			}
			seqs[room]++
			e := said(i*size+n, fmt.Sprint("user ", n%people))
			e.RoomID = id
			events[n] = e
		}
		batch := log.Add(events...)
		for n := range batch {
			batch[n] = batch[n].Decoded()
		}
		b.StartTimer()
		projectiontest.Apply(b, pool, receipts.NewProjector(""), batch)
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
}
