package realtime_test

import (
	"fmt"
	"strings"
	"testing"
)

// Who speaks has read what was said before: a device that does not hear the room is told so, unless there was nothing.
func TestSpeakingLeavesNothingToRead(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	phone := c.login("ann") // from before the room
	ann, bob := c.login("ann"), c.login("bob")
	ann.must("create-room", `{"id":"tea","name":"Tea","type":"public"}`)
	bob.must("join-room", `"tea"`)
	say := func(who *client) {
		t.Helper()
		who.must("send-message", send("tea", "hi"))
	}
	told := func(what string, want int) {
		t.Helper()
		n := 0
		for _, f := range phone.markAs("mark " + what) {
			if strings.Contains(f, `"unread-changed"`) {
				if n++; !strings.Contains(f, `{"roomId":"tea","unreadCount":0,"mentionCount":0}`) {
					t.Errorf("%s: %s", what, f)
				}
			}
		}
		if n != want {
			t.Errorf("%s: unread-changed comes %d times, want %d", what, n, want)
		}
	}
	say(ann)
	told("the first message", 0)
	say(ann)
	told("one after ones own", 0)
	say(bob)
	say(bob)
	say(ann)
	told("one after others", 1)
	say(bob)
	bob.must("mark-read", `{"roomId":"tea","seq":6}`)
	ann.must("mark-read", `{"roomId":"tea","seq":6}`)
	told("reading", 1)
	say(ann)
	told("one after what was read", 0)
	for i := range 3 {
		say(bob)
		say(ann)
		told(fmt.Sprint("in turns ", i), 1)
	}
}
