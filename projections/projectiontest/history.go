package projectiontest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"

	"parley/domain/event"
)

// History makes a Log of at least n events in which everything happens that can
// happen: the same one for the same seed.
func History(seed uint64, n int) *Log {
	h := &history{rand: rand.New(rand.NewPCG(seed, 0)), log: &Log{}, users: map[string]*account{}}
	for range 5 {
		h.register()
	}
	h.create()
	for int(h.log.Head()) < n {
		h.step()
	}
	return h.log
}

type history struct {
	rand  *rand.Rand
	log   *Log
	users map[string]*account
	ids   []string
	rooms []*room
}

type account struct {
	event.UserRegistered
	active bool
	status event.Status // "": not there
}

type room struct {
	event.Room
	archived bool
	members  map[string]member
	messages []*message
	cursors  map[string]cursors
}

type cursors struct{ read, delivered int64 }

type member struct {
	event.Member
	joined event.Recorded
}

type message struct {
	event.Message
	sent    event.Recorded
	deleted bool
	marks   event.Marks
}

func (h *history) step() {
	switch p := h.rand.IntN(100); {
	case p < 4:
		h.register()
	case p < 8:
		h.changeProfile()
	case p < 11:
		h.toggle()
	case p < 14:
		h.create()
	case p < 18:
		h.appear()
	default:
		h.inRoom(h.rooms[h.rand.IntN(len(h.rooms))])
	}
}

func (h *history) inRoom(r *room) {
	if r.archived {
		return
	}
	switch p := h.rand.IntN(100); {
	case p < 2:
		r.archived = true
		h.log.Add(event.RoomArchived{Room: r.Room, By: r.CreatedBy})
	case p < 8:
		r.Name, r.Topic = h.text("room"), h.text("topic")
		h.log.Add(event.RoomUpdated{Room: r.Room, By: r.CreatedBy})
	case p < 22:
		h.join(r)
	case p < 30:
		h.leave(r)
	case p < 36:
		h.setRole(r)
	case p < 66 || len(r.messages) == 0:
		h.send(r)
	case p < 76:
		h.edit(r)
	case p < 90:
		h.react(r)
	case p < 93:
		h.pin(r)
	case p < 96:
		h.mark(r)
	default:
		h.delete(r)
	}
}

func (h *history) text(what string) string {
	return fmt.Sprintf("%s %d é \"%%_\" \n<b>", what, h.rand.IntN(1000))
}

func (h *history) register() {
	id := fmt.Sprintf("user-%d", len(h.ids))
	u := &account{active: true, UserRegistered: event.UserRegistered{
		UserID: id, Username: fmt.Sprintf("Name%d", len(h.ids)), DisplayName: h.text("User"), AvatarURL: "https://example.com/" + id,
	}}
	h.users[id] = u
	h.ids = append(h.ids, id)
	h.log.Add(u.UserRegistered)
}

func (h *history) anyUser() *account { return h.users[h.ids[h.rand.IntN(len(h.ids))]] }

func (h *history) changeProfile() {
	u := h.anyUser()
	u.DisplayName, u.AvatarURL = h.text("Changed"), ""
	h.log.Add(event.UserProfileChanged(u.UserRegistered))
}

func (h *history) toggle() {
	u := h.anyUser()
	u.active = !u.active
	if u.active {
		h.log.Add(event.UserReactivated{UserID: u.UserID, By: "user-0"})
	} else {
		h.log.Add(event.UserDeactivated{UserID: u.UserID, By: "user-0"})
	}
}

func (h *history) create() {
	kind := []event.RoomType{event.RoomPublic, event.RoomPrivate}[h.rand.IntN(2)]
	r := &room{members: map[string]member{}, cursors: map[string]cursors{}, Room: event.Room{
		RoomID: event.DeriveID("room", strconv.Itoa(len(h.rooms))).String(), Name: h.text("Room"), RoomType: kind,
		Topic: h.text("topic"), CreatedBy: h.anyUser().UserID,
	}}
	created := event.RoomCreated{RoomID: r.RoomID, Name: r.Name, RoomType: kind, Topic: r.Topic, CreatedBy: r.CreatedBy}
	for _, id := range slices.Compact([]string{r.CreatedBy, h.ids[0]}) {
		created.Members = append(created.Members, event.Member{UserID: id, Username: h.users[id].Username, Role: event.RoleOwner})
	}
	recorded := h.log.Add(created)[0]
	r.CreatedAt, r.MemberCount = recorded.RecordedAt, len(created.Members)
	for _, m := range created.Members {
		r.members[m.UserID] = member{m, recorded}
	}
	h.rooms = append(h.rooms, r)
}

func (h *history) join(r *room) {
	u := h.anyUser()
	if _, is := r.members[u.UserID]; is {
		return
	}
	r.MemberCount++
	m := event.Member{UserID: u.UserID, Username: u.Username, Role: event.RoleMember}
	by := []string{u.UserID, r.CreatedBy}[h.rand.IntN(2)]
	joined := h.log.Add(event.MemberJoined{RoomID: r.RoomID, UserID: m.UserID, Username: m.Username, Role: m.Role, By: by})[0]
	r.members[u.UserID] = member{m, joined}
}

func (h *history) anyMember(r *room) member {
	ids := slices.Sorted(maps.Keys(r.members))
	return r.members[ids[h.rand.IntN(len(ids))]]
}

func (h *history) leave(r *room) {
	m := h.anyMember(r)
	if len(r.members) == 1 {
		return
	}
	delete(r.members, m.UserID)
	r.MemberCount--
	if h.rand.IntN(2) == 0 {
		h.log.Add(event.MemberLeft{RoomID: r.RoomID, UserID: m.UserID, Username: m.Username})
	} else {
		h.log.Add(event.MemberRemoved{RoomID: r.RoomID, UserID: m.UserID, Username: m.Username, By: r.CreatedBy})
	}
}

func (h *history) setRole(r *room) {
	m := h.anyMember(r)
	m.Role = []event.MemberRole{event.RoleOwner, event.RoleModerator, event.RoleMember}[h.rand.IntN(3)]
	r.members[m.UserID] = m
	h.log.Add(event.MemberRoleChanged{
		RoomID: r.RoomID, UserID: m.UserID, Username: m.Username, Role: m.Role, JoinedAt: m.joined.RecordedAt, By: r.CreatedBy,
	})
}

func (h *history) send(r *room) {
	author := h.users[h.anyMember(r).UserID]
	m := &message{Message: event.Message{
		RoomID: r.RoomID, MessageID: event.DeriveID(r.RoomID, strconv.Itoa(len(r.messages))).String(), Content: h.text("hello"),
		Sender: event.Sender{
			ID: author.UserID, Username: author.Username, DisplayName: author.DisplayName, AvatarURL: author.AvatarURL,
		},
	}}
	if h.rand.IntN(3) == 0 {
		m.Attachments = []event.Attachment{{URL: "https://example.com/a", Name: h.text("file"), ContentType: "text/plain", Size: 7}}
		m.ClientMessageID = fmt.Sprint("client ", h.log.Head())
	}
	if h.rand.IntN(3) == 0 && len(r.messages) > 0 {
		m.ReplyTo = r.messages[h.rand.IntN(len(r.messages))].MessageID
		m.Mentions = []string{h.anyMember(r).UserID}
	}
	m.sent = h.log.Add(event.MessageSent{Message: m.Message})[0]
	r.messages = append(r.messages, m)
}

func (h *history) edit(r *room) {
	m := r.messages[h.rand.IntN(len(r.messages))]
	if m.deleted {
		return
	}
	m.Content = h.text("edited")
	h.log.Add(event.MessageEdited{Message: m.Message, Seq: m.sent.Seq, SentAt: m.sent.RecordedAt, Marks: m.marks})
}

// react toggles a reaction to one of the last messages, so that some get many.
func (h *history) react(r *room) {
	m := r.messages[max(0, len(r.messages)-1-h.rand.IntN(3))]
	if m.deleted {
		return
	}
	e := event.Reaction{
		RoomID: r.RoomID, MessageID: m.MessageID, Seq: m.sent.Seq,
		Emoji: []string{"👍", "<3", "+1"}[h.rand.IntN(3)], UserID: h.anyMember(r).UserID,
	}
	change, record := event.Marks.Reacted, func() { h.log.Add(event.ReactionAdded{Reaction: e}) }
	if m.marks.Has(e.Emoji, e.UserID) {
		change, record = event.Marks.Unreacted, func() { h.log.Add(event.ReactionRemoved{Reaction: e}) }
	}
	m.marks = change(m.marks, e.Emoji, e.UserID)
	record()
}

// mark moves a cursor of a member, who may have sent messages beyond it.
// appear brings somebody in or away, or changes how.
func (h *history) appear() {
	who := h.users[h.ids[h.rand.IntN(len(h.ids))]]
	kinds := []event.Status{event.StatusOnline, event.StatusAway, event.StatusBusy, event.StatusInvisible}
	next := event.Presence{UserID: who.UserID, Status: kinds[h.rand.IntN(len(kinds))], Text: h.text("mood")}
	hidden := who.status == event.StatusInvisible
	switch next.Unseen = next.Status == event.StatusInvisible; {
	case who.status == "":
		h.log.Add(event.UserCameOnline{Presence: next})
	case h.rand.IntN(3) == 0:
		next.Status = ""
		h.log.Add(event.UserWentOffline{UserID: who.UserID, Unseen: hidden})
	default:
		next.Unseen = next.Unseen && hidden
		h.log.Add(event.UserPresenceChanged{Presence: next})
	}
	who.status = next.Status
}

func (h *history) mark(r *room) {
	who := h.anyMember(r).UserID
	m := r.messages[h.rand.IntN(len(r.messages))]
	c := r.cursors[who]
	e := event.Receipt{RoomID: r.RoomID, UserID: who, Seq: m.sent.Seq, MessageID: m.MessageID, ReadSeq: c.read, DeliveredSeq: max(c.delivered, m.sent.Seq)}
	switch read := h.rand.IntN(3) > 0; {
	case read && m.sent.Seq > c.read:
		e.ReadSeq = m.sent.Seq
		h.log.Add(event.MessagesRead{Receipt: e})
	case !read && m.sent.Seq > c.delivered:
		h.log.Add(event.MessagesDelivered{Receipt: e})
	default:
		return
	}
	r.cursors[who] = cursors{e.ReadSeq, e.DeliveredSeq}
}

func (h *history) pin(r *room) {
	m := r.messages[h.rand.IntN(len(r.messages))]
	if i := slices.IndexFunc(r.messages, func(m *message) bool { return m.marks.Pinned }); i >= 0 && h.rand.IntN(2) == 0 {
		m = r.messages[i]
	}
	if m.deleted {
		return
	}
	m.marks.Pinned = !m.marks.Pinned
	pin := event.Pin{RoomID: r.RoomID, MessageID: m.MessageID, Seq: m.sent.Seq, By: r.CreatedBy}
	if m.marks.Pinned {
		h.log.Add(event.MessagePinned{Pin: pin})
	} else {
		h.log.Add(event.MessageUnpinned{Pin: pin})
	}
}

func (h *history) delete(r *room) {
	m := r.messages[h.rand.IntN(len(r.messages))]
	if m.deleted {
		return
	}
	m.deleted = true
	h.log.Add(event.MessageDeleted{
		RoomID: r.RoomID, MessageID: m.MessageID, Seq: m.sent.Seq, Author: m.Sender.ID, By: r.CreatedBy,
	})
}
