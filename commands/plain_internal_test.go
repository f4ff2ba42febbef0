package commands

import (
	"strings"
	"testing"

	"parley/domain/event"
)

// What is plain passes the tags; and what is ordinary is plain.
func TestPlainMessagesPassTheTags(t *testing.T) {
	t.Parallel()
	tags, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	ordinary := SendMessage{RoomID: "r", Content: "hi", Mentions: []string{"a", "b"}, ClientMessageID: "c-1"}
	if !plainSend(&ordinary) {
		t.Error("an ordinary message is not plain")
	}
	for _, room := range []string{"", "r", "a b", "é", long(128), long(129)} {
		for _, content := range []string{"", "x", "a\xff", "a\x00", long(10_000)} {
			for _, client := range []string{"", "c", "a\x00", "\xff", long(64), long(65), strings.Repeat("é", 64), strings.Repeat("é", 65)} {
				for _, mentions := range [][]string{nil, {}, {"a"}, {""}, {"a", "b c"}, make([]string, 51), strings.Split(long(50), ""), strings.Split(long(51), "")} {
					for _, attachments := range []int{0, 10, 11} {
						for _, replyTo := range []string{"", "x", "01890000-0000-7000-8000-000000000001"} {
							c := SendMessage{
								RoomID: room, Content: content, ClientMessageID: client, Mentions: mentions,
								Attachments: make([]event.Attachment, attachments), ReplyTo: replyTo,
							}
							if plainSend(&c) && tags.check(&c) != nil {
								t.Fatalf("plain, but %v: %+v", tags.check(&c), c)
							}
						}
					}
				}
			}
		}
	}
}
