package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// typist is a client, and what it heard of who is typing.
type typist struct {
	*socket
	t     *testing.T
	heard chan string
}

func typistAt(t *testing.T, n *node, id string) *typist {
	t.Helper()
	c := &typist{t: t, heard: make(chan string, 100)}
	c.socket = joinAs(t, n, object{"token": tokenOf(id)}, func(e told) {
		if what, ok := strings.CutPrefix(e.name, "typing-"); ok {
			var p struct{ UserID, ExpiresAt string }
			_ = json.Unmarshal(e.data, &p)
			if what == "started" && p.ExpiresAt == "" {
				what = "started without end"
			}
			c.heard <- what + " " + p.UserID
		}
	})
	return c
}

func (c *typist) says(name string, payload any) {
	c.t.Helper()
	if _, err := c.must(c.t.Context(), name, payload); err != nil {
		c.t.Fatal(err)
	}
}

func (c *typist) hears(want ...string) {
	c.t.Helper()
	for _, w := range want {
		select {
		case got := <-c.heard:
			if got != w {
				c.t.Fatalf("heard %q, want %q", got, w)
			}
		case <-time.After(soon):
			c.t.Fatalf("heard nothing, want %q", w)
		}
	}
}

func (c *typist) silent(d time.Duration) {
	c.t.Helper()
	select {
	case got := <-c.heard:
		c.t.Fatalf("heard %q", got)
	case <-time.After(d):
	}
}

func TestTypingAcrossNodes(t *testing.T) {
	inParallelIdly(t)
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL).with(settings{"TYPING_TTL": "4"})
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	ann, bob, eve := unique("ann"), unique("bob"), unique("eve")
	a, b := typistAt(t, one, ann), typistAt(t, two, bob)
	outside := typistAt(t, two, eve)
	roomID := one.as(t, ann).createRoom("private", "Tea", bob)
	a.says("join-room", roomID)
	b.says("join-room", roomID)

	a.says("typing-start", object{"roomId": roomID})
	b.hears("started " + ann)
	late := typistAt(t, one, bob)
	late.says("join-room", roomID)
	late.hears("started " + ann)
	b.hears("stopped " + ann) // by itself
	late.hears("stopped " + ann)
	late.close()

	a.says("typing:start", roomID)
	b.hears("started " + ann)
	a.says("send-message", object{"roomId": roomID, "content": "hi"})
	b.hears("stopped " + ann)
	a.says("typing-start", roomID)
	b.hears("started " + ann)
	a.says("typing-stop", roomID)
	b.hears("stopped " + ann)
	a.says("typing-start", roomID)
	b.hears("started " + ann)
	a.close()
	b.hears("stopped " + ann)

	device := typistAt(t, one, bob)
	device.says("join-room", roomID)
	b.says("typing-start", roomID)
	device.silent(100 * time.Millisecond) // it is the same user
	again := typistAt(t, one, ann)
	again.says("join-room", roomID)
	again.hears("started " + bob)
	again.says("remove-member", object{"roomId": roomID, "userId": bob})
	again.hears("stopped " + bob)
	for _, who := range []*typist{b, outside} {
		if answer, err := who.ask(t.Context(), "typing-start", object{"roomId": roomID}); err != nil || answer.Code != "ROOM_NOT_FOUND" {
			t.Errorf("who is no member types: %+v, %v", answer, err)
		}
	}
	again.silent(time.Second)
	outside.silent(0)
	again.says("archive-room", roomID)
	if answer, err := again.ask(t.Context(), "typing-start", roomID); err != nil || answer.Code != "ROOM_ARCHIVED" {
		t.Errorf("in an archived room: %+v, %v", answer, err)
	}
}
