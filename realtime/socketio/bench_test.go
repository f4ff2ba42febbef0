package socketio_test

import (
	"encoding/json"
	"testing"

	"parley/realtime/socketio"
)

var (
	sendMessage = []byte(`217["send-message",{"roomId":"01920f3c-9c2a-7b1e-8f00-2a5b6c7d8e9f","content":"hello, how are you today?","clientMessageId":"c-000001"}]`)
	newMessage  = json.RawMessage(`{"id":"01920f3c-9c2a-7b1e-8f00-2a5b6c7d8e9f","roomId":"01920f3c-9c2a-7b1e-8f00-2a5b6c7d8e9f","seq":12345,"sender":{"id":"u1","username":"ada","displayName":"Ada","avatarUrl":""},"content":"hello, how are you today?","attachments":[],"replyTo":null,"mentions":[],"reactions":{},"pinned":false,"editedAt":null,"deletedAt":null,"at":"2026-01-01T00:00:00.000Z","position":"123456"}`)
)

func BenchmarkParseEvent(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(sendMessage)))
	for b.Loop() {
		if _, err := socketio.ParsePacket(sendMessage, socketio.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeEventRaw(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = socketio.EncodeEventRaw("/", "new-message", newMessage)
	}
}

func BenchmarkEncodeEvent(b *testing.B) {
	type payload struct {
		RoomID, Content string
		Seq             int64
		Mentions        []string
	}
	v := payload{"01920f3c-9c2a-7b1e-8f00-2a5b6c7d8e9f", "hello <you>", 12345, []string{}}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = socketio.EncodeEvent("/", "new-message", v)
	}
}

// An event with an acknowledgement, there and back over loopback.
func BenchmarkEventAndAck(b *testing.B) {
	ok := []byte(`[{"success":true}]`)
	h := start(b, socketio.Config{}, &room{onEvent: func(_ *member, e socketio.Event) { _ = e.AckRaw(ok) }})
	c, _ := h.connect(b)
	b.ReportAllocs()
	text := "4" + string(sendMessage)
	for b.Loop() {
		c.say(text)
		_, _, _ = c.ReadMessage()
	}
}
