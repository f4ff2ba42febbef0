package wire_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
	"parley/domain/wire"
)

var update = flag.Bool("update", false, "write the golden files anew; clients see every change")

// nasty is content that escapers stumble over. Clients get it as it was sent, and it is never
// escaped for HTML: that is the page's business.
const nasty = "<script>&\"'\\</script>\n\t\u0001 👩‍👩‍👧‍👦 שלום \u2028 é"

const messageID = "01890000-0000-7000-8000-000000000001"

func moment() time.Time {
	return time.Date(2026, 1, 2, 5, 4, 5, 670901000, time.FixedZone("", 2*3600))
}

func message() event.Message {
	return event.Message{
		RoomID: "r-1", MessageID: messageID, Content: nasty,
		Sender:      event.Sender{ID: "ann", Username: "Ann", DisplayName: "Ann <3", AvatarURL: "https://x.test/a?b=1&c=2"},
		Attachments: []event.Attachment{{URL: "https://x.test/f?a=1&b=2", Name: "<f>.png", ContentType: "image/png", Size: 3}},
		ReplyTo:     "01890000-0000-7000-8000-000000000002", Mentions: []string{"mia", "mod"}, ClientMessageID: "c-1 👍",
	}
}

func plain() event.Message {
	return event.Message{RoomID: "r-1", MessageID: messageID, Content: "hi", Sender: event.Sender{ID: "ann", Username: "Ann"}}
}

func reaction() event.Reaction {
	return event.Reaction{
		RoomID: "r-1", MessageID: messageID, Seq: 3, Emoji: "👩‍👩‍👧‍👦", UserID: "mia",
		After: &event.Marks{Reactions: map[string][]string{"<3": {"mod"}}},
	}
}

func room() event.Room {
	return event.Room{
		RoomID: "r-1", Name: "Tea & <biscuits>", RoomType: event.RoomPublic, Topic: nasty,
		CreatedBy: "ann", CreatedAt: moment().Add(-time.Hour), MemberCount: 2,
	}
}

func recorded(t *testing.T, e event.Event) event.Recorded {
	t.Helper()
	n, err := event.Encode(event.ID{1}, nil, e)
	if err != nil {
		t.Fatal(err)
	}
	return n.Record(1<<53+1, 4, 7, moment())
}

func TestPushes(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]event.Event{
		"message-sent":        event.MessageSent{Message: message()},
		"message-sent-direct": event.MessageSent{Message: message(), DirectTo: "mia"},
		"message-sent-plain":  event.MessageSent{Message: plain()},
		"message-edited":      event.MessageEdited{Message: message(), Seq: 3, SentAt: moment().Add(-time.Minute)},
		"message-deleted":     event.MessageDeleted{RoomID: "r-1", MessageID: messageID, Seq: 3, Author: "ann", By: "mod"},
		"message-edited-marked": event.MessageEdited{
			Message: plain(), Seq: 3, SentAt: moment().Add(-time.Minute),
			Marks: event.Marks{Reactions: map[string][]string{"👍": {"mia", "ann"}, "<3": {"mod"}}, Pinned: true},
		},
		"messages-read": event.MessagesRead{
			Receipt:     event.Receipt{RoomID: "r-1", UserID: "mia", Seq: 3, MessageID: messageID, ReadSeq: 3, DeliveredSeq: 5},
			UnreadCount: 4, MentionCount: 1,
		},
		"messages-delivered": event.MessagesDelivered{
			Receipt: event.Receipt{RoomID: "r-1", UserID: "mia", Seq: 5, MessageID: messageID, ReadSeq: 3, DeliveredSeq: 5},
		},
		"came-online":  event.UserCameOnline{Presence: event.Presence{UserID: "ann", Status: event.StatusBusy, Text: nasty}},
		"went-offline": event.UserWentOffline{UserID: "ann"},
		"presence-changed": event.UserPresenceChanged{
			Presence: event.Presence{UserID: "ann", Status: event.StatusAway, Text: "lunch"},
		},
		"presence-hidden": event.UserPresenceChanged{
			Presence: event.Presence{UserID: "ann", Status: event.StatusInvisible, Text: "secret"},
		},
		"presence-unseen": event.UserPresenceChanged{
			Presence: event.Presence{UserID: "ann", Status: event.StatusInvisible, Text: "secret", Unseen: true},
		},
		"reaction-added":   event.ReactionAdded{Reaction: reaction()},
		"reaction-removed": event.ReactionRemoved{Reaction: reaction()},
		"message-pinned":   event.MessagePinned{Pin: event.Pin{RoomID: "r-1", MessageID: messageID, Seq: 3, By: "mod"}},
		"message-unpinned": event.MessageUnpinned{Pin: event.Pin{RoomID: "r-1", MessageID: messageID, Seq: 3, By: "mod"}},
		"room-created": event.RoomCreated{
			RoomID: "r-1", Name: "Tea & <biscuits>", RoomType: event.RoomPrivate, Topic: nasty, CreatedBy: "ann",
			Members: []event.Member{{UserID: "ann", Role: event.RoleOwner}, {UserID: "mia", Role: event.RoleMember}},
		},
		"room-updated":        event.RoomUpdated{Room: room(), By: "ann"},
		"room-archived":       event.RoomArchived{Room: room(), By: "ann"},
		"member-joined":       event.MemberJoined{RoomID: "r-1", UserID: "mia", Username: "Mia 🦊", Role: event.RoleMember, By: "mia"},
		"member-invited":      event.MemberJoined{RoomID: "r-1", UserID: "mia", Username: "Mia 🦊", Role: event.RoleModerator, By: "ann"},
		"member-left":         event.MemberLeft{RoomID: "r-1", UserID: "mia", Username: "Mia 🦊"},
		"member-removed":      event.MemberRemoved{RoomID: "r-1", UserID: "mia", Username: "Mia 🦊", By: "ann", Reason: "<spam>"},
		"member-role-changed": event.MemberRoleChanged{RoomID: "r-1", UserID: "mia", Username: "Mia", Role: event.RoleOwner, JoinedAt: moment(), By: "ann"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pushes, err := wire.Pushes(recorded(t, e))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pushes {
				checkPush(t, p)
			}
			golden(t, "push-"+name+".json", lines(t, pushes))
		})
	}
}

// checkPush states what holds for every push.
func checkPush(t *testing.T, p wire.Push) {
	t.Helper()
	var data map[string]any
	if err := json.Unmarshal(p.Data, &data); err != nil {
		t.Fatalf("%s: %v", p.Event, err)
	}
	if p.Room == "" && len(p.Users) == 0 && p.Watched == "" {
		t.Errorf("%s addresses nobody", p.Event)
	}
	if volatile := p.Event == wire.EventNotification || p.Event == wire.EventUnreadChanged; p.Durable == volatile {
		t.Errorf("%s durable: %v", p.Event, p.Durable)
	}
	if data["roomId"] != "r-1" && p.Event != wire.EventPresenceChanged {
		t.Errorf("%s has roomId %v", p.Event, data["roomId"])
	}
	if p.Durable && (data["position"] != "9007199254740993" || data["at"] == nil) {
		t.Errorf("%s has position %v and at %v", p.Event, data["position"], data["at"])
	}
}

func TestAccountsPushNothing(t *testing.T) {
	t.Parallel()
	for _, e := range []event.Event{
		event.UserRegistered{UserID: "ann"},
		event.UserProfileChanged{UserID: "ann"},
		event.UserDeactivated{UserID: "ann"},
		event.UserReactivated{UserID: "ann"},
		event.UserErased{UserID: "ann"},
	} {
		if pushes, err := wire.Pushes(recorded(t, e)); err != nil || len(pushes) != 0 {
			t.Errorf("%T pushes %v, %v", e, pushes, err)
		}
	}
}

func TestEveryTypeIsKnownToPushes(t *testing.T) {
	t.Parallel()
	for _, typ := range event.Types() {
		e, err := event.Decode(typ, event.SchemaVersion(typ), []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wire.Pushes(recorded(t, e)); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
	unknown := event.Recorded{Type: "RoomPainted", SchemaVersion: 1, Data: json.RawMessage("{}")}
	if _, err := wire.Pushes(unknown); err == nil {
		t.Error("an event of the future must be an error, not silence")
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	sent := event.MessageSent{Message: message()}
	edited := event.MessageEdited{Message: plain(), Seq: 3, SentAt: moment().Add(-time.Minute)}
	created := event.RoomCreated{RoomID: "r-1", RoomType: event.RoomDirect, CreatedBy: "ann", Members: make([]event.Member, 2)}
	archived := event.RoomArchived{Room: room(), By: "ann"}
	for name, shape := range map[string]any{
		"message":        wire.NewMessage(recorded(t, sent), sent),
		"message-edited": wire.EditedMessage(recorded(t, edited), edited),
		"room":           wire.NewRoom(recorded(t, created), created),
		"room-archived":  wire.ChangedRoom(recorded(t, archived), archived.Room, moment()),
		"member":         wire.Member{UserID: "mia", Username: "Mia <3", Role: event.RoleModerator, JoinedAt: wire.Time(moment())},
		"user":           wire.User{ID: "ann", Username: "Ann", DisplayName: nasty, AvatarURL: "https://x.test/a?b=1&c=2", Active: true},
		"notification":   wire.Notification{Kind: wire.NotifyMention, RoomID: "r-1", MessageID: messageID, From: "ann"},
		"invite":         wire.Notification{Kind: wire.NotifyInvite, RoomID: "r-1", From: "ann"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := wire.Marshal(shape)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "shape-"+name+".json", append(data, '\n'))
		})
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for in, want := range map[time.Time]string{
		moment(): "2026-01-02T03:04:05.670Z",
		time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC):         "2026-01-02T03:04:05.000Z",
		time.Date(2026, 1, 2, 3, 4, 5, 999999999, time.UTC): "2026-01-02T03:04:05.999Z",
	} {
		got, err := wire.Time(in).MarshalText()
		if err != nil || string(got) != want {
			t.Errorf("%v shows as %s, %v; want %s", in, got, err, want)
		}
		var back wire.Time
		if err := back.UnmarshalText(got); err != nil || !time.Time(back).Equal(in.Truncate(time.Millisecond)) {
			t.Errorf("%s reads as %v, %v", got, time.Time(back), err)
		}
	}
	if wire.OptionalTime(time.Time{}) != nil {
		t.Error("no time must be null")
	}
}

// lines shows pushes one a line: whom, then what.
func lines(t *testing.T, pushes []wire.Push) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, p := range pushes {
		line, err := wire.Marshal(struct {
			Event   string
			Room    string
			Users   []string
			Watched string `json:",omitempty"`
			Durable bool
			Data    json.RawMessage
		}{p.Event, p.Room, p.Users, p.Watched, p.Durable, p.Data})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	return out.Bytes()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("clients would see something else (-golden +now):\n%s", diff)
	}
}
