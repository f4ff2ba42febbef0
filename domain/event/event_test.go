package event_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
)

func TestEachTypeKnowsItsStream(t *testing.T) {
	t.Parallel()
	want := map[string]event.Stream{
		event.TypeUserRegistered: "user-ann", event.TypeUserProfileChanged: "user-ann",
		event.TypeUserDeactivated: "user-ann", event.TypeUserReactivated: "user-ann", event.TypeUserErased: "user-ann",
		event.TypeRoomCreated: "room-r-1", event.TypeRoomUpdated: "room-r-1", event.TypeRoomArchived: "room-r-1",
		event.TypeMemberJoined: "room-r-1", event.TypeMemberLeft: "room-r-1", event.TypeMemberRemoved: "room-r-1",
		event.TypeMemberRoleChanged: "room-r-1",
		event.TypeMessageSent:       "messages-r-1", event.TypeMessageEdited: "messages-r-1", event.TypeMessageDeleted: "messages-r-1",
		event.TypeReactionAdded: "messages-r-1", event.TypeReactionRemoved: "messages-r-1",
		event.TypeMessagePinned: "messages-r-1", event.TypeMessageUnpinned: "messages-r-1",
		event.TypeMessagesRead: "receipts-r-1", event.TypeMessagesDelivered: "receipts-r-1",
		event.TypeUserCameOnline: "presence-ann", event.TypeUserPresenceChanged: "presence-ann", event.TypeUserWentOffline: "presence-ann",
	}
	for typ, e := range samples() {
		if e.Type() != typ || e.Stream() != want[typ] {
			t.Errorf("%T is %s in %s, want %s in %s", e, e.Type(), e.Stream(), typ, want[typ])
		}
	}
	if s := event.MessagesStream("a-b"); s.Category() != event.CategoryMessages || s.Key() != "a-b" {
		t.Errorf("%s splits into %q and %q", s, s.Category(), s.Key())
	}
}

func TestSubjectAndNumber(t *testing.T) {
	t.Parallel()
	for typ, e := range samples() {
		n, err := event.Encode(event.ID{1}, nil, e)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := n.Numbered, typ == event.TypeMessageSent; got != want {
			t.Errorf("%s numbered: %v", typ, got)
		}
		about := ""
		if n.Stream == event.MessagesStream("r-1") && typ != event.TypeMessageSent {
			about = messageID
		}
		if n.Stream == event.ReceiptsStream("r-1") {
			about = event.ReceiptSubject("r-1", "ann")
		}
		if typ == event.TypeUserErased {
			about = event.ErasuresSubject()
		}
		if n.Subject != about {
			t.Errorf("%s is about %q, want %q", typ, n.Subject, about)
		}
		if string(n.Metadata) != "{}" {
			t.Errorf("%s: metadata %s, want an empty object", typ, n.Metadata)
		}
	}
}

func TestRecordedKeepsItsPayload(t *testing.T) {
	t.Parallel()
	for typ, e := range samples() {
		meta := event.Metadata{UserID: "ann", CorrelationID: "<c>", Node: "n1"}
		n, err := event.Encode(event.ID{1}, meta.Encode(), e)
		if err != nil {
			t.Fatal(err)
		}
		r := n.Record(9, 3, 2, moment())
		if r.Meta() != meta {
			t.Errorf("%s: metadata %+v, want %+v", typ, r.Meta(), meta)
		}
		stored, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var read event.Recorded
		if err := json.Unmarshal(stored, &read); err != nil {
			t.Fatal(err)
		}
		for _, r := range []event.Recorded{r, r.Decoded(), read, read.Decoded()} {
			got, err := r.Payload()
			if diff := cmp.Diff(e, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", typ, err, diff)
			}
		}
	}
}

func TestDecodeRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		typ     string
		version int
		data    string
		unknown bool
	}{
		{"a type of the future", "RoomPainted", 1, "{}", true},
		{"a version of the future", event.TypeRoomCreated, 2, "{}", true},
		{"no version", event.TypeRoomCreated, 0, "{}", true},
		{"no JSON", event.TypeRoomCreated, 1, "{", false},
		{"another shape", event.TypeRoomCreated, 1, `{"members":"ann"}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := event.Decode(tt.typ, tt.version, []byte(tt.data))
			if err == nil || errors.Is(err, event.ErrUnknownType) != tt.unknown {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDecodeIgnoresFieldsOfTheFuture(t *testing.T) {
	t.Parallel()
	got, err := event.Decode(event.TypeUserDeactivated, 1, []byte(`{"userId":"ann","by":"root","mood":"sad"}`))
	if want := (event.UserDeactivated{UserID: "ann", By: "root"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestUpcastWalksEveryStep(t *testing.T) {
	t.Parallel()
	step := func(mark string) event.Upcaster {
		return func(data []byte) ([]byte, error) { return append(data, mark...), nil }
	}
	steps := []event.Upcaster{step(">2"), step(">3"), step(">4")}
	for version, want := range map[int]string{1: "x>2>3>4", 2: "x>3>4", 3: "x>4", 4: "x"} {
		got, err := event.UpcastWith(steps, "T", version, []byte("x"))
		if err != nil || string(got) != want {
			t.Errorf("version %d: %q, %v; want %q", version, got, err, want)
		}
	}
	for _, version := range []int{-1, 0, 5} {
		if _, err := event.UpcastWith(steps, "T", version, nil); !errors.Is(err, event.ErrUnknownType) {
			t.Errorf("version %d: %v", version, err)
		}
	}
	broken := errors.New("broken")
	_, err := event.UpcastWith([]event.Upcaster{step(""), func([]byte) ([]byte, error) { return nil, broken }}, "T", 1, nil)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("a failing step gives %v", err)
	}
}

func TestDerivedIDsNeverChange(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]event.ID{
		"f9ebc5a4-e2fc-5138-80a3-51e60dedae7d": event.DeriveID("message", "ann", "c1"),
	} {
		if got.String() != want {
			t.Errorf("derived %s, want %s", got, want)
		}
	}
	if event.DeriveID("a", "bc") == event.DeriveID("ab", "c") || event.DeriveID() == event.DeriveID("") {
		t.Error("parts run into each other")
	}
	id := event.DeriveID("x")
	if back, err := event.ParseID(id.String()); err != nil || back != id {
		t.Errorf("%s reads as %s, %v", id, back, err)
	}
	if id[6]>>4 != 5 || id[8]>>6 != 2 {
		t.Errorf("%s is no UUID of version 5", id)
	}
}

func TestPositionIsADecimalString(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(map[string]event.Position{"p": 1 << 60})
	if err != nil || string(data) != `{"p":"1152921504606846976"}` {
		t.Errorf("%s, %v", data, err)
	}
	var back map[string]event.Position
	if err := json.Unmarshal(data, &back); err != nil || back["p"] != 1<<60 {
		t.Errorf("%v, %v", back, err)
	}
	for _, bad := range []string{"", "-1", "+1", "1.0", " 1", "0x1", "9223372036854775808", "١"} {
		if p, err := event.ParsePosition(bad); err == nil {
			t.Errorf("%q reads as %d", bad, p)
		}
	}
}

// Marks are in an edit when there are some; edits that were stored before there were marks have none.
func TestAnEditTellsMarks(t *testing.T) {
	t.Parallel()
	sample, ok := samples()[event.TypeMessageEdited].(event.MessageEdited)
	if !ok {
		t.Fatal("no sample of an edit")
	}
	sample.Marks = event.Marks{Reactions: map[string][]string{"<3": {"mia", "ann"}, "👍": {"ann"}}, Pinned: true}
	stored, err := event.Encode(event.ID{1}, nil, sample)
	if err != nil || !strings.HasSuffix(string(stored.Data), `,"reactions":{"<3":["mia","ann"],"👍":["ann"]},"pinned":true}`) {
		t.Fatalf("%v: %s", err, stored.Data)
	}
	decoded, err := event.Decode(stored.Type, stored.SchemaVersion, stored.Data)
	if diff := cmp.Diff(event.Event(sample), decoded); diff != "" || err != nil {
		t.Errorf("%v (-stored +read):\n%s", err, diff)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	var none event.Marks
	one := none.Reacted("x", "ann")
	two := one.Reacted("x", "mia").Reacted("y", "ann").Reacted("x", "ann")
	if diff := cmp.Diff(map[string][]string{"x": {"ann", "mia"}, "y": {"ann"}}, two.Reactions); diff != "" || two.Count() != 3 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	back := two.Unreacted("x", "mia").Unreacted("y", "ann").Unreacted("z", "ann")
	if diff := cmp.Diff(one, back); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(none, back.Unreacted("x", "ann")); diff != "" || two.Count() != 3 {
		t.Errorf("taken back (-want +got):\n%s", diff)
	}
}
