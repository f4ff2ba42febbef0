package api_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/eventstore/testenv"
	"parley/projections/receipts"
	"parley/projections/rooms"
)

// counters are what one user has left in one room.
type counters struct{ unread, mentions, readSeq int64 }

// model is the chat in a few lines: rooms with members, messages and cursors. It knows nothing but what was
// answered, and in which order that was recorded.
type model map[string]*modelRoom

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

// change is what an acknowledged command did to a room, and where it was recorded.
type change struct {
	room  string
	at    event.Position
	apply func(*modelRoom)
}

// fold applies what happened in the order of the log. What changed nothing is recorded where it was found to be so, and
// changes nothing here.
func (m model) fold(changes []change) {
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	for _, c := range changes {
		c.apply(m[c.room])
	}
}

const (
	countedUsers    = 10
	countedCommands = 1000
	countedInTurn   = 2 // commands of each device that nobody else disturbs
	countedAtOnce   = 6 // and then so many while all others do the same
)

// Whatever ten users do on two nodes, one after the other or all at once, what is unread is what a model says.
// PARLEY_TEST_SEED plays the same again, as far as the order of what happens at once allows.
func TestCountersEqualAModel(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("PARLEY_TEST_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		must(t, err)
	}
	t.Logf("PARLEY_TEST_SEED=%d", seed)
	pool, prefix := testenv.Pool(t), testenv.Prefix(t)
	s := &play{t: t, nodes: []*world{newNode(t, pool, prefix), newNode(t, pool, prefix)}, model: model{}}
	for n := range countedUsers {
		s.people = append(s.people, s.nodes[0].person(t, fmt.Sprint("user ", n)))
	}
	for range 3 {
		s.open()
	}
	for n, p := range append(s.people, s.people...) {
		s.devices = append(s.devices, &device{play: s, person: p, node: s.nodes[n/countedUsers], rand: rand.New(rand.NewPCG(seed, uint64(n)))})
	}
	for round := 0; s.done < countedCommands && !t.Failed(); round++ {
		if round%2 == 0 {
			s.inTurn()
		} else {
			s.atOnce()
		}
		s.compare(round)
	}
	t.Logf("%d commands, %d refused to those who were too late", s.done, s.refused)
}

// play is a random play on two nodes, and the model that it is compared with.
type play struct {
	t       *testing.T
	nodes   []*world
	people  []person // the first one owns the rooms
	devices []*device
	ids     []string
	model   model
	last    event.Position

	done, refused int
}

func (s *play) open() {
	owner := s.people[0]
	room := s.nodes[0].room(s.t, owner, event.RoomPublic, s.people[1:5]...)
	r := &modelRoom{members: map[string]int64{}, read: map[string]int64{}}
	for _, p := range s.people[:5] {
		r.members[p.id] = 0
	}
	s.ids = append(s.ids, room.ID)
	s.model[room.ID] = r
}

// inTurn lets one device after the other do something. Then the answers are exact, too.
func (s *play) inTurn() {
	for range countedInTurn {
		for _, d := range s.devices {
			d.alone = true
			d.step()
			s.take(d)
		}
	}
}

// atOnce lets all of them do several things at the same time: each decides by what it knew before.
func (s *play) atOnce() {
	var all sync.WaitGroup
	for _, d := range s.devices {
		d.alone = false
		all.Go(func() {
			for range countedAtOnce {
				d.step()
			}
		})
	}
	all.Wait()
	s.take(s.devices...)
}

// take lets the model know what the devices were answered.
func (s *play) take(devices ...*device) {
	s.t.Helper()
	var changes []change
	for _, d := range devices {
		changes = append(changes, d.changes...)
		s.done += len(d.changes)
		s.refused += d.refused
		d.changes, d.refused = nil, 0
	}
	s.model.fold(changes)
	for _, c := range changes {
		s.last = max(s.last, c.at)
	}
}

// device is one of two of a user, at a node of its own.
type device struct {
	*play
	person
	node  *world
	rand  *rand.Rand
	alone bool

	changes []change
	refused int
}

func (d *device) actor() commands.Actor { return d.play.actor(d.person) }

func (s *play) actor(p person) commands.Actor {
	return commands.Actor{Principal: domain.Principal{UserID: p.id}}
}

// did notes what came of a command. When others were at it too, it may have come too late.
func (d *device) did(room string, at event.Position, err error, apply func(*modelRoom)) {
	d.t.Helper()
	switch late := domain.CodeOf(err); {
	case err == nil:
		d.changes = append(d.changes, change{room, at, apply})
	case !d.alone && slices.Contains([]domain.Code{domain.CodeNotAMember, domain.CodeMessageDeleted, domain.CodeForbidden}, late):
		d.refused++
	default:
		d.t.Errorf("user %s in room %s: %v", d.id, room, err)
	}
}

func nothing(*modelRoom) {}

func (d *device) step() {
	id := d.ids[d.rand.IntN(len(d.ids))]
	room := d.model[id]
	if _, isMember := room.members[d.id]; !isMember {
		d.join(id)
		return
	}
	switch n := d.rand.IntN(100); {
	case n < 45 || len(room.messages) == 0:
		d.send(id)
	case n < 55:
		d.delete(id, room)
	case n < 62:
		d.edit(id, room)
	case n < 70:
		d.react(id, room)
	case n < 92:
		d.read(id, room)
	default:
		d.leave(id, room)
	}
}

func (d *device) join(id string) {
	arrive := func(r *modelRoom) {
		if _, isMember := r.members[d.id]; !isMember {
			r.members[d.id] = int64(len(r.messages))
		}
	}
	if d.rand.IntN(2) == 0 {
		joined, err := d.node.menu.JoinRoom.Do(d.t.Context(), d.actor(), commands.RoomRef{RoomID: id})
		d.did(id, joined.Position, err, arrive)
	} else {
		added, err := d.node.menu.AddMember.Do(d.t.Context(), d.play.actor(d.people[0]), commands.AddMember{RoomID: id, UserID: d.id})
		d.did(id, added.Position, err, arrive)
	}
}

// leave is how members go away; the owner puts somebody out.
func (d *device) leave(id string, room *modelRoom) {
	who := d.id
	if who == d.people[0].id {
		if who = d.people[1+d.rand.IntN(len(d.people)-1)].id; room.members[who] == 0 {
			return
		}
	}
	gone := func(r *modelRoom) { delete(r.members, who) }
	if who == d.id && d.rand.IntN(2) == 0 {
		left, err := d.node.menu.LeaveRoom.Do(d.t.Context(), d.actor(), commands.RoomRef{RoomID: id})
		d.did(id, left.Position, err, gone)
	} else {
		removed, err := d.node.menu.RemoveMember.Do(d.t.Context(), d.play.actor(d.people[0]), commands.RemoveMember{RoomID: id, UserID: who})
		d.did(id, removed.Position, err, gone)
	}
}

func (d *device) send(id string) {
	var asked []string
	for range d.rand.IntN(3) {
		asked = append(asked, d.people[d.rand.IntN(len(d.people))].id)
	}
	sent, err := d.node.menu.SendMessage.Do(d.t.Context(), d.actor(), commands.SendMessage{RoomID: id, Content: "x", Mentions: asked})
	d.did(id, sent.Position, err, func(r *modelRoom) {
		m := modelMessage{id: sent.ID, by: d.id}
		for _, other := range asked {
			if other == d.id {
				continue
			}
			_, isMember := r.members[other]
			mentioned := slices.Contains(sent.Mentions, other)
			if mentioned != isMember && d.alone { // who comes at that very moment may be left out
				d.t.Errorf("message %s mentions %s: %v, and that it is a member: %v", sent.ID, other, mentioned, isMember)
			}
			if mentioned {
				m.mentions = append(m.mentions, other)
			}
		}
		if r.messages = append(r.messages, m); sent.Seq != int64(len(r.messages)) {
			d.t.Errorf("message %d of room %s has seq %d", len(r.messages), id, sent.Seq)
		}
		r.read[d.id] = sent.Seq
	})
}

func (d *device) delete(id string, room *modelRoom) {
	i := d.rand.IntN(len(room.messages))
	m := room.messages[i]
	if m.deleted {
		return
	}
	by := d.people[0]
	if m.by == d.id {
		by = d.person
	}
	deleted, err := d.node.menu.DeleteMessage.Do(d.t.Context(), d.play.actor(by), commands.DeleteMessage{RoomID: id, MessageID: m.id})
	d.did(id, deleted.Position, err, func(r *modelRoom) { r.messages[i].deleted = true })
}

func (d *device) edit(id string, room *modelRoom) {
	for _, m := range room.messages {
		if m.by == d.id && !m.deleted {
			edited, err := d.node.menu.EditMessage.Do(d.t.Context(), d.actor(), commands.EditMessage{
				RoomID: id, MessageID: m.id, Content: strconv.Itoa(d.rand.Int()),
			})
			d.did(id, edited.Position, err, nothing)
			return
		}
	}
}

func (d *device) react(id string, room *modelRoom) {
	m := room.messages[d.rand.IntN(len(room.messages))]
	if !m.deleted {
		r, err := d.node.menu.AddReaction.Do(d.t.Context(), d.actor(), commands.React{RoomID: id, MessageID: m.id, Emoji: "x"})
		d.did(id, r.Position, err, nothing)
	}
}

// read also checks the answer, where nobody else was at it.
func (d *device) read(id string, room *modelRoom) {
	seq := 1 + d.rand.Int64N(int64(len(room.messages))+2)
	mark := commands.Mark{RoomID: id, Seq: &seq}
	if d.rand.IntN(2) == 0 {
		mark = commands.Mark{RoomID: id, MessageID: room.messages[min(seq, int64(len(room.messages)))-1].id}
	}
	got, err := d.node.menu.MarkRead.Do(d.t.Context(), d.actor(), mark)
	d.did(id, got.Position, err, func(r *modelRoom) {
		r.read[d.id] = max(r.read[d.id], got.Seq)
		c := r.counters(d.id)
		if upTo := min(seq, int64(len(r.messages))); got.Seq < upTo && d.alone {
			d.t.Errorf("%s marks %d in %s: answered %+v", d.id, upTo, id, got)
		}
		if (got.UnreadCount != c.unread || got.MentionCount != c.mentions) && d.alone {
			d.t.Errorf("%s marks %d in %s: answered %+v, want %+v", d.id, seq, id, got, c)
		}
	})
}

// compare asks one node or the other what each has left.
func (s *play) compare(round int) {
	s.t.Helper()
	for n, p := range s.people {
		node := s.nodes[(n+round)%2]
		want := map[string]counters{}
		for id, room := range s.model {
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
			if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(counters{})); diff != "" {
				s.t.Fatalf("%s of %s (-model +got):\n%s", what, p.id, diff)
			}
		}
	}
}
