package e2e_test

import (
	"encoding/json"
	"strconv"
	"testing"
)

// What REST tells of the past is what the sockets tell of it, on any node, in pages of any size.
func testSyncByREST(t *testing.T, d deployment) {
	alice, bob := d.user(t, "alice"), d.user(t, "bob")
	room := alice.createRoom("private", "synced", bob.user)
	hidden := alice.createRoom("private", "hidden")
	var last answer
	for i := range 7 {
		alice.call("POST", "/api/v1/rooms/"+hidden+"/messages", object{"content": "hidden"}).done()
		last = alice.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": strconv.Itoa(i)}).done()
	}
	s, err := dial(t.Context(), d.open.URL, bob.token, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	until(t, func() bool { // the other node has heard of all of it
		told, err := s.must(t.Context(), "sync", object{"position": "0"})
		events, _ := told["events"].([]any)
		return err == nil && len(events) == 8
	})
	for _, n := range []*node{d.strict, d.open} {
		at := bob.at(n)
		all := at.fresh("/api/v1/sync?since=0", last.position()).object()
		told, err := s.must(t.Context(), "sync", object{"position": "0"})
		if err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(told["events"])
		got, _ := json.Marshal(all["events"])
		equal(t, "events by REST and socket", string(got), string(want))
		events, _ := all["events"].([]any)
		equal(t, "a room and its messages", len(events), 8)
		var paged []any
		for since, more := "0", true; more; {
			page := at.call("GET", "/api/v1/sync?limit=3&since="+since, nil).done()
			part, _ := page.object()["events"].([]any)
			paged = append(paged, part...)
			if len(part) > 3 || text(page.object(), "position") == since {
				t.Fatalf("page %s", page.raw)
			}
			since = text(page.object(), "position")
			more, _ = page.object()["more"].(bool)
		}
		pages, _ := json.Marshal(paged)
		equal(t, "in pages", string(pages), string(want))
	}
	bob.call("GET", "/api/v1/sync?since=99999999", nil).invalid("position")
	bob.call("GET", "/api/v1/sync?since=x", nil).invalid("since")
}

func testSearch(t *testing.T, d deployment) {
	alice, bob := d.user(t, "alice"), d.user(t, "bob")
	word := unique("needle")
	room, hidden := alice.createRoom("private", "shown", bob.user), alice.createRoom("private", "hidden")
	alice.call("POST", "/api/v1/rooms/"+hidden+"/messages", object{"content": word}).done()
	shown := alice.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": "a " + word + " in the hay"}).done()
	found := bob.at(d.open).fresh("/api/v1/search?q="+word, shown.position())
	equalLists(t, "found", ids(found.items()), []string{text(shown.object(), "id")})
	left := bob.call("DELETE", "/api/v1/rooms/"+room+"/members/"+bob.user, nil).done()
	equal(t, "found after leaving", len(bob.at(d.open).fresh("/api/v1/search?q="+word, left.position()).items()), 0)
}
