package recovery_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/realtime/hub"
	"parley/realtime/recovery"
)

// unsay deletes a message as the command does.
func (c *chat) unsay(room, text string, seq int64) {
	c.t.Helper()
	n, err := event.Encode(message.DeletedID("m-"+text), nil, event.MessageDeleted{RoomID: room, MessageID: "m-" + text, Seq: seq, By: "bob"})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.log.Append(c.t.Context(), eventstore.Append{Events: []event.New{n}}); err != nil {
		c.t.Fatal(err)
	}
}

// What was said and deleted is told as a tombstone, and then that it was deleted: wherever it is read, and however
// far the reading goes.
func TestWhatWasDeletedIsNotTold(t *testing.T) {
	t.Parallel()
	for place, ringFrom := range map[string]event.Position{"memory": 0, "log": 1 << 40} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			c := newChat(t)
			edited := event.MessageEdited{Seq: 1, Message: event.Message{
				RoomID: "a", MessageID: "m-secret", Content: "secret too", Sender: event.Sender{ID: "bob"},
				Attachments: []event.Attachment{{URL: "https://example.com/secret"}},
			}}
			c.record(said("a", "secret"), edited, said("a", "kept"))
			c.unsay("a", "secret", 1)
			past := c.past(ringFrom, recovery.Config{})

			gap := past.Gap("ann", []string{"a"}, 0)
			if err := gap.Read(t.Context(), 4); err != nil {
				t.Fatal(err)
			}
			missed, err := gap.Missed()
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"1 new-message a", "2 message-edited a", "3 new-message a kept", "4 message-deleted a bob"}
			if diff := cmp.Diff(want, told(missed)); diff != "" {
				t.Errorf("who comes back (-want +got):\n%s", diff)
			}
			tombstones(t, missed[:2])

			gap = past.Page("ann", []string{"a"}, 0, 3) // ends before the deletion
			if err := gap.Read(t.Context(), 4); err != nil {
				t.Fatal(err)
			}
			page, _, more, err := gap.Pushes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[:3], told(page)); diff != "" || !more {
				t.Errorf("a page, more: %v (-want +got):\n%s", more, diff)
			}
			tombstones(t, page[:2])
		})
	}
}

func tombstones(t *testing.T, list []*hub.Push) {
	t.Helper()
	if slices.ContainsFunc(list, func(p *hub.Push) bool { return strings.Contains(string(p.Data), "example.com") }) {
		t.Error("attachments are told")
	}
	for _, p := range list {
		var m wire.Message
		if err := json.Unmarshal(p.Data, &m); err != nil || m.DeletedAt == nil || m.ID != "m-secret" || m.Seq != 1 {
			t.Errorf("no tombstone: %s %v", p.Data, err)
		}
	}
}
