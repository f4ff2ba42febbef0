package storetest

import (
	"slices"
	"testing"
	"time"

	"parley/domain/event"
	"parley/eventstore"
)

func readRules() map[string]func(*testing.T, Opened) {
	return map[string]func(*testing.T, Opened){
		"an empty log":           emptyLog,
		"all is paged":           pageAll,
		"a stream is paged":      pageStream,
		"streams, since":         since,
		"last, up to a position": lastUpTo,
		"ends of streams":        tails,
		"by number":              numbered,
		"by numbers":             numberedBetween,
		"by id":                  byID,
		"about a message":        about,
		"last about a subject":   lastAbout,
		"last about each":        lastAboutEach,
		"position at a time":     positionAt,
	}
}

func emptyLog(t *testing.T, o Opened) {
	ctx := waiting(t)
	head, err := o.Log.Head(ctx)
	if head != 0 || err != nil {
		t.Errorf("head %d (%v)", head, err)
	}
	events, err := o.Log.All(ctx, 0, 10)
	if len(events) != 0 || err != nil {
		t.Errorf("all %v (%v)", events, err)
	}
	events, err = o.Log.Stream(ctx, "room-a", 0, 10)
	if len(events) != 0 || err != nil {
		t.Errorf("stream %v (%v)", events, err)
	}
	if _, ok, err := o.Log.Last(ctx, "room-a", 0); ok || err != nil {
		t.Errorf("last %v (%v)", ok, err)
	}
	events, err = o.Log.ByID(ctx)
	if len(events) != 0 || err != nil {
		t.Errorf("by no id %v (%v)", events, err)
	}
	pos, err := o.Log.PositionAt(ctx, time.Now())
	if pos != 0 || err != nil {
		t.Errorf("position %d (%v)", pos, err)
	}
}

// fill stores a log of n events in two rooms, an append each.
func fill(t *testing.T, o Opened, n int) []event.Recorded {
	t.Helper()
	var b burst
	for i := range n {
		b.submit(t.Context(), o.Log, of(Sent(t, []string{"a", "b"}[i%2])))
	}
	var events []event.Recorded
	for _, a := range b.wait(t) {
		if a.err != nil {
			t.Fatal(a.err)
		}
		events = append(events, a.result.Events...)
	}
	return events
}

func pageAll(t *testing.T, o Opened) {
	stored := fill(t, o, eventstore.MaxPage+10)
	for _, c := range []struct {
		after event.Position
		limit int
		want  []event.Recorded
	}{
		{0, 3, stored[:3]},
		{3, 3, stored[3:6]},
		{0, 0, stored[:eventstore.MaxPage]},
		{0, 1 << 30, stored[:eventstore.MaxPage]},
		{eventstore.MaxPage, 0, stored[eventstore.MaxPage:]},
		{eventstore.MaxPage + 10, 5, nil},
		{1 << 40, 5, nil},
	} {
		got, err := o.Log.All(waiting(t), c.after, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, c.want)
	}
}

func pageStream(t *testing.T, o Opened) {
	stored := fill(t, o, 40)
	var a []event.Recorded
	for _, e := range stored {
		if e.Stream == "messages-a" {
			a = append(a, e)
		}
	}
	for _, c := range []struct {
		after int64
		limit int
		want  []event.Recorded
	}{{0, 0, a}, {0, 5, a[:5]}, {5, 5, a[5:10]}, {18, 9, a[18:]}, {20, 1, nil}} {
		got, err := o.Log.Stream(waiting(t), "messages-a", c.after, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, c.want)
	}
}

func since(t *testing.T, o Opened) {
	stored := fill(t, o, 40)
	for range 3 {
		stored = append(stored, must(t, o.Log, of(Left(t, "c"))).Events...)
	}
	both := []event.Stream{"messages-a", "messages-b"}
	all := []event.Stream{"room-c", "messages-a", "room-none", "messages-b", "messages-a"}
	for _, c := range []struct {
		streams     []event.Stream
		after, upTo event.Position
		limit       int
	}{
		{nil, 0, 0, 0},
		{both[:1], 0, 0, 0},
		{both, 0, 0, 0},
		{all, 0, 0, 0},
		{both, 1, 0, 0},
		{both, 39, 0, 0},
		{both, 40, 0, 0},
		{all, 40, 0, 0},
		{all, 41, 42, 0},
		{all, 43, 0, 0},
		{all, 1 << 40, 0, 0},
		{both, 7, 21, 0},
		{both, 7, 21, 5},
		{both[1:], 8, 20, 3},
		{all, 38, 41, 3},
		{both, 21, 7, 0},
	} {
		var want []event.Recorded
		for _, e := range stored {
			in := e.Position > c.after && (c.upTo == 0 || e.Position <= c.upTo) && slices.Contains(c.streams, e.Stream)
			if in && (c.limit == 0 || len(want) < c.limit) {
				want = append(want, e)
			}
		}
		got, err := o.Log.Since(waiting(t), c.streams, c.after, c.upTo, c.limit)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		same(t, got, want)
	}
	for after := range event.Position(len(stored) + 1) { // every place in a stream to begin at
		got, err := o.Log.Since(waiting(t), both[:1], after, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		var want []event.Recorded
		for _, e := range stored[after:] {
			if e.Stream == both[0] && len(want) == 0 {
				want = append(want, e)
			}
		}
		same(t, got, want)
	}
}

func tails(t *testing.T, o Opened) {
	stored := fill(t, o, 31)
	streams := []event.Stream{"messages-a", "messages-none", "messages-b", "messages-a"}
	for each := range 40 {
		var want []event.Recorded
		taken := make(map[event.Stream]int)
		for _, r := range slices.Backward(stored) {
			if taken[r.Stream]++; taken[r.Stream] <= each && slices.Contains(streams, r.Stream) {
				want = append(want, r)
			}
		}
		slices.Reverse(want)
		got, err := o.Log.Tails(waiting(t), streams, each)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	}
	if got, err := o.Log.Tails(waiting(t), nil, 1); err != nil || len(got) > 0 {
		t.Errorf("the ends of no streams: %v (%v)", got, err)
	}
}

func lastUpTo(t *testing.T, o Opened) {
	stored := fill(t, o, 31)
	must(t, o.Log, of(Left(t, "late")))
	for upTo := range len(stored) + 3 {
		want := event.Position(0) // room b holds the even positions
		switch {
		case upTo == 0 || upTo > len(stored):
			want = 30
		case upTo > 1:
			want = event.Position(upTo - upTo%2)
		}
		got, ok, err := o.Log.Last(waiting(t), "messages-b", event.Position(upTo))
		if err != nil || ok != (want > 0) || got.Position != want {
			t.Fatalf("up to %d: %d, %v (%v), want %d", upTo, got.Position, ok, err, want)
		}
		if ok {
			same(t, []event.Recorded{got}, stored[want-1:want])
		}
	}
	if _, ok, err := o.Log.Last(waiting(t), "room-late", 5); ok || err != nil {
		t.Errorf("found a stream before it began (%v)", err)
	}
}

func numbered(t *testing.T, o Opened) {
	var sent []event.Recorded
	for i := range 9 { // numbers stand still in between
		e := must(t, o.Log, of(Sent(t, "a"))).Events[0]
		sent = append(sent, e)
		for range i % 3 {
			must(t, o.Log, of(Deleted(t, "a", e.ID)))
		}
	}
	for seq := range int64(len(sent) + 3) {
		got, ok, err := o.Log.Numbered(waiting(t), sent[0].Stream, seq)
		if want := seq > 0 && seq <= int64(len(sent)); err != nil || ok != want {
			t.Fatalf("%d: %v (%v)", seq, ok, err)
		}
		if ok {
			same(t, []event.Recorded{got}, sent[seq-1:seq])
		}
	}
	for _, other := range []event.Stream{"messages-none", "room-a"} {
		if _, ok, err := o.Log.Numbered(waiting(t), other, 1); ok || err != nil {
			t.Errorf("%s: found a number (%v)", other, err)
		}
	}
}

func numberedBetween(t *testing.T, o Opened) {
	var sent []event.Recorded
	for i := range 9 {
		e := must(t, o.Log, of(Sent(t, "a"))).Events[0]
		sent = append(sent, e)
		between := i % 3
		if i == 4 {
			between = 100 // more than anybody reads to get at what is around it
		}
		for range between {
			must(t, o.Log, of(Deleted(t, "a", e.ID)))
		}
		must(t, o.Log, of(Sent(t, "b")))
	}
	for _, from := range []int64{-1, 1, 4, 5, 6, 9, 10} {
		for _, to := range []int64{-1, 1, 4, 6, 9, 20} {
			got, err := o.Log.NumberedBetween(waiting(t), sent[0].Stream, from, to)
			if err != nil {
				t.Fatal(err)
			}
			var want []event.Recorded
			for _, e := range sent {
				if e.Seq >= from && e.Seq <= to {
					want = append(want, e)
				}
			}
			same(t, got, want)
		}
	}
	if got, err := o.Log.NumberedBetween(waiting(t), sent[0].Stream, 3, 1<<62); err != nil || len(got) != 7 {
		t.Errorf("up to the end: %d events (%v)", len(got), err)
	}
	if got, err := o.Log.NumberedBetween(waiting(t), "messages-none", 1, 9); err != nil || len(got) > 0 {
		t.Errorf("of no stream: %d events (%v)", len(got), err)
	}
}

func byID(t *testing.T, o Opened) {
	stored := fill(t, o, 5)
	got, err := o.Log.ByID(waiting(t), stored[3].ID, NewID(), stored[1].ID, stored[3].ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []event.Recorded{stored[1], stored[3]})
}

func about(t *testing.T, o Opened) {
	stored := fill(t, o, 4)
	message := stored[1].ID
	var want []event.Recorded
	want = append(want, stored[1])
	for range 3 {
		want = append(want, must(t, o.Log, of(Deleted(t, "b", message))).Events...)
		must(t, o.Log, of(Deleted(t, "b", stored[3].ID)))
	}
	for _, limit := range []int{0, 1, 2, 9} {
		got, err := o.Log.About(waiting(t), message, limit)
		if err != nil {
			t.Fatal(err)
		}
		if limit == 0 {
			limit = len(want)
		}
		same(t, got, want[:min(limit, len(want))])
	}
}

func lastAbout(t *testing.T, o Opened) {
	message := fill(t, o, 4)[1].ID
	var all []event.Recorded
	for range 4 {
		all = append(all, must(t, o.Log, of(Deleted(t, "b", message))).Events...)
		must(t, o.Log, of(Deleted(t, "b", NewID())))
	}
	for _, c := range []struct {
		below event.Position
		limit int
		types []string
		want  []event.Recorded
	}{
		{0, 0, nil, all},
		{0, 1, nil, all[3:]},
		{0, 3, nil, all[1:]},
		{all[3].Position, 2, nil, all[1:3]},
		{all[1].Position + 1, 9, nil, all[:2]},
		{all[0].Position, 9, nil, nil},
		{0, 2, []string{event.TypeMessageDeleted, event.TypeMessageEdited}, all[2:]},
		{0, 2, []string{event.TypeMessageEdited}, nil},
	} {
		got, err := o.Log.LastAbout(waiting(t), message.String(), c.below, c.limit, c.types...)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, c.want)
	}
	if got, err := o.Log.LastAbout(waiting(t), "nothing", 0, 1); err != nil || len(got) > 0 {
		t.Errorf("about nothing: %v, %v", got, err)
	}
}

func lastAboutEach(t *testing.T, o Opened) {
	var subjects []eventstore.Subject
	var all [3][]event.Recorded
	for range all {
		subjects = append(subjects, eventstore.Subject{ID: must(t, o.Log, of(Sent(t, "b"))).Events[0].ID.String()})
	}
	for i := range 8 {
		for n, s := range subjects[:len(all)-i/4] {
			id, err := event.ParseID(s.ID)
			if err != nil {
				t.Fatal(err)
			}
			all[n] = append(all[n], must(t, o.Log, of(Deleted(t, "b", id))).Events...)
		}
	}
	subjects[1].Below = all[1][5].Position
	subjects = append(subjects, eventstore.Subject{ID: "nothing"})
	for _, c := range []struct {
		limit int
		types []string
		want  [][]event.Recorded
	}{
		{0, nil, [][]event.Recorded{all[0], all[1][:5], all[2]}},
		{1 << 30, nil, [][]event.Recorded{all[0], all[1][:5], all[2]}},
		{3, nil, [][]event.Recorded{all[0][5:], all[1][2:5], all[2][1:]}},
		{1, []string{event.TypeMessageDeleted}, [][]event.Recorded{all[0][7:], all[1][4:5], all[2][3:]}},
		{1, []string{event.TypeMessageEdited}, nil},
	} {
		want := slices.Concat(c.want...)
		slices.SortFunc(want, func(a, b event.Recorded) int { return int(a.Position - b.Position) })
		got, err := o.Log.LastAboutEach(waiting(t), subjects, c.limit, c.types...)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	}
	if got, err := o.Log.LastAboutEach(waiting(t), nil, 1); err != nil || len(got) > 0 {
		t.Errorf("about nobody: %v, %v", got, err)
	}
}

func positionAt(t *testing.T, o Opened) {
	var stored []event.Recorded
	for range 12 {
		stored = append(stored, must(t, o.Log, of(Left(t, "a"), Left(t, "b"))).Events...)
	}
	at := func(when time.Time) event.Position {
		pos, err := o.Other.PositionAt(waiting(t), when)
		if err != nil {
			t.Fatal(err)
		}
		return pos
	}
	for _, e := range stored {
		want := event.Position(0)
		for _, other := range stored {
			if !other.RecordedAt.After(e.RecordedAt) {
				want = other.Position
			}
		}
		if got := at(e.RecordedAt); got != want {
			t.Errorf("at the time of %d: %d, want %d", e.Position, got, want)
		}
	}
	if got := at(stored[0].RecordedAt.Add(-time.Microsecond)); got != 0 {
		t.Errorf("before the first: %d", got)
	}
	if got := at(stored[0].RecordedAt.Add(time.Hour)); got != 24 {
		t.Errorf("after the last: %d", got)
	}
}
