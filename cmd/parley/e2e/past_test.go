package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// A room is shown as it was, on any node, and the way of a message is known on any node.
func TestLookingBack(t *testing.T) {
	inParallel(t)
	shared := backends(testenv.DSN(t), testenv.RedisURL(t))
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	ann, bob := unique("ann"), unique("bob")
	heard := make(chan string, 100)
	a := joinAs(t, one, object{"token": tokenOf(ann)}, func(told) {})
	b := joinAs(t, two, object{"token": tokenOf(bob)}, func(e told) {
		if e.name == "new-message" {
			heard <- idOf(e.data)
		}
	})
	roomID := one.as(t, ann).createRoom("private", "Tea", bob)
	ask := func(s *socket, name string, payload any) object {
		t.Helper()
		done, err := s.must(t.Context(), name, payload)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	ask(a, "join-room", roomID)
	ask(b, "join-room", roomID)
	sent := ask(a, "send-message", object{"roomId": roomID, "content": "first words", "clientMessageId": unique("c")})
	messageID := text(sent, "id")
	select {
	case id := <-heard:
		if id != messageID {
			t.Fatalf("heard of %s", id)
		}
	case <-time.After(soon):
		t.Fatal("heard nothing")
	}

	path := "/api/v1/rooms/" + roomID + "/messages"
	live := two.as(t, ann).awaitFresh(path, text(sent, "position"))
	then := path + "?at=position:" + live.position()
	ask(a, "edit-message", object{"roomId": roomID, "messageId": messageID, "content": "other words"})
	ask(b, "add-reaction", object{"roomId": roomID, "messageId": messageID, "emoji": "+1"})
	ask(b, "send-message", object{"roomId": roomID, "content": "an answer", "replyTo": messageID})
	ask(a, "delete-message", object{"roomId": roomID, "messageId": messageID})
	for _, n := range []*node{one, two} {
		if got := n.as(t, ann).call("GET", then, nil).want(http.StatusOK); string(got.raw) != string(live.raw) {
			t.Errorf("%s: %s\nwas\n%s", then, got.raw, live.raw)
		}
		if got := n.as(t, bob).call("GET", then, nil).items(); len(got) != 1 || text(got[0], "content") != "" {
			t.Errorf("what was deleted is shown to others: %v", got)
		}
	}

	path = "/api/v1/messages/" + messageID + "/trace"
	one.as(t, ann).call("GET", path, nil).problem(http.StatusForbidden, "FORBIDDEN")
	traced := awaitTrace(t, two.as(t, unique("analyst"), "analyst"), path)
	if traced.Event.Node == "" || traced.Published == nil || traced.Published.By != traced.Event.Node {
		t.Errorf("stored by %q, published %+v", traced.Event.Node, traced.Published)
	}
	if traced.Command.Event != "send-message" || traced.Command.UserID != ann || traced.Command.SocketID == "" {
		t.Errorf("asked for by %+v", traced.Command)
	}
	if len(traced.Changes) != 3 || traced.Changes[0].Command.Event != "edit-message" || traced.Changes[1].Command.UserID != bob {
		t.Errorf("changes: %+v", traced.Changes)
	}
	home := awaitTrace(t, one.as(t, unique("analyst"), "analyst"), path)
	if home.Command.ReceivedAt == nil || home.Command.AnsweredAt == nil || home.Command.AnsweredAt.Before(*home.Command.ReceivedAt) {
		t.Errorf("the node that was asked does not know when: %+v", home.Command)
	}
}

// traced is what a trace tells of one event.
type traced struct {
	Command struct {
		Event, UserID, SocketID string
		ReceivedAt, AnsweredAt  *time.Time
	}
	Event       struct{ Node string }
	Published   *struct{ By string }
	Projections []struct{ View, Node string }
	Deliveries  []struct {
		Node    string
		Sockets int
	}
	Changes []traced
}

// awaitTrace asks until all views and both nodes have been heard of: each writes down every second what it has done.
func awaitTrace(t *testing.T, c caller, path string) (last traced) {
	t.Helper()
	for deadline := time.Now().Add(soon); ; time.Sleep(100 * time.Millisecond) {
		answer := c.call("GET", path, nil).want(http.StatusOK)
		if strings.Contains(string(answer.raw), "words") {
			t.Fatalf("what was said is in the trace: %s", answer.raw)
		}
		last = traced{}
		if err := json.Unmarshal(answer.raw, &last); err != nil {
			t.Fatal(err)
		}
		sockets := 0
		for _, d := range last.Deliveries {
			sockets += d.Sockets
		}
		if len(last.Projections) >= 6 && len(last.Deliveries) == 2 && sockets >= 2 {
			return last
		}
		if time.Now().After(deadline) {
			t.Fatalf("not the whole way: %s", answer.raw)
		}
	}
}
