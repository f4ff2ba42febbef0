package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
	"parley/projections/receipts"
	"parley/projections/rooms"
)

func TestReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, cy := w.person(t, "ada"), w.person(t, "bob"), w.person(t, "cy")
	room := w.room(t, ada, event.RoomPrivate, bob, cy)
	base := "/rooms/" + room.ID
	var sent []wire.Message
	for range 5 {
		sent = append(sent, w.message(t, ada, room.ID, "hi"))
	}
	var marked commands.Read
	w.as(t, bob, "PUT", base+"/read", `{"seq":3}`).into(t, &marked)
	if marked.RoomID != room.ID || marked.Seq != 3 || marked.UnreadCount != 2 {
		t.Errorf("%+v", marked)
	}
	write := w.as(t, cy, "PUT", base+"/read", `{"messageId":"`+sent[4].ID+`"}`)
	write.want(t, "by id", 200, "")
	var page list[receipts.Receipt]
	w.at(t, write, ada, base+"/receipts").into(t, &page)
	read := map[string]int64{}
	for _, r := range page.Items {
		if read[r.UserID] = r.ReadSeq; r.ReadAt == nil || r.DeliveredSeq != r.ReadSeq {
			t.Errorf("%+v", r)
		}
	}
	if diff := cmp.Diff(map[string]int64{ada.id: 5, bob.id: 3, cy.id: 5}, read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	readers := func(m wire.Message) (ids []string) {
		var page list[receipts.Receipt]
		w.at(t, write, ada, base+"/messages/"+m.ID+"/readers").into(t, &page)
		for _, r := range page.Items {
			ids = append(ids, r.UserID)
		}
		return ids
	}
	if got := readers(sent[2]); len(got) != 2 || slices.Contains(got, ada.id) {
		t.Errorf("readers of the third: %v", got)
	}
	if got := readers(sent[4]); !slices.Equal(got, []string{cy.id}) {
		t.Errorf("readers of the last: %v", got)
	}
	for body, want := range map[string]domain.Code{
		`{}`: domain.CodeInvalidPayload, `{"seq":-1}`: domain.CodeInvalidPayload, `{"seq":"1"}`: domain.CodeInvalidPayload,
		`{"seq":1.5}`: domain.CodeInvalidPayload, `{"messageId":"x"}`: domain.CodeInvalidPayload,
		`{"messageId":"01890000-0000-7000-8000-00000000dead"}`: domain.CodeMessageNotFound,
	} {
		if got := w.as(t, bob, "PUT", base+"/read", body).problem(t).Code; got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	w.as(t, bob, "PUT", base+"/read", `{"seq":9007199254740993,"userId":"`+ada.id+`"}`).into(t, &marked)
	if marked.Seq != 5 || marked.UnreadCount != 0 {
		t.Errorf("beyond the last: %+v", marked)
	}
	w.as(t, ada, "DELETE", base+"/members/"+cy.id, "").want(t, "remove", 200, "")
	w.as(t, cy, "PUT", base+"/read", `{"seq":5}`).want(t, "who is out marks", 404, domain.CodeRoomNotFound)
}

func TestUnread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.person(t, "ada"), w.person(t, "bob")
	first, second := w.room(t, ada, event.RoomPrivate, bob), w.room(t, ada, event.RoomPrivate, bob)
	w.message(t, ada, first.ID, "hi")
	gone := w.message(t, ada, first.ID, "hi")
	w.as(t, ada, "POST", "/rooms/"+second.ID+"/messages", `{"content":"you","mentions":["`+bob.id+`"]}`)
	write := w.as(t, ada, "DELETE", "/rooms/"+first.ID+"/messages/"+gone.ID, "")
	var unread struct {
		list[receipts.Unread]
		UnreadCount, MentionCount int64
	}
	w.at(t, write, bob, "/unread").into(t, &unread)
	want := []receipts.Unread{{RoomID: first.ID, UnreadCount: 1}, {RoomID: second.ID, UnreadCount: 1, MentionCount: 1}}
	slices.SortFunc(unread.Items, func(a, b receipts.Unread) int { return int(a.MentionCount - b.MentionCount) })
	if diff := cmp.Diff(want, unread.Items); diff != "" || unread.UnreadCount != 2 || unread.MentionCount != 1 {
		t.Errorf("%d and %d (-want +got):\n%s", unread.UnreadCount, unread.MentionCount, diff)
	}
	var mine list[rooms.Summary]
	w.as(t, bob, "GET", "/rooms", "").into(t, &mine)
	if s := mine.Items[0]; s.ID != second.ID || s.UnreadCount != 1 || s.MentionCount != 1 || s.ReadSeq != 0 || s.LastSeq != 1 {
		t.Errorf("%+v", s)
	}
	own := w.as(t, bob, "POST", "/rooms/"+second.ID+"/messages", `{"content":"me"}`)
	w.at(t, own, bob, "/rooms").into(t, &mine)
	if s := mine.Items[0]; s.UnreadCount != 0 || s.MentionCount != 0 || s.ReadSeq != 2 {
		t.Errorf("after speaking: %+v", s)
	}
}

// counters is what a model of the chat says about one user in one room.
type counters struct{ unread, mentions, readSeq int64 }

// model is the chat in a few lines: rooms with members, messages and cursors.
type model struct {
	rooms map[string]*modelRoom
}

type modelRoom struct {
	members  map[string]int64 // the seq at which they came
	messages []modelMessage
	read     map[string]int64
}

type modelMessage struct {
	id, by   string
	mentions []string
	deleted  bool
}

func (r *modelRoom) counters(user string) (c counters) {
	c.readSeq = max(r.members[user], r.read[user])
	for i, m := range r.messages {
		if int64(i) < c.readSeq || m.deleted || m.by == user {
			continue
		}
		c.unread++
		if slices.Contains(m.mentions, user) {
			c.mentions++
		}
	}
	return c
}

// Whatever ten users do on two nodes, what is unread is what a model says.
func TestCountersEqualAModel(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	pool, prefix := testenv.Pool(t), testenv.Prefix(t)
	s := &play{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)), nodes: []*world{newNode(t, pool, prefix), newNode(t, pool, prefix)},
		model: model{rooms: map[string]*modelRoom{}},
	}
	for n := range 10 {
		s.people = append(s.people, s.nodes[0].person(t, fmt.Sprint("user ", n)))
	}
	for range 3 {
		s.open()
	}
	for n := range 400 {
		s.step()
		if n%100 == 99 {
			s.compare()
		}
	}
}

// play is a random play on two nodes, and the model that it is compared with.
type play struct {
	t      *testing.T
	rand   *rand.Rand
	nodes  []*world
	people []person
	ids    []string
	model  model
	last   event.Position
}

func (s *play) node() *world { return s.nodes[s.rand.IntN(2)] }

func (s *play) actor(p person) commands.Actor {
	return commands.Actor{Principal: domain.Principal{UserID: p.id}}
}

func (s *play) open() {
	owner := s.people[0]
	room := s.nodes[0].room(s.t, owner, event.RoomPublic, s.people[1:5]...)
	r := &modelRoom{members: map[string]int64{}, read: map[string]int64{}}
	for _, p := range s.people[:5] {
		r.members[p.id] = 0
	}
	s.ids = append(s.ids, room.ID)
	s.model.rooms[room.ID] = r
}

func (s *play) at(position event.Position, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	s.last = max(s.last, position)
}

func (s *play) step() {
	id := s.ids[s.rand.IntN(len(s.ids))]
	room := s.model.rooms[id]
	p := s.people[s.rand.IntN(len(s.people))]
	base, isMember := room.members[p.id]
	if !isMember {
		s.join(id, room, p)
		return
	}
	switch n := s.rand.IntN(100); {
	case n < 45 || len(room.messages) == 0:
		s.send(id, room, p)
	case n < 55:
		s.delete(id, room, p)
	case n < 62:
		s.edit(id, room, p)
	case n < 70:
		m := room.messages[s.rand.IntN(len(room.messages))]
		if !m.deleted {
			r, err := s.node().menu.AddReaction.Do(s.t.Context(), s.actor(p), commands.React{RoomID: id, MessageID: m.id, Emoji: "x"})
			s.at(r.Position, err)
		}
	case n < 92:
		s.read(id, room, p, base)
	case p.id != s.people[0].id:
		s.leave(id, room, p)
	}
}

func (s *play) join(id string, room *modelRoom, p person) {
	if s.rand.IntN(2) == 0 {
		joined, err := s.node().menu.JoinRoom.Do(s.t.Context(), s.actor(p), commands.RoomRef{RoomID: id})
		s.at(joined.Position, err)
	} else {
		added, err := s.node().menu.AddMember.Do(s.t.Context(), s.actor(s.people[0]), commands.AddMember{RoomID: id, UserID: p.id})
		s.at(added.Position, err)
	}
	room.members[p.id] = int64(len(room.messages))
}

func (s *play) leave(id string, room *modelRoom, p person) {
	if s.rand.IntN(2) == 0 {
		left, err := s.node().menu.LeaveRoom.Do(s.t.Context(), s.actor(p), commands.RoomRef{RoomID: id})
		s.at(left.Position, err)
	} else {
		removed, err := s.node().menu.RemoveMember.Do(s.t.Context(), s.actor(s.people[0]), commands.RemoveMember{RoomID: id, UserID: p.id})
		s.at(removed.Position, err)
	}
	delete(room.members, p.id)
}

func (s *play) send(id string, room *modelRoom, p person) {
	m := modelMessage{by: p.id}
	var asked []string
	for range s.rand.IntN(3) {
		other := s.people[s.rand.IntN(len(s.people))].id
		asked = append(asked, other)
		if _, isMember := room.members[other]; isMember && other != p.id {
			m.mentions = append(m.mentions, other)
		}
	}
	sent, err := s.node().menu.SendMessage.Do(s.t.Context(), s.actor(p), commands.SendMessage{RoomID: id, Content: "x", Mentions: asked})
	s.at(sent.Position, err)
	m.id = sent.ID
	room.messages = append(room.messages, m)
	room.read[p.id] = sent.Seq
}

func (s *play) delete(id string, room *modelRoom, p person) {
	m := &room.messages[s.rand.IntN(len(room.messages))]
	if m.deleted {
		return
	}
	by := s.people[0]
	if m.by == p.id {
		by = p
	}
	deleted, err := s.node().menu.DeleteMessage.Do(s.t.Context(), s.actor(by), commands.DeleteMessage{RoomID: id, MessageID: m.id})
	s.at(deleted.Position, err)
	m.deleted = true
}

func (s *play) edit(id string, room *modelRoom, p person) {
	for _, m := range room.messages {
		if m.by == p.id && !m.deleted {
			edited, err := s.node().menu.EditMessage.Do(s.t.Context(), s.actor(p), commands.EditMessage{RoomID: id, MessageID: m.id, Content: strconv.Itoa(s.rand.Int())})
			s.at(edited.Position, err)
			return
		}
	}
}

// read also checks the answer.
func (s *play) read(id string, room *modelRoom, p person, base int64) {
	seq := 1 + s.rand.Int64N(int64(len(room.messages))+2)
	mark := commands.Mark{RoomID: id, Seq: &seq}
	upTo := min(seq, int64(len(room.messages)))
	if s.rand.IntN(2) == 0 {
		mark = commands.Mark{RoomID: id, MessageID: room.messages[upTo-1].id}
	}
	got, err := s.node().menu.MarkRead.Do(s.t.Context(), s.actor(p), mark)
	s.at(got.Position, err)
	room.read[p.id] = max(room.read[p.id], upTo)
	if c := room.counters(p.id); got.UnreadCount != c.unread || got.MentionCount != c.mentions {
		s.t.Fatalf("%s marks %d in %s, came at %d: answered %+v, want %+v", p.id, upTo, id, base, got, c)
	}
}

// compare asks both nodes what everybody has left.
func (s *play) compare() {
	s.t.Helper()
	for _, node := range s.nodes {
		for _, p := range s.people {
			want := map[string]counters{}
			for id, room := range s.model.rooms {
				if _, isMember := room.members[p.id]; isMember {
					want[id] = room.counters(p.id)
				}
			}
			var unread list[receipts.Unread]
			var mine list[rooms.Summary]
			at := []string{"Parley-Min-Position", s.last.String()}
			node.as(s.t, p, "GET", "/unread", "", at...).into(s.t, &unread)
			node.as(s.t, p, "GET", "/rooms", "", at...).into(s.t, &mine)
			inList, inRooms := map[string]counters{}, map[string]counters{}
			for _, u := range unread.Items {
				inList[u.RoomID] = counters{u.UnreadCount, u.MentionCount, u.ReadSeq}
			}
			for _, r := range mine.Items {
				inRooms[r.ID] = counters{r.UnreadCount, r.MentionCount, r.ReadSeq}
			}
			for what, got := range map[string]map[string]counters{"/unread": inList, "/rooms": inRooms} {
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(counters{})); diff != "" {
					s.t.Fatalf("%s of %s (-model +got):\n%s", what, p.id, diff)
				}
			}
		}
	}
}
