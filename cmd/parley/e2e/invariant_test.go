package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"testing"

	"parley/eventstore/testenv"
)

// What is fetched after any command is what was fetched before and then changed by the events alone: for who asked, on
// each device, for others of the same node and of another, by either door.
func TestEventsLeadFromOneFetchToTheNext(t *testing.T) {
	inParallel(t)
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL)
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	s := &change{t: t, said: map[string]message{}}
	for _, name := range []string{"ada", "bob", "cy", "dan"} {
		s.users = append(s.users, one.as(t, unique(name)).user)
	}
	ada, bob, cy, dan := s.users[0], s.users[1], s.users[2], s.users[3]
	s.host = one.as(t, ada)
	s.lobby = s.host.createRoom("private", "lobby", bob, cy, dan)
	s.room = s.host.createRoom("public", "room", bob, cy)
	s.ada, s.phone, s.bob = s.onlooker(one, ada, false), s.onlooker(two, ada, true), s.onlooker(one, bob, true)
	s.cy, s.dan = s.onlooker(two, cy, false), s.onlooker(two, dan, true)
	for _, o := range s.everybody() {
		if err := o.watch(s.users...); err != nil {
			t.Fatal(err)
		}
	}
	at := fence(t, s.host, s.lobby)
	for _, o := range s.everybody() {
		o.upTo(at)
		rooms := []string{s.room}
		if o == s.dan {
			rooms = nil
		}
		if err := o.look(at, rooms...); err != nil {
			t.Fatal(err)
		}
	}
	asked := map[string]bool{}
	for _, step := range s.steps() {
		asked[step.event] = true
		s.do(step)
	}
	for _, command := range commandsOfTheContract() {
		if !asked[command] {
			t.Errorf("%s was not asked", command)
		}
	}
}

func commandsOfTheContract() []string {
	return []string{
		"create-room", "update-room", "archive-room", "join-room", "join-rooms", "leave-room", "unsubscribe-room", "add-member", "remove-member",
		"set-role", "send-message", "edit-message", "delete-message", "add-reaction", "remove-reaction", "pin-message", "unpin-message", "mark-read",
		"mark-delivered", "typing-start", "typing-stop", "update-presence", "watch-presence", "sync", "refresh-token", "batch-update",
	}
}

// change is the scene of the commands: a room, a lobby where everybody is and of which no picture is kept, and five devices.
type change struct {
	t           *testing.T
	host        caller
	users       []string
	lobby, room string
	said        map[string]message // by what they say
	made        string             // the last room that was created

	ada, phone, bob, cy, dan *onlooker // ada has two devices; dan is no member at first
}

func (s *change) everybody() []*onlooker { return []*onlooker{s.ada, s.phone, s.bob, s.cy, s.dan} }

func (s *change) onlooker(n *node, user string, plain bool) *onlooker {
	s.t.Helper()
	v := newVisitor(s.t, user, nil)
	v.plain = plain
	v.arrive(n).join(s.lobby)
	if user != s.users[3] {
		v.join(s.room)
	}
	return &onlooker{visitor: v, home: n, watches: s.users}
}

// step is one command of one of them.
type step struct {
	by      *onlooker
	event   string
	payload func() any
}

func (s *change) steps() []step {
	fixed := func(o object) func() any { return func() any { return o } }
	in := func(more object) func() any { return func() any { return merged(object{"roomId": s.room}, more) } }
	on := func(content string, more object) func() any {
		return func() any { return merged(object{"roomId": s.room, "messageId": s.said[content].ID}, more) }
	}
	ada, bob, cy, dan := s.users[0], s.users[1], s.users[2], s.users[3]
	return []step{
		{s.ada, "send-message", in(object{"content": "first", "mentions": []string{bob, cy}, "attachments": []object{{"url": "https://example.com/a"}}})},
		{s.bob, "send-message", func() any {
			return object{"roomId": s.room, "content": "second", "replyTo": s.said["first"].ID, "mentions": []string{ada}}
		}},
		{s.ada, "edit-message", on("first", object{"content": "First"})},
		{s.cy, "add-reaction", on("first", object{"emoji": "👍"})},
		{s.bob, "add-reaction", on("first", object{"emoji": "👍"})},
		{s.cy, "remove-reaction", on("first", object{"emoji": "👍"})},
		{s.ada, "pin-message", on("second", nil)},
		{s.ada, "unpin-message", on("second", nil)},
		{s.ada, "pin-message", on("first", nil)},
		{s.cy, "mark-delivered", in(object{"seq": 2})},
		{s.bob, "mark-read", on("first", nil)},
		{s.cy, "mark-read", in(object{"seq": 1})},
		{s.bob, "delete-message", on("second", nil)},
		{s.bob, "send-message", in(object{"content": "third", "mentions": []string{ada, cy}})},
		{s.phone, "mark-read", in(object{"seq": 3})},
		{s.ada, "update-room", in(object{"name": "Room", "topic": "everything"})},
		{s.ada, "set-role", in(object{"userId": bob, "role": "moderator"})},
		{s.bob, "add-member", in(object{"userId": dan})},
		{s.dan, "send-message", in(object{"content": "fourth"})},
		{s.bob, "remove-member", in(object{"userId": dan})},
		{s.ada, "delete-message", on("first", nil)},
		{s.dan, "join-room", in(nil)},
		{s.cy, "send-message", in(object{"content": "fifth", "replyTo": nil})},
		{s.dan, "leave-room", in(nil)},
		{s.dan, "join-rooms", func() any { return []string{s.room} }},
		{s.cy, "send-message", in(object{"content": "sixth"})},
		{s.dan, "unsubscribe-room", in(nil)},
		{s.cy, "send-message", in(object{"content": "seventh"})},
		{s.ada, "create-room", fixed(object{"name": "apart", "type": "private", "memberIds": []string{bob, dan}})},
		{s.dan, "send-message", func() any { return object{"roomId": s.made, "content": "apart"} }},
		{s.ada, "archive-room", func() any { return s.made }},
		{s.bob, "create-room", fixed(object{"type": "direct", "memberIds": []string{cy}})},
		{s.cy, "send-message", func() any { return object{"roomId": s.made, "content": "between us"} }},
		{s.bob, "update-presence", fixed(object{"status": "busy", "text": "at work"})},
		{s.ada, "update-presence", fixed(object{"status": "invisible", "text": "hush"})},
		{s.ada, "update-presence", fixed(object{"status": "away"})},
		{s.cy, "typing-start", in(nil)},
		{s.cy, "typing-stop", in(nil)},
		{s.dan, "watch-presence", fixed(object{"userIds": s.users})},
		{s.cy, "sync", fixed(object{"position": "1"})},
		{s.bob, "refresh-token", func() any { return object{"token": tokenOf(bob)} }},
		{s.cy, "batch-update", func() any {
			return []object{
				{"event": "send-message", "data": object{"roomId": s.room, "content": "eighth", "mentions": []string{ada}}},
				{"event": "add-reaction", "data": object{"roomId": s.room, "messageId": s.said["third"].ID, "emoji": "+1"}},
				{"event": "mark-delivered", "data": object{"roomId": s.room, "seq": 7}},
			}
		}},
	}
}

func merged(a, b object) object {
	maps.Copy(a, b)
	return a
}

// do asks, waits until everybody has heard of it, and compares.
func (s *change) do(step step) {
	s.t.Helper()
	data := step.by.ask(step.event, step.payload())
	switch step.event {
	case "send-message":
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			s.t.Fatal(err)
		}
		s.said[m.Content] = m
	case "create-room":
		s.made = idOf(data)
	case "unsubscribe-room":
		defer func() { step.by.forget(s.room) }()
	}
	at := fence(s.t, s.host, s.lobby)
	var all sync.WaitGroup
	for _, o := range s.everybody() {
		o.upTo(at)
		all.Go(func() {
			if diff, err := o.differs(s.t.Context(), at); err != nil || diff != "" {
				s.t.Errorf("after %s by %s: %v: what %s shows at node %s (-fetched +shown):\n%s", step.event, step.by.user, err, o.user, o.home.name, diff)
			}
		})
	}
	all.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
}

// ask is a command that has to succeed.
func (o *onlooker) ask(event string, payload any) json.RawMessage {
	o.t.Helper()
	a, err := o.socket.ask(o.t.Context(), event, payload)
	if err != nil || !a.Success {
		o.t.Fatalf("%s asks %s %v: %+v, %v", o.user, event, payload, a, err)
	}
	return slices.Clone(a.Data)
}
