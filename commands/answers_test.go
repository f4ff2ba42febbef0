package commands_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

// pushed is what sockets are told about a recorded event: answers must be the same.
func pushed(t *testing.T, r event.Recorded) string {
	t.Helper()
	pushes, err := wire.Pushes(r)
	if err != nil || len(pushes) == 0 {
		t.Fatalf("no push: %v", err)
	}
	return string(pushes[0].Data)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := wire.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAMessageFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	room := k.open(event.RoomPublic)
	first := k.say("ann", room, "one")
	sent := must(k, k.SendMessage, "mia", commands.SendMessage{
		RoomID: room, Content: "tw\x00o\r\n<b>", ReplyTo: first.ID, Mentions: []string{"mel", "ann", "out", "mia", "mel"},
		Attachments: []event.Attachment{{URL: "https://x.test/f", Name: "f", ContentType: "text/plain", Size: 1}},
	})
	if sent.Seq != 2 || sent.Content != "two\n<b>" || *sent.ReplyTo != first.ID || !slices.Equal(sent.Mentions, []string{"mel", "ann"}) {
		t.Errorf("sent %+v", sent)
	}
	if want := (event.Sender{ID: "mia", Username: "Umia", DisplayName: "D mia"}); sent.Sender != want {
		t.Errorf("sender %+v", sent.Sender)
	}
	edited := must(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: sent.ID, Content: "2\x01"})
	if edited.Content != "2" || edited.Seq != 2 || edited.EditedAt == nil || edited.At != sent.At || edited.Position <= sent.Position {
		t.Errorf("edited %+v", edited)
	}
	same := must(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: sent.ID, Content: "2"})
	if diff := cmp.Diff(asJSON(t, edited), asJSON(t, same)); diff != "" {
		t.Errorf("the same edit answers otherwise:\n%s", diff)
	}
	deleted := must(k, k.DeleteMessage, "mod", commands.DeleteMessage{RoomID: room, MessageID: sent.ID})
	if deleted.MessageID != sent.ID || deleted.Seq != 2 || deleted.Position <= edited.Position {
		t.Errorf("deleted %+v", deleted)
	}
	for name, got := range map[string]domain.Code{
		"delete": code(k, k.DeleteMessage, "mia", commands.DeleteMessage{RoomID: room, MessageID: sent.ID}),
		"edit":   code(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: sent.ID, Content: "3"}),
		"answer": code(k, k.SendMessage, "ann", commands.SendMessage{RoomID: room, Content: "re", ReplyTo: sent.ID}),
	} {
		if got != domain.CodeMessageDeleted {
			t.Errorf("%s after the deletion: %q", name, got)
		}
	}
	log := k.stream(event.MessagesStream(room))
	if got, want := types(log), []string{event.TypeMessageSent, event.TypeMessageSent, event.TypeMessageEdited, event.TypeMessageDeleted}; !slices.Equal(got, want) {
		t.Fatalf("stored %v, want %v", got, want)
	}
	for i, answer := range []any{first, sent, edited} {
		if diff := cmp.Diff(pushed(t, log[i]), asJSON(t, answer)); diff != "" {
			t.Errorf("answer %d is not what is pushed (-pushed +answered):\n%s", i, diff)
		}
	}
	if meta := log[1].Meta(); meta.UserID != "mia" || meta.CorrelationID == "" || meta.Node != "n1" {
		t.Errorf("metadata %+v", meta)
	}
}

func TestAMessageBelongsToItsRoom(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	here, there := k.open(event.RoomPublic), k.open(event.RoomPublic)
	id := k.say("mia", there, "hi").ID
	created := k.stream(event.RoomStream(here))[0].ID.String()
	for _, foreign := range []string{id, created, nowhere} {
		for name, got := range map[string]domain.Code{
			"edit":   code(k, k.EditMessage, "mia", commands.EditMessage{RoomID: here, MessageID: foreign, Content: "x"}),
			"delete": code(k, k.DeleteMessage, "ann", commands.DeleteMessage{RoomID: here, MessageID: foreign}),
			"answer": code(k, k.SendMessage, "mia", commands.SendMessage{RoomID: here, Content: "x", ReplyTo: foreign}),
		} {
			if got != domain.CodeMessageNotFound {
				t.Errorf("%s %s: %q", name, foreign, got)
			}
		}
	}
}

// A UUID may be spelled in capitals (RFC 9562, section 4). The ids that are derived from it must not
// depend on the spelling, or a deletion would not be found.
func TestTheSpellingOfAMessageIDDoesNotMatter(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	room := k.open(event.RoomPublic)
	id := k.say("mia", room, "one").ID
	capitals := strings.ToUpper(id)
	reply := must(k, k.SendMessage, "ann", commands.SendMessage{RoomID: room, Content: "re", ReplyTo: capitals})
	if reply.ReplyTo == nil || *reply.ReplyTo != id {
		t.Errorf("answers %v, want %s", reply.ReplyTo, id)
	}
	must(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: capitals, Content: "two"})
	must(k, k.DeleteMessage, "mia", commands.DeleteMessage{RoomID: room, MessageID: capitals})
	for _, spelling := range []string{id, capitals} {
		for name, got := range map[string]domain.Code{
			"delete": code(k, k.DeleteMessage, "mia", commands.DeleteMessage{RoomID: room, MessageID: spelling}),
			"edit":   code(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: spelling, Content: "3"}),
			"answer": code(k, k.SendMessage, "ann", commands.SendMessage{RoomID: room, Content: "re", ReplyTo: spelling}),
		} {
			if got != domain.CodeMessageDeleted {
				t.Errorf("%s %s after the deletion: %q", name, spelling, got)
			}
		}
	}
	want := []string{event.TypeMessageSent, event.TypeMessageSent, event.TypeMessageEdited, event.TypeMessageDeleted}
	if got := types(k.stream(event.MessagesStream(room))); !slices.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
}

func TestARepeatedMessageIsStoredOnce(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	room := k.open(event.RoomPublic)
	send := commands.SendMessage{RoomID: room, Content: "one", ClientMessageID: "c1"}
	first := must(k, k.SendMessage, "mia", send)
	if first.ClientMessageID != "c1" {
		t.Errorf("answered %+v", first)
	}
	send.Content = "changed on the way"
	if again := must(k, k.SendMessage, "mia", send); asJSON(t, again) != asJSON(t, first) {
		t.Errorf("repeated as %+v, was %+v", again, first)
	}
	if other := must(k, k.SendMessage, "mel", send); other.ID == first.ID {
		t.Error("two users share a client message id")
	}
	must(k, k.RemoveMember, "ann", commands.RemoveMember{RoomID: room, UserID: "mia"})
	if again := must(k, k.SendMessage, "mia", send); again.ID != first.ID {
		t.Errorf("repeated after the removal as %+v", again)
	}
	if got := len(k.stream(event.MessagesStream(room))); got != 2 {
		t.Errorf("%d messages stored, want 2", got)
	}
}

func TestRoomsFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	r := must(k, k.CreateRoom, "ann", commands.CreateRoom{Name: " Tea ", Type: event.RoomPublic, Topic: "a\x00b", MemberIDs: []string{"mia", "ann", "mia"}})
	if r.ID == "" || r.Name != "Tea" || r.Topic != "ab" || r.MemberCount != 2 || r.CreatedBy != "ann" || r.Position == 0 {
		t.Errorf("created %+v", r)
	}
	if got := code(k, k.CreateRoom, "mel", commands.CreateRoom{ID: r.ID, Name: "x", Type: event.RoomPublic}); got != domain.CodeRoomExists {
		t.Errorf("created twice: %q", got)
	}
	renamed := must(k, k.UpdateRoom, "ann", commands.UpdateRoom{RoomID: r.ID, Name: new("Coffee")})
	if renamed.Name != "Coffee" || renamed.Topic != "ab" || renamed.CreatedAt != r.CreatedAt || renamed.Position <= r.Position {
		t.Errorf("renamed %+v", renamed)
	}
	if same := must(k, k.UpdateRoom, "ann", commands.UpdateRoom{RoomID: r.ID, Name: new("Coffee")}); same != renamed {
		t.Errorf("renamed again %+v", same)
	}
	joined := must(k, k.JoinRoom, "mel", commands.RoomRef{RoomID: r.ID})
	if !joined.Joined || joined.Room.MemberCount != 3 || joined.Position <= renamed.Position {
		t.Errorf("joined %+v", joined)
	}
	if again := must(k, k.JoinRoom, "mel", commands.RoomRef{RoomID: r.ID}); again.Joined || again.Position != joined.Position || again.Room != joined.Room {
		t.Errorf("joined again %+v", again)
	}
	m := must(k, k.AddMember, "ann", commands.AddMember{RoomID: r.ID, UserID: "out", Role: event.RoleModerator})
	if m.UserID != "out" || m.Username != "Uout" || m.Role != event.RoleModerator || time.Time(m.JoinedAt).IsZero() {
		t.Errorf("added %+v", m)
	}
	if again := must(k, k.AddMember, "ann", commands.AddMember{RoomID: r.ID, UserID: "out", Role: event.RoleOwner}); again != m {
		t.Errorf("added again %+v, was %+v", again, m)
	}
	if got := code(k, k.AddMember, "ann", commands.AddMember{RoomID: r.ID, UserID: "ghost"}); got != domain.CodeInvalidPayload {
		t.Errorf("added a ghost: %q", got)
	}
	changed := must(k, k.SetRole, "ann", commands.SetRole{RoomID: r.ID, UserID: "out", Role: event.RoleOwner})
	if changed.Role != event.RoleOwner || changed.JoinedAt != m.JoinedAt || changed.Position <= m.Position {
		t.Errorf("changed %+v", changed)
	}
	left := must(k, k.LeaveRoom, "ann", commands.RoomRef{RoomID: r.ID})
	if left.RoomID != r.ID || left.Position <= changed.Position {
		t.Errorf("left %+v", left)
	}
	if got := code(k, k.LeaveRoom, "out", commands.RoomRef{RoomID: r.ID}); got != domain.CodeLastOwner {
		t.Errorf("the last owner leaves: %q", got)
	}
	must(k, k.RemoveMember, "mia", commands.RemoveMember{RoomID: r.ID, UserID: "mia"})
	archived := must(k, k.ArchiveRoom, "out", commands.RoomRef{RoomID: r.ID})
	if archived.ArchivedAt == nil || archived.MemberCount != 2 {
		t.Errorf("archived %+v", archived)
	}
	want := []string{
		event.TypeRoomCreated, event.TypeRoomUpdated, event.TypeMemberJoined, event.TypeMemberJoined,
		event.TypeMemberRoleChanged, event.TypeMemberLeft, event.TypeMemberLeft, event.TypeRoomArchived,
	}
	if got := types(k.stream(event.RoomStream(r.ID))); !slices.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
}

func TestAPairHasOneDirectRoom(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	first := must(k, k.CreateRoom, "ann", commands.CreateRoom{ID: "d1", Type: event.RoomDirect, MemberIDs: []string{"mia"}})
	if first.ID != "d1" || first.MemberCount != 2 || first.Type != event.RoomDirect {
		t.Errorf("created %+v", first)
	}
	for who, other := range map[string]string{"ann": "mia", "mia": "ann"} {
		again := must(k, k.CreateRoom, who, commands.CreateRoom{Type: event.RoomDirect, MemberIDs: []string{other, who}})
		if again != first {
			t.Errorf("%s gets %+v, want %+v", who, again, first)
		}
	}
	if got := code(k, k.CreateRoom, "mel", commands.CreateRoom{ID: "d1", Type: event.RoomDirect, MemberIDs: []string{"mia"}}); got != domain.CodeRoomExists {
		t.Errorf("another pair under the same id: %q", got)
	}
	must(k, k.DeactivateUser, "root!", commands.UserRef{UserID: "mia"})
	if again := must(k, k.CreateRoom, "ann", commands.CreateRoom{Type: event.RoomDirect, MemberIDs: []string{"mia"}}); again != first {
		t.Errorf("with a deactivated friend: %+v", again)
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	ctx := t.Context()
	private := k.open(event.RoomPrivate)
	public := k.open(event.RoomPublic)
	for _, tt := range []struct {
		who, room string
		member    bool
		code      domain.Code
	}{
		{"ann", private, true, ""},
		{"out", private, false, domain.CodeRoomNotFound},
		{"root!", private, false, ""},
		{"out", public, false, ""},
		{"mia", public, true, ""},
		{"ann", "none", false, domain.CodeRoomNotFound},
		{"ann", "a b", false, domain.CodeRoomNotFound},
	} {
		room, member, err := k.Directory.Membership(ctx, as(tt.who).Principal, tt.room)
		if member != tt.member || domain.CodeOf(err) != tt.code || (err == nil && room.ID != tt.room) {
			t.Errorf("%s in %s: %+v, %v, %v", tt.who, tt.room, room, member, err)
		}
	}
	if u, err := k.Directory.User(ctx, "off"); err != nil || u.Active || u.Username != "Uoff" {
		t.Errorf("a deactivated user: %+v, %v", u, err)
	}
	for _, id := range []string{"ghost", "", "a b"} {
		if _, err := k.Directory.User(ctx, id); domain.CodeOf(err) != domain.CodeInvalidUser {
			t.Errorf("user %q: %v", id, err)
		}
	}
	k.say("ann", public, "1")
	between := k.say("ann", public, "2").Position
	k.say("ann", public, "3")
	for at, want := range map[event.Position]int64{0: 3, between: 2, 1: 0} {
		if seq, err := k.Directory.RoomHead(ctx, public, at); err != nil || seq != want {
			t.Errorf("head at %d: %d, %v; want %d", at, seq, err, want)
		}
	}
}
