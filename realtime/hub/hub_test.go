package hub_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/hub"
)

// ear is a sink that remembers.
type ear struct {
	mu    sync.Mutex
	heard []string // "event@position"
	at    []event.Position
	ended []hub.Ending
}

func (e *ear) Deliver(p *hub.Push) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, fmt.Sprintf("%s@%d", p.Event, p.Position))
	e.at = append(e.at, p.Position)
}

func (e *ear) End(why hub.Ending) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = append(e.ended, why)
}

func (e *ear) say(text string) func() {
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, text)
	}
}

func (e *ear) want(t *testing.T, heard ...string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if diff := cmp.Diff(heard, e.heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

// attached returns a live socket that hears the rooms.
func attached(t *testing.T, h *hub.Hub, user string, rooms ...string) (*hub.Socket, *ear) {
	t.Helper()
	e := new(ear)
	s, _, err := h.Attach(user, h.Position(), e, wants(h.Position(), rooms...)...)
	if err != nil {
		t.Fatalf("attach: %v", err)
	}
	s.Release(func() {})
	return s, e
}

func wants(since event.Position, rooms ...string) []hub.Want {
	var list []hub.Want
	for _, r := range rooms {
		list = append(list, hub.Want{Room: r, Since: since})
	}
	return list
}

// fact is one event with one push.
func fact(at event.Position, name, room string, users ...string) *hub.Fact {
	return &hub.Fact{Position: at, Room: room, Users: users, Make: func() []*hub.Push {
		return []*hub.Push{hub.NewPush(wire.Push{Event: name, Room: room, Users: users, Data: []byte(`{}`)}, at)}
	}}
}

func left(at event.Position, room, user string) *hub.Fact {
	f := fact(at, "user-left", room, user)
	f.Left = user
	return f
}

func TestPushReachesItsRoomAndItsUsersOnce(t *testing.T) {
	t.Parallel()
	for _, lanes := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d lanes", lanes), func(t *testing.T) {
			t.Parallel()
			h := hub.New(hub.Config{Lanes: lanes})
			_, both := attached(t, h, "ann", "room")
			_, second := attached(t, h, "ann")
			_, member := attached(t, h, "bob", "room", "other")
			_, stranger := attached(t, h, "cid", "other")
			h.Dispatch([]*hub.Fact{
				fact(1, "user-joined", "room", "ann", "ann"),
				fact(2, "new-message", "other"),
				fact(3, "room-created", "", "cid", "nobody"),
			})
			both.want(t, "user-joined@1")
			second.want(t, "user-joined@1")
			member.want(t, "user-joined@1", "new-message@2")
			stranger.want(t, "new-message@2", "room-created@3")
			if h.Position() != 3 {
				t.Errorf("position %d, want 3", h.Position())
			}
		})
	}
}

func TestPushesAreMadeOnceAndOnlyIfSomebodyHears(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{Lanes: 4})
	for range 8 {
		attached(t, h, "ann", "room")
	}
	var made atomic.Int32
	counted := func(f *hub.Fact) *hub.Fact {
		inner := f.Make
		f.Make = func() []*hub.Push { made.Add(1); return inner() }
		return f
	}
	h.Dispatch([]*hub.Fact{counted(fact(1, "new-message", "empty", "nobody"))})
	if n := made.Load(); n != 0 {
		t.Errorf("made %d times for nobody", n)
	}
	h.Dispatch([]*hub.Fact{counted(fact(2, "new-message", "room", "ann"))})
	if n := made.Load(); n != 1 {
		t.Errorf("made %d times, want 1", n)
	}
}

func TestReleaseStandsAtThePosition(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{})
	h.Start(10)
	s, e := attached(t, h, "ann", "old")
	h.Dispatch([]*hub.Fact{fact(11, "new-message", "old"), fact(12, "new-message", "new")})
	p, err := s.Subscribe(hub.Want{Room: "new", Since: 12})
	if err != nil || p != 12 {
		t.Fatalf("subscribed at %d, %v; want 12", p, err)
	}
	h.Dispatch([]*hub.Fact{fact(13, "new-message", "new"), fact(14, "new-message", "old")})
	e.want(t, "new-message@11")
	s.Release(e.say("ack@12"))
	h.Dispatch([]*hub.Fact{fact(15, "new-message", "new")})
	e.want(t, "new-message@11", "ack@12", "new-message@13", "new-message@14", "new-message@15")
}

func TestRemovalEndsHearing(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{})
	s, e := attached(t, h, "ann", "room", "other")
	_, rest := attached(t, h, "bob", "room")
	h.Dispatch([]*hub.Fact{
		fact(1, "new-message", "room"), left(2, "room", "ann"),
		fact(3, "new-message", "room"), fact(4, "new-message", "other"),
	})
	e.want(t, "new-message@1", "user-left@2", "new-message@4")
	rest.want(t, "new-message@1", "user-left@2", "new-message@3")
	if rooms := s.Rooms(); !slices.Equal(rooms, []string{"other"}) {
		t.Errorf("hears %v", rooms)
	}
}

func TestOldEvidenceOfMembershipIsRefused(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{})
	s, e := attached(t, h, "ann")
	h.Dispatch([]*hub.Fact{left(5, "room", "ann")})
	if _, err := s.Subscribe(hub.Want{Room: "room", Since: 4}); !errors.Is(err, hub.ErrStale) {
		t.Fatalf("got %v, want ErrStale", err)
	}
	if _, _, err := h.Attach("ann", 0, e, hub.Want{Room: "room", Since: 4}); !errors.Is(err, hub.ErrStale) {
		t.Fatalf("got %v, want ErrStale", err)
	}
	h.Dispatch([]*hub.Fact{fact(6, "user-joined", "room", "ann")})
	if _, err := s.Subscribe(hub.Want{Room: "room", Since: 6}); err != nil {
		t.Fatalf("newer evidence: %v", err)
	}
	s.Release(func() {})
	h.Dispatch([]*hub.Fact{fact(7, "new-message", "room")})
	e.want(t, "user-left@5", "user-joined@6", "new-message@7")
}

// A user was put out at 5 and let in again at 7. Whoever reads the log faster than the hub
// may know that already, but what is said at 6 is not for him.
func TestNewerEvidenceHasToWait(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{})
	s, e := attached(t, h, "ann", "room")
	if _, err := s.Subscribe(hub.Want{Room: "room", Since: 7}); !errors.Is(err, hub.ErrAhead) {
		t.Fatalf("got %v, want ErrAhead", err)
	}
	if _, _, err := h.Attach("ann", 7, e); !errors.Is(err, hub.ErrAhead) {
		t.Fatalf("got %v, want ErrAhead", err)
	}
	reached := make(chan error, 1)
	go func() { reached <- h.Await(t.Context(), 7) }()
	h.Dispatch([]*hub.Fact{left(5, "room", "ann"), fact(6, "new-message", "room")})
	h.Dispatch([]*hub.Fact{fact(7, "user-joined", "room", "ann")})
	if err := <-reached; err != nil {
		t.Fatal(err)
	}
	if _, err := s.Subscribe(hub.Want{Room: "room", Since: 7}); err != nil {
		t.Fatal(err)
	}
	s.Release(func() {})
	h.Dispatch([]*hub.Fact{fact(8, "new-message", "room")})
	e.want(t, "user-left@5", "user-joined@7", "new-message@8")
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := hub.New(hub.Config{}).Await(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestEvidenceFromBeforeTheStartIsRefused(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{})
	h.Start(10, left(8, "room", "ann"), &hub.Fact{Position: 9, Shut: "bob"})
	for user, want := range map[string]error{"ann": hub.ErrStale, "bob": hub.ErrStale, "mia": nil} {
		var wants []hub.Want
		if user == "ann" {
			wants = []hub.Want{{Room: "room", Since: 7}}
		}
		s, p, err := h.Attach(user, 8, &ear{}, wants...)
		if !errors.Is(err, want) || err == nil && p != 10 {
			t.Errorf("%s: at %d, %v; want %v", user, p, err, want)
		}
		if err == nil {
			s.Detach()
		}
	}
}

func TestRemovalsAreForgottenOldestFirst(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{MaxRemovals: 8})
	s, _ := attached(t, h, "ann")
	for i := range 8 {
		h.Dispatch([]*hub.Fact{left(event.Position(i+1), fmt.Sprint("room", i), "bob")})
	}
	if _, err := s.Subscribe(hub.Want{Room: "room7"}); !errors.Is(err, hub.ErrStale) {
		t.Errorf("the last one was forgotten: %v", err)
	}
	for i := range 8 {
		h.Dispatch([]*hub.Fact{left(event.Position(i+9), fmt.Sprint("more", i), "bob")})
	}
	if _, err := s.Subscribe(hub.Want{Room: "room0"}); err != nil {
		t.Errorf("the first one is remembered: %v", err)
	}
}

func TestShutUserIsEndedAndStaysOut(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{})
	_, e := attached(t, h, "ann")
	_, other := attached(t, h, "bob")
	h.Dispatch([]*hub.Fact{{Position: 3, Shut: "ann"}})
	if !slices.Equal(e.ended, []hub.Ending{hub.EndShut}) || other.ended != nil {
		t.Errorf("ended %v and %v", e.ended, other.ended)
	}
	if _, _, err := h.Attach("ann", 2, e); !errors.Is(err, hub.ErrStale) {
		t.Errorf("got %v, want ErrStale", err)
	}
	h.Dispatch([]*hub.Fact{{Position: 4}})
	if _, _, err := h.Attach("ann", 4, e); err != nil {
		t.Errorf("reactivated: %v", err)
	}
}

func TestRoomsOfASocketAreLimited(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{MaxRooms: 2})
	s, e := attached(t, h, "ann", "one")
	if _, err := s.Subscribe(wants(0, "two", "three")...); domain.CodeOf(err) != domain.CodeTooManyRooms {
		t.Fatalf("got %v, want TOO_MANY_ROOMS", err)
	}
	if rooms := s.Rooms(); len(rooms) != 1 {
		t.Errorf("a refusal subscribed to %v", rooms)
	}
	h.Dispatch([]*hub.Fact{fact(1, "new-message", "one")})
	e.want(t, "new-message@1") // a refusal does not pause
	if _, err := s.Subscribe(wants(0, "one", "two", "two")...); err != nil {
		t.Errorf("what is heard already counts: %v", err)
	}
	if s.Free() != 0 {
		t.Errorf("%d free", s.Free())
	}
}

func TestPausedSocketThatOverrunsIsEnded(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{MaxHeld: 2})
	e := new(ear)
	if _, _, err := h.Attach("ann", 0, e, wants(0, "room")...); err != nil {
		t.Fatal(err)
	}
	h.Dispatch([]*hub.Fact{fact(1, "a", "room"), fact(2, "b", "room"), fact(3, "c", "room")})
	if !slices.Equal(e.ended, []hub.Ending{hub.EndOverrun}) {
		t.Errorf("ended %v", e.ended)
	}
}

func TestUnsubscribeDropsWhatWasKeptForThatRoomAlone(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{})
	s, e := attached(t, h, "ann", "old")
	if _, err := s.Subscribe(wants(0, "new")...); err != nil {
		t.Fatal(err)
	}
	h.Dispatch([]*hub.Fact{
		fact(1, "new-message", "new"), fact(2, "new-message", "old"), fact(3, "user-joined", "new", "ann"),
	})
	s.Unsubscribe("new")
	s.Release(func() {})
	h.Dispatch([]*hub.Fact{fact(4, "new-message", "new")})
	e.want(t, "new-message@2", "user-joined@3")
}

func TestDetachedSocketIsForgotten(t *testing.T) {
	t.Parallel()
	h := hub.New(hub.Config{})
	s, e := attached(t, h, "ann", "room")
	s.Detach()
	s.Detach()
	h.Dispatch([]*hub.Fact{fact(1, "new-message", "room", "ann")})
	e.want(t)
	if h.Count() != 0 || h.Rooms() != 0 {
		t.Errorf("%d sockets and %d rooms are left", h.Count(), h.Rooms())
	}
	if _, err := s.Subscribe(wants(0, "room")...); !errors.Is(err, hub.ErrDetached) {
		t.Errorf("got %v, want ErrDetached", err)
	}
}

// Whatever sockets do while facts are dispatched: from P on a socket hears each fact of its
// rooms, once, in order over all rooms, until it unsubscribes.
func TestCutIsExactUnderConcurrency(t *testing.T) {
	t.Parallel()
	const facts, rooms = 1600, 4
	h := hub.New(hub.Config{Lanes: 3, MaxHeld: facts})
	over := make(chan struct{})
	var all sync.WaitGroup
	for i := range 200 { // enough that lanes run side by side
		all.Go(func() { listenInTurns(t, h, fmt.Sprint("user", i), i%rooms, over) })
	}
	for at := event.Position(1); at <= facts; at += 4 {
		var batch []*hub.Fact
		for p := at; p < at+4; p++ {
			batch = append(batch, fact(p, "new-message", fmt.Sprint("room", p%rooms)))
		}
		h.Dispatch(batch)
	}
	close(over)
	all.Wait()
	if h.Count() != 0 || h.Rooms() != 0 {
		t.Errorf("%d sockets and %d rooms are left", h.Count(), h.Rooms())
	}
}

func listenInTurns(t *testing.T, h *hub.Hub, user string, first int, over chan struct{}) {
	t.Helper()
	for turn := first; ; turn++ {
		e := new(ear)
		s, from, err := h.Attach(user, 0, e, wants(0, fmt.Sprint("room", turn%4))...)
		if err != nil {
			t.Errorf("attach: %v", err)
			return
		}
		s.Release(func() {})
		second, err := s.Subscribe(wants(0, fmt.Sprint("room", (turn+1)%4))...)
		if err != nil {
			t.Errorf("subscribe: %v", err)
		}
		s.Release(func() {})
		for range 50 {
			runtime.Gosched()
		}
		s.Detach()
		verify(t, e.at, turn, from, second)
		select {
		case <-over:
			return
		default:
		}
	}
}

// verify checks what was heard of two rooms, each from its own position on.
func verify(t *testing.T, got []event.Position, turn int, from, second event.Position) {
	t.Helper()
	if len(got) == 0 {
		return
	}
	var want []event.Position
	for p := from + 1; p <= got[len(got)-1]; p++ {
		switch int(p-event.Position(turn)) % 4 {
		case 0, -4:
			want = append(want, p)
		case 1, -3:
			if p > second {
				want = append(want, p)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("turn %d from %d and %d: heard %v, want %v", turn, from, second, got, want)
	}
}
