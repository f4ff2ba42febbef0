package projections_test

import (
	"strconv"
	"testing"

	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/projectiontest"
	"parley/projections/receipts"
	"parley/projections/rooms"
)

// What pages append is what encoding/json makes of them, to which wire.Marshal leaves what it does not know.
func TestPagesAreEncodedByTheBook(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := projectiontest.History(31, 1500)
	for _, build := range everyView() {
		projectiontest.Apply(t, pool, build(""), log.Events())
	}
	pages := 0
	check := func(encoded []byte, page any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		want, err := wire.Marshal(page)
		if err != nil {
			t.Fatal(err)
		}
		if string(encoded) != string(want) {
			t.Errorf("encoded %s\nwant    %s", encoded, want)
		}
		pages++
	}
	for i := range 6 {
		room, user := "room-"+strconv.Itoa(i), "user-"+strconv.Itoa(i)
		for _, limit := range []int{3, 200} {
			page, err := messages.NewQueries(pool).Page(t.Context(), room, messages.PageRequest{Limit: limit})
			check(page.AppendJSON(nil), page, err)
			read, err := receipts.NewQueries(pool).Of(t.Context(), room, "", limit)
			check(projections.AppendList(nil, &read, (*receipts.Receipt).AppendJSON), read, err)
			mine, err := rooms.NewQueries(pool).Mine(t.Context(), user, "", limit)
			check(projections.AppendList(nil, &mine, (*rooms.Summary).AppendJSON), mine, err)
			if i == 0 && len(page.Items)+len(read.Items)+len(mine.Items) < 3 {
				t.Errorf("nothing to encode: %+v, %+v, %+v", page, read, mine)
			}
		}
	}
	check([]byte(`{"items":null,"position":"0"}`), projections.List[rooms.Summary]{}, nil)
	none := projections.List[rooms.Summary]{}
	check(projections.AppendList(nil, &none, (*rooms.Summary).AppendJSON), none, nil)
}
