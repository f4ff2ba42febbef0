package commands_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/message"
	"parley/eventstore"
)

// marks are those of a message as the log has them, read from its beginning.
func (k kit) marks(id string) event.Marks {
	k.t.Helper()
	parsed, err := event.ParseID(id)
	if err != nil {
		k.t.Fatal(err)
	}
	all, err := k.log.About(k.t.Context(), parsed, 0)
	if err != nil {
		k.t.Fatal(err)
	}
	return message.Fold(message.Message{}, all...).Marks
}

func TestReactions(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	room := k.open(event.RoomPublic)
	m := k.say("mia", room, "hi")
	ref := func(emoji string) commands.React {
		return commands.React{RoomID: room, MessageID: strings.ToUpper(m.ID), Emoji: emoji}
	}
	none := must(k, k.RemoveReaction, "ann", ref("👍"))
	if none.Position != m.Position || none.Reactions == nil || len(none.Reactions) > 0 || none.MessageID != m.ID {
		t.Errorf("nothing to remove: %+v", none)
	}
	first := must(k, k.AddReaction, "ann", ref("👍"))
	again := must(k, k.AddReaction, "ann", ref("👍"))
	if diff := cmp.Diff(first, again); diff != "" || first.Position <= m.Position {
		t.Errorf("twice is not once:\n%s", diff)
	}
	must(k, k.AddReaction, "mia", ref("👍"))
	last := must(k, k.AddReaction, "ann", ref("❤"))
	if diff := cmp.Diff(map[string][]string{"👍": {"ann", "mia"}, "❤": {"ann"}}, last.Reactions); diff != "" {
		t.Errorf("answered:\n%s", diff)
	}
	gone := must(k, k.RemoveReaction, "ann", ref("👍"))
	want := map[string][]string{"👍": {"mia"}, "❤": {"ann"}}
	if diff := cmp.Diff(want, gone.Reactions); diff != "" {
		t.Errorf("answered:\n%s", diff)
	}
	if diff := cmp.Diff(want, k.marks(m.ID).Reactions); diff != "" {
		t.Errorf("stored:\n%s", diff)
	}
	wantTypes := []string{
		event.TypeMessageSent, event.TypeReactionAdded, event.TypeReactionAdded, event.TypeReactionAdded, event.TypeReactionRemoved,
	}
	if got := types(k.stream(event.MessagesStream(room))); !slices.Equal(got, wantTypes) {
		t.Errorf("stored %v, want %v", got, wantTypes)
	}
	for _, emoji := range []string{"", " ", "a b", "\x00", strings.Repeat("x", 65), "\xff"} {
		if _, err := k.AddReaction.Do(t.Context(), as("ann"), ref(emoji)); !slices.Equal(blamed(err), []string{"emoji"}) {
			t.Errorf("%q: %v", emoji, err)
		}
	}
}

// An edit shows the marks that the message has, and leaves them.
func TestAnEditLeavesTheMarks(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	room := k.open(event.RoomPublic)
	m := k.say("mia", room, "hi")
	react := commands.React{RoomID: room, MessageID: m.ID, Emoji: "👍"}
	must(k, k.AddReaction, "ann", react)
	must(k, k.PinMessage, "ann", commands.MessageRef{RoomID: room, MessageID: m.ID})
	edit := commands.EditMessage{RoomID: room, MessageID: m.ID, Content: "hello"}
	edited := must(k, k.EditMessage, "mia", edit)
	if diff := cmp.Diff(map[string][]string{"👍": {"ann"}}, edited.Reactions); diff != "" || !edited.Pinned {
		t.Errorf("edited as %+v", edited)
	}
	must(k, k.UnpinMessage, "ann", commands.MessageRef{RoomID: room, MessageID: m.ID})
	last := must(k, k.AddReaction, "mia", react)
	same := must(k, k.EditMessage, "mia", edit)
	if same.Pinned || len(same.Reactions["👍"]) != 2 || same.Position != last.Position || *same.EditedAt != *edited.EditedAt {
		t.Errorf("an edit that changes nothing answers %+v", same)
	}
}

// However often somebody toggles, marks and content are right, and little is read to know them.
func TestATogglersPastIsNotReadAgain(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	counted := &countingLog{Log: k.log}
	k.Commands = newKit(t, counted, commands.Config{}).Commands
	room := k.open(event.RoomPublic)
	m := k.say("mia", room, "one")
	react := commands.React{RoomID: room, MessageID: m.ID, Emoji: "👍"}
	must(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: m.ID, Content: "two"})
	must(k, k.AddReaction, "ann", react)
	for range 300 {
		must(k, k.AddReaction, "mel", react)
		must(k, k.RemoveReaction, "mel", react)
	}
	counted.read = 0
	got := must(k, k.AddReaction, "mia", react)
	if diff := cmp.Diff([]string{"ann", "mia"}, got.Reactions["👍"]); diff != "" {
		t.Errorf("answered:\n%s", diff)
	}
	same := must(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: m.ID, Content: "two"})
	if same.Position != got.Position || same.Content != "two" || same.EditedAt == nil {
		t.Errorf("the same words: %+v", same)
	}
	if counted.read > 500 {
		t.Errorf("%d events were read for two commands", counted.read)
	}
}

// countingLog counts the events that are read about subjects.
type countingLog struct {
	eventstore.Log
	read int
}

func (l *countingLog) LastAbout(
	ctx context.Context, subject string, below event.Position, limit int, types ...string,
) ([]event.Recorded, error) {
	found, err := l.Log.LastAbout(ctx, subject, below, limit, types...)
	l.read += len(found)
	return found, err
}

func TestPins(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	room := k.open(event.RoomPublic)
	m := k.say("mia", room, "hi")
	ref := commands.MessageRef{RoomID: room, MessageID: m.ID}
	if got := must(k, k.UnpinMessage, "mod", ref); got.Position != m.Position {
		t.Errorf("nothing to unpin: %+v", got)
	}
	first := must(k, k.PinMessage, "mod", ref)
	if again := must(k, k.PinMessage, "ann", ref); again != first || !k.marks(m.ID).Pinned {
		t.Errorf("pinned at %d and again at %d", first.Position, again.Position)
	}
	if must(k, k.UnpinMessage, "ann", ref); k.marks(m.ID).Pinned {
		t.Error("still pinned")
	}
	must(k, k.DeleteMessage, "mia", commands.DeleteMessage{RoomID: room, MessageID: m.ID})
	if got := code(k, k.PinMessage, "ann", ref); got != domain.CodeMessageDeleted {
		t.Errorf("pin what is deleted: %q", got)
	}
}

// Everybody reacts to one message at once, on two nodes, while its author edits it: nobody is
// refused, and everything counts once.
func TestAStormOfReactions(t *testing.T) {
	t.Parallel()
	const crowd = 40
	twoNodes(t, func(t *testing.T, a, b kit) {
		names := make([]string, crowd)
		for i := range names {
			names[i] = fmt.Sprint("fan-", i)
		}
		a.users(names...)
		room := must(a, a.CreateRoom, "ann", commands.CreateRoom{Name: "Stage", Type: event.RoomPublic, MemberIDs: append(names, "mia")}).ID
		m := a.say("mia", room, "hi")
		react := commands.React{RoomID: room, MessageID: m.ID, Emoji: "👏"}
		var wg sync.WaitGroup
		for i, name := range names {
			wg.Go(func() {
				k := []kit{a, b}[i%2]
				must(k, k.AddReaction, name, react)
				if i%4 == 0 {
					must(k, k.RemoveReaction, name, react)
				}
			})
		}
		wg.Go(func() {
			for i := range 5 {
				must(b, b.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: m.ID, Content: strconv.Itoa(i)})
			}
		})
		wg.Wait()
		var want []string
		for i, name := range names {
			if i%4 != 0 {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		if got := a.sorted(m.ID, "👏"); !slices.Equal(got, want) {
			t.Errorf("%d have reacted, want %d", len(got), len(want))
		}
		a.checkEdits(m.ID)
	})
}

func (k kit) sorted(id, emoji string) []string {
	return slices.Sorted(slices.Values(k.marks(id).Reactions[emoji]))
}

// checkEdits checks that every event which tells the marks of a message tells those that it had.
func (k kit) checkEdits(id string) {
	k.t.Helper()
	parsed, _ := event.ParseID(id)
	all, err := k.log.About(k.t.Context(), parsed, 0)
	if err != nil {
		k.t.Fatal(err)
	}
	truth := event.Marks{}
	for _, r := range all {
		switch e := payload(r).(type) {
		case event.ReactionAdded:
			truth = truth.Reacted(e.Emoji, e.UserID)
			k.sameMarks(r, truth, e.After)
		case event.ReactionRemoved:
			truth = truth.Unreacted(e.Emoji, e.UserID)
			k.sameMarks(r, truth, e.After)
		case event.MessageEdited:
			k.sameMarks(r, truth, &e.Marks)
		default:
		}
	}
}

func (k kit) sameMarks(r event.Recorded, want event.Marks, told *event.Marks) {
	k.t.Helper()
	if told == nil {
		return
	}
	if diff := cmp.Diff(want, *told); diff != "" {
		k.t.Errorf("%s at %d tells other marks (-true +told):\n%s", r.Type, r.Position, diff)
	}
}

// After a deletion is acknowledged nobody reacts to the message.
func TestNoReactionAfterADeletion(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		for range 5 {
			room := a.open(event.RoomPublic)
			m := a.say("mia", room, "hi")
			var wg sync.WaitGroup
			for i, who := range []string{"ann", "mod", "mel"} {
				wg.Go(func() {
					node := []kit{a, b}[i%2]
					for n := range 20 {
						_, err := node.AddReaction.Do(t.Context(), as(who), commands.React{RoomID: room, MessageID: m.ID, Emoji: strconv.Itoa(n % 5)})
						if code := domain.CodeOf(err); code != "" && code != domain.CodeMessageDeleted {
							t.Errorf("%s: %v", who, err)
						}
					}
				})
			}
			at := must(b, b.DeleteMessage, "mia", commands.DeleteMessage{RoomID: room, MessageID: m.ID}).Position
			wg.Wait()
			all := a.stream(event.MessagesStream(room))
			if last := all[len(all)-1]; last.Position > at {
				t.Errorf("%s at %d, after the deletion at %d", last.Type, last.Position, at)
			}
		}
	})
}
