package api_test

import (
	"net/url"
	"strings"
	"testing"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
)

func TestSearchShowsWhatOneMayReadNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, eve := w.person(t, "Ada"), w.person(t, "Bob"), w.person(t, "Eve", domain.RoleAdmin)
	den := w.room(t, ada, event.RoomPrivate, bob)
	hall := w.room(t, ada, event.RoomPublic)
	w.message(t, ada, den.ID, "the fox in the den")
	w.message(t, ada, hall.ID, "the fox in the hall")
	changed := w.message(t, ada, den.ID, "an old fox")
	gone := w.message(t, ada, den.ID, "a dead fox")
	base := "/rooms/" + den.ID + "/messages/"
	w.as(t, ada, "PATCH", base+changed.ID, `{"content":"a new bear"}`).want(t, "edit", 200, "")
	last := w.as(t, ada, "DELETE", base+gone.ID, "")
	found := func(p person, query string) string {
		t.Helper()
		var list projections.List[wire.Message]
		answer := w.at(t, last, p, "/search?"+query)
		answer.want(t, query, 200, "")
		answer.into(t, &list)
		contents := []string{}
		for _, m := range list.Items {
			contents = append(contents, m.Content)
		}
		return strings.Join(contents, ", ")
	}
	const inDen, inHall = "the fox in the den", "the fox in the hall"
	for _, c := range []struct {
		who         person
		query, want string
	}{
		{ada, "q=FOX", inHall + ", " + inDen},
		{ada, "q=fox&roomId=" + den.ID, inDen},
		{bob, "q=fox", inDen},
		{eve, "q=fox", ""},
		{ada, "q=old", ""},
		{ada, "q=dead", ""},
		{bob, "q=bear", "a new bear"},
		{bob, "q=" + url.QueryEscape("' OR 1=1; --"), ""},
	} {
		if got := found(c.who, c.query); got != c.want {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
	w.as(t, bob, "GET", "/search?q=fox&roomId="+hall.ID, "").want(t, "a public room", 403, domain.CodeNotAMember)
	outsider := w.person(t, "Oz")
	w.as(t, outsider, "GET", "/search?q=fox&roomId="+den.ID, "").want(t, "a private room", 404, domain.CodeRoomNotFound)
	for _, bad := range []string{"", "q=", "q=a&limit=101", "q=a&limit=0", "q=a&cursor=x", "q=a%00b", "q=%ff", "q=a&roomId=%20", "q=" + strings.Repeat("a", 257)} {
		w.as(t, ada, "GET", "/search?"+bad, "").want(t, bad, 400, domain.CodeInvalidPayload)
	}
	_, err := w.menu.RemoveMember.Do(t.Context(), commands.Actor{Principal: domain.Principal{UserID: ada.id}},
		commands.RemoveMember{RoomID: den.ID, UserID: bob.id})
	must(t, err)
	if got := found(bob, "q=fox"); got != "" { // whether the views have seen it or not
		t.Errorf("removed, and finds %q", got)
	}
}
