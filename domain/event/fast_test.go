package event_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
)

// texts are what escapers stumble over.
func texts() []string {
	var all strings.Builder
	for r := range rune(0x100) {
		all.WriteRune(r)
	}
	return []string{
		"", "a", nasty, all.String(), `\`, `"`, `\"`, "\u2028", "\u2029", "\u2027\u202a", "\ufffd", "a\xffb", "\xe2\x80", "\xed\xa0\x80", "\U0010ffff",
		"\x7f", "\\u0041", strings.Repeat("long ", 1000) + "\n", "</script>&amp;",
	}
}

// byTheBook is what encoding/json writes.
func byTheBook(t testing.TB, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// checkMessage checks that a message is written and read as encoding/json does it.
func checkMessage(t testing.TB, m event.MessageSent) {
	t.Helper()
	n, err := event.Encode(event.ID{1}, nil, m)
	if err != nil {
		t.Fatal(err)
	}
	if want := byTheBook(t, m); !bytes.Equal(n.Data, want) {
		t.Fatalf("written %s\nwant    %s", n.Data, want)
	}
	checkDecode(t, n.Data)
}

// checkDecode checks that data is read, or refused, as by encoding/json.
func checkDecode(t testing.TB, data []byte) {
	t.Helper()
	var want event.MessageSent
	wrong := json.Unmarshal(data, &want)
	got, err := event.Decode(event.TypeMessageSent, 1, data)
	if (err == nil) != (wrong == nil) {
		t.Fatalf("%q: %v, want %v", data, err, wrong)
	}
	if err != nil {
		return
	}
	if diff := cmp.Diff(event.Event(want), got); diff != "" {
		t.Fatalf("%q (-want +got):\n%s", data, diff)
	}
}

func TestMessagesAreWrittenAndReadByTheBook(t *testing.T) {
	t.Parallel()
	for _, s := range texts() {
		m := event.MessageSent{Message: event.Message{
			RoomID: s, MessageID: s, Sender: event.Sender{ID: s, Username: s, DisplayName: s, AvatarURL: s}, Content: s,
		}}
		checkMessage(t, m)
		m.DirectTo = s
		checkMessage(t, m)
		m.ReplyTo, m.ClientMessageID = s, s
		checkMessage(t, m)
		m.Mentions = []string{s}
		checkMessage(t, m)
		m.Mentions = []string{"a", s, "b"}
		checkMessage(t, m)
		m.Attachments = []event.Attachment{{URL: s, Size: 1}}
		checkMessage(t, m)
		m.Attachments, m.Mentions = []event.Attachment{}, []string{}
		checkMessage(t, m)
		meta := event.Metadata{UserID: s, CorrelationID: "c", CausationID: s, Node: s}
		if got, want := meta.Encode(), byTheBook(t, meta); !bytes.Equal(got, want) {
			t.Errorf("metadata %s, want %s", got, want)
		}
	}
	if got := (event.Metadata{}).Encode(); string(got) != "{}" {
		t.Errorf("no metadata is %s", got)
	}
}

// What nobody of ours wrote is read all the same.
func TestOtherSpellingsOfAMessageAreRead(t *testing.T) {
	t.Parallel()
	const start, end = `{"roomId":"r","messageId":"m","sender":{"id":"a","username":"b","displayName":"c","avatarUrl":"d"},"content":`, `}`
	for _, data := range []string{
		start + `"x"` + end, start + ` "x"` + end, start + `"x"` + end + " ", start + `"x"` + end + "x", start + `null` + end, start + `1` + end,
		start + `"\u0041\ud83d\ude00\ud800\/\'"` + end, start + `"\/"` + end, start + `"\ud83d\ude00"` + end, start + `"\u00e9\uFFFF\u+041"` + end,
		start + "\"a\nb\"" + end, start + "\"a\\n\nb\"" + end, start + "\"\xff\"" + end, start + `"x` + end, start + `"x\`, start + `"x\u00`,
		start + `"x","mentions":[]` + end, start + `"x","mentions":null` + end, start + `"x","mentions":["a",]` + end, start + `"x","mentions":["a" ,"b"]` + end,
		start + `"x","mentions":["a"` + end, start + `"x","replyTo":"y","replyTo":"z"` + end, start + `"x","other":{"a":[1]}` + end,
		start + `"x","clientMessageId":"c","replyTo":"r"` + end, start + `"x","attachments":[{"url":"u"}],"replyTo":"r"` + end,
		`{"content":"x","roomId":"r"}`, `{}`, `null`, `[]`, ``, `{"roomId":"r"`, `{"roomId":"r"}`, `{"ROOMID":"r"}`,
	} {
		checkDecode(t, []byte(data))
	}
}

func FuzzMessage(f *testing.F) {
	for _, s := range texts() {
		f.Add(s, s, s, []byte(s))
	}
	f.Add("r", "x", "y", byTheBook(f, ordinary()))
	f.Fuzz(func(t *testing.T, room, content, other string, data []byte) {
		checkMessage(t, event.MessageSent{DirectTo: room, Message: event.Message{
			RoomID: room, Content: content, ReplyTo: other, Mentions: []string{other, room}, ClientMessageID: content,
		}})
		checkDecode(t, data)
	})
}
