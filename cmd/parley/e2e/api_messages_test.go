package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func testMessages(t *testing.T, d deployment) {
	alice, bob := d.user(t, "alice"), d.user(t, "bob")
	path := "/api/v1/rooms/" + alice.createRoom("public", "messages", bob.user) + "/messages"
	sent := alice.call("POST", path, object{"content": "<b>one</b>"}).want(http.StatusCreated).done()
	said := sent.object()
	one := path + "/" + text(said, "id")
	equal(t, "content", text(said, "content"), "<b>one</b>")
	equal(t, "seq", said["seq"], any(1.0))
	equal(t, "position", text(said, "position"), sent.position())
	equal(t, "what is read", string(bob.at(d.open).fresh(one, sent.position()).want(http.StatusOK).raw), string(sent.raw))

	bob.call("PATCH", one, object{"content": "two"}).problem(http.StatusForbidden, "FORBIDDEN")
	edited := alice.call("PATCH", one, object{"content": "two"}).done()
	got := bob.at(d.open).fresh(one, edited.position()).want(http.StatusOK).object()
	equal(t, "content after the edit", text(got, "content"), "two")
	if got["editedAt"] == nil {
		t.Error("editedAt is not set")
	}

	bob.call("DELETE", one, nil).problem(http.StatusForbidden, "FORBIDDEN")
	gone := alice.call("DELETE", one, nil).done()
	got = bob.at(d.open).fresh(one, gone.position()).want(http.StatusOK).object()
	equal(t, "content after the deletion", text(got, "content"), "")
	if got["deletedAt"] == nil {
		t.Error("deletedAt is not set")
	}
	alice.call("PATCH", one, object{"content": "three"}).refused("MESSAGE_DELETED")

	missing := path + "/00000000-0000-4000-8000-000000000000"
	bob.call("GET", missing, nil).problem(http.StatusNotFound, "MESSAGE_NOT_FOUND")
	bob.call("PATCH", missing, object{"content": "x"}).problem(http.StatusNotFound, "MESSAGE_NOT_FOUND")
	bob.call("DELETE", missing, nil).problem(http.StatusNotFound, "MESSAGE_NOT_FOUND")
	bob.call("POST", path, object{"content": ""}).invalid("content")
	bob.call("POST", path, object{"content": strings.Repeat("x", 5001)}).refused("CONTENT_TOO_LONG")
	d.user(t, "carol").call("POST", path, object{"content": "x"}).problem(http.StatusForbidden, "NOT_A_MEMBER")
}

// page is one answer of GET …/messages.
type page struct {
	seqs                        string
	hasMoreBefore, hasMoreAfter any
}

func testPages(t *testing.T, d deployment) {
	alice := d.user(t, "alice")
	path := "/api/v1/rooms/" + alice.createRoom("public", "pages") + "/messages"
	var position string
	for i := range 10 {
		position = alice.call("POST", path, object{"content": strconv.Itoa(i + 1)}).done().position()
	}
	read := func(query string) page {
		t.Helper()
		a := alice.at(d.open).fresh(path+query, position)
		var seqs []string
		for _, item := range a.items() {
			seqs = append(seqs, fmt.Sprint(item["seq"]))
			equal(t, "content of that seq", text(item, "content"), fmt.Sprint(item["seq"]))
		}
		body := a.object()
		if toPosition(text(body, "position")) < toPosition(position) {
			t.Errorf("%s: position %v, before %s", query, body["position"], position)
		}
		return page{strings.Join(seqs, " "), body["hasMoreBefore"], body["hasMoreAfter"]}
	}
	for query, want := range map[string]page{
		"":                  {"1 2 3 4 5 6 7 8 9 10", false, false},
		"?limit=3":          {"8 9 10", true, false},
		"?before=8&limit=3": {"5 6 7", true, true},
		"?before=3&limit=3": {"1 2", false, true},
		"?before=1":         {"", false, true},
		"?after=0&limit=3":  {"1 2 3", false, true},
		"?after=8":          {"9 10", true, false},
		"?after=10":         {"", true, false},
		"?after=99":         {"", true, false},
		"?around=5&limit=3": {"4 5 6", true, true},
		"?around=1&limit=3": {"1 2 3", false, true},
	} {
		if strings.Contains(query, "around=1&") { // how many there are at an end is left open
			if got := read(query); !strings.HasPrefix(got.seqs, "1 2") || got.hasMoreBefore != false {
				t.Errorf("%q: %v", query, got)
			}
			continue
		}
		equal(t, "messages"+query, read(query), want)
	}
	for _, query := range []string{"?limit=0", "?limit=-1", "?limit=many", "?before=x", "?after=-1", "?around="} {
		alice.call("GET", path+query, nil).invalid("")
	}
	if a := alice.call("GET", path+"?limit=201", nil); a.status != http.StatusOK {
		a.invalid("") // refused or cut short, but not more than 200
	}
}

func testIdempotencyKeys(t *testing.T, d deployment) {
	alice, bob := d.user(t, "alice"), d.user(t, "bob")
	room := alice.createRoom("public", "idempotency", bob.user)
	path := "/api/v1/rooms/" + room + "/messages"
	send := func(c caller, key string) string {
		t.Helper()
		return text(c.call("POST", path, object{"content": "once"}, "Idempotency-Key", key).done().object(), "id")
	}
	first := send(alice, "key-1")
	equal(t, "the same key", send(alice, "key-1"), first)
	equal(t, "the same key at another node", send(alice.at(d.open), "key-1"), first)
	if send(alice, "key-2") == first || send(bob, "key-1") == first {
		t.Error("another key or user got the first message")
	}
	position := alice.call("POST", path, object{"content": "last"}).done().position()
	equal(t, "messages stored", len(alice.history(room, position)), 4)
	alice.call("POST", path, object{"content": "x"}, "Idempotency-Key", strings.Repeat("x", 65)).want(400, 422)
}

func testPositions(t *testing.T, d deployment) {
	alice := d.user(t, "alice")
	room := alice.createRoom("public", "positions")
	path := "/api/v1/rooms/" + room + "/messages"
	last := int64(0)
	for range 20 { // what was written at one node is read at the other, at once
		position := alice.call("POST", path, object{"content": "x"}).done().position()
		if toPosition(position) <= last {
			t.Fatalf("position %s after %d", position, last)
		}
		last = toPosition(position)
		items := alice.at(d.open).fresh(path+"?limit=1", position).items()
		if len(items) != 1 || text(items[0], "position") != position {
			t.Fatalf("read %v at position %s", items, position)
		}
	}
	began := time.Now()
	alice.fresh(path, "9223372036854775807").problem(http.StatusServiceUnavailable, "STALE")
	if took := time.Since(began); took < 1500*time.Millisecond || took > 5*time.Second {
		t.Errorf("STALE after %s, want about 2 s", took)
	}
	for _, bad := range []string{"-1", "x", "1.5", "99999999999999999999"} {
		alice.fresh(path, bad).want(400, 422)
	}
}
