package event_test

import (
	"testing"

	"parley/domain/event"
)

// ordinary is what most of the log is.
func ordinary() event.Event {
	return event.MessageSent{Message: event.Message{
		RoomID: "01890000-0000-7000-8000-0000000000aa", MessageID: messageID,
		Sender:  event.Sender{ID: "01890000-0000-7000-8000-0000000000bb", Username: "ann", DisplayName: "Ann Örsted", AvatarURL: "https://x.test/a.png"},
		Content: "hello, this is an \"ordinary\" message\nof some length 👍", ClientMessageID: "01890000-0000-7000-8000-0000000000cc",
	}}
}

func BenchmarkEncode(b *testing.B) {
	e := ordinary()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.Encode(event.ID{1}, nil, e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	n, err := event.Encode(event.ID{1}, nil, ordinary())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.Decode(n.Type, n.SchemaVersion, n.Data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMetadata(b *testing.B) {
	m := event.Metadata{UserID: "ann", CorrelationID: messageID, Node: "n1"}
	b.ReportAllocs()
	for b.Loop() {
		m.Encode()
	}
}
