package message_test

import (
	"strings"
	"testing"

	"parley/domain"
	"parley/domain/domaintest"
	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/room"
)

type (
	events = []event.Event
	cases  = []domaintest.Case[message.State]
)

// The people: ann owns, mod moderates, mia and mel are members, out is in no room.
var (
	ann  = room.Actor{ID: "ann", Username: "Ann"}
	mod  = room.Actor{ID: "mod", Username: "Mod"}
	mia  = room.Actor{ID: "mia", Username: "Mia"}
	mel  = room.Actor{ID: "mel", Username: "Mel"}
	out  = room.Actor{ID: "out", Username: "Out"}
	root = room.Actor{ID: "root", Username: "Root", Admin: true}
)

const (
	id    = "01890000-0000-7000-8000-000000000001"
	newID = "01890000-0000-7000-8000-000000000002"
)

var (
	public   = opened("r", event.RoomPublic)
	private  = opened("r", event.RoomPrivate)
	direct   = event.RoomCreated{RoomID: "r", RoomType: event.RoomDirect, CreatedBy: "ann", Members: public.Members[2:]}
	archived = event.RoomArchived{Room: event.Room{RoomID: "r"}, By: "ann"}
	miaLeft  = event.MemberLeft{RoomID: "r", UserID: "mia", Username: "Mia"}

	sent    = event.MessageSent{Message: byMia("r", id, "hello")}
	foreign = event.MessageSent{Message: byMia("elsewhere", id, "hello")}
	edited  = event.MessageEdited{Message: byMia("r", id, "hello there"), Seq: 1, SentAt: domaintest.At(2)}
	deleted = event.MessageDeleted{RoomID: "r", MessageID: id, Seq: 1, Author: "mia", By: "mia"}
)

func opened(roomID string, kind event.RoomType) event.RoomCreated {
	return event.RoomCreated{RoomID: roomID, RoomType: kind, CreatedBy: "ann", Members: []event.Member{
		{UserID: "ann", Role: event.RoleOwner},
		{UserID: "mod", Role: event.RoleModerator},
		{UserID: "mia", Role: event.RoleMember},
		{UserID: "mel", Role: event.RoleMember},
	}}
}

func byMia(roomID, messageID, content string) event.Message {
	return event.Message{
		RoomID: roomID, MessageID: messageID, Content: content,
		Sender: event.Sender{ID: "mia", Username: "Mia", DisplayName: "Mia M."}, Mentions: []string{"ann"},
	}
}

func parsed(s string) event.ID {
	id, err := event.ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

func TestSend(t *testing.T) {
	t.Parallel()
	say := func(by room.Actor) message.Send {
		return message.Send{By: by, Sender: event.Sender{ID: by.ID, Username: by.Username}, ID: parsed(newID), Content: "hi"}
	}
	said := func(by room.Actor) event.Message {
		return event.Message{RoomID: "r", MessageID: newID, Sender: event.Sender{ID: by.ID, Username: by.Username}, Content: "hi"}
	}
	with := func(c message.Send, change func(*message.Send)) message.Send { change(&c); return c }
	reply := with(say(ann), func(c *message.Send) { c.ReplyTo = id })
	replied := said(ann)
	replied.ReplyTo = id
	whole := said(mia)
	whole.Attachments = []event.Attachment{{URL: "https://x.test/f.png", Name: "f.png", ContentType: "image/png", Size: 3}}
	whole.Mentions, whole.ClientMessageID = []string{"mel", "ann"}, "c1"

	domaintest.Run(t, message.Evolve, cases{
		{Name: "a member speaks", Given: events{public}, When: say(mia), Then: event.MessageSent{Message: said(mia)}},
		{Name: "in a private room too", Given: events{private}, When: say(mia), Then: event.MessageSent{Message: said(mia)}},
		{Name: "and in a direct one, to the other", Given: events{direct}, When: say(mel), Then: event.MessageSent{Message: said(mel), DirectTo: "mia"}},
		{
			Name: "mentions are members, each once, and not oneself", Given: events{public},
			When: with(say(mia), func(c *message.Send) {
				c.Attachments, c.ClientMessageID = whole.Attachments, "c1"
				c.Mentions = []string{"mel", "out", "mia", "mel", "ann"}
			}),
			Then: event.MessageSent{Message: whole},
		},
		{Name: "an outsider does not", Given: events{public}, When: say(out), Refused: domain.CodeNotAMember},
		{Name: "nor one who left", Given: events{public, miaLeft}, When: say(mia), Refused: domain.CodeNotAMember},
		{Name: "an admin is no member by that", Given: events{private}, When: say(root), Refused: domain.CodeNotAMember},
		{Name: "a private room hides", Given: events{private}, When: say(out), Refused: domain.CodeRoomNotFound},
		{Name: "no room", When: say(mia), Refused: domain.CodeRoomNotFound},
		{Name: "nothing is said in an archived room", Given: events{public, archived}, When: say(mia), Refused: domain.CodeRoomArchived},
		{Name: "a message is answered", Given: events{public, sent}, When: reply, Then: event.MessageSent{Message: replied}},
		{Name: "an edited one too", Given: events{public, sent, edited}, When: reply, Then: event.MessageSent{Message: replied}},
		{Name: "a deleted one is not", Given: events{public, sent, deleted}, When: reply, Refused: domain.CodeMessageDeleted},
		{Name: "nor one of another room", Given: events{public, foreign}, When: reply, Refused: domain.CodeMessageNotFound},
		{Name: "nor one that is none", Given: events{public}, When: reply, Refused: domain.CodeMessageNotFound},
	})
}

func TestEdit(t *testing.T) {
	t.Parallel()
	edit := func(by room.Actor, content string) message.Edit {
		return message.Edit{By: by, Content: content, MaxLength: 20}
	}
	domaintest.Run(t, message.Evolve, cases{
		{Name: "the author edits, and all else stays", Given: events{public, sent}, When: edit(mia, "hello there"), Then: edited},
		{
			Name: "and edits again", Given: events{public, sent, edited}, When: edit(mia, "bye"),
			Then: event.MessageEdited{Message: byMia("r", id, "bye"), Seq: 1, SentAt: domaintest.At(2)},
		},
		{Name: "the same words change nothing", Given: events{public, sent, edited}, When: edit(mia, "hello there"), Unchanged: true},
		{Name: "another member may not", Given: events{public, sent}, When: edit(mel, "x"), Refused: domain.CodeForbidden},
		{Name: "nor the owner", Given: events{public, sent}, When: edit(ann, "x"), Refused: domain.CodeForbidden},
		{Name: "nor an admin, who is not even in", Given: events{public, sent}, When: edit(root, "x"), Refused: domain.CodeNotAMember},
		{Name: "nor an author who left", Given: events{public, sent, miaLeft}, When: edit(mia, "x"), Refused: domain.CodeNotAMember},
		{Name: "a private room hides from an author who left", Given: events{private, sent, miaLeft}, When: edit(mia, "x"), Refused: domain.CodeRoomNotFound},
		{Name: "a deleted message stays deleted", Given: events{public, sent, deleted}, When: edit(mia, "x"), Refused: domain.CodeMessageDeleted},
		{Name: "a message of another room is none", Given: events{public, foreign}, When: edit(mia, "x"), Refused: domain.CodeMessageNotFound},
		{Name: "no message", Given: events{public}, When: edit(mia, "x"), Refused: domain.CodeMessageNotFound},
		{Name: "an archived room keeps its words", Given: events{public, sent, archived}, When: edit(mia, "x"), Refused: domain.CodeRoomArchived},
		{Name: "nothing is no content", Given: events{public, sent}, When: edit(mia, " \n"), Refused: domain.CodeInvalidPayload, Fields: []string{"content"}},
		{Name: "too much is too much", Given: events{public, sent}, When: edit(mia, strings.Repeat("é", 21)), Refused: domain.CodeContentTooLong},
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	gone := func(by string) event.Event {
		return event.MessageDeleted{RoomID: "r", MessageID: id, Seq: 1, Author: "mia", By: by}
	}
	domaintest.Run(t, message.Evolve, cases{
		{Name: "the author deletes", Given: events{public, sent}, When: message.Delete{By: mia}, Then: gone("mia")},
		{Name: "a moderator deletes", Given: events{public, sent}, When: message.Delete{By: mod}, Then: gone("mod")},
		{Name: "an owner deletes", Given: events{private, sent, edited}, When: message.Delete{By: ann}, Then: gone("ann")},
		{Name: "an admin deletes, being no member", Given: events{private, sent}, When: message.Delete{By: root}, Then: gone("root")},
		{Name: "another member may not", Given: events{public, sent}, When: message.Delete{By: mel}, Refused: domain.CodeForbidden},
		{Name: "an outsider may not", Given: events{public, sent}, When: message.Delete{By: out}, Refused: domain.CodeNotAMember},
		{Name: "an author who left may not", Given: events{public, sent, miaLeft}, When: message.Delete{By: mia}, Refused: domain.CodeNotAMember},
		{Name: "a private room hides", Given: events{private, sent}, When: message.Delete{By: out}, Refused: domain.CodeRoomNotFound},
		{Name: "in a direct room the author deletes", Given: events{direct, sent}, When: message.Delete{By: mia}, Then: gone("mia")},
		{Name: "and the other does not", Given: events{direct, sent}, When: message.Delete{By: mel}, Refused: domain.CodeForbidden},
		{Name: "once is enough", Given: events{public, sent, deleted}, When: message.Delete{By: mia}, Refused: domain.CodeMessageDeleted},
		{Name: "for everybody", Given: events{public, sent, deleted}, When: message.Delete{By: ann}, Refused: domain.CodeMessageDeleted},
		{Name: "a message of another room is none", Given: events{public, foreign}, When: message.Delete{By: mia}, Refused: domain.CodeMessageNotFound},
		{Name: "no message", Given: events{public}, When: message.Delete{By: ann}, Refused: domain.CodeMessageNotFound},
		{Name: "an archived room keeps its messages", Given: events{public, sent, archived}, When: message.Delete{By: ann}, Refused: domain.CodeRoomArchived},
		{Name: "also for an admin", Given: events{public, sent, archived}, When: message.Delete{By: root}, Refused: domain.CodeRoomArchived},
	})
}

func TestCheckContent(t *testing.T) {
	t.Parallel()
	file := []event.Attachment{{URL: "https://x.test/"}}
	tests := []struct {
		name    string
		content string
		files   []event.Attachment
		want    domain.Code
	}{
		{"words", "hi", nil, ""},
		{"as long as may be, in code points", strings.Repeat("👍", 5), nil, ""},
		{"one more", strings.Repeat("👍", 6), nil, domain.CodeContentTooLong},
		{"nothing", "", nil, domain.CodeInvalidPayload},
		{"white space", " \t\n", nil, domain.CodeInvalidPayload},
		{"a file alone", "", file, ""},
		{"a file does not make it shorter", "123456", file, domain.CodeContentTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := domain.CodeOf(message.CheckContent(tt.content, tt.files, 5)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCheckAttachments(t *testing.T) {
	t.Parallel()
	ok := event.Attachment{URL: "https://x.test/a", Name: "a.png", ContentType: "image/png", Size: 1}
	tests := []struct {
		name   string
		change func(*event.Attachment)
		field  string
	}{
		{"fine", func(*event.Attachment) {}, ""},
		{"the longest URL", func(a *event.Attachment) { a.URL = "https://x.test/" + strings.Repeat("a", 2033) }, ""},
		{"too long a URL", func(a *event.Attachment) { a.URL = "https://x.test/" + strings.Repeat("a", 2034) }, "attachments[0].url"},
		{"no URL", func(a *event.Attachment) { a.URL = "" }, "attachments[0].url"},
		{"a script", func(a *event.Attachment) { a.URL = "javascript:alert(1)" }, "attachments[0].url"},
		{"data", func(a *event.Attachment) { a.URL = "data:text/html,x" }, "attachments[0].url"},
		{"a path", func(a *event.Attachment) { a.URL = "/etc/passwd" }, "attachments[0].url"},
		{"no host", func(a *event.Attachment) { a.URL = "http:///x" }, "attachments[0].url"},
		{"no scheme", func(a *event.Attachment) { a.URL = "//x.test/a" }, "attachments[0].url"},
		{"a password", func(a *event.Attachment) { a.URL = "https://u:p@x.test/" }, "attachments[0].url"},
		{"a line break", func(a *event.Attachment) { a.URL = "https://x.test/\na" }, "attachments[0].url"},
		{"a long name", func(a *event.Attachment) { a.Name = strings.Repeat("n", 256) }, "attachments[0].name"},
		{"a NUL in the name", func(a *event.Attachment) { a.Name = "a\x00.png" }, "attachments[0].name"},
		{"a long content type", func(a *event.Attachment) { a.ContentType = strings.Repeat("n", 128) }, "attachments[0].contentType"},
		{"a negative size", func(a *event.Attachment) { a.Size = -1 }, "attachments[0].size"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := ok
			tt.change(&a)
			refusal := domain.AsError(message.CheckAttachments([]event.Attachment{a}))
			if tt.field == "" {
				if refusal != nil {
					t.Fatal(refusal)
				}
				return
			}
			if refusal == nil || refusal.Code != domain.CodeInvalidPayload || refusal.Fields[tt.field] == "" || len(refusal.Fields) != 1 {
				t.Errorf("got %+v, want %s blamed", refusal, tt.field)
			}
		})
	}
	if message.CheckAttachments(make([]event.Attachment, 11)) == nil {
		t.Error("eleven attachments passed")
	}
}

func FuzzWebURL(f *testing.F) {
	for _, seed := range []string{"https://x.test/a", "javascript:x", "http://[::1]:80/", "https://\x00", "HTTP://X", "https:x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if message.WebURL(s) && !strings.HasPrefix(strings.ToLower(s), "http") {
			t.Fatalf("%q passed as a web URL", s)
		}
	})
}
