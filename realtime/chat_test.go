package realtime_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/realtime/gateway"
)

// chat is a node with the real commands.
type chat struct {
	*stack
	t testing.TB
}

func newChat(t testing.TB, users ...string) *chat {
	t.Helper()
	c := &chat{start(t, realMenu(t), gateway.Config{Rate: -1}), t}
	for _, u := range users {
		if _, err := c.menu.RegisterUser.Do(t.Context(), commands.Actor{}, commands.RegisterUser{UserID: u, Username: u}); err != nil {
			t.Fatalf("register %s: %v", u, err)
		}
	}
	return c
}

// another is a second node of the same chat.
func (c *chat) another() *chat {
	c.t.Helper()
	return &chat{c.second(c.t, realMenu(c.t), gateway.Config{Rate: -1}), c.t}
}

func realMenu(t testing.TB) fill {
	return func(log eventstore.Log, follower eventstore.Follower) (*commands.Commands, func(context.Context) error) {
		menu, err := commands.New(commands.Deps{Log: log, Follower: follower}, commands.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return menu, menu.Run
	}
}

func (c *chat) login(user string, more ...string) *client {
	c.t.Helper()
	cl := dial(c.t, c.url, nil)
	cl.login(user, more...)
	return cl
}

// mark makes the client hear something of its own, and returns what it heard before it:
// everything that was stored until now, if it was addressed.
func (c *client) mark() (heard []string) {
	c.t.Helper()
	return c.markAs("mark")
}

// markAs is mark by another name, to do it again.
func (c *client) markAs(name string) (heard []string) {
	c.t.Helper()
	id := strings.ReplaceAll(name, " ", "-")
	a, frames := c.ask("create-room", fmt.Sprintf(`{"id":%q,"name":"mark","type":"private"}`, id))
	if !a.Success {
		c.t.Fatalf("mark: %s", a.raw)
	}
	for {
		for _, f := range frames {
			if e, _ := parseEvent(f); e.Name == wire.EventRoomCreated && e.Data.RoomID == id {
				return heard
			}
			heard = append(heard, f)
		}
		frames = []string{c.next()}
	}
}

func send(room, text string) string {
	return fmt.Sprintf(`{"roomId":%q,"content":%q}`, room, text)
}

func TestConversation(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	ann, bob := c.login("ann"), c.login("bob")
	ann.must("create-room", `{"id":"tea","name":"Tea","type":"public"}`)
	if a, _ := bob.ask("send-message", send("tea", "hi")); a.Code != "NOT_A_MEMBER" {
		t.Errorf("a stranger's message: %s", a.raw)
	}
	joined := bob.must("room:join", `"tea"`)
	if joined.Data.Room.ID != "tea" || joined.Data.Seq != 0 {
		t.Errorf("joined: %s", joined.raw)
	}
	if e := ann.until("user-joined"); e.Data.UserID != "bob" {
		t.Errorf("joined: %+v", e)
	}
	sent := bob.must("send-message", send("tea", "<b>hi</b>"))
	for _, cl := range []*client{ann, bob} {
		e := cl.until("new-message")
		if e.Data.Content != "<b>hi</b>" || e.Data.Seq != 1 || e.Data.Position != sent.Data.Position {
			t.Errorf("heard %+v, sent %s", e, sent.raw)
		}
	}
	edit := fmt.Sprintf(`{"roomId":"tea","messageId":%q,"content":"hello"}`, sent.Data.ID)
	if a, _ := ann.ask("edit-message", edit); a.Code != "FORBIDDEN" {
		t.Errorf("somebody else's edit: %s", a.raw)
	}
	bob.must("edit-message", edit)
	if e := ann.until("message-edited"); e.Data.Content != "hello" {
		t.Errorf("edited: %+v", e)
	}
	ann.must("delete-message", fmt.Sprintf(`{"roomId":"tea","messageId":%q}`, sent.Data.ID))
	bob.until("message-deleted")
	ann.must("archive-room", `"tea"`)
	bob.until("room-archived")
	if a, _ := bob.ask("send-message", send("tea", "still here?")); a.Code != "ROOM_ARCHIVED" {
		t.Errorf("archived: %s", a.raw)
	}
}

func TestPrivateRoomsDoNotExistForStrangers(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	ann, bob := c.login("ann"), c.login("bob")
	ann.must("create-room", `{"id":"den","name":"Den","type":"private"}`)
	for event, payload := range map[string]string{"join-room": `"den"`, "send-message": send("den", "x"), "leave-room": `"den"`} {
		a, _ := bob.ask(event, payload)
		b, _ := bob.ask(event, strings.Replace(payload, "den", "nil", 1))
		if a.Code != "ROOM_NOT_FOUND" || a.raw != b.raw {
			t.Errorf("%s: %s, but for no room at all %s", event, a.raw, b.raw)
		}
	}
	// Naming it when connecting does not help either.
	spy := c.login("bob", `,"rooms":["den"]`)
	ann.must("send-message", send("den", "secret"))
	if heard := spy.mark(); len(heard) != 0 {
		t.Errorf("heard %q", heard)
	}
}

func TestRoomsNamedWhenConnectingAreHeard(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann")
	first := c.login("ann")
	first.must("create-room", `{"id":"tea","name":"Tea","type":"public"}`)
	second := dial(t, c.url, http.Header{"Authorization": {"Bearer ann"}})
	second.say(`40{"rooms":["tea","nowhere"]}`)
	second.next()
	second.next()
	first.must("send-message", send("tea", "x"))
	second.until("new-message")
}

func TestPipelinedMessagesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	const messages = 300
	c := newChat(t, "ann")
	ann := c.login("ann")
	ann.must("create-room", `{"id":"tea","name":"Tea","type":"public"}`)
	for i := range messages {
		ann.emit("send-message", send("tea", strconv.Itoa(i)))
	}
	acks, next := 0, 0
	for acks < messages || next < messages {
		f := ann.next()
		e, ok := parseEvent(f)
		switch {
		case ok && e.Name == "new-message":
			if e.Data.Content != strconv.Itoa(next) || e.Data.Seq != int64(next+1) {
				t.Fatalf("message %d is %+v", next, e)
			}
			next++
		case strings.HasPrefix(f, "43"):
			if !strings.Contains(f, `"success":true`) {
				t.Fatalf("answer %s", f)
			}
			acks++
		}
	}
}

// After a removal is acknowledged nothing that is said in the room reaches the member, on
// any of its devices; what was said before does.
func TestRemovedMemberHearsNothingMore(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	ann := c.login("ann")
	ann.must("create-room", `{"id":"tea","name":"Tea","type":"public","memberIds":["bob"]}`)
	devices := []*client{c.login("bob", `,"rooms":["tea"]`), c.login("bob", `,"rooms":["tea"]`)}
	for i := range 20 {
		ann.emit("send-message", send("tea", fmt.Sprint("before ", i)))
	}
	ann.must("remove-member", `{"roomId":"tea","userId":"bob"}`)
	for i := range 20 {
		ann.must("send-message", send("tea", fmt.Sprint("after ", i)))
	}
	if got := ann.must("add-member", `{"roomId":"tea","userId":"bob"}`); !got.Success {
		t.Fatal(got.raw)
	}
	for _, d := range devices {
		heard := 0
		for {
			e, ok := parseEvent(d.next())
			if ok && strings.HasPrefix(e.Data.Content, "after") {
				t.Fatalf("heard %+v", e)
			}
			if e.Name == "new-message" {
				heard++
			}
			if e.Name == "user-joined" {
				break // addressed to the user: it comes after all that was said
			}
		}
		if heard != 20 {
			t.Errorf("heard %d messages, want 20", heard)
		}
	}
}

// Somebody comes and goes while others talk, on this node or on another. From the answer
// to a join on, messages have no gap and no repetition, up to the leaving.
func TestJoinIsAnExactCut(t *testing.T) {
	t.Parallel()
	for name, node := range map[string]func(*chat) *chat{
		"same node":    func(c *chat) *chat { return c },
		"another node": (*chat).another,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChat(t, "ann", "bob")
			c.open("ann", "tea", event.RoomPublic)
			listening := node(c)
			bob := listening.login("bob")
			stop := make(chan struct{})
			var talking sync.WaitGroup
			defer talking.Wait()
			defer close(stop)
			talking.Go(func() { c.talk("ann", "tea", listening, stop) })
			for range 50 {
				bob.comesAndGoes("tea")
			}
		})
	}
}

// open makes a room without a socket.
func (c *chat) open(user, room string, typ event.RoomType) {
	c.t.Helper()
	actor := commands.Actor{Principal: domain.Principal{UserID: user}}
	if _, err := c.menu.CreateRoom.Do(c.t.Context(), actor, commands.CreateRoom{ID: room, Name: room, Type: typ}); err != nil {
		c.t.Fatalf("open %s: %v", room, err)
	}
}

// talk sends messages until stop.
//
// The log in memory takes messages faster than a busy machine hands them out, so no more
// of them are under way to the node that listens than a real log would let pass meanwhile.
func (c *chat) talk(user, room string, listening *chat, stop <-chan struct{}) {
	const ahead = 64
	pace := time.NewTicker(200 * time.Microsecond)
	defer pace.Stop()
	actor := commands.Actor{Principal: domain.Principal{UserID: user}}
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		select {
		case <-stop:
			return
		case <-pace.C:
			m, err := c.menu.SendMessage.Do(context.WithoutCancel(ctx), actor, commands.SendMessage{RoomID: room, Content: "x"})
			if err != nil {
				c.t.Errorf("talk: %v", err)
				return
			}
			_ = listening.hub.Await(ctx, m.Position-ahead)
		}
	}
}

// On one node bob is let in and put out again and again, on another he never stops
// asking. He hears nothing that is said while he is out, whatever the caches of his node
// still believe or know already.
func TestNobodyIsHeardByThoseWhoWerePutOut(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	c.open("ann", "den", event.RoomPrivate)
	bob := c.another().login("bob")
	over := make(chan struct{})
	var joined atomic.Int32
	go func() {
		defer close(over)
		for i := 0; i < 60 || joined.Load() == 0 && i < 5000; i++ { // a fast machine may never let him be in time
			c.letInAndPutOut("ann", "bob", "den")
		}
	}()
	var heard []string
	for busy := true; busy; {
		select {
		case <-over:
			busy = false
			heard = append(heard, bob.mark()...)
		default:
			answer, before := bob.ask("join-room", `"den"`)
			heard = append(heard, before...)
			if answer.Success {
				joined.Add(1)
			}
		}
	}
	for _, f := range heard {
		if e, _ := parseEvent(f); e.Data.Content == "secret" {
			t.Fatalf("heard %s", f)
		}
	}
	if joined.Load() == 0 {
		t.Error("bob never came in")
	}
}

// letInAndPutOut says "open" while somebody is a member, and "secret" while not.
func (c *chat) letInAndPutOut(owner, guest, room string) {
	ctx, actor := context.Background(), commands.Actor{Principal: domain.Principal{UserID: owner}}
	_, _ = c.menu.AddMember.Do(ctx, actor, commands.AddMember{RoomID: room, UserID: guest})
	_, _ = c.menu.SendMessage.Do(ctx, actor, commands.SendMessage{RoomID: room, Content: "open"})
	_, _ = c.menu.RemoveMember.Do(ctx, actor, commands.RemoveMember{RoomID: room, UserID: guest})
	_, _ = c.menu.SendMessage.Do(ctx, actor, commands.SendMessage{RoomID: room, Content: "secret"})
}

// comesAndGoes joins a room, hears some messages, and leaves.
func (c *client) comesAndGoes(room string) {
	c.t.Helper()
	joined, _ := c.ask("join-room", strconv.Quote(room))
	if !joined.Success {
		c.t.Fatalf("join: %s", joined.raw)
	}
	seq, from := joined.Data.Seq, position(c.t, joined.Data.Position)
	left := ""
	for heard := 0; ; {
		f := c.next()
		if f == "" {
			c.t.Fatal("closed while hearing the room")
		}
		e, ok := parseEvent(f)
		if !ok {
			continue
		}
		if p := position(c.t, e.Data.Position); p <= from {
			c.t.Fatalf("%s at %d after %d", e.Name, p, from)
		}
		if e.Name == wire.EventUserLeft {
			return
		}
		if e.Name == wire.EventNewMessage {
			if seq++; e.Data.Seq != seq {
				c.t.Fatalf("message %d, want %d; joined with %s", e.Data.Seq, seq, joined.raw)
			}
			if heard++; heard >= 3 && left == "" {
				left = c.emit("leave-room", strconv.Quote(room))
			}
		}
	}
}

func position(t testing.TB, s string) event.Position {
	t.Helper()
	p, err := event.ParsePosition(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDeactivatedUserIsPutOut(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann")
	ann := c.login("ann")
	admin := commands.Actor{Principal: domain.Principal{Roles: []domain.Role{domain.RoleAdmin}}}
	if _, err := c.menu.DeactivateUser.Do(t.Context(), admin, commands.UserRef{UserID: "ann"}); err != nil {
		t.Fatal(err)
	}
	if last := ann.closed(); len(last) != 1 || last[0] != "41" {
		t.Errorf("closed with %q, want 41", last)
	}
	again := dial(t, c.url, nil)
	again.say(`40{"token":"ann"}`)
	if got := again.next(); got != `44{"message":"Invalid user","data":{"code":"INVALID_USER"}}` {
		t.Errorf("came back: %s", got)
	}
	if c.hub.Count() != 0 {
		t.Errorf("%d sockets are left", c.hub.Count())
	}
}

func TestLogAwayClosesConnectionsInsteadOfRefusing(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann")
	ann := c.login("ann")
	ann.must("create-room", `{"id":"tea","name":"Tea","type":"public"}`)
	c.log.Fail(context.DeadlineExceeded)
	if a, _ := ann.ask("send-message", send("tea", "x")); a.Code != "UNAVAILABLE" {
		t.Errorf("answer %s", a.raw)
	}
	stranger := dial(t, c.url, nil)
	stranger.say(`40{"token":"nobody-has-asked-for-me"}`)
	if got := stranger.closed(); len(got) != 0 {
		t.Errorf("got %q before the end", got)
	}
	c.log.Fail(nil)
	ann.must("send-message", send("tea", "x"))
}

func TestDrainClosesTransports(t *testing.T) {
	t.Parallel()
	c := newChat(t, "ann", "bob")
	clients := []*client{c.login("ann"), c.login("bob")}
	c.gateway.Drain(t.Context(), 0)
	for _, cl := range clients {
		got := cl.closed()
		if len(got) != 1 || !strings.HasPrefix(got[0], `42["server-draining",{"reconnectInMs":`) {
			t.Errorf("closed with %q", got)
		}
	}
	if err := c.server.Drain(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
}
