package commands_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/receipt"
	"parley/eventstore/memory"
)

// eager stores every mark by itself.
func eager() commands.Config { return commands.Config{ReceiptWindow: -1} }

func upTo(room string, seq int64) commands.Mark { return commands.Mark{RoomID: room, Seq: &seq} }

func TestMarkRead(t *testing.T) {
	t.Parallel()
	k := inMemory(t, eager())
	room := k.open(event.RoomPublic)
	if got := must(k, k.MarkRead, "mia", upTo(room, 5)); got.Seq != 0 || got.UnreadCount != 0 {
		t.Errorf("in an empty room: %+v", got)
	}
	var ids []string
	for i := range 10 {
		c := commands.SendMessage{RoomID: room, Content: strconv.Itoa(i)}
		if i == 7 {
			c.Mentions = []string{"mia"}
		}
		ids = append(ids, must(k, k.SendMessage, "ann", c).ID)
	}
	must(k, k.DeleteMessage, "ann", commands.DeleteMessage{RoomID: room, MessageID: ids[8]})
	for _, step := range []struct {
		mark             commands.Mark
		seq              int64
		unread, mentions int64
		stored           bool
	}{
		{upTo(room, 0), 0, 9, 1, false},
		{upTo(room, 3), 3, 6, 1, true},
		{upTo(room, 3), 3, 6, 1, false},
		{upTo(room, 1), 3, 6, 1, false},
		{commands.Mark{RoomID: room, MessageID: ids[7]}, 8, 1, 0, true},
		{commands.Mark{RoomID: room, MessageID: ids[2]}, 8, 1, 0, false},
		{upTo(room, 9), 9, 1, 0, true},
		{upTo(room, 1<<60), 10, 0, 0, true},
		{upTo(room, 11), 10, 0, 0, false},
	} {
		before := len(k.stream(event.ReceiptsStream(room)))
		got := must(k, k.MarkRead, "mia", step.mark)
		if got.RoomID != room || got.Seq != step.seq || got.UnreadCount != step.unread || got.MentionCount != step.mentions || got.Position == 0 && step.seq > 0 {
			t.Errorf("%+v: %+v, want %d with %d and %d left", step.mark, got, step.seq, step.unread, step.mentions)
		}
		log := k.stream(event.ReceiptsStream(room))
		if stored := len(log) > before; stored != step.stored {
			t.Errorf("%+v: stored %t, want %t", step.mark, stored, step.stored)
		}
		if !step.stored {
			continue
		}
		e, _ := payload(log[len(log)-1]).(event.MessagesRead)
		want := event.MessagesRead{
			Receipt:     event.Receipt{RoomID: room, UserID: "mia", Seq: step.seq, MessageID: ids[step.seq-1], ReadSeq: step.seq, DeliveredSeq: step.seq},
			UnreadCount: step.unread, MentionCount: step.mentions,
		}
		if e != want || log[len(log)-1].Position != got.Position {
			t.Errorf("stored %+v, want %+v", e, want)
		}
	}
}

func TestMarkDelivered(t *testing.T) {
	t.Parallel()
	k := inMemory(t, eager())
	room := k.open(event.RoomPublic)
	for range 5 {
		k.say("ann", room, "x")
	}
	for _, step := range []struct {
		who       string
		seq, want int64
	}{{"mia", 2, 2}, {"mia", 1, 2}, {"mia", 9, 5}, {"mel", 3, 3}} {
		if got := must(k, k.MarkDelivered, step.who, upTo(room, step.seq)); got.Seq != step.want || got.RoomID != room {
			t.Errorf("%s marks %d: %+v", step.who, step.seq, got)
		}
	}
	must(k, k.MarkRead, "mel", upTo(room, 5)) // and with it delivered
	must(k, k.MarkDelivered, "mel", upTo(room, 4))
	wantTypes := []string{event.TypeMessagesDelivered, event.TypeMessagesDelivered, event.TypeMessagesDelivered, event.TypeMessagesRead}
	if got := types(k.stream(event.ReceiptsStream(room))); !slices.Equal(got, wantTypes) {
		t.Errorf("stored %v, want %v", got, wantTypes)
	}
}

// Sending moves one's own cursor: there is nothing to store, and nothing of it is unread.
func TestWhoSpeaksHasRead(t *testing.T) {
	t.Parallel()
	k := inMemory(t, eager())
	room := k.open(event.RoomPublic)
	k.say("ann", room, "1")
	own := k.say("mia", room, "2")
	for _, mark := range []commands.Mark{upTo(room, 1), upTo(room, 2), {RoomID: room, MessageID: own.ID}} {
		if got := must(k, k.MarkRead, "mia", mark); got.Seq != 2 || got.UnreadCount != 0 {
			t.Errorf("%+v: %+v", mark, got)
		}
	}
	must(k, k.MarkDelivered, "mia", commands.Mark{RoomID: room, MessageID: own.ID})
	if got := k.stream(event.ReceiptsStream(room)); len(got) != 0 {
		t.Errorf("stored %v", types(got))
	}
	k.say("ann", room, "3")
	k.say("ann", room, "4")
	if got := must(k, k.MarkRead, "mia", upTo(room, 3)); got.Seq != 3 || got.UnreadCount != 1 {
		t.Errorf("behind one's own: %+v", got)
	}
}

// What was said before somebody came is not unread.
func TestWhoComesLaterHasNothingToReadOfBefore(t *testing.T) {
	t.Parallel()
	k := inMemory(t, eager())
	room := k.open(event.RoomPublic)
	for range 4 {
		k.say("ann", room, "before")
	}
	must(k, k.JoinRoom, "out", commands.RoomRef{RoomID: room})
	k.say("ann", room, "after")
	k.say("ann", room, "after")
	for seq, want := range []int64{2, 2, 2, 2, 2, 1, 0} {
		if got := must(k, k.MarkRead, "out", upTo(room, int64(seq))); got.UnreadCount != want || got.Seq != int64(seq) {
			t.Errorf("up to %d: %+v, want %d left", seq, got, want)
		}
	}
}

func TestMarkRefuses(t *testing.T) {
	t.Parallel()
	k := inMemory(t, eager())
	room, elsewhere := k.open(event.RoomPrivate), k.open(event.RoomPublic)
	k.say("ann", room, "x")
	foreign := k.say("ann", elsewhere, "x")
	for name, tt := range map[string]struct {
		who  string
		mark commands.Mark
		want domain.Code
	}{
		"nothing":            {"mia", commands.Mark{RoomID: room}, domain.CodeInvalidPayload},
		"a negative seq":     {"mia", upTo(room, -1), domain.CodeInvalidPayload},
		"no id":              {"mia", commands.Mark{RoomID: room, MessageID: "x"}, domain.CodeInvalidPayload},
		"no room":            {"mia", upTo("", 1), domain.CodeInvalidPayload},
		"another room":       {"mia", commands.Mark{RoomID: room, MessageID: foreign.ID}, domain.CodeMessageNotFound},
		"no message":         {"mia", commands.Mark{RoomID: room, MessageID: nowhere}, domain.CodeMessageNotFound},
		"an outsider":        {"out", upTo(room, 1), domain.CodeRoomNotFound},
		"an outsider's id":   {"out", commands.Mark{RoomID: room, MessageID: nowhere}, domain.CodeRoomNotFound},
		"a public outsider":  {"out", upTo(elsewhere, 1), domain.CodeNotAMember},
		"an admin outside":   {"root!", upTo(room, 1), domain.CodeNotAMember},
		"who is deactivated": {"off", upTo(room, 1), domain.CodeInvalidUser},
	} {
		for use, got := range map[string]domain.Code{"read": code(k, k.MarkRead, tt.who, tt.mark), "delivered": code(k, k.MarkDelivered, tt.who, tt.mark)} {
			if got != tt.want {
				t.Errorf("%s, %s: %q, want %q", name, use, got, tt.want)
			}
		}
	}
	must(k, k.ArchiveRoom, "ann", commands.RoomRef{RoomID: room})
	if got := must(k, k.MarkRead, "mia", upTo(room, 1)); got.Seq != 1 {
		t.Errorf("in an archived room: %+v", got)
	}
}

// A reader who scrolls makes few events, and is answered when what it marked is stored.
func TestAScrollingReaderMakesFewEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := inMemory(t, commands.Config{})
		room := k.open(event.RoomPublic)
		ids := make([]string, 500)
		for i := range ids {
			ids[i] = k.say("ann", room, "x").ID
		}
		var wg sync.WaitGroup
		for i, id := range ids {
			mark := upTo(room, int64(i+1))
			if i%2 == 0 {
				mark = commands.Mark{RoomID: room, MessageID: id}
			}
			wg.Add(1)
			k.MarkRead.Submit(t.Context(), as("mia"), mark, func(r commands.Read, err error) {
				defer wg.Done()
				stored := k.stream(event.ReceiptsStream(room))
				last, _ := payload(stored[len(stored)-1]).(event.MessagesRead)
				if err != nil || r.Seq < int64(i+1) || last.ReadSeq < int64(i+1) {
					t.Errorf("mark %d is answered %+v, %v, with %d stored", i+1, r, err, last.ReadSeq)
				}
			})
			time.Sleep(10 * time.Millisecond) // in a bubble, where it takes no time
		}
		wg.Wait()
		if got := len(k.stream(event.ReceiptsStream(room))); got < 2 || got > 25 {
			t.Errorf("%d events in five seconds", got)
		}
		time.Sleep(time.Second) // as above: nothing is left running
	})
}

// Marks in one window are answered each by itself when they are wrong.
func TestAWrongMarkSpoilsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := inMemory(t, commands.Config{})
		room := k.open(event.RoomPublic)
		for range 5 {
			k.say("ann", room, "x")
		}
		var mu sync.Mutex
		got := map[string]domain.Code{}
		var wg sync.WaitGroup
		for name, mark := range map[string]commands.Mark{
			"1": upTo(room, 1), "4": upTo(room, 4), "beyond": upTo(room, 99), "nowhere": {RoomID: room, MessageID: nowhere},
		} {
			wg.Add(1)
			k.MarkRead.Submit(t.Context(), as("mia"), mark, func(_ commands.Read, err error) {
				mu.Lock()
				defer mu.Unlock()
				got[name] = domain.CodeOf(err)
				wg.Done()
			})
		}
		wg.Wait()
		for name, code := range got {
			if want := map[bool]domain.Code{true: domain.CodeMessageNotFound}[name == "nowhere"]; code != want {
				t.Errorf("%s: %q, want %q", name, code, want)
			}
		}
		if last := must(k, k.MarkRead, "mia", upTo(room, 0)); last.Seq != 5 {
			t.Errorf("read up to %d", last.Seq)
		}
		time.Sleep(time.Second) // in a bubble: nothing is left running
	})
}

// Two devices on two nodes: the cursor never goes back, and an event never repeats it.
func TestCursorsGoForwardOnAllNodes(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		a = newKit(t, a.log, eager())
		b = newKit(t, b.log, eager())
		room := a.open(event.RoomPublic)
		for range 40 {
			a.say("ann", room, "x")
		}
		var wg sync.WaitGroup
		for i, k := range []kit{a, b, a, b} {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(i), 1))
				for seq := int64(1); seq <= 40; seq += 1 + random.Int64N(3) {
					if i < 2 {
						must(k, k.MarkRead, "mia", upTo(room, seq))
					} else {
						must(k, k.MarkDelivered, "mia", upTo(room, seq))
					}
				}
			})
		}
		wg.Go(func() {
			for range 20 {
				b.say("ann", room, "y")
			}
		})
		wg.Wait()
		var c receipt.Cursors
		for _, r := range a.stream(event.ReceiptsStream(room)) {
			next := c.Evolve(r)
			if next.Read < c.Read || next.Delivered < c.Delivered || next.Read == c.Read && next.Delivered == c.Delivered || next.Delivered < next.Read {
				t.Errorf("%s moves from %+v to %+v", r.Type, c, next)
			}
			c = next
		}
		if c.Read < 38 {
			t.Errorf("read up to %d", c.Read)
		}
	})
}

// What the views have counted is counted on, however far they are behind.
func TestACountGoesOnWhereTheViewsAre(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	var at event.Position
	counting := commands.Deps{Log: log, Unread: func(ctx context.Context, roomID, userID string, after int64) (commands.Remaining, error) {
		all, err := log.All(ctx, 0, 0)
		tally := receipt.NewTally(userID, receipt.Message{Seq: after})
		for _, r := range all[:at] {
			if r.Stream == event.MessagesStream(roomID) {
				tally.Add(r)
			}
		}
		left := tally.Left()
		return commands.Remaining{Unread: left.Unread, Mentions: left.Mentions, Cursor: tally.Cursor().Seq, At: at}, err
	}}
	c, err := commands.New(counting, eager())
	if err != nil {
		t.Fatal(err)
	}
	k := kit{t, log, c}
	k.users("ann", "mod", "mia", "mel")
	room := k.open(event.RoomPublic)
	var sent []string
	for i := range 600 {
		m := commands.SendMessage{RoomID: room, Content: "x"}
		if i%10 == 0 {
			m.Mentions = []string{"mia"}
		}
		sent = append(sent, must(k, k.SendMessage, "ann", m).ID)
	}
	for _, n := range []int{100, 101, 550} {
		must(k, k.DeleteMessage, "ann", commands.DeleteMessage{RoomID: room, MessageID: sent[n]})
	}
	head, _ := log.Head(t.Context())
	for seq, position := range []event.Position{head, head - 1, head - 3, 500, 5, 0} {
		at = position
		got := must(k, k.MarkRead, "mia", upTo(room, int64(seq+1)))
		if unread, mentions := int64(597-seq-1), int64(57); got.UnreadCount != unread || got.MentionCount != mentions {
			t.Errorf("counted up to %d: %+v, want %d and %d", position, got, unread, mentions)
		}
	}
}
