package api_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

func TestReactions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person(t, "ada"), w.person(t, "bob")
	room := w.room(t, ada, event.RoomPrivate, bob)
	m := w.message(t, ada, room.ID, "hi")
	base := "/rooms/" + room.ID + "/messages/" + m.ID
	family := base + "/reactions/" + url.PathEscape("👩‍👩‍👧‍👦")
	w.as(t, bob, "PUT", family, "").want(t, "react", 200, "")
	w.as(t, ada, "PUT", base+"/reactions/%2B1", "").want(t, "react", 200, "")
	w.as(t, ada, "PUT", base+"/reactions/a%2Fb", "").want(t, "react", 200, "")
	var reacted commands.Reacted
	write := w.as(t, ada, "PUT", family, "")
	write.into(t, &reacted)
	want := map[string][]string{"👩‍👩‍👧‍👦": {bob.id, ada.id}, "+1": {ada.id}, "a/b": {ada.id}}
	if diff := cmp.Diff(want, reacted.Reactions); diff != "" || reacted.MessageID != m.ID {
		t.Errorf("answered:\n%s", diff)
	}
	var read wire.Message
	w.at(t, write, bob, base).into(t, &read)
	if diff := cmp.Diff(want, read.Reactions); diff != "" || read.Position != reacted.Position {
		t.Errorf("read at %d:\n%s", read.Position, diff)
	}
	write = w.as(t, bob, "DELETE", family, "")
	write.want(t, "take back", 200, "")
	var page list[wire.Message]
	w.at(t, write, bob, "/rooms/"+room.ID+"/messages").into(t, &page)
	if got := page.Items[0].Reactions["👩‍👩‍👧‍👦"]; len(got) != 1 || got[0] != ada.id {
		t.Errorf("left are %v", got)
	}
	w.as(t, bob, "PUT", base+"/reactions/%20", "").want(t, "a blank", 400, domain.CodeInvalidPayload)
	w.as(t, bob, "PUT", base+"/reactions/%ff", "").want(t, "no text", 400, domain.CodeInvalidPayload)
	edited := w.as(t, ada, "PATCH", base, `{"content":"hello"}`)
	var answer wire.Message
	edited.into(t, &answer)
	w.at(t, edited, bob, base).into(t, &read)
	if diff := cmp.Diff(answer.Reactions, read.Reactions); diff != "" || len(read.Reactions) != 3 {
		t.Errorf("an edit changes the reactions (-answered +read):\n%s", diff)
	}
}

func TestPins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person(t, "ada"), w.person(t, "bob")
	room := w.room(t, ada, event.RoomPrivate, bob)
	base := "/rooms/" + room.ID + "/messages"
	var ids []string
	for n := range 5 {
		ids = append(ids, w.message(t, bob, room.ID, fmt.Sprint("number ", n+1)).ID)
	}
	for _, n := range []int{3, 0, 4} {
		w.as(t, ada, "PUT", base+"/"+ids[n]+"/pin", "").want(t, "pin", 200, "")
	}
	w.as(t, ada, "DELETE", base+"/"+ids[0]+"/pin", "").want(t, "unpin", 200, "")
	w.as(t, ada, "PUT", base+"/"+ids[1]+"/pin", "").want(t, "pin", 200, "")
	last := w.as(t, bob, "DELETE", base+"/"+ids[4], "")
	var page list[wire.Message]
	w.at(t, last, bob, base+"?pinned=true").into(t, &page)
	if got := seqsOf(page.Items); got != "2 4" || !page.Items[0].Pinned || page.HasMoreBefore || page.HasMoreAfter {
		t.Errorf("pinned are %q", got)
	}
	page = list[wire.Message]{}
	w.as(t, bob, "GET", base+"?pinned=true&limit=1", "").into(t, &page)
	if got := seqsOf(page.Items); got != "4" || !page.HasMoreBefore {
		t.Errorf("the last one pinned is %q", got)
	}
	w.as(t, bob, "GET", base+"?pinned=maybe", "").want(t, "maybe", 400, domain.CodeInvalidPayload)
}

func seqsOf(messages []wire.Message) string {
	seqs := make([]string, len(messages))
	for i, m := range messages {
		seqs[i] = strconv.FormatInt(m.Seq, 10)
	}
	return strings.Join(seqs, " ")
}

func TestThreads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person(t, "ada"), w.person(t, "bob")
	room := w.room(t, ada, event.RoomPrivate, bob)
	base := "/rooms/" + room.ID + "/messages"
	first, other := w.message(t, ada, room.ID, "a question"), w.message(t, bob, room.ID, "something else")
	var replies []wire.Message
	for n := range 5 {
		var reply wire.Message
		w.as(t, bob, "POST", base, fmt.Sprintf(`{"content":"answer %d","replyTo":%q}`, n, first.ID)).into(t, &reply)
		replies = append(replies, reply)
		w.message(t, ada, room.ID, "in between")
	}
	write := w.as(t, bob, "DELETE", base+"/"+replies[1].ID, "")
	var page list[wire.Message]
	w.at(t, write, ada, base+"/"+first.ID+"/replies").into(t, &page)
	if got := seqsOf(page.Items); got != "3 5 7 9 11" || page.Items[1].DeletedAt == nil || page.Items[1].Content != "" {
		t.Errorf("the answers are %q: %+v", got, page.Items)
	}
	for query, want := range map[string]string{"?limit=2": "9 11", "?before=9&limit=2": "5 7", "?after=3&limit=2": "5 7", "?around=7&limit=2": "5 7"} {
		page = list[wire.Message]{}
		w.as(t, ada, "GET", base+"/"+first.ID+"/replies"+query, "").into(t, &page)
		if got := seqsOf(page.Items); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	var parent wire.Message
	w.as(t, ada, "GET", base+"/"+first.ID, "").into(t, &parent)
	if want := (wire.Thread{ReplyCount: 5, LastReplySeq: 11, LastReplyAt: replies[4].At}); parent.Thread == nil || *parent.Thread != want {
		t.Errorf("the thread is %+v, want %+v", parent.Thread, want)
	}
	page = list[wire.Message]{}
	w.as(t, ada, "GET", base+"/"+other.ID+"/replies", "").into(t, &page)
	if page.Items == nil || len(page.Items) != 0 {
		t.Errorf("answers to what nobody answered: %+v", page.Items)
	}
	w.as(t, ada, "GET", base+"/01890000-0000-7000-8000-00000000dead/replies", "").want(t, "answers to nothing", 404, domain.CodeMessageNotFound)
}

// What was deleted is shown to its author and to moderators, and to nobody else.
func TestRevisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, cy := w.person(t, "ada"), w.person(t, "bob"), w.person(t, "cy")
	room := w.room(t, ada, event.RoomPrivate, bob, cy)
	m := w.message(t, bob, room.ID, "one")
	base := "/rooms/" + room.ID + "/messages/" + m.ID
	contents := func(p person, query string) string {
		var page list[wire.Message]
		got := w.as(t, p, "GET", base+"/revisions"+query, "")
		got.want(t, "revisions", 200, "")
		got.into(t, &page)
		var text strings.Builder
		for _, m := range page.Items {
			text.WriteString(m.Content)
			if m.DeletedAt != nil {
				text.WriteString("†")
			}
			text.WriteString(" ")
		}
		return text.String()
	}
	edited := w.as(t, bob, "PATCH", base, `{"content":"two"}`)
	w.as(t, cy, "PUT", base+"/reactions/x", "")
	w.as(t, bob, "PATCH", base, `{"content":"three"}`)
	for _, p := range []person{ada, bob, cy} {
		if got := contents(p, ""); got != "one two three " {
			t.Errorf("%s sees %q", p.id, got)
		}
	}
	for query, want := range map[string]string{
		"?limit=2": "two three ", "?limit=1&before=" + edited.header.Get("Parley-Position"): "one ", "?before=1": "",
	} {
		if got := contents(cy, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	w.as(t, bob, "DELETE", base, "").want(t, "delete", 200, "")
	for p, want := range map[person]string{ada: "one two three † ", bob: "one two three † ", cy: "† † † † "} {
		if got := contents(p, ""); got != want {
			t.Errorf("after the deletion %s sees %q, want %q", p.id, got, want)
		}
	}
	if got := contents(w.person(t, "root", domain.RoleAdmin), ""); got != "one two three † " {
		t.Errorf("an admin sees %q", got)
	}
	w.as(t, ada, "DELETE", "/rooms/"+room.ID+"/members/"+bob.id, "").want(t, "remove", 200, "")
	w.as(t, bob, "GET", base+"/revisions", "").want(t, "an author who is out", 404, domain.CodeRoomNotFound)
	w.as(t, ada, "GET", base+"/revisions?before=0", "").want(t, "before nothing", 400, domain.CodeInvalidPayload)
}
