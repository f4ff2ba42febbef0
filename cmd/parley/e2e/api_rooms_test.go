package e2e_test

import (
	"net/http"
	"slices"
	"testing"
)

func testRooms(t *testing.T, d deployment) {
	alice, bob := d.user(t, "alice"), d.user(t, "bob")
	name := unique("room")
	created := alice.call("POST", "/api/v1/rooms", object{"name": name, "type": "public", "topic": "this", "memberIds": []string{bob.user}})
	room := created.want(http.StatusCreated).done().object()
	id := text(room, "id")
	equal(t, "the room's position is the answer's", text(room, "position"), created.position())
	equal(t, "memberCount", room["memberCount"], any(2.0))

	got := bob.at(d.open).fresh("/api/v1/rooms/"+id, created.position()).want(http.StatusOK).object()
	for key, value := range room {
		equal(t, key, got[key], value)
	}
	for _, c := range []caller{alice, bob} {
		mine := c.at(d.open).fresh("/api/v1/rooms", created.position()).items()
		equalLists(t, "rooms of mine", ids(mine), []string{id})
	}
	found := d.user(t, "carol").fresh("/api/v1/rooms?scope=public&q="+name, created.position()).items()
	equalLists(t, "public rooms of that name", ids(found), []string{id})

	bob.call("PATCH", "/api/v1/rooms/"+id, object{"topic": "mine"}).problem(http.StatusForbidden, "FORBIDDEN")
	changed := alice.call("PATCH", "/api/v1/rooms/"+id, object{"topic": "that"}).done()
	got = bob.at(d.open).fresh("/api/v1/rooms/"+id, changed.position()).want(http.StatusOK).object()
	equal(t, "topic", text(got, "topic"), "that")
	equal(t, "name", text(got, "name"), name)

	alice.call("POST", "/api/v1/rooms", object{"id": id, "name": "again", "type": "public"}).refused("ROOM_EXISTS")
	alice.call("POST", "/api/v1/rooms", object{"type": "public"}).invalid("name")
	alice.call("POST", "/api/v1/rooms", object{"name": "x", "type": "secret"}).invalid("type")

	archived := alice.call("DELETE", "/api/v1/rooms/"+id, nil).done()
	got = bob.at(d.open).fresh("/api/v1/rooms/"+id, archived.position()).want(http.StatusOK).object()
	if got["archivedAt"] == nil {
		t.Errorf("not archived: %v", got)
	}
	bob.call("POST", "/api/v1/rooms/"+id+"/messages", object{"content": "late"}).refused("ROOM_ARCHIVED")
	found = bob.fresh("/api/v1/rooms?scope=public&q="+name, archived.position()).items()
	equal(t, "archived rooms on offer", len(found), 0)
}

func testMembers(t *testing.T, d deployment) {
	alice, bob, carol := d.user(t, "alice"), d.user(t, "bob"), d.user(t, "carol")
	path := "/api/v1/rooms/" + alice.createRoom("private", "members") + "/members"

	added := alice.call("PUT", path+"/"+bob.user, object{}).done()
	member := bob.at(d.open).fresh(path, added.position()).items()
	roles := map[string]string{}
	for _, m := range member {
		roles[text(m, "userId")] = text(m, "role")
	}
	equal(t, "the owner", roles[alice.user], "owner")
	equal(t, "who was added", roles[bob.user], "member")
	equal(t, "members", len(member), 2)

	bob.call("PUT", path+"/"+carol.user, object{}).problem(http.StatusForbidden, "FORBIDDEN")
	promoted := alice.call("PUT", path+"/"+bob.user, object{"role": "moderator"}).done()
	roles = map[string]string{}
	for _, m := range bob.fresh(path, promoted.position()).items() {
		roles[text(m, "userId")] = text(m, "role")
	}
	equal(t, "the role after PUT", roles[bob.user], "moderator")
	alice.call("PUT", path+"/"+bob.user, object{"role": "king"}).invalid("role")

	bob.call("PUT", path+"/"+carol.user, object{}).done()
	removed := alice.call("DELETE", path+"/"+carol.user, nil).done()
	left := bob.call("DELETE", path+"/"+bob.user, nil).done()
	if toPosition(left.position()) <= toPosition(removed.position()) {
		t.Error("positions do not ascend")
	}
	carol.fresh(path, left.position()).problem(http.StatusNotFound, "ROOM_NOT_FOUND")
	alice.call("DELETE", path+"/"+alice.user, nil).refused("LAST_OWNER")
	equal(t, "members in the end", len(alice.fresh(path, left.position()).items()), 1)
}

// What a stranger is told of a private room is what they are told of one that is not there.
func testHiddenRooms(t *testing.T, d deployment) {
	alice, eve := d.user(t, "alice"), d.user(t, "eve")
	hidden := alice.createRoom("private", unique("hidden"))
	said := alice.call("POST", "/api/v1/rooms/"+hidden+"/messages", object{"content": "secret"}).done()
	message := text(said.object(), "id")
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"GET", "", nil},
		{"PATCH", "", object{"name": "x"}},
		{"DELETE", "", nil},
		{"GET", "/members", nil},
		{"PUT", "/members/" + eve.user, object{}},
		{"DELETE", "/members/" + alice.user, nil},
		{"GET", "/messages", nil},
		{"POST", "/messages", object{"content": "x"}},
		{"GET", "/messages/" + message, nil},
		{"PATCH", "/messages/" + message, object{"content": "x"}},
		{"DELETE", "/messages/" + message, nil},
	} {
		for _, room := range []string{hidden, unique("missing")} {
			eve.call(c.method, "/api/v1/rooms/"+room+c.path, c.body).problem(http.StatusNotFound, "ROOM_NOT_FOUND")
		}
	}
	for _, query := range []string{"", "?scope=public", "?scope=public&q=hidden"} {
		if slices.Contains(ids(eve.fresh("/api/v1/rooms"+query, said.position()).items()), hidden) {
			t.Errorf("GET /rooms%s shows a hidden room", query)
		}
	}
}
