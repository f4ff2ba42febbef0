package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

// What was answered live is what is answered as of that position, to the byte, whatever happens afterwards.
func TestTheAnswersOfThePast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, eve := w.person(t, "Ada"), w.person(t, "Bob"), w.person(t, "Eve", domain.RoleAdmin)
	room := w.room(t, ada, event.RoomPrivate, bob).ID
	base := "/rooms/" + room
	first := w.message(t, ada, room, "first").ID
	second := w.message(t, bob, room, "second").ID
	steps := []request{
		{method: "PATCH", path: base + "/messages/" + first, body: `{"content":"edited"}`},
		{method: "PUT", path: base + "/messages/" + first + "/reactions/+1"},
		{method: "POST", path: base + "/messages", body: fmt.Sprintf(`{"content":"answer","replyTo":%q,"mentions":[%q]}`, first, bob.id)},
		{method: "PUT", path: base + "/messages/" + second + "/pin"},
		{method: "PUT", path: base + "/members/" + eve.id, body: `{"role":"moderator"}`},
		{method: "PUT", path: base + "/read", body: `{"seq":2}`},
		{method: "POST", path: base + "/messages", body: `{"content":"last"}`},
		{method: "PATCH", path: base, body: `{"name":"renamed","topic":"other"}`},
		{method: "DELETE", path: base + "/messages/" + second},
		{method: "DELETE", path: base + "/members/" + eve.id},
		{method: "DELETE", path: base + "/messages/" + first + "/reactions/+1"},
	}
	paths := []string{
		base, base + "/members", base + "/members?limit=1", base + "/messages", base + "/messages?before=3&limit=1", base + "/messages?after=1", base + "/receipts",
		base + "/messages/" + first, "/unread",
	}
	type seen struct{ path, at, body string }
	var before []seen
	for _, step := range steps {
		done := w.as(t, ada, step.method, step.path, step.body)
		if done.status >= 300 {
			t.Fatalf("%s %s: %d %s", step.method, step.path, done.status, done.body)
		}
		for _, path := range paths {
			got := w.at(t, done, ada, path)
			got.want(t, path, 200, "")
			before = append(before, seen{path, got.header.Get("Parley-Position"), string(got.body)})
		}
	}
	for _, s := range before {
		path := s.path + "?at=position:" + s.at
		if strings.Contains(s.path, "?") {
			path = s.path + "&at=position:" + s.at
		}
		got := w.as(t, ada, "GET", path, "")
		if got.status != 200 || string(got.body) != s.body || got.header.Get("Parley-Position") != s.at {
			t.Errorf("%s: %d, position %s\n%s\nwas\n%s", path, got.status, got.header.Get("Parley-Position"), got.body, s.body)
		}
	}
}

func TestWhoSeesThePast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, author, member, stranger := w.person(t, "Owner"), w.person(t, "Author"), w.person(t, "Member"), w.person(t, "Stranger")
	admin := w.person(t, "Admin", domain.RoleAdmin)
	room := w.room(t, owner, event.RoomPrivate, author, member).ID
	m := w.message(t, author, room, "regretted")
	at := m.Position.String()
	deleted := w.as(t, author, "DELETE", "/rooms/"+room+"/messages/"+m.ID, "")
	deleted.want(t, "delete", 200, "")
	messages := "/rooms/" + room + "/messages?at=position:" + at
	for who, want := range map[string]struct {
		person
		content string
	}{"owner": {owner, "regretted"}, "author": {author, "regretted"}, "member": {member, ""}, "admin": {admin, "regretted"}} {
		var page list[wire.Message]
		w.at(t, deleted, want.person, messages).into(t, &page)
		if len(page.Items) != 1 || page.Items[0].Content != want.content || (page.Items[0].DeletedAt == nil) != (want.content != "") {
			t.Errorf("%s sees %+v", who, page.Items)
		}
		page = list[wire.Message]{}
		w.as(t, want.person, "GET", "/rooms/"+room+"/messages?at=position:"+deleted.header.Get("Parley-Position"), "").into(t, &page)
		if len(page.Items) != 1 || page.Items[0].Content != "" || page.Items[0].DeletedAt == nil {
			t.Errorf("%s sees after the deletion %+v", who, page.Items)
		}
	}
	w.as(t, owner, "DELETE", "/rooms/"+room+"/members/"+member.id, "").want(t, "remove", 200, "")
	for _, who := range []person{member, stranger} { // who is out has no past there
		for _, path := range []string{"", "/messages", "/messages/" + m.ID, "/members", "/receipts"} {
			w.as(t, who, "GET", "/rooms/"+room+path+"?at=position:"+at, "").want(t, path, 404, domain.CodeRoomNotFound)
		}
	}
}

// A time means all of its millisecond: that is how messages tell when they were sent.
func TestThePastByTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person(t, "Ada")
	room := w.room(t, ada, event.RoomPublic).ID
	first := w.message(t, ada, room, "first")
	stamp, err := first.At.MarshalText()
	must(t, err)
	messages := func(at string) (page list[wire.Message]) {
		t.Helper()
		got := w.as(t, ada, "GET", "/rooms/"+room+"/messages?at="+url.QueryEscape(at), "")
		got.want(t, at, 200, "")
		got.into(t, &page)
		return page
	}
	if page := messages(string(stamp)); len(page.Items) == 0 || page.Items[0].ID != first.ID {
		t.Errorf("at %s: %+v", stamp, page)
	}
	if page := messages("2001-01-01T00:00:00+02:00"); len(page.Items) != 0 || page.Items == nil || page.Position != 0 {
		t.Errorf("before everything: %+v", page)
	}
	last := w.message(t, ada, room, "last")
	for _, at := range []string{"2101-01-01T00:00:00Z", "position:99999999"} { // what is to come is not known: the present
		if page := messages(at); len(page.Items) != 2 || page.Position != last.Position {
			t.Errorf("at %s: %+v", at, page)
		}
	}
	w.as(t, ada, "GET", "/rooms/"+room+"?at=position:0", "").want(t, "the room before it was there", 404, domain.CodeRoomNotFound)
	w.as(t, ada, "GET", "/rooms/"+room+"/messages/"+last.ID+"?at=position:"+first.Position.String(), "").want(t, "a message to come", 404, domain.CodeMessageNotFound)
	for _, path := range []string{
		"", "/messages", "/messages/" + first.ID, "/members", "/receipts", "/messages/" + first.ID + "/replies?limit=1",
	} {
		path = "/rooms/" + room + path + map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "at=yesterday"
		got := w.as(t, ada, "GET", path, "")
		got.want(t, path, 400, domain.CodeInvalidPayload)
		if got.problem(t).Fields["at"] == "" {
			t.Errorf("%s: %s", path, got.body)
		}
	}
}
