package projectiontest

import (
	"encoding/json"
	"testing"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/receipts"
	"parley/projections/rooms"
)

// State is a client's picture of some rooms.
type State struct {
	Rooms    map[string]wire.Room              `json:"rooms"`
	Members  map[string]map[string]wire.Member `json:"members"`
	Messages map[string]map[int64]wire.Message `json:"messages"`
	// Receipts are how far the members are.
	Receipts map[string]map[string]receipts.Receipt `json:"receipts"`
}

// Fetch reads the rooms that exist among these.
func Fetch(t testing.TB, db projections.DB, roomIDs []string) State {
	t.Helper()
	s := State{
		Rooms: map[string]wire.Room{}, Members: map[string]map[string]wire.Member{},
		Messages: map[string]map[int64]wire.Message{}, Receipts: map[string]map[string]receipts.Receipt{},
	}
	for _, id := range roomIDs {
		room, _, err := rooms.NewQueries(db).Get(t.Context(), id)
		if err != nil {
			continue // not created yet
		}
		s.Rooms[id] = room
		s.Members[id] = fetchMembers(t, db, id)
		s.Messages[id] = fetchMessages(t, db, id)
		s.Receipts[id] = fetchReceipts(t, db, id)
	}
	return s
}

func fetchMembers(t testing.TB, db projections.DB, roomID string) map[string]wire.Member {
	t.Helper()
	all := map[string]wire.Member{}
	for cursor := ""; ; {
		list, err := rooms.NewQueries(db).Members(t.Context(), roomID, cursor, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list.Items {
			all[m.UserID] = m
		}
		if cursor = list.NextCursor; cursor == "" {
			return all
		}
	}
}

func fetchReceipts(t testing.TB, db projections.DB, roomID string) map[string]receipts.Receipt {
	t.Helper()
	all := map[string]receipts.Receipt{}
	for cursor := ""; ; {
		list, err := receipts.NewQueries(db).Of(t.Context(), roomID, cursor, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Items {
			all[r.UserID] = r
		}
		if cursor = list.NextCursor; cursor == "" {
			return all
		}
	}
}

func fetchMessages(t testing.TB, db projections.DB, roomID string) map[int64]wire.Message {
	t.Helper()
	all := map[int64]wire.Message{}
	for req := (messages.PageRequest{Limit: 5}); ; {
		page, err := messages.NewQueries(db).Page(t.Context(), roomID, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Items {
			all[m.Seq] = m
		}
		if !page.HasMoreBefore {
			return all
		}
		req.Before = page.Items[0].Seq
	}
}

// Receive changes the picture by what the pushes of these events say, and by nothing else.
func (s State) Receive(t testing.TB, events ...event.Recorded) {
	t.Helper()
	for _, r := range events {
		pushes, err := wire.Pushes(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pushes {
			if p.Durable {
				s.receive(t, p)
			}
		}
	}
}

func (s State) receive(t testing.TB, p wire.Push) {
	t.Helper()
	switch p.Event {
	case wire.EventNewMessage:
		m := read[wire.Message](t, p)
		s.Messages[m.RoomID][m.Seq] = m
		s.answered(m)
		s.reached(m.RoomID, m.Sender.ID, m.Seq, m.At, true)
	case wire.EventMessageEdited:
		m := read[wire.Message](t, p)
		m.Thread = s.Messages[m.RoomID][m.Seq].Thread
		s.Messages[m.RoomID][m.Seq] = m
	case wire.EventReactionAdded, wire.EventReactionRemoved:
		r := read[wire.Reaction](t, p)
		m := s.Messages[r.RoomID][r.Seq]
		change := event.Marks.Reacted
		if p.Event == wire.EventReactionRemoved {
			change = event.Marks.Unreacted
		}
		m.Reactions = wire.Reactions(change(event.Marks{Reactions: m.Reactions}, r.Emoji, r.UserID).Reactions)
		m.Position = r.Position
		s.Messages[r.RoomID][r.Seq] = m
	case wire.EventMessagePinned, wire.EventMessageUnpinned:
		r := read[wire.Pin](t, p)
		m := s.Messages[r.RoomID][r.Seq]
		m.Pinned, m.Position = p.Event == wire.EventMessagePinned, r.Position
		s.Messages[r.RoomID][r.Seq] = m
	case wire.EventMessageDeleted:
		d := read[wire.MessageDeleted](t, p)
		m := s.Messages[d.RoomID][d.Seq]
		m.Content, m.Attachments, m.DeletedAt, m.Position = "", []event.Attachment{}, &d.At, d.Position
		s.Messages[d.RoomID][d.Seq] = m
	case wire.EventMessageRead, wire.EventMessageDelivered:
		r := read[wire.Receipt](t, p)
		s.reached(r.RoomID, r.UserID, r.Seq, r.At, p.Event == wire.EventMessageRead)
	case wire.EventPresenceChanged: // nothing that is in the picture
	case wire.EventRoomCreated:
		room := read[wire.RoomChanged](t, p).Room
		s.Rooms[room.ID], s.Members[room.ID], s.Messages[room.ID] = room, map[string]wire.Member{}, map[int64]wire.Message{}
		s.Receipts[room.ID] = map[string]receipts.Receipt{}
	case wire.EventRoomUpdated, wire.EventRoomArchived:
		room := read[wire.RoomChanged](t, p).Room
		s.Rooms[room.ID] = room
	case wire.EventUserJoined:
		m := read[wire.Membership](t, p)
		s.count(m.RoomID, +1, m.Position)
		s.Members[m.RoomID][m.UserID] = wire.Member{UserID: m.UserID, Username: m.Username, Role: m.Role, JoinedAt: m.At}
	case wire.EventUserLeft:
		m := read[wire.Membership](t, p)
		s.count(m.RoomID, -1, m.Position)
		delete(s.Members[m.RoomID], m.UserID)
		delete(s.Receipts[m.RoomID], m.UserID)
	case wire.EventMemberUpdated:
		m := read[wire.MemberUpdated](t, p)
		s.count(m.RoomID, 0, m.Position)
		s.Members[m.RoomID][m.UserID] = m.Member
	default:
		t.Fatalf("nobody knows what %s changes", p.Event)
	}
}

// answered counts an answer on its message.
func (s State) answered(answer wire.Message) {
	if answer.ReplyTo == nil {
		return
	}
	for seq, m := range s.Messages[answer.RoomID] {
		if m.ID != *answer.ReplyTo {
			continue
		}
		thread := wire.Thread{LastReplySeq: answer.Seq, LastReplyAt: answer.At, ReplyCount: 1}
		if m.Thread != nil {
			thread.ReplyCount += m.Thread.ReplyCount
		}
		m.Thread = &thread
		s.Messages[answer.RoomID][seq] = m
	}
}

// reached moves the cursors of a user, who is here for the first time or has been before.
func (s State) reached(roomID, userID string, seq int64, at wire.Time, isRead bool) {
	r := s.Receipts[roomID][userID]
	r.UserID = userID
	if isRead && seq > r.ReadSeq {
		r.ReadSeq, r.ReadAt = seq, &at
	}
	if seq > r.DeliveredSeq {
		r.DeliveredSeq, r.DeliveredAt = seq, &at
	}
	s.Receipts[roomID][userID] = r
}

func (s State) count(roomID string, d int, position event.Position) {
	room := s.Rooms[roomID]
	room.MemberCount, room.Position = room.MemberCount+d, position
	s.Rooms[roomID] = room
}

func read[T any](t testing.TB, p wire.Push) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(p.Data, &v); err != nil {
		t.Fatalf("%s %s: %v", p.Event, p.Data, err)
	}
	return v
}

// JSON is the picture as text, to compare.
func (s State) JSON(t testing.TB) string {
	t.Helper()
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
