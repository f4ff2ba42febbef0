package message_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain"
	"parley/domain/domaintest"
	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/room"
)

func reaction(userID, emoji string) event.Reaction {
	return event.Reaction{RoomID: "r", MessageID: id, Seq: 1, Emoji: emoji, UserID: userID}
}

func added(userID, emoji string) event.Event {
	return event.ReactionAdded{Reaction: reaction(userID, emoji)}
}

func removed(userID, emoji string) event.Event {
	return event.ReactionRemoved{Reaction: reaction(userID, emoji)}
}

// many are reactions of n users, each with the emoji of its number.
func many(n int, emoji func(int) string) events {
	all := events{public, sent}
	for i := range n {
		all = append(all, added(fmt.Sprint("u", i), emoji(i)))
	}
	return all
}

func TestReact(t *testing.T) {
	t.Parallel()
	react := func(by room.Actor, emoji string) message.React { return message.React{By: by, Emoji: emoji} }
	same := func(int) string { return "+1" }
	other := func(i int) string { return fmt.Sprint("e", i) }
	domaintest.Run(t, message.Evolve, cases{
		{Name: "a member reacts", Given: events{public, sent}, When: react(mel, "👍"), Then: added("mel", "👍")},
		{Name: "also the author", Given: events{private, sent}, When: react(mia, "👍"), Then: added("mia", "👍")},
		{Name: "with several", Given: events{public, sent, added("mel", "👍")}, When: react(mel, "❤"), Then: added("mel", "❤")},
		{Name: "with what others have put", Given: events{public, sent, added("mel", "👍")}, When: react(ann, "👍"), Then: added("ann", "👍")},
		{Name: "the same twice is once", Given: events{public, sent, added("mel", "👍")}, When: react(mel, "👍"), Unchanged: true},
		{Name: "again after taking it away", Given: events{public, sent, added("mel", "👍"), removed("mel", "👍")}, When: react(mel, "👍"), Then: added("mel", "👍")},
		{Name: "an outsider does not", Given: events{public, sent}, When: react(out, "👍"), Refused: domain.CodeNotAMember},
		{Name: "nor an admin, who is not in", Given: events{private, sent}, When: react(root, "👍"), Refused: domain.CodeNotAMember},
		{Name: "a private room hides", Given: events{private, sent}, When: react(out, "👍"), Refused: domain.CodeRoomNotFound},
		{Name: "not in an archived room", Given: events{public, sent, archived}, When: react(mel, "👍"), Refused: domain.CodeRoomArchived},
		{Name: "not to what is deleted", Given: events{public, sent, deleted}, When: react(mel, "👍"), Refused: domain.CodeMessageDeleted},
		{Name: "not to what is elsewhere", Given: events{public, foreign}, When: react(mel, "👍"), Refused: domain.CodeMessageNotFound},
		{Name: "not to nothing", Given: events{public}, When: react(mel, "👍"), Refused: domain.CodeMessageNotFound},
		{Name: "the twentieth emoji", Given: many(19, other), When: react(mel, "e19"), Then: added("mel", "e19")},
		{Name: "one more is too many", Given: many(20, other), When: react(mel, "e20"), Refused: domain.CodeInvalidPayload, Fields: []string{"emoji"}},
		{Name: "of the twenty there can be more", Given: many(20, other), When: react(mel, "e3"), Then: added("mel", "e3")},
		{Name: "the thousandth reaction", Given: many(999, same), When: react(mel, "+1"), Then: added("mel", "+1")},
		{Name: "one more reaction is too many", Given: many(1000, same), When: react(mel, "+1"), Refused: domain.CodeInvalidPayload, Fields: []string{"emoji"}},
	})
}

func TestUnreact(t *testing.T) {
	t.Parallel()
	unreact := func(by room.Actor, emoji string) message.Unreact { return message.Unreact{By: by, Emoji: emoji} }
	domaintest.Run(t, message.Evolve, cases{
		{Name: "one's own goes", Given: events{public, sent, added("mel", "👍")}, When: unreact(mel, "👍"), Then: removed("mel", "👍")},
		{Name: "others' does not", Given: events{public, sent, added("mel", "👍")}, When: unreact(ann, "👍"), Unchanged: true},
		{Name: "nor another emoji", Given: events{public, sent, added("mel", "👍")}, When: unreact(mel, "👎"), Unchanged: true},
		{Name: "nor what has gone", Given: events{public, sent, added("mel", "👍"), removed("mel", "👍")}, When: unreact(mel, "👍"), Unchanged: true},
		{Name: "an edit leaves it", Given: events{public, sent, added("mel", "👍"), marked()}, When: unreact(mel, "👍"), Then: removed("mel", "👍")},
		{Name: "not from what is deleted", Given: events{public, sent, added("mel", "👍"), deleted}, When: unreact(mel, "👍"), Refused: domain.CodeMessageDeleted},
		{Name: "not by who is out", Given: events{public, sent}, When: unreact(out, "👍"), Refused: domain.CodeNotAMember},
		{Name: "not in an archived room", Given: events{public, sent, added("mel", "👍"), archived}, When: unreact(mel, "👍"), Refused: domain.CodeRoomArchived},
	})
}

// marked is an edit of the message with mel's 👍.
func marked() event.MessageEdited {
	e := edited
	e.Marks = event.Marks{Reactions: map[string][]string{"👍": {"mel"}}}
	return e
}

func TestPin(t *testing.T) {
	t.Parallel()
	pinned := func(by string) event.Event {
		return event.MessagePinned{Pin: event.Pin{RoomID: "r", MessageID: id, Seq: 1, By: by}}
	}
	unpinned := func(by string) event.Event {
		return event.MessageUnpinned{Pin: event.Pin{RoomID: "r", MessageID: id, Seq: 1, By: by}}
	}
	pin := func(by room.Actor) message.Pin { return message.Pin{By: by} }
	unpin := func(by room.Actor) message.Pin { return message.Pin{By: by, Off: true} }
	domaintest.Run(t, message.Evolve, cases{
		{Name: "an owner pins", Given: events{public, sent}, When: pin(ann), Then: pinned("ann")},
		{Name: "a moderator pins", Given: events{private, sent}, When: pin(mod), Then: pinned("mod")},
		{Name: "an admin pins", Given: events{private, sent}, When: pin(root), Then: pinned("root")},
		{Name: "in a direct room either of the two", Given: events{direct, sent}, When: pin(mel), Then: pinned("mel")},
		{Name: "a member does not", Given: events{public, sent}, When: pin(mia), Refused: domain.CodeForbidden},
		{Name: "nor an outsider", Given: events{public, sent}, When: pin(out), Refused: domain.CodeNotAMember},
		{Name: "a private room hides", Given: events{private, sent}, When: pin(out), Refused: domain.CodeRoomNotFound},
		{Name: "a direct room too", Given: events{direct, sent}, When: pin(ann), Refused: domain.CodeRoomNotFound},
		{Name: "pinned is pinned", Given: events{public, sent, pinned("ann")}, When: pin(mod), Unchanged: true},
		{Name: "a moderator unpins", Given: events{public, sent, pinned("ann")}, When: unpin(mod), Then: unpinned("mod")},
		{Name: "what is not pinned stays so", Given: events{public, sent, pinned("ann"), unpinned("ann")}, When: unpin(mod), Unchanged: true},
		{Name: "a member does not unpin", Given: events{public, sent, pinned("ann")}, When: unpin(mia), Refused: domain.CodeForbidden},
		{Name: "not in an archived room", Given: events{public, sent, archived}, When: pin(ann), Refused: domain.CodeRoomArchived},
		{Name: "not what is deleted", Given: events{public, sent, deleted}, When: pin(ann), Refused: domain.CodeMessageDeleted},
		{Name: "not what is elsewhere", Given: events{public, foreign}, When: pin(ann), Refused: domain.CodeMessageNotFound},
	})
}

// Now and then an event tells all marks, so that a message's past need not be read to its beginning: but
// only where nothing can come between, and the less often the more there is to tell.
func TestSomeReactionsTellAllMarks(t *testing.T) {
	t.Parallel()
	toggled := func(n int) events {
		all := events{public, sent, added("ann", "👍")}
		for i := range n {
			all = append(all, []event.Event{added("mel", "👎"), removed("mel", "👎")}[i%2])
		}
		return all
	}
	full := map[string][]string{}
	for i := range 100 {
		full["+1"] = append(full["+1"], fmt.Sprint("u", i))
	}
	full["👍"] = []string{"mel"}
	crowd := func(n int) events { return many(n, func(int) string { return "+1" }) }
	for name, tt := range map[string]struct {
		given events
		alone bool
		want  *event.Marks
	}{
		"early":                           {toggled(60), true, nil},
		"late":                            {toggled(64), true, &event.Marks{Reactions: map[string][]string{"👍": {"ann", "mel"}}}},
		"late, with others in between":    {toggled(64), false, nil},
		"soon after an edit":              {append(toggled(64), edited), true, nil},
		"soon after one that told":        {append(toggled(64), told(event.Marks{Pinned: true})), true, nil},
		"a crowd":                         {crowd(100), true, &event.Marks{Reactions: full}},
		"a crowd that was told not yet":   {append(crowd(100), told(event.Marks{Reactions: map[string][]string{"+1": full["+1"]}}), added("mel", "x"), removed("mel", "x")), true, nil},
		"a pin is told with the reaction": {append(toggled(64), event.MessagePinned{Pin: event.Pin{RoomID: "r", MessageID: id, Seq: 1, By: "ann"}}), true, &event.Marks{Pinned: true, Reactions: map[string][]string{"👍": {"ann", "mel"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var state message.State
			for _, r := range domaintest.Record(tt.given...) {
				state = message.Evolve(state, r)
			}
			got, err := message.React{By: mel, Emoji: "👍", Alone: tt.alone}.Decide(state)
			if err != nil {
				t.Fatal(err)
			}
			e, ok := got.(event.ReactionAdded)
			if !ok {
				t.Fatalf("decided %T", got)
			}
			if diff := cmp.Diff(tt.want, e.After); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func told(m event.Marks) event.Event {
	r := reaction("ann", "👍")
	r.After = &m
	return event.ReactionAdded{Reaction: r}
}

// However much of its past is read, from an event that tells all marks on they are the same.
func TestMarksFollowFromTheLastEventThatTellsThem(t *testing.T) {
	t.Parallel()
	past := domaintest.Record(
		sent, added("ann", "👍"), added("mel", "👍"), event.MessagePinned{Pin: event.Pin{RoomID: "r", MessageID: id, Seq: 1}},
		removed("ann", "👍"), told(event.Marks{Pinned: true, Reactions: map[string][]string{"👍": {"mel", "ann"}}}), added("mod", "x"),
	)
	whole := message.Fold(message.Message{}, past...)
	part := message.Fold(message.Fold(message.Message{}, past[0]), past[5:]...)
	if diff := cmp.Diff(whole, part); diff != "" || !message.TellsAll(past[5]) || message.TellsAll(past[6]) {
		t.Errorf("(-whole +part):\n%s", diff)
	}
}

func TestCheckEmoji(t *testing.T) {
	t.Parallel()
	for emoji, ok := range map[string]bool{
		"👍": true, "👩‍👩‍👧‍👦": true, "+1": true, ":party-parrot:": true, "❤️": true, strings.Repeat("a", 64): true, "<b>": true,
		"": false, " ": false, "a b": false, "\u2003": false, "a\n": false, "\x00": false, "\x7f": false, "\xff": false, strings.Repeat("é", 33): false,
	} {
		if err := message.CheckEmoji(emoji); (err == nil) != ok || err != nil && domain.AsError(err).Fields["emoji"] == "" {
			t.Errorf("%q: %v", emoji, err)
		}
	}
}
