package commands_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/memory"
)

// counting is a log that counts reads.
type counting struct {
	eventstore.Log
	reads atomic.Int64
	about atomic.Int64
}

func (c *counting) Stream(ctx context.Context, s event.Stream, after int64, limit int) ([]event.Recorded, error) {
	c.reads.Add(1)
	return c.Log.Stream(ctx, s, after, limit)
}

func (c *counting) Tails(ctx context.Context, streams []event.Stream, each int) ([]event.Recorded, error) {
	c.reads.Add(1)
	return c.Log.Tails(ctx, streams, each)
}

func (c *counting) Last(ctx context.Context, s event.Stream, upTo event.Position) (event.Recorded, bool, error) {
	c.reads.Add(1)
	return c.Log.Last(ctx, s, upTo)
}

func (c *counting) ByID(ctx context.Context, ids ...event.ID) ([]event.Recorded, error) {
	c.reads.Add(1)
	return c.Log.ByID(ctx, ids...)
}

// About counts events: what is read must not grow with what was ever said about a message.
func (c *counting) About(ctx context.Context, id event.ID, limit int) ([]event.Recorded, error) {
	found, err := c.Log.About(ctx, id, limit)
	c.about.Add(int64(len(found)))
	return found, err
}

// polling follows a log by asking for its head.
type polling struct{ log eventstore.Log }

func (p polling) Follow(ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error) error {
	for ctx.Err() == nil {
		batch, err := p.log.All(ctx, after, 0)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		if err := handle(ctx, batch); err != nil {
			return err
		}
		after = batch[len(batch)-1].Position
	}
	return nil
}

func TestSendingReadsNothing(t *testing.T) {
	t.Parallel()
	log := &counting{Log: memory.New(memory.Config{})}
	k := newKit(t, log, commands.Config{})
	k.users("ann", "mod", "mia", "mel")
	room := k.open(event.RoomPublic)
	k.say("mia", room, "warm up")
	before := log.reads.Load()
	for i := range 100 {
		k.say("mia", room, strconv.Itoa(i))
	}
	if n := log.reads.Load() - before; n != 0 {
		t.Errorf("100 messages cost %d reads", n)
	}
}

func TestAnEditReadsLittleHoweverManyWereBefore(t *testing.T) {
	t.Parallel()
	log := &counting{Log: memory.New(memory.Config{})}
	k := newKit(t, log, commands.Config{})
	k.users("ann", "mod", "mia", "mel")
	room := k.open(event.RoomPublic)
	id := k.say("mia", room, "0").ID
	edit := func(content string) wire.Message {
		return must(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: id, Content: content})
	}
	for i := range 100 {
		edit(strconv.Itoa(i + 1))
	}
	for _, content := range []string{"last", "0", "3"} { // words that it had before are another edit
		before := log.about.Load()
		if got := edit(content); got.Content != content {
			t.Errorf("edited to %q, asked for %q", got.Content, content)
		}
		if n := log.about.Load() - before; n > 32 {
			t.Errorf("an edit reads %d events", n)
		}
	}
	must(k, k.DeleteMessage, "mia", commands.DeleteMessage{RoomID: room, MessageID: id})
	if got := code(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: id, Content: "x"}); got != domain.CodeMessageDeleted {
		t.Errorf("edited after the deletion: %q", got)
	}
	if got := len(k.stream(event.MessagesStream(room))); got != 105 {
		t.Errorf("%d events, want 105", got)
	}
}

func TestARefusalIsNeverMadeOnACachedStateAlone(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	a, b := node(t, log), node(t, log.Node(nil))
	room := a.open(event.RoomPrivate)
	send := commands.SendMessage{RoomID: room, Content: "hi"}
	if got := code(b, b.SendMessage, "out", send); got != domain.CodeRoomNotFound {
		t.Fatalf("an outsider: %q", got)
	}
	must(a, a.AddMember, "ann", commands.AddMember{RoomID: room, UserID: "out"})
	must(b, b.SendMessage, "out", send)

	must(a, a.DeactivateUser, "root!", commands.UserRef{UserID: "out"})
	if got := code(b, b.SendMessage, "out", send); got != domain.CodeInvalidUser {
		t.Fatalf("deactivated: %q", got)
	}
	must(a, a.ReactivateUser, "root!", commands.UserRef{UserID: "out"})
	must(b, b.SendMessage, "out", send)

	// That there is nothing to do is not said either.
	must(b, b.JoinRoom, "out", commands.RoomRef{RoomID: room})
	must(a, a.RemoveMember, "ann", commands.RemoveMember{RoomID: room, UserID: "out"})
	if got := code(b, b.JoinRoom, "out", commands.RoomRef{RoomID: room}); got != domain.CodeRoomNotFound {
		t.Errorf("a removed member joins: %q", got)
	}
	if _, member, err := b.Directory.Membership(t.Context(), as("out").Principal, room); member || domain.CodeOf(err) != domain.CodeRoomNotFound {
		t.Errorf("a removed member is one: %v, %v", member, err)
	}
}

func TestRunKeepsTheCachesFresh(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	a := node(t, log)
	counted := &counting{Log: log.Node(nil)}
	c, err := commands.New(commands.Deps{Log: counted, Follower: polling{counted}}, commands.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b := kit{t, counted, c}
	b.run()
	room := a.open(event.RoomPublic)
	b.say("mia", room, "warm up")
	for _, change := range []func() (ok func() bool){
		func() func() bool {
			must(a, a.DeactivateUser, "root!", commands.UserRef{UserID: "mel"})
			return func() bool { u, err := c.Directory.User(t.Context(), "mel"); return err == nil && !u.Active }
		},
		func() func() bool {
			must(a, a.ChangeProfile, "mia", commands.ChangeProfile{DisplayName: new("New")})
			return func() bool {
				u, err := c.Directory.User(t.Context(), "mia")
				return err == nil && u.DisplayName == "New"
			}
		},
		func() func() bool {
			must(a, a.JoinRoom, "out", commands.RoomRef{RoomID: room})
			return func() bool {
				return code(b, b.SendMessage, "out", commands.SendMessage{RoomID: room, Content: "x"}) == ""
			}
		},
	} {
		ok := change()
		for deadline := time.Now().Add(5 * time.Second); !ok(); <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("a change on the other node is never seen")
			}
		}
	}
	b.say("out", room, "warm up")
	before := counted.reads.Load()
	b.say("out", room, "again")
	b.say("mia", room, "again")
	if n := counted.reads.Load() - before; n != 0 {
		t.Errorf("two messages in a room that is up to date cost %d reads", n)
	}
	before = counted.reads.Load()
	if seen, member, err := c.Directory.Seen(t.Context(), as("mia").Principal, room); !member || err != nil || seen.ID != room {
		t.Errorf("seen: %+v, %v, %v", seen, member, err)
	}
	if n := counted.reads.Load() - before; n != 0 {
		t.Errorf("what was seen cost %d reads", n)
	}
	other := must(a, a.CreateRoom, "ann", commands.CreateRoom{ID: "other", Name: "Rum", Type: event.RoomPublic}).ID
	if _, member, err := c.Directory.Seen(t.Context(), as("out").Principal, other); member || err != nil {
		t.Errorf("seen before: %v, %v", member, err)
	}
	must(a, a.JoinRoom, "out", commands.RoomRef{RoomID: other})
	if _, member, err := c.Directory.Seen(t.Context(), as("out").Principal, other); !member || err != nil {
		t.Errorf("no is said without looking: %v, %v", member, err)
	}
}

// run keeps the caches fresh until the test ends.
func (k kit) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	k.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			k.t.Errorf("Run: %v", err)
		}
	})
}

func TestRunWithoutAFollowerEnds(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(memory.Config{}), commands.Config{})
	if err := k.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestManyReadersOfOneRoomShareReads(t *testing.T) {
	t.Parallel()
	slow := &slowReads{Log: memory.New(memory.Config{})}
	k := newKit(t, slow, commands.Config{})
	k.users("ann", "mod", "mia", "mel")
	room := k.open(event.RoomPublic)
	slow.delay = 20 * time.Millisecond
	before := slow.reads.Load()
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if _, member, err := k.Directory.Membership(t.Context(), as("mia").Principal, room); !member || err != nil {
				t.Errorf("%v, %v", member, err)
			}
		})
	}
	wg.Wait()
	if n := slow.reads.Load() - before; n > 10 {
		t.Errorf("200 questions about one room cost %d reads", n)
	}
}

// A node that has just started knows nobody, and everybody comes back at once.
func TestManyUsersAreReadTogether(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	k := newKit(t, log, commands.Config{})
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprint("u", i))
	}
	k.users(names...)
	must(k, k.CreateRoom, "u0", commands.CreateRoom{ID: "closed", Name: "Tea", Type: event.RoomPrivate})
	must(k, k.ChangeProfile, "u7", commands.ChangeProfile{DisplayName: new("first")})
	for i := range 40 { // a stream that is longer than what is read of most
		must(k, k.ChangeProfile, "u7", commands.ChangeProfile{AvatarURL: new(fmt.Sprint("https://example.com/", i))})
	}
	synctest.Test(t, func(t *testing.T) {
		slow := &slowReads{Log: log.Node(nil), delay: 20 * time.Millisecond}
		late, err := commands.New(commands.Deps{Log: slow}, commands.Config{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, name := range names {
			wg.Go(func() {
				want := "D " + name
				if name == "u7" {
					want = "first"
				}
				if u, err := late.Directory.User(t.Context(), name); err != nil || u.ID != name || u.DisplayName != want {
					t.Errorf("%s: %+v, %v", name, u, err)
				}
			})
		}
		wg.Wait()
		if n := slow.reads.Load(); n > 8 {
			t.Errorf("300 users cost %d reads", n)
		}
		// What is refused, or changes nothing, is so by a second look.
		for _, name := range names {
			wg.Go(func() {
				if _, err := late.JoinRoom.Do(t.Context(), as(name), commands.RoomRef{RoomID: "closed"}); (err == nil) != (name == "u0") {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		before := slow.reads.Load()
		wg.Wait()
		if n := slow.reads.Load() - before; n > 16 {
			t.Errorf("300 refusals cost %d reads", n)
		}
	})
}

func TestWhoGivesUpDoesNotTakeOthersAlong(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	newKit(t, log, commands.Config{}).users("a", "b", "c", "d", "e")
	synctest.Test(t, func(t *testing.T) {
		slow := &slowReads{Log: log.Node(nil), delay: time.Second}
		late, err := commands.New(commands.Deps{Log: slow}, commands.Config{})
		if err != nil {
			t.Fatal(err)
		}
		impatient, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		for name, patient := range map[string]bool{"a": false, "b": false, "c": true, "d": false, "e": true} {
			ctx := t.Context()
			if !patient {
				ctx = impatient
			}
			wg.Go(func() {
				_, err := late.Directory.User(ctx, name)
				if code := domain.CodeOf(err); err != nil && (patient || code != domain.CodeUnavailable) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
	})
}

// However often somebody has come and gone, who comes again costs the same.
func TestComingBackReadsLittleOfThePast(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	k := newKit(t, log, commands.Config{})
	k.users("ann")
	for range 100 {
		must(k, k.ComeOnline, "", commands.ComeOnline{UserID: "ann"})
		must(k, k.UpdatePresence, "ann", commands.UpdatePresence{Status: event.StatusBusy, Text: new("at work")})
		must(k, k.GoOffline, "", commands.UserRef{UserID: "ann"})
	}
	counted := &counting{Log: log.Node(nil)}
	late := newKit(t, counted, commands.Config{})
	back := must(late, late.ComeOnline, "", commands.ComeOnline{UserID: "ann", Back: true})
	if back.Status != event.StatusBusy || back.Text != "at work" {
		t.Errorf("ann is back as %+v", back)
	}
	if n := counted.reads.Load(); n != 2 { // the account and the presence
		t.Errorf("that cost %d reads", n)
	}
}

func TestHowFarARoomIsIsReadOnce(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	a := node(t, log)
	room := a.open(event.RoomPublic)
	first := a.say("ann", room, "1").Position
	counted := &counting{Log: log.Node(nil)}
	told := &handed{batches: make(chan []event.Recorded), done: make(chan struct{})}
	c, err := commands.New(commands.Deps{Log: counted, Follower: told}, commands.Config{})
	if err != nil {
		t.Fatal(err)
	}
	kit{t, counted, c}.run()
	<-told.done
	head := func(at event.Position, want int64, reads int64) {
		t.Helper()
		before := counted.reads.Load()
		if seq, err := c.Directory.RoomHead(t.Context(), room, at); err != nil || seq != want {
			t.Errorf("head at %d: %d, %v; want %d", at, seq, err, want)
		}
		if n := counted.reads.Load() - before; n != reads {
			t.Errorf("the head at %d cost %d reads, want %d", at, n, reads)
		}
	}
	head(first, 1, 1)
	head(first, 1, 0)
	a.say("ann", room, "2")
	third := a.say("ann", room, "3").Position
	head(third, 3, 1) // it is ahead of what this node was told
	head(first, 1, 0)
	batch, err := log.All(t.Context(), first, 0)
	if err != nil {
		t.Fatal(err)
	}
	told.batches <- batch
	<-told.done
	head(third, 3, 0)
	head(first, 1, 1) // as it was before what is known
	head(third-1, 2, 1)
	a.say("ann", room, "4")
	head(third, 3, 0)
}

// handed follows a log as it is told to.
type handed struct {
	batches chan []event.Recorded
	done    chan struct{} // gets a value when it has begun, and after each batch
}

func (h *handed) Follow(ctx context.Context, _ event.Position, handle func(context.Context, []event.Recorded) error) error {
	for {
		select {
		case h.done <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		select {
		case batch := <-h.batches:
			if err := handle(ctx, batch); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

type slowReads struct {
	eventstore.Log
	delay time.Duration
	reads atomic.Int64
}

func (s *slowReads) Stream(ctx context.Context, st event.Stream, after int64, limit int) ([]event.Recorded, error) {
	s.reads.Add(1)
	if s.delay > 0 {
		<-time.After(s.delay)
	}
	return s.Log.Stream(ctx, st, after, limit)
}

func (s *slowReads) Tails(ctx context.Context, streams []event.Stream, each int) ([]event.Recorded, error) {
	s.reads.Add(1)
	if s.delay > 0 {
		<-time.After(s.delay)
	}
	return s.Log.Tails(ctx, streams, each)
}

func TestACacheOfOneIsEnough(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(memory.Config{}), commands.Config{CachedRooms: 1, CachedUsers: 1})
	k.users("ann", "mod", "mia", "mel")
	rooms := []string{k.open(event.RoomPublic), k.open(event.RoomPrivate), k.open(event.RoomPublic)}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() { k.say([]string{"ann", "mia", "mel"}[i%3], rooms[i%2], "hi") })
		wg.Go(func() {
			must(k, k.UpdateRoom, "ann", commands.UpdateRoom{RoomID: rooms[i%3], Topic: new(strconv.Itoa(i))})
		})
	}
	wg.Wait()
}

func TestWithoutTheLogNothingIsPromised(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	k := node(t, log)
	room := k.open(event.RoomPublic)
	k.say("mia", room, "hi")
	log.Fail(errors.New("away"))
	for name, got := range map[string]domain.Code{
		"send":   code(k, k.SendMessage, "mia", commands.SendMessage{RoomID: room, Content: "x"}),
		"join":   code(k, k.JoinRoom, "out", commands.RoomRef{RoomID: room}),
		"create": code(k, k.CreateRoom, "mia", commands.CreateRoom{Name: "x", Type: event.RoomPublic}),
	} {
		if got != domain.CodeUnavailable {
			t.Errorf("%s: %q", name, got)
		}
	}
	log.Fail(nil)
	k.say("mia", room, "hi again")
	if n, _ := authored(k.stream(event.MessagesStream(room)), "mia"); n != 2 {
		t.Errorf("%d messages stored, want 2", n)
	}
}

func TestACallerThatGivesUpIsToldSo(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	room := k.open(event.RoomPublic)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := k.SendMessage.Do(ctx, as("mia"), commands.SendMessage{RoomID: room, Content: "x"})
	if domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestEveryAnswerIsObserved(t *testing.T) {
	t.Parallel()
	type seen struct {
		name string
		code domain.Code
	}
	var mu sync.Mutex
	got := map[seen]int{}
	c, err := commands.New(commands.Deps{Log: memory.New(memory.Config{}), Observe: func(name string, code domain.Code, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		got[seen{name, code}]++
		if took < 0 {
			t.Errorf("%s took %v", name, took)
		}
	}}, commands.Config{})
	if err != nil {
		t.Fatal(err)
	}
	k := kit{t, nil, c}
	k.users("ann")
	answered := make(chan error, 3)
	for _, content := range []string{"x", ""} {
		c.SendMessage.Submit(t.Context(), as("ann"), commands.SendMessage{RoomID: "none", Content: content}, func(_ wire.Message, err error) { answered <- err })
		<-answered
	}
	mu.Lock()
	defer mu.Unlock()
	want := map[seen]int{{"register-user", ""}: 1, {"send-message", domain.CodeRoomNotFound}: 1, {"send-message", domain.CodeInvalidPayload}: 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("observed %v, want %v", got, want)
	}
}

// A node may be stopped as soon as it has been started.
func TestRunThatIsStoppedAtOnceHasNotFailed(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	c, err := commands.New(commands.Deps{Log: log, Follower: polling{log}}, commands.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run(ctx); err != nil {
		t.Error(err)
	}
}

// lateHead is a log that does not answer at first.
type lateHead struct {
	eventstore.Log
	asked int
}

func (l *lateHead) Head(ctx context.Context) (event.Position, error) {
	if l.asked++; l.asked < 5 {
		return 0, domain.Unavailable(context.DeadlineExceeded)
	}
	return l.Log.Head(ctx)
}

// ending follows nothing: it is done as soon as it is asked.
type ending struct{ stop context.CancelFunc }

func (e ending) Follow(context.Context, event.Position, func(context.Context, []event.Recorded) error) error {
	e.stop()
	return nil
}

// A node may start before its database answers.
func TestRunAsksForTheHeadUntilItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		log := &lateHead{Log: memory.New(memory.Config{})}
		c, err := commands.New(commands.Deps{Log: log, Follower: ending{cancel}}, commands.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(ctx); err != nil || log.asked != 5 {
			t.Errorf("asked %d times: %v", log.asked, err)
		}
	})
}
