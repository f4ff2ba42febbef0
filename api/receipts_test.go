package api_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections/receipts"
	"parley/projections/rooms"
)

func TestReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, cy := w.person(t, "ada"), w.person(t, "bob"), w.person(t, "cy")
	room := w.room(t, ada, event.RoomPrivate, bob, cy)
	base := "/rooms/" + room.ID
	var sent []wire.Message
	for range 5 {
		sent = append(sent, w.message(t, ada, room.ID, "hi"))
	}
	var marked commands.Read
	w.as(t, bob, "PUT", base+"/read", `{"seq":3}`).into(t, &marked)
	if marked.RoomID != room.ID || marked.Seq != 3 || marked.UnreadCount != 2 {
		t.Errorf("%+v", marked)
	}
	write := w.as(t, cy, "PUT", base+"/read", `{"messageId":"`+sent[4].ID+`"}`)
	write.want(t, "by id", 200, "")
	var page list[receipts.Receipt]
	w.at(t, write, ada, base+"/receipts").into(t, &page)
	read := map[string]int64{}
	for _, r := range page.Items {
		if read[r.UserID] = r.ReadSeq; r.ReadAt == nil || r.DeliveredSeq != r.ReadSeq {
			t.Errorf("%+v", r)
		}
	}
	if diff := cmp.Diff(map[string]int64{ada.id: 5, bob.id: 3, cy.id: 5}, read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	readers := func(m wire.Message) (ids []string) {
		var page list[receipts.Receipt]
		w.at(t, write, ada, base+"/messages/"+m.ID+"/readers").into(t, &page)
		for _, r := range page.Items {
			ids = append(ids, r.UserID)
		}
		return ids
	}
	if got := readers(sent[2]); len(got) != 2 || slices.Contains(got, ada.id) {
		t.Errorf("readers of the third: %v", got)
	}
	if got := readers(sent[4]); !slices.Equal(got, []string{cy.id}) {
		t.Errorf("readers of the last: %v", got)
	}
	for body, want := range map[string]domain.Code{
		`{}`: domain.CodeInvalidPayload, `{"seq":-1}`: domain.CodeInvalidPayload, `{"seq":"1"}`: domain.CodeInvalidPayload,
		`{"seq":1.5}`: domain.CodeInvalidPayload, `{"messageId":"x"}`: domain.CodeInvalidPayload,
		`{"messageId":"01890000-0000-7000-8000-00000000dead"}`: domain.CodeMessageNotFound,
	} {
		if got := w.as(t, bob, "PUT", base+"/read", body).problem(t).Code; got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	w.as(t, bob, "PUT", base+"/read", `{"seq":9007199254740993,"userId":"`+ada.id+`"}`).into(t, &marked)
	if marked.Seq != 5 || marked.UnreadCount != 0 {
		t.Errorf("beyond the last: %+v", marked)
	}
	w.as(t, ada, "DELETE", base+"/members/"+cy.id, "").want(t, "remove", 200, "")
	w.as(t, cy, "PUT", base+"/read", `{"seq":5}`).want(t, "who is out marks", 404, domain.CodeRoomNotFound)
}

func TestUnread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person(t, "ada"), w.person(t, "bob")
	first, second := w.room(t, ada, event.RoomPrivate, bob), w.room(t, ada, event.RoomPrivate, bob)
	w.message(t, ada, first.ID, "hi")
	gone := w.message(t, ada, first.ID, "hi")
	w.as(t, ada, "POST", "/rooms/"+second.ID+"/messages", `{"content":"you","mentions":["`+bob.id+`"]}`)
	write := w.as(t, ada, "DELETE", "/rooms/"+first.ID+"/messages/"+gone.ID, "")
	var unread struct {
		list[receipts.Unread]
		UnreadCount, MentionCount int64
	}
	w.at(t, write, bob, "/unread").into(t, &unread)
	want := []receipts.Unread{{RoomID: first.ID, UnreadCount: 1}, {RoomID: second.ID, UnreadCount: 1, MentionCount: 1}}
	slices.SortFunc(unread.Items, func(a, b receipts.Unread) int { return int(a.MentionCount - b.MentionCount) })
	if diff := cmp.Diff(want, unread.Items); diff != "" || unread.UnreadCount != 2 || unread.MentionCount != 1 {
		t.Errorf("%d and %d (-want +got):\n%s", unread.UnreadCount, unread.MentionCount, diff)
	}
	var mine list[rooms.Summary]
	w.at(t, write, bob, "/rooms").into(t, &mine)
	if s := mine.Items[0]; s.ID != second.ID || s.UnreadCount != 1 || s.MentionCount != 1 || s.ReadSeq != 0 || s.LastSeq != 1 {
		t.Errorf("%+v", s)
	}
	own := w.as(t, bob, "POST", "/rooms/"+second.ID+"/messages", `{"content":"me"}`)
	w.at(t, own, bob, "/rooms").into(t, &mine)
	if s := mine.Items[0]; s.UnreadCount != 0 || s.MentionCount != 0 || s.ReadSeq != 2 {
		t.Errorf("after speaking: %+v", s)
	}
}
