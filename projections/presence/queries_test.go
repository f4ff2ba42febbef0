package presence_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/projections/presence"
	"parley/projections/projectiontest"
)

func of(id string, status event.Status, text string, unseen bool) event.Presence {
	return event.Presence{UserID: id, Status: status, Text: text, Unseen: unseen}
}

// seen leaves out the time, which the log makes.
func seen(list []wire.Presence) []string {
	all := make([]string, len(list))
	for i, p := range list {
		all[i] = fmt.Sprintf("%s %s %q %d %v", p.UserID, p.Status, p.Text, p.Position, p.LastSeenAt != nil)
	}
	return all
}

func TestOthersSeeNothingOfTheInvisible(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	log.Add(event.UserCameOnline{Presence: of("ann", event.StatusOnline, "", false)})                 // 1
	log.Add(event.UserPresenceChanged{Presence: of("ann", event.StatusInvisible, "hush", false)})     // 2
	log.Add(event.UserPresenceChanged{Presence: of("ann", event.StatusInvisible, "hush hush", true)}) // 3
	log.Add(event.UserCameOnline{Presence: of("bob", event.StatusInvisible, "", true)})               // 4
	log.Add(event.UserCameOnline{Presence: of("cy", event.StatusBusy, "at work", false)})             // 5
	log.Add(event.UserCameOnline{Presence: of("dee", event.StatusOnline, "", false)})                 // 6
	log.Add(event.UserWentOffline{UserID: "dee"})                                                     // 7
	for _, r := range log.Events() {
		projectiontest.Apply(t, pool, presence.NewProjector(""), []event.Recorded{r})
	}
	q := presence.NewQueries(pool)
	ids := []string{"dee", "ann", "eve", "bob", "ann", "cy"}
	for viewer, want := range map[string][]string{
		"eve": {`dee offline "" 7 true`, `ann offline "" 2 true`, `eve offline "" 0 false`, `bob offline "" 0 false`, `cy busy "at work" 5 true`},
		"ann": {`dee offline "" 7 true`, `ann invisible "hush hush" 3 true`, `eve offline "" 0 false`, `bob offline "" 0 false`, `cy busy "at work" 5 true`},
		"bob": {`dee offline "" 7 true`, `ann offline "" 2 true`, `eve offline "" 0 false`, `bob invisible "" 4 true`, `cy busy "at work" 5 true`},
	} {
		list, err := q.Of(t.Context(), viewer, ids...)
		if err != nil || list.Position != 7 {
			t.Fatal(list.Position, err)
		}
		if diff := cmp.Diff(want, seen(list.Items)); diff != "" {
			t.Errorf("as %s sees it (-want +got):\n%s", viewer, diff)
		}
		at := log.Events()[6].RecordedAt.Truncate(time.Millisecond)
		if got := list.Items[0].LastSeenAt; !time.Time(*got).Truncate(time.Millisecond).Equal(at) {
			t.Errorf("last seen %v, want %v", time.Time(*got), at)
		}
	}
	there, err := q.There(t.Context(), "", 10)
	if err != nil || !slices.Equal(there, []string{"ann", "bob", "cy"}) {
		t.Errorf("there: %v, %v", there, err)
	}
	if there, err = q.There(t.Context(), "ann", 1); err != nil || !slices.Equal(there, []string{"bob"}) {
		t.Errorf("after ann: %v, %v", there, err)
	}
	if there, err = q.There(t.Context(), "cy", 1); err != nil || len(there) != 0 {
		t.Errorf("after cy: %v, %v", there, err)
	}
}

func TestQueriesUseAnIndex(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	for i := range 3000 {
		id := fmt.Sprintf("user-%d", i)
		log.Add(event.UserCameOnline{Presence: of(id, event.StatusOnline, "", false)})
		if i%10 != 0 {
			log.Add(event.UserWentOffline{UserID: id})
		}
	}
	projectiontest.Apply(t, pool, presence.NewProjector(""), log.Events())
	if _, err := pool.Exec(t.Context(), "ANALYZE views.presence"); err != nil {
		t.Fatal(err)
	}
	db := projectiontest.Explain(t, pool)
	q := presence.NewQueries(db)
	if _, err := q.Of(t.Context(), "", "user-7", "user-70"); err != nil {
		t.Fatal(err)
	}
	if there, err := q.There(t.Context(), "user-5", 20); err != nil || len(there) != 20 {
		t.Fatal(there, err)
	}
	db.AssertNoScan("presence")
}
