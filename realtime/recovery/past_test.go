package recovery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/memory"
	"parley/eventstore/storetest"
	"parley/realtime"
	"parley/realtime/hub"
	"parley/realtime/recovery"
)

// chat is a log in memory, and a ring that may hold the end of it.
type chat struct {
	t    testing.TB
	log  *memory.Node
	now  time.Time
	asks int // of joined
	came []string
}

func newChat(t testing.TB) *chat {
	t.Helper()
	c := &chat{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	c.log = memory.New(memory.Config{Now: func() time.Time { return c.now }})
	return c
}

func (c *chat) record(events ...event.Event) {
	c.t.Helper()
	for _, e := range events {
		n, err := event.Encode(storetest.NewID(), nil, e)
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := c.log.Append(c.t.Context(), eventstore.Append{Events: []event.New{n}}); err != nil {
			c.t.Fatal(err)
		}
	}
}

// past has the ring begin after a position.
func (c *chat) past(ringFrom event.Position, cfg recovery.Config) *recovery.Past {
	c.t.Helper()
	cfg.Now = func() time.Time { return c.now }
	facts := realtime.NewFacts(slog.New(slog.DiscardHandler))
	ring := recovery.NewRing(recovery.RingConfig{})
	events, err := c.log.All(c.t.Context(), ringFrom, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range events {
		ring.Add([]*hub.Fact{facts.Of(c.t.Context(), r)})
	}
	return recovery.NewPast(ring, c.log, facts.Of, func(_ context.Context, _ string, _, _ event.Position, limit int) ([]string, error) {
		c.asks++
		return c.came[:min(len(c.came), limit)], nil
	}, cfg)
}

func created(room string, members ...string) event.Event {
	e := event.RoomCreated{RoomID: room, Name: room, RoomType: event.RoomPrivate, CreatedBy: members[0]}
	for _, m := range members {
		e.Members = append(e.Members, event.Member{UserID: m, Role: event.RoleMember})
	}
	return e
}

func said(room, text string, mentions ...string) event.Event {
	return event.MessageSent{Message: event.Message{
		RoomID: room, MessageID: "m-" + text, Content: text, Mentions: mentions, Sender: event.Sender{ID: "bob"},
	}}
}

func joins(room, user string) event.Event {
	return event.MemberJoined{RoomID: room, UserID: user, Role: event.RoleMember, By: "bob"}
}

func left(room, user string) event.Event { return event.MemberLeft{RoomID: room, UserID: user} }

func removed(room, user string) event.Event {
	return event.MemberRemoved{RoomID: room, UserID: user, By: "bob"}
}

// told shows pushes in short.
func told(pushes []*hub.Push) []string {
	list := []string{}
	for _, p := range pushes {
		var data struct{ RoomID, UserID, Content string }
		_ = json.Unmarshal(p.Data, &data)
		list = append(list, strings.TrimSpace(fmt.Sprintf("%d %s %s %s%s", p.Position, p.Event, data.RoomID, data.UserID, data.Content)))
	}
	return list
}

func TestMissed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rooms []string
		came  []string
		after event.Position
		given []event.Event // from position 1
		want  []string
	}{
		"what one's rooms told, in order, and nothing else": {
			rooms: []string{"a", "b"}, after: 2,
			given: []event.Event{created("a", "ann"), created("b", "ann"), said("b", "1"), said("x", "2", "ann"), said("a", "3"), said("b", "4")},
			want:  []string{"3 new-message b 1", "5 new-message a 3", "6 new-message b 4"},
		},
		"nothing": {rooms: []string{"a"}, after: 2, given: []event.Event{created("a", "ann"), said("a", "1")}},
		"others come and go": {
			rooms: []string{"a"}, after: 1,
			given: []event.Event{created("a", "ann"), joins("a", "mia"), left("a", "mia")},
			want:  []string{"2 user-joined a mia", "3 user-left a mia"},
		},
		"of a room that one was removed from, nothing": {
			rooms: []string{"a", "b"}, after: 2,
			given: []event.Event{created("a", "ann"), created("b", "ann"), said("a", "1"), removed("a", "ann"), said("a", "2"), said("b", "3")},
			want:  []string{"6 new-message b 3"},
		},
		"nor how one came into it and went": {
			after: 1, came: []string{"a"},
			given: []event.Event{created("a", "bob"), joins("a", "ann"), left("a", "ann")},
		},
		"who came back into a room gets what followed": {
			rooms: []string{"a"}, after: 2,
			given: []event.Event{created("a", "bob"), joins("a", "ann"), said("a", "1"), left("a", "ann"), said("a", "2"), joins("a", "ann"), said("a", "3")},
			want:  []string{"6 user-joined a ann", "7 new-message a 3"},
		},
		"of a new room, that one is in it": {
			came: []string{"new", "old"}, after: 1,
			given: []event.Event{created("old", "bob"), created("new", "bob", "ann"), said("new", "1"), joins("old", "ann"), said("old", "2", "ann"), joins("old", "mia")},
			want:  []string{"2 room-created new", "4 user-joined old ann"},
		},
		"and all of it if one hears it": {
			rooms: []string{"new"}, came: []string{"new"}, after: 1,
			given: []event.Event{created("old", "bob"), created("new", "bob", "ann"), said("new", "1")},
			want:  []string{"2 room-created new", "3 new-message new 1"},
		},
	} {
		for place, ringFrom := range map[string]event.Position{"memory": c.after, "log": 1 << 40, "half": c.after + 2} {
			t.Run(name+", from "+place, func(t *testing.T) {
				t.Parallel()
				chat := newChat(t)
				chat.record(c.given...)
				chat.came = c.came
				past := chat.past(ringFrom, recovery.Config{})
				gap := past.Gap("ann", c.rooms, c.after)
				for _, upTo := range []event.Position{min(c.after+2, event.Position(len(c.given))), event.Position(len(c.given))} {
					if err := gap.Read(t.Context(), upTo); err != nil {
						t.Fatal(err)
					}
				}
				missed, err := gap.Missed()
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(append([]string{}, c.want...), told(missed)); diff != "" {
					t.Errorf("missed (-want +got):\n%s", diff)
				}
				if place == "memory" && chat.asks > 0 {
					t.Error("the views were asked for what is in memory")
				}
			})
		}
	}
}

func TestLeftTellsOfLostRoomsAndThoseComeBackTo(t *testing.T) {
	t.Parallel()
	for place, ringFrom := range map[string]event.Position{"memory": 0, "log": 1 << 40} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			c := newChat(t)
			c.record(
				created("a", "ann"), created("b", "ann"), created("c", "ann"), created("d", "ann"),
				left("b", "ann"), removed("a", "ann"), left("c", "mia"), removed("d", "ann"), joins("d", "ann"), said("d", "1"),
			)
			for _, test := range []struct {
				after, upTo event.Position
				want        bool
			}{{4, 5, false}, {4, 6, true}, {5, 6, true}, {6, 7, false}, {7, 10, true}, {8, 10, false}} {
				gap := c.past(ringFrom, recovery.Config{}).Gap("ann", []string{"c", "d"}, test.after)
				gap.Lost("a", "zzz")
				if err := gap.Read(t.Context(), test.upTo); err != nil {
					t.Fatal(err)
				}
				if gap.Left() != test.want {
					t.Errorf("from %d to %d: left %v, want %v", test.after, test.upTo, gap.Left(), test.want)
				}
			}
		})
	}
}

func TestWhatIsTooMuchIsGone(t *testing.T) {
	t.Parallel()
	for place, ringFrom := range map[string]event.Position{"memory": 0, "log": 1 << 40} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			c := newChat(t)
			c.record(created("a", "ann"))
			for i := range 10 {
				c.record(said("a", strconv.Itoa(i)), said("x", "other"))
			}
			for limit, want := range map[int]error{9: recovery.ErrGone, 10: nil} {
				gap := c.past(ringFrom, recovery.Config{MaxEvents: limit}).Gap("ann", []string{"a"}, 1)
				if err := gap.Read(t.Context(), 21); err != nil {
					t.Fatal(err)
				}
				if missed, err := gap.Missed(); !errors.Is(err, want) || want == nil && len(missed) != 10 {
					t.Errorf("10 events with limit %d: %d, %v", limit, len(missed), err)
				}
			}
		})
	}
}

// One read of the log has its own limit, which is no end of the log.
func TestMoreThanOneReadOfTheLog(t *testing.T) {
	t.Parallel()
	const count = eventstore.MaxPage + 10
	c := newChat(t)
	c.record(created("a", "ann"))
	for range count {
		c.record(said("a", "again"))
	}
	for limit, want := range map[int]error{count: nil, count - 1: recovery.ErrGone} {
		gap := c.past(1<<40, recovery.Config{MaxEvents: limit}).Gap("ann", []string{"a"}, 1)
		if err := gap.Read(t.Context(), 1+count); err != nil {
			t.Fatal(err)
		}
		if missed, err := gap.Missed(); !errors.Is(err, want) || want == nil && len(missed) != count {
			t.Errorf("%d events with limit %d: %d, %v", count, limit, len(missed), err)
		}
	}
}

// Whoever came into more rooms than one may catch up on events is not told of some of them only.
func TestTooManyNewRooms(t *testing.T) {
	t.Parallel()
	c := newChat(t)
	for i := range 5 {
		room := strconv.Itoa(i)
		c.record(created(room, "ann"))
		c.came = append(c.came, room)
	}
	for limit, want := range map[int]domain.Code{4: domain.CodeTooManyRooms, 5: ""} {
		gap := c.past(1<<40, recovery.Config{MaxEvents: limit}).Gap("ann", nil, 0)
		if err := gap.Read(t.Context(), 5); domain.CodeOf(err) != want {
			t.Errorf("5 rooms with limit %d: %v, want %q", limit, err, want)
		}
	}
}

func TestOnlyTheRoomsThatAreNamed(t *testing.T) {
	t.Parallel()
	for place, ringFrom := range map[string]event.Position{"memory": 0, "log": 1 << 40} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			c := newChat(t)
			c.came = []string{"new"}
			c.record(created("a", "ann"), said("a", "1"), created("new", "bob", "ann"), said("a", "2"))
			gap := c.past(ringFrom, recovery.Config{}).Page("ann", []string{"a"}, 1, 10).Only()
			if err := gap.Read(t.Context(), 4); err != nil {
				t.Fatal(err)
			}
			pushes, _, _, err := gap.Pushes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"2 new-message a 1", "4 new-message a 2"}, told(pushes)); diff != "" || c.asks > 0 {
				t.Errorf("the views were asked %d times (-want +got):\n%s", c.asks, diff)
			}
		})
	}
}

// A client that was away for long and missed nothing, or only what is new, has lost nothing.
func TestAgeIsThatOfWhatWasMissed(t *testing.T) {
	t.Parallel()
	c := newChat(t)
	c.record(created("a", "ann"), said("a", "1"))
	c.now = c.now.Add(48 * time.Hour)
	c.record(said("a", "2"))
	c.now = c.now.Add(23 * time.Hour)
	for after, want := range map[event.Position]error{1: recovery.ErrGone, 2: nil, 3: nil} {
		gap := c.past(0, recovery.Config{}).Gap("ann", []string{"a"}, after)
		if err := gap.Read(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		if _, err := gap.Missed(); !errors.Is(err, want) {
			t.Errorf("after %d: %v, want %v", after, err, want)
		}
	}
}

func TestPagesGoOnWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	for place, ringFrom := range map[string]event.Position{"memory": 0, "log": 1 << 40} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			c := newChat(t)
			var want []string
			for i := range 25 {
				c.record(said("a", strconv.Itoa(i)), said("x", "other"))
				want = append(want, fmt.Sprintf("%d new-message a %d", 2*i+1, i))
			}
			past := c.past(ringFrom, recovery.Config{})
			var got []string
			after, pages := event.Position(0), 0
			for more := true; more; pages++ {
				gap := past.Page("ann", []string{"a"}, after, 10)
				if err := gap.Read(t.Context(), 50); err != nil {
					t.Fatal(err)
				}
				var page []*hub.Push
				var err error
				if page, after, more, err = gap.Pushes(t.Context()); err != nil {
					t.Fatal(err)
				}
				got = append(got, told(page)...)
			}
			if diff := cmp.Diff(want, got); diff != "" || pages != 3 || after != 50 {
				t.Errorf("%d pages up to %d (-want +got):\n%s", pages, after, diff)
			}
		})
	}
}

func TestALogThatIsAwayIsNoLoss(t *testing.T) {
	t.Parallel()
	c := newChat(t)
	c.record(said("a", "1"))
	past := c.past(1<<40, recovery.Config{})
	c.log.Fail(errors.New("away"))
	gap := past.Gap("ann", []string{"a"}, 0)
	if err := gap.Read(t.Context(), 1); domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("got %v, want UNAVAILABLE", err)
	}
	c.log.Fail(nil)
	if err := gap.Read(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if missed, err := gap.Missed(); err != nil || len(missed) != 1 || missed[0].Event != wire.EventNewMessage {
		t.Errorf("afterwards: %v, %v", told(missed), err)
	}
}

// Those who missed the same get the same bytes.
func TestMemoryIsShared(t *testing.T) {
	t.Parallel()
	c := newChat(t)
	c.record(said("a", "1"), said("a", "2"))
	past := c.past(0, recovery.Config{})
	var lists [][]*hub.Push
	for _, user := range []string{"ann", "mia"} {
		gap := past.Gap(user, []string{"a"}, 0)
		if err := gap.Read(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		missed, err := gap.Missed()
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, missed)
	}
	if !slices.Equal(lists[0], lists[1]) {
		t.Error("two clients got different pushes of the same facts")
	}
}
