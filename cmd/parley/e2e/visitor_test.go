package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// visitor is a client that goes away and comes back. As applications do, it keeps a cursor: the
// highest position that it was told. With recovery it does what the official clients do: it keeps
// the last string that ended an event, and the pid it was given.
type visitor struct {
	t    testing.TB
	user string
	auth object // what it says of itself each time
	// plain says that it comes by the plain door.
	plain bool

	socket *socket
	visits int
	pid    string

	mu      sync.Mutex
	book    []note
	offset  string // with recovery
	changed chan struct{}
}

// note is one event as a visitor wrote it down.
type note struct {
	visit    int
	name     string
	data     object
	args     int    // how many arguments it had
	offset   string // the last of several, if it was a string
	position int64  // 0 if it is volatile
}

// newVisitor makes one that has not arrived yet. auth are its connect options beside token, offset and pid.
func newVisitor(t testing.TB, user string, auth object) *visitor {
	t.Helper()
	all := object{"token": tokenOf(user)}
	maps.Copy(all, auth)
	v := &visitor{t: t, user: user, auth: all, changed: make(chan struct{})}
	t.Cleanup(v.leave)
	return v
}

// arrive connects to a node, with what the visitor knows, and returns when it was greeted.
func (v *visitor) arrive(n *node) *visitor {
	v.t.Helper()
	if err := v.try(v.t.Context(), n.URL); err != nil {
		v.t.Fatalf("%s arrives at node %s: %v", v.user, n.name, err)
	}
	return v
}

func (v *visitor) try(ctx context.Context, url string) error {
	auth := maps.Clone(v.auth)
	if cursor := v.cursor(); cursor != "" {
		auth["offset"] = cursor
		if v.recovers() && v.pid != "" {
			auth["pid"] = v.pid
		}
	}
	maps.Copy(auth, v.auth) // what a test wants said is said
	v.visits++
	visit := v.visits
	enter := dialAs
	if v.plain {
		enter = dialPlainAs
	}
	s, err := enter(ctx, url, auth, func(e told) { v.take(visit, e) })
	if err != nil {
		return err
	}
	v.socket, v.pid = s, s.pid
	if !v.wait(func([]note) bool { return len(v.notesOf("session")) > 0 }) {
		return fmt.Errorf("no session: told %s", names(v.notes()))
	}
	return nil
}

// leave hangs up without a farewell.
func (v *visitor) leave() {
	if v.socket != nil {
		v.socket.close()
	}
}

func (v *visitor) recovers() bool { return v.auth["recovery"] == true }

func (v *visitor) take(visit int, e told) {
	n := note{visit: visit, name: e.name, args: 1 + len(e.rest)}
	_ = json.Unmarshal(e.data, &n.data) // anything but an object has no members
	if len(e.rest) > 0 {
		_ = json.Unmarshal(e.rest[len(e.rest)-1], &n.offset)
	}
	if e.name != "session" && e.name != "resync-required" {
		n.position = toPosition(text(n.data, "position"))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.book = append(v.book, n)
	if n.offset != "" {
		v.offset = n.offset
	}
	close(v.changed)
	v.changed = make(chan struct{})
}

// cursor is where the visitor is, as it would say when it comes back: "" if it knows nothing.
func (v *visitor) cursor() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.recovers() {
		return v.offset
	}
	return cursorOf(v.book)
}

func cursorOf(book []note) string {
	var cursor string
	for _, n := range book {
		at := text(n.data, "position")
		told := n.position > 0 || n.name == "session" || n.name == "resync-required"
		if told && toPosition(at) >= toPosition(cursor) {
			cursor = at
		}
	}
	return cursor
}

// wait returns true as soon as the book is as wanted.
func (v *visitor) wait(wanted func([]note) bool) bool {
	deadline := time.After(settle)
	for {
		v.mu.Lock()
		book, changed := v.book, v.changed
		v.mu.Unlock()
		if wanted(book) {
			return true
		}
		select {
		case <-changed:
		case <-deadline:
			return false
		}
	}
}

// notes are those of the present visit.
func (v *visitor) notes() []note {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(v.book), func(n note) bool { return n.visit != v.visits })
}

// notesOf are those of the present visit and of that name.
func (v *visitor) notesOf(name string) []note {
	return slices.DeleteFunc(v.notes(), func(n note) bool { return n.name != name })
}

// await waits for an event of the present visit.
func (v *visitor) await(name string) note {
	v.t.Helper()
	if !v.wait(func([]note) bool { return len(v.notesOf(name)) > 0 }) {
		v.t.Fatalf("%s was told no %s, only %s", v.user, name, names(v.notes()))
	}
	return v.notesOf(name)[0]
}

// upTo waits until the visitor was told what was recorded at a position, in any visit.
func (v *visitor) upTo(position string) {
	v.t.Helper()
	at := toPosition(position)
	reached := v.wait(func(book []note) bool {
		return slices.ContainsFunc(book, func(n note) bool { return n.position >= at })
	})
	if !reached {
		v.t.Fatalf("%s was not told of position %s, only %s", v.user, position, names(v.notes()))
	}
}

// after are the durable events of all visits that were recorded after a position.
func (v *visitor) after(position string) []note {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(v.book), func(n note) bool {
		return n.position == 0 || n.position <= toPosition(position)
	})
}

// messages are the new messages that the visitor was told of in all visits.
func (v *visitor) messages() []note {
	return slices.DeleteFunc(v.after("0"), func(n note) bool { return n.name != "new-message" })
}

// of tells whether an event is of a room.
func (n note) of(room string) bool {
	return text(n.data, "roomId") == room || n.name != "new-message" && text(n.data, "id") == room
}

func (n note) String() string {
	return fmt.Sprintf("%d %s %s", n.position, n.name, text(n.data, "content"))
}

func names(notes []note) []string {
	list := make([]string, len(notes))
	for i, n := range notes {
		list[i] = n.String()
	}
	return list
}

// join lets the visitor hear rooms.
func (v *visitor) join(rooms ...string) *visitor {
	v.t.Helper()
	for _, room := range rooms {
		v.must("join-room", room)
	}
	return v
}

func (v *visitor) must(event string, payload any) object {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), settle)
	defer cancel()
	data, err := v.socket.must(ctx, event, payload)
	if err != nil {
		v.t.Fatalf("%s: %v", v.user, err)
	}
	return data
}

// alike fails the test unless one visitor was told the same as another, after a position: event for
// event, payload for payload, in ascending positions. What was deleted meanwhile may be told as a tombstone.
func alike(t testing.TB, position string, got, want *visitor) {
	t.Helper()
	g, w := got.after(position), want.after(position)
	if !slices.EqualFunc(g, w, sameAs(w)) {
		t.Errorf("after position %s %s was told\n%q\nand %s\n%q", position, got.user, names(g), want.user, names(w))
	}
	if !slices.IsSortedFunc(g, func(a, b note) int { return int(a.position - b.position) }) {
		t.Errorf("%s was told %q", got.user, names(g))
	}
}

// sameAs tells whether two events are the same, but for what a message has said that was deleted: that depends on whether the node knew.
func sameAs(told []note) func(a, b note) bool {
	deleted := map[any]any{}
	for _, n := range told {
		if n.name == "message-deleted" {
			deleted[n.data["messageId"]] = n.data["at"]
		}
	}
	left := func(n note) string {
		if at := deleted[n.data["id"]]; at != nil {
			return fmt.Sprint(merged(maps.Clone(n.data), object{"content": "", "attachments": []any{}, "deletedAt": at}))
		}
		return fmt.Sprint(n.data)
	}
	return func(a, b note) bool {
		return a.name == b.name && a.position == b.position && left(a) == left(b)
	}
}
