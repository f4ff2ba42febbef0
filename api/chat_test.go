package api_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/api"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/projections/rooms"
)

type list[T any] struct {
	Items         []T
	NextCursor    string
	HasMoreBefore bool
	HasMoreAfter  bool
	Position      event.Position
}

type session struct {
	User struct {
		wire.User
		Email string
		Roles []domain.Role
	}
	AccessToken, RefreshToken string
	ExpiresIn                 int
}

func (w *world) enter(t *testing.T, path, body string, status int) session {
	t.Helper()
	got := ask(t, w, request{method: "POST", path: "/api/v1/auth/" + path, body: body})
	got.want(t, path, status, "")
	var s session
	got.into(t, &s)
	if s.AccessToken == "" || s.RefreshToken == "" || s.ExpiresIn != 900 || s.User.ID == "" {
		t.Errorf("%s: %s", path, got.body)
	}
	return s
}

func TestAnAccountFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.enter(t, "register", `{"username":"Ada","email":"ada@example.org","password":"correct horse","roles":["admin"],"id":"root"}`, 201)
	if first.User.Username != "Ada" || !first.User.Active || len(first.User.Roles) != 0 || first.User.ID == "root" {
		t.Errorf("%+v", first.User)
	}
	ada := person{first.User.ID, first.AccessToken}
	for _, me := range []answer{w.as(t, ada, "GET", "/users/me", ""), w.as(t, ada, "PATCH", "/users/me", "{}")} {
		me.want(t, "me", 200, "")
		if me.into(t, &first.User); first.User.Email != "ada@example.org" || first.User.DisplayName != "Ada" {
			t.Errorf("%s", me.body)
		}
	}
	if seen := w.as(t, w.person(t, "bob"), "GET", "/users/"+ada.id, ""); strings.Contains(string(seen.body), "example.org") {
		t.Errorf("others see %s", seen.body)
	}
	ask(t, w, request{method: "POST", path: "/api/v1/auth/register", body: `{"username":"ada","password":"correct horse"}`}).want(t, "twice", 409, domain.CodeConflict)
	ask(t, w, request{method: "POST", path: "/api/v1/auth/login", body: `{"username":"ada","password":"wrong horse"}`}).want(t, "wrong", 401, domain.CodeUnauthenticated)
	ask(t, w, request{method: "POST", path: "/api/v1/auth/register", body: `{"username":"b","password":"short"}`}).want(t, "short", 400, domain.CodeInvalidPayload)
	second := w.enter(t, "login", `{"email":"ada@example.org","password":"correct horse"}`, 200)
	third := w.enter(t, "refresh", `{"refreshToken":"`+second.RefreshToken+`"}`, 200)
	ask(t, w, request{method: "POST", path: "/api/v1/auth/refresh", body: `{"refreshToken":"` + second.RefreshToken + `"}`}).want(t, "reuse", 401, domain.CodeUnauthenticated)
	w.as(t, person{token: third.AccessToken}, "GET", "/users/me", "").want(t, "the family is revoked", 401, domain.CodeUnauthenticated)

	w.as(t, ada, "POST", "/auth/logout", "").want(t, "logout", 200, "")
	w.as(t, ada, "GET", "/users/me", "").want(t, "logged out", 401, domain.CodeUnauthenticated)

	fourth, fifth := w.enter(t, "login", `{"username":"ada","password":"correct horse"}`, 200), w.enter(t, "login", `{"username":"ada","password":"correct horse"}`, 200)
	ask(t, w, request{method: "POST", path: "/api/v1/auth/logout", body: `{"refreshToken":"` + fourth.RefreshToken + `","all":true}`}).want(t, "everywhere", 200, "")
	w.as(t, person{token: fifth.AccessToken}, "GET", "/users/me", "").want(t, "the other device", 401, domain.CodeUnauthenticated)
	w.enter(t, "login", `{"username":"ada","password":"correct horse"}`, 200)
}

func TestATokenOfElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person(t, "ada")
	if changed := w.as(t, ada, "PATCH", "/users/me", `{"displayName":"Ada L.","avatarUrl":""}`); changed.status != 200 ||
		!strings.Contains(string(changed.body), `"displayName":"Ada L."`) || strings.Contains(string(changed.body), "email") {
		t.Errorf("status %d, %s", changed.status, changed.body)
	}
	w.as(t, ada, "POST", "/auth/logout", "").want(t, "logout", 400, domain.CodeInvalidPayload)
	w.as(t, person{token: w.token(t, "nobody")}, "GET", "/users/me", "").want(t, "unknown user", 403, domain.CodeInvalidUser)
	w.as(t, ada, "POST", "/auth/logout", `{"all":true}`).want(t, "everywhere", 200, "")
	w.as(t, ada, "GET", "/users/me", "").want(t, "logged out", 401, domain.CodeUnauthenticated)
}

func TestDeactivation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.person(t, "root", domain.RoleAdmin)
	s := w.enter(t, "register", `{"username":"eve","password":"correct horse"}`, 201)
	eve := person{s.User.ID, s.AccessToken}
	w.as(t, root, "POST", "/users/"+eve.id+"/deactivate", "").want(t, "deactivate", 200, "")
	w.as(t, eve, "GET", "/users/me", "").want(t, "her token", 403, domain.CodeInvalidUser)
	ask(t, w, request{method: "POST", path: "/api/v1/auth/login", body: `{"username":"eve","password":"correct horse"}`}).want(t, "login", 401, domain.CodeUnauthenticated)
	ask(t, w, request{method: "POST", path: "/api/v1/auth/refresh", body: `{"refreshToken":"` + s.RefreshToken + `"}`}).want(t, "refresh", 403, domain.CodeInvalidUser)
	write := w.as(t, root, "POST", "/users/"+eve.id+"/reactivate", "")
	write.want(t, "reactivate", 200, "")
	w.as(t, eve, "GET", "/users/me", "").want(t, "her token again", 200, "")
	var user wire.User
	w.at(t, write, root, "/users/"+eve.id).into(t, &user)
	if !user.Active {
		t.Errorf("%+v", user)
	}
	w.as(t, root, "POST", "/users/nobody/deactivate", "").want(t, "nobody", 404, domain.CodeInvalidUser)
	w.as(t, root, "GET", "/users/nobody", "").want(t, "nobody", 404, domain.CodeInvalidUser)
}

func TestAConversation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person(t, "ada"), w.person(t, "bob")
	var room wire.Room
	w.as(t, ada, "POST", "/rooms", `{"name":"Lovelace","type":"private","memberIds":["`+bob.id+`"]}`).into(t, &room)
	base := "/rooms/" + room.ID

	var sent wire.Message
	write := w.as(t, bob, "POST", base+"/messages", `{"content":"<b>hi</b> & more","id":"x","seq":99,"sender":{"id":"`+ada.id+`"},"deletedAt":"2026-01-01T00:00:00Z"}`)
	write.want(t, "send", 201, "")
	write.into(t, &sent)
	if sent.Sender.ID != bob.id || sent.Seq != 1 || sent.Content != "<b>hi</b> & more" || sent.DeletedAt != nil || !strings.Contains(string(write.body), "<b>") {
		t.Errorf("%s", write.body)
	}
	var read wire.Message
	got := w.at(t, write, ada, base+"/messages/"+sent.ID)
	got.into(t, &read)
	if diff := cmp.Diff(string(write.body), string(got.body)); diff != "" {
		t.Errorf("what was sent is not what is read: %s", diff)
	}
	if positionOf(t, got) < positionOf(t, write) {
		t.Error("the read is older than asked for")
	}

	write = w.as(t, bob, "PATCH", base+"/messages/"+sent.ID, `{"content":"hello"}`)
	write.want(t, "edit", 200, "")
	w.at(t, write, ada, base+"/messages/"+sent.ID).into(t, &read)
	if read.Content != "hello" || read.EditedAt == nil {
		t.Errorf("%+v", read)
	}
	write = w.as(t, ada, "DELETE", base+"/messages/"+sent.ID, "")
	write.want(t, "delete", 200, "")
	w.at(t, write, bob, base+"/messages/"+sent.ID).into(t, &read)
	if read.Content != "" || read.DeletedAt == nil || read.Seq != 1 {
		t.Errorf("%+v", read)
	}
	w.as(t, bob, "PATCH", base+"/messages/"+sent.ID, `{"content":"again"}`).want(t, "edit what is deleted", 410, domain.CodeMessageDeleted)
	w.as(t, bob, "POST", base+"/messages", `{"content":"`+strings.Repeat("x", 5001)+`"}`).want(t, "too long", 413, domain.CodeContentTooLong)
	w.as(t, bob, "POST", base+"/messages", `{"content":" "}`).want(t, "empty", 400, domain.CodeInvalidPayload)
	for _, id := range []string{"x", "00000000-0000-0000-0000-000000000000"} {
		w.as(t, bob, "GET", base+"/messages/"+id, "").want(t, "get "+id, 404, domain.CodeMessageNotFound)
		w.as(t, bob, "DELETE", base+"/messages/"+id, "").want(t, "delete "+id, 404, domain.CodeMessageNotFound)
	}

	write = w.as(t, ada, "DELETE", base, "")
	write.want(t, "archive", 200, "")
	w.as(t, bob, "POST", base+"/messages", `{"content":"late"}`).want(t, "archived", 409, domain.CodeRoomArchived)
	w.at(t, write, bob, base).into(t, &room)
	if room.ArchivedAt == nil {
		t.Errorf("%+v", room)
	}
}

func TestARepeatedSendIsOneMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person(t, "ada")
	room := w.room(t, ada, event.RoomPrivate)
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		ids = map[string]int{}
	)
	for range 10 {
		wg.Go(func() {
			got := w.as(t, ada, "POST", "/rooms/"+room.ID+"/messages", `{"content":"once"}`, "Idempotency-Key", "key-1")
			got.want(t, "send", 201, "")
			var m wire.Message
			got.into(t, &m)
			mu.Lock()
			defer mu.Unlock()
			ids[m.ID+got.header.Get("Parley-Position")]++
		})
	}
	wg.Wait()
	write := w.as(t, ada, "POST", "/rooms/"+room.ID+"/messages", `{"content":"another"}`, "Idempotency-Key", "key-2")
	var page list[wire.Message]
	w.at(t, write, ada, "/rooms/"+room.ID+"/messages").into(t, &page)
	if len(ids) != 1 || len(page.Items) != 2 {
		t.Errorf("answers %v, messages %d", ids, len(page.Items))
	}
}

func TestPagesOfMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person(t, "ada")
	room := w.room(t, ada, event.RoomPrivate)
	for n := range 9 {
		w.message(t, ada, room.ID, fmt.Sprint("message ", n+1))
	}
	write := w.as(t, ada, "POST", "/rooms/"+room.ID+"/messages", `{"content":"message 10"}`)
	for query, want := range map[string]struct {
		seqs          []int64
		before, after bool
	}{
		"":                   {[]int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, false, false},
		"?limit=3":           {[]int64{8, 9, 10}, true, false},
		"?limit=3&before=8":  {[]int64{5, 6, 7}, true, true},
		"?limit=3&before=3":  {[]int64{1, 2}, false, true},
		"?limit=3&before=1":  {nil, false, true},
		"?limit=3&after=0":   {[]int64{1, 2, 3}, false, true},
		"?limit=200&after=0": {[]int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, false, false},
		"?limit=3&after=8":   {[]int64{9, 10}, true, false},
		"?limit=3&after=10":  {nil, true, false},
		"?limit=3&around=5":  {[]int64{4, 5, 6}, true, true},
	} {
		got := w.at(t, write, ada, "/rooms/"+room.ID+"/messages"+query)
		got.want(t, query, 200, "")
		var page list[wire.Message]
		got.into(t, &page)
		var seqs []int64
		for _, m := range page.Items {
			seqs = append(seqs, m.Seq)
		}
		if diff := cmp.Diff(want.seqs, seqs); diff != "" || page.HasMoreBefore != want.before || page.HasMoreAfter != want.after {
			t.Errorf("%s: seqs %v, before %v, after %v", query, seqs, page.HasMoreBefore, page.HasMoreAfter)
		}
		if !strings.Contains(string(got.body), `"items":[`) || page.Position.String() != got.header.Get("Parley-Position") {
			t.Errorf("%s: %s", query, got.body)
		}
	}
}

func TestPublicRooms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person(t, "ada"), w.person(t, "bob")
	room := w.room(t, ada, event.RoomPublic)
	base := "/rooms/" + room.ID
	w.as(t, bob, "GET", base, "").want(t, "room", 200, "")
	w.as(t, bob, "GET", base+"/members", "").want(t, "members", 200, "")
	w.as(t, bob, "GET", base+"/messages", "").want(t, "messages", 403, domain.CodeNotAMember)
	w.as(t, bob, "POST", base+"/messages", `{"content":"x"}`).want(t, "send", 403, domain.CodeNotAMember)

	write := w.as(t, bob, "PUT", base+"/members/"+bob.id, "")
	write.want(t, "join", 200, "")
	var joined wire.Member
	if write.into(t, &joined); joined.UserID != bob.id || joined.Role != event.RoleMember {
		t.Errorf("%s", write.body)
	}
	again := w.as(t, bob, "PUT", base+"/members/"+bob.id, "")
	again.want(t, "join again", 200, "")
	w.as(t, bob, "POST", base+"/messages", `{"content":"x"}`).want(t, "send", 201, "")
	w.as(t, bob, "PUT", base+"/members/"+bob.id, `{"role":"owner"}`).want(t, "make oneself owner", 403, domain.CodeForbidden)
	promoted := w.as(t, ada, "PUT", base+"/members/"+bob.id, `{"role":"moderator"}`)
	promoted.want(t, "promote", 200, "")
	if promoted.into(t, &joined); joined.Role != event.RoleModerator {
		t.Errorf("%s", promoted.body)
	}
	var members list[wire.Member]
	w.at(t, promoted, bob, base+"/members").into(t, &members)
	if len(members.Items) != 2 {
		t.Errorf("%+v", members)
	}
	w.as(t, ada, "DELETE", base+"/members/"+ada.id, "").want(t, "the last owner", 409, domain.CodeLastOwner)
	w.as(t, bob, "DELETE", base+"/members/"+bob.id, "").want(t, "leave", 200, "")
	w.as(t, bob, "GET", base+"/messages", "").want(t, "messages", 403, domain.CodeNotAMember)

	var public list[wire.Room]
	w.at(t, promoted, bob, "/rooms?scope=public&q="+strings.ToUpper(room.Name)).into(t, &public)
	if len(public.Items) != 1 || public.Items[0].ID != room.ID {
		t.Errorf("%+v", public)
	}
	var mine list[rooms.Summary]
	last := w.as(t, ada, "POST", base+"/messages", `{"content":"the last word"}`)
	w.at(t, last, ada, "/rooms").into(t, &mine)
	if len(mine.Items) != 1 || mine.Items[0].ID != room.ID || mine.Items[0].LastMessage == nil || mine.Items[0].LastMessage.Content != "the last word" {
		t.Errorf("%+v", mine)
	}
}

// A removal counts from its answer on, wherever the views are, and also on a node that has not heard of it: this one
// hears of nothing over Redis.
func TestARemovalCountsAtOnce(t *testing.T) {
	t.Parallel()
	pool, prefix := testenv.Pool(t), testenv.Prefix(t)
	node1, node2 := newNode(t, pool, prefix), newNode(t, pool, prefix+"deaf-")
	ada, bob := node1.person(t, "ada"), node1.person(t, "bob")
	base := "/rooms/" + node1.room(t, ada, event.RoomPrivate, bob).ID
	member := base + "/members/" + bob.id
	for _, path := range []string{base, base + "/members", base + "/messages", base + "/messages?pinned=true", base + "/messages/x", base + "/receipts"} {
		node2.as(t, bob, "GET", base+"/messages", "").want(t, "before", 200, "")
		node1.as(t, ada, "DELETE", member, "").want(t, "remove", 200, "")
		node2.as(t, bob, "GET", path, "").want(t, path, 404, domain.CodeRoomNotFound)
		node2.as(t, bob, "POST", base+"/messages", `{"content":"x"}`).want(t, "send", 404, domain.CodeRoomNotFound)
		node1.as(t, ada, "PUT", member, "").want(t, "add", 200, "")
	}
}

// Whoever guesses ids learns nothing from the answers.
func TestHiddenRoomsAreLikeNoRooms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, eve := w.person(t, "ada"), w.person(t, "eve")
	room := w.room(t, ada, event.RoomPrivate)
	m := w.message(t, ada, room.ID, "secret")
	own := w.room(t, eve, event.RoomPrivate)
	for _, r := range []struct{ method, path, body string }{
		{"GET", "/rooms/{room}", ""},
		{"PATCH", "/rooms/{room}", `{"name":"x"}`},
		{"DELETE", "/rooms/{room}", ""},
		{"GET", "/rooms/{room}/members", ""},
		{"PUT", "/rooms/{room}/members/" + eve.id, ""},
		{"PUT", "/rooms/{room}/members/" + eve.id, `{"role":"owner"}`},
		{"DELETE", "/rooms/{room}/members/" + ada.id, ""},
		{"DELETE", "/rooms/{room}/members/" + eve.id, ""},
		{"GET", "/rooms/{room}/messages", ""},
		{"GET", "/rooms/{room}/messages?limit=x", ""},
		{"POST", "/rooms/{room}/messages", `{"content":"x"}`},
		{"POST", "/rooms/{room}/messages", `{"content":"x","replyTo":"` + m.ID + `"}`},
		{"GET", "/rooms/{room}/messages/" + m.ID, ""},
		{"PATCH", "/rooms/{room}/messages/" + m.ID, `{"content":"x"}`},
		{"DELETE", "/rooms/{room}/messages/" + m.ID, ""},
		{"GET", "/rooms/{room}/messages?pinned=true", ""},
		{"GET", "/rooms/{room}/receipts", ""},
		{"PUT", "/rooms/{room}/read", `{"seq":1}`},
		{"PUT", "/rooms/{room}/read", `{"messageId":"` + m.ID + `"}`},
		{"GET", "/rooms/{room}/messages/" + m.ID + "/readers", ""},
		{"GET", "/rooms/{room}/messages/" + m.ID + "/replies", ""},
		{"GET", "/rooms/{room}/messages/" + m.ID + "/revisions", ""},
		{"PUT", "/rooms/{room}/messages/" + m.ID + "/reactions/x", ""},
		{"DELETE", "/rooms/{room}/messages/" + m.ID + "/reactions/x", ""},
		{"PUT", "/rooms/{room}/messages/" + m.ID + "/pin", ""},
		{"DELETE", "/rooms/{room}/messages/" + m.ID + "/pin", ""},
	} {
		hidden := w.as(t, eve, r.method, strings.ReplaceAll(r.path, "{room}", room.ID), r.body)
		absent := w.as(t, eve, r.method, strings.ReplaceAll(r.path, "{room}", "no-such-room"), r.body)
		a, b := hidden.problem(t), absent.problem(t)
		a.RequestID, b.RequestID = "", ""
		if diff := cmp.Diff(a, b); diff != "" || a.Code != domain.CodeRoomNotFound {
			t.Errorf("%s %s: %s", r.method, r.path, diff)
		}
	}
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		body := ""
		if method == "PATCH" {
			body = `{"content":"x"}`
		}
		w.as(t, eve, method, "/rooms/"+own.ID+"/messages/"+m.ID, body).want(t, method+" through a room of one's own", 404, domain.CodeMessageNotFound)
	}
	for path, method := range map[string]string{"replies": "GET", "revisions": "GET", "readers": "GET", "reactions/x": "PUT", "pin": "PUT"} {
		w.as(t, eve, method, "/rooms/"+own.ID+"/messages/"+m.ID+"/"+path, "").want(t, path+" through a room of one's own", 404, domain.CodeMessageNotFound)
	}
	w.as(t, eve, "POST", "/rooms/"+own.ID+"/messages", `{"content":"x","replyTo":"`+m.ID+`"}`).want(t, "reply to it", 404, domain.CodeMessageNotFound)
}

func TestReadsSeeWrites(t *testing.T) {
	t.Parallel()
	pool, prefix := testenv.Pool(t), testenv.Prefix(t)
	nodes := []*world{newNode(t, pool, prefix), newNode(t, pool, prefix)}
	ada := nodes[0].person(t, "ada")
	room := nodes[0].room(t, ada, event.RoomPrivate)
	for n := range 10 {
		writer, reader := nodes[n%2], nodes[(n+1)%2]
		name := fmt.Sprint("name ", n)
		write := writer.as(t, ada, "PATCH", "/users/me", `{"displayName":"`+name+`"}`)
		write.want(t, "profile", 200, "")
		for _, path := range []string{"/users/me", "/users/" + ada.id} {
			var user wire.User
			if reader.at(t, write, ada, path).into(t, &user); user.DisplayName != name {
				t.Errorf("%s: %q after %q was written", path, user.DisplayName, name)
			}
		}
		write = writer.as(t, ada, "PATCH", "/rooms/"+room.ID, `{"topic":"`+name+`"}`)
		var got wire.Room
		if reader.at(t, write, ada, "/rooms/"+room.ID).into(t, &got); got.Topic != name {
			t.Errorf("topic %q after %q was written", got.Topic, name)
		}
	}
	nodes[0].as(t, ada, "GET", "/users/me", "", "Parley-Min-Position", "999999999").want(t, "the future", 503, domain.CodeStale)
}

func TestSearchIsLiteral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person(t, "ada")
	w.person(t, "Percy")
	last := w.person(t, "50%_off")
	write := w.as(t, last, "PATCH", "/users/me", `{"displayName":"x"}`)
	for text, want := range map[string]int{"perc": 1, "PERC": 1, "50%25_": 1, "%25": 0, "_": 0, "%27%20OR%201=1--": 0, "nobody": 0} {
		var found list[wire.User]
		if w.at(t, write, ada, "/users?q="+text).into(t, &found); len(found.Items) != want {
			t.Errorf("%q finds %d", text, len(found.Items))
		}
	}
	var page list[wire.User]
	w.at(t, write, ada, "/users?limit=1").into(t, &page)
	seen := len(page.Items)
	for page.NextCursor != "" {
		cursor := page.NextCursor
		page = list[wire.User]{}
		w.as(t, ada, "GET", "/users?limit=1&cursor="+cursor, "").into(t, &page)
		seen += len(page.Items)
	}
	if seen < 3 {
		t.Errorf("paging finds %d", seen)
	}
	for _, cursor := range []string{"x", "W10", "eyJhIjoxfQ", "%00", "%ff"} {
		w.as(t, ada, "GET", "/users?cursor="+cursor, "").want(t, "cursor "+cursor, 400, domain.CodeInvalidPayload)
	}
}

func TestWithoutLocalAccounts(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	for _, path := range []string{"register", "login", "refresh"} {
		ask(t, a, request{method: "POST", path: "/api/v1/auth/" + path, body: "{}"}).want(t, path, 404, domain.CodeUnknownEvent)
	}
}
