package receipt_test

import (
	"fmt"
	"testing"

	"parley/domain"
	"parley/domain/domaintest"
	"parley/domain/event"
	"parley/domain/receipt"
	"parley/domain/room"
)

type (
	events = []event.Event
	cases  = []domaintest.Case[receipt.State]
)

var (
	ann  = room.Actor{ID: "ann"}
	out  = room.Actor{ID: "out"}
	root = room.Actor{ID: "root", Admin: true}

	public   = opened(event.RoomPublic)
	private  = opened(event.RoomPrivate)
	archived = event.RoomArchived{Room: event.Room{RoomID: "r"}}
	annLeft  = event.MemberLeft{RoomID: "r", UserID: "ann"}
)

func opened(kind event.RoomType) event.RoomCreated {
	return event.RoomCreated{RoomID: "r", RoomType: kind, Members: []event.Member{
		{UserID: "ann", Role: event.RoleMember}, {UserID: "mia", Role: event.RoleMember},
	}}
}

func evolve(s receipt.State, r event.Recorded) receipt.State {
	s.Room = room.Evolve(s.Room, r)
	s.Cursors = s.Cursors.Evolve(r)
	s.Left = receipt.Count{Unread: 4, Mentions: 2}
	return s
}

func at(seq int64) receipt.Message { return receipt.Message{Seq: seq, ID: fmt.Sprint("m", seq)} }

func receiptAt(seq, read, delivered int64) event.Receipt {
	return event.Receipt{RoomID: "r", UserID: "ann", Seq: seq, MessageID: at(seq).ID, ReadSeq: read, DeliveredSeq: delivered}
}

func read(seq, delivered int64) event.Event {
	return event.MessagesRead{Receipt: receiptAt(seq, seq, delivered), UnreadCount: 4, MentionCount: 2}
}

func delivered(seq, read int64) event.Event {
	return event.MessagesDelivered{Receipt: receiptAt(seq, read, seq)}
}

func TestRead(t *testing.T) {
	t.Parallel()
	mark := func(by room.Actor, seq int64) receipt.Read { return receipt.Read{By: by, UpTo: at(seq)} }
	domaintest.Run(t, evolve, cases{
		{Name: "a member reads", Given: events{public}, When: mark(ann, 3), Then: read(3, 3)},
		{Name: "and reads on", Given: events{public, read(3, 3)}, When: mark(ann, 5), Then: read(5, 5)},
		{Name: "what was delivered stays delivered", Given: events{public, delivered(9, 0)}, When: mark(ann, 5), Then: read(5, 9)},
		{Name: "not twice", Given: events{public, read(3, 3)}, When: mark(ann, 3), Unchanged: true},
		{Name: "not back", Given: events{public, read(3, 3)}, When: mark(ann, 2), Unchanged: true},
		{Name: "nothing", Given: events{public}, When: mark(ann, 0), Unchanged: true},
		{Name: "in an archived room too", Given: events{private, archived}, When: mark(ann, 3), Then: read(3, 3)},
		{Name: "an outsider does not", Given: events{public}, When: mark(out, 3), Refused: domain.CodeNotAMember},
		{Name: "nor one who left", Given: events{public, annLeft}, When: mark(ann, 3), Refused: domain.CodeNotAMember},
		{Name: "nor an admin, who is not in", Given: events{private}, When: mark(root, 3), Refused: domain.CodeNotAMember},
		{Name: "a private room hides", Given: events{private}, When: mark(out, 3), Refused: domain.CodeRoomNotFound},
		{Name: "no room", When: mark(ann, 3), Refused: domain.CodeRoomNotFound},
	})
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	mark := func(by room.Actor, seq int64) receipt.Deliver { return receipt.Deliver{By: by, UpTo: at(seq)} }
	domaintest.Run(t, evolve, cases{
		{Name: "a member receives", Given: events{public}, When: mark(ann, 3), Then: delivered(3, 0)},
		{Name: "beyond what it has read", Given: events{public, read(3, 3)}, When: mark(ann, 5), Then: delivered(5, 3)},
		{Name: "what was read was delivered", Given: events{public, read(3, 3)}, When: mark(ann, 3), Unchanged: true},
		{Name: "not back", Given: events{public, delivered(3, 0)}, When: mark(ann, 2), Unchanged: true},
		{Name: "an outsider does not", Given: events{public}, When: mark(out, 3), Refused: domain.CodeNotAMember},
		{Name: "a private room hides", Given: events{private}, When: mark(out, 3), Refused: domain.CodeRoomNotFound},
	})
}

func said(by string, mentions ...string) event.Event {
	return event.MessageSent{Message: event.Message{RoomID: "r", Sender: event.Sender{ID: by}, Mentions: mentions}}
}

func gone(seq int64) event.Event {
	return event.MessageDeleted{RoomID: "r", MessageID: at(seq).ID, Seq: seq}
}

func TestTally(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after  int64
		events events
		want   receipt.Count
		cursor int64
	}{
		"nothing":                     {0, nil, receipt.Count{}, 0},
		"others' messages":            {0, events{said("mia"), said("mia", "ann"), said("mia", "out")}, receipt.Count{Unread: 3, Mentions: 1}, 0},
		"beyond the cursor":           {2, events{said("mia", "ann"), said("mia"), said("mia")}, receipt.Count{Unread: 1}, 2},
		"one's own moves the cursor":  {0, events{said("mia", "ann"), said("ann"), said("mia", "ann")}, receipt.Count{Unread: 1, Mentions: 1}, 2},
		"but not back":                {3, events{said("ann"), said("mia"), said("mia"), said("mia")}, receipt.Count{Unread: 1}, 3},
		"deleted ones do not count":   {0, events{said("mia", "ann"), said("mia"), gone(1)}, receipt.Count{Unread: 1}, 0},
		"deleted ones below neither":  {1, events{said("mia", "ann"), said("mia"), gone(1)}, receipt.Count{Unread: 1}, 1},
		"what was passed by speaking": {0, events{said("mia", "ann"), said("ann"), gone(1), said("mia")}, receipt.Count{Unread: 1}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tally := receipt.NewTally("ann", at(tt.after))
			for _, r := range domaintest.Record(tt.events...) {
				tally.Add(r)
			}
			if got := tally.Left(); got != tt.want || tally.Cursor().Seq != tt.cursor || len(tally.Unknown()) > 0 {
				t.Errorf("left %+v beyond %d, want %+v beyond %d", got, tally.Cursor().Seq, tt.want, tt.cursor)
			}
		})
	}
}

// What somebody else has counted can be counted on.
func TestTallyResumes(t *testing.T) {
	t.Parallel()
	past := domaintest.Record(said("mia"), said("mia", "ann"), said("mia", "ann"), said("mia"), gone(2), gone(4), said("mia", "ann"))
	tally := receipt.Resume("ann", at(1), receipt.Count{Unread: 2, Mentions: 2}) // after the third
	for _, r := range past[3:] {
		tally.Add(r)
	}
	if got := tally.Unknown(); len(got) != 1 || got[0] != at(2).ID {
		t.Fatalf("unknown are %v", got)
	}
	payload, _ := past[1].Payload()
	sent, _ := payload.(event.MessageSent)
	tally.Settle(sent)
	if got, want := tally.Left(), (receipt.Count{Unread: 2, Mentions: 2}); got != want {
		t.Errorf("left %+v, want %+v", got, want)
	}
}
