package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/engineio"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

// told is a fact with one durable push, whose payload is its position.
func told(at event.Position, name, room string, users ...string) *hub.Fact {
	return sized(at, name, room, 0, users...)
}

// sized is told with some bytes more.
func sized(at event.Position, name, room string, bytes int, users ...string) *hub.Fact {
	return &hub.Fact{Position: at, Room: room, Users: users, Make: func() []*hub.Push {
		data := fmt.Appendf(nil, "%*d", bytes, at)
		return []*hub.Push{hub.NewPush(wire.Push{Event: name, Room: room, Users: users, Data: data, Durable: true}, at)}
	}}
}

// enterBatched opens a session that asked for batches and reads its session event.
func (s *stand) enterBatched(t testing.TB, user string, rooms ...string) (*gateway.Session, *peer) {
	t.Helper()
	p := newPeer("socket-of-" + user)
	return s.batched(t, p, user, rooms...), p.greeted()
}

func (s *stand) batched(t testing.TB, p gateway.Peer, user string, rooms ...string) *gateway.Session {
	t.Helper()
	for _, room := range rooms {
		s.directory.set(room, 1)
	}
	options := gateway.ParseOptions(json.RawMessage(`{"batch":true}`))
	options.Token, options.Rooms = user, rooms
	session, err := s.Open(t.Context(), p, &gateway.Handshake{}, options)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(session.Closed)
	return session
}

func (p *peer) greeted() *peer {
	<-p.said
	return p
}

func TestWindowBeginsWithTheFirstPush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, gateway.Config{})
		_, p := s.enterBatched(t, "ann", "r")
		begin := func(at event.Position) {
			start := time.Now()
			s.hub.Dispatch([]*hub.Fact{told(at, "new-message", "r")})
			time.Sleep(40 * time.Millisecond)
			s.hub.Dispatch([]*hub.Fact{told(at+1, "new-message", "r")})
			time.Sleep(59 * time.Millisecond)
			s.hub.Dispatch([]*hub.Fact{told(at+2, "new-message", "r")})
			synctest.Wait()
			p.silent(t)
			p.wants(t, fmt.Sprintf("batch:new-message [%d,%d,%d]", at, at+1, at+2))
			if took := time.Since(start); took != 100*time.Millisecond {
				t.Errorf("the window took %v", took)
			}
		}
		begin(101)
		time.Sleep(time.Second)
		synctest.Wait()
		p.silent(t)
		begin(104)
	})
}

func TestFullBatchDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, gateway.Config{BatchSize: 3, BatchWindow: 2 * time.Second})
		_, p := s.enterBatched(t, "ann", "r")
		start := time.Now()
		for at := range event.Position(8) {
			s.hub.Dispatch([]*hub.Fact{told(101+at, "new-message", "r")})
		}
		p.wants(t, "batch:new-message [101,102,103]", "batch:new-message [104,105,106]")
		synctest.Wait()
		p.silent(t)
		time.Sleep(time.Second)
		s.hub.Dispatch([]*hub.Fact{told(109, "new-message", "r"), told(110, "new-message", "r")})
		p.wants(t, "batch:new-message [107,108,109]")
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
		// The window of 110 is its own: that of 107 is over.
		p.wants(t, "batch:new-message [110]")
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestBatchIsOfOneEventAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, gateway.Config{})
		_, p := s.enterBatched(t, "ann", "r", "q")
		s.hub.Dispatch([]*hub.Fact{
			told(101, "new-message", "r"), told(102, "new-message", "q"), told(103, "user-joined", "r"),
			told(104, "new-message", "r"), told(105, "room-created", "", "ann"), told(106, "room-created", "", "ann"),
		})
		p.wants(t,
			"batch:new-message [101,102]", "batch:user-joined [103]",
			"batch:new-message [104]", "batch:room-created [105,106]")
	})
}

func TestLargePushesDoNotWaitForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, gateway.Config{})
		_, p := s.enterBatched(t, "ann", "r")
		start := time.Now()
		for i, kib := range []int{40, 40, 70, 1} {
			s.hub.Dispatch([]*hub.Fact{sized(event.Position(101+i), "new-message", "r", kib<<10)})
		}
		for _, want := range []string{"101", "102", "103"} {
			if got := strings.Join(strings.Fields(<-p.said), " "); got != "batch:new-message [ "+want+"]" {
				t.Errorf("got %.60s…, want %s", got, want)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		<-p.said
	})
}

func TestAnswersWithAPositionStandBehindWhatIsBelowIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, gateway.Config{BatchWindow: time.Hour})
		session, p := s.enterBatched(t, "ann", "r")
		answered := func(name, payload string) {
			session.Handle(name, json.RawMessage(payload), func(gateway.Answer) { p.said <- name })
		}
		s.hub.Dispatch([]*hub.Fact{told(101, "new-message", "r")})
		answered("join-room", `"a"`)
		s.hub.Dispatch([]*hub.Fact{told(102, "new-message", "a")})
		answered("join-rooms", `["b"]`)
		s.hub.Dispatch([]*hub.Fact{told(103, "new-message", "b")})
		answered("create-room", `{"id":"c"}`)
		s.hub.Dispatch([]*hub.Fact{told(104, "new-message", "c"), told(105, "new-message", "a")})
		answered("unsubscribe-room", `"c"`)
		s.hub.Dispatch([]*hub.Fact{told(106, "new-message", "a"), told(107, "new-message", "c")})
		session.Handle("nothing", nil, nil) // answered by an event
		p.wants(t,
			"batch:new-message [101]", "join-room", "batch:new-message [102]", "join-rooms",
			"batch:new-message [103]", "create-room", "batch:new-message [104,105]", "unsubscribe-room",
			"batch:new-message [106]",
			`error {"event":"nothing","message":"unknown event \"nothing\"","code":"UNKNOWN_EVENT"}`)
		synctest.Wait()
		p.silent(t)
	})
}

func TestWhatHappensWhileARoomIsJoinedIsGathered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, gateway.Config{})
		s.menu.Directory = &busyDirectory{Directory: s.directory, hub: s.hub}
		session, p := s.enterBatched(t, "ann")
		session.Handle("join-room", json.RawMessage(`"r"`), func(gateway.Answer) { p.said <- "ack" })
		s.hub.Dispatch([]*hub.Fact{told(102, "new-message", "r")})
		p.wants(t, "ack", `batch:new-message [{"roomId":"r","position":"101"},102]`)
	})
}

func TestWaitingPushesWhenTheConnectionEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		end  func(*stand, *gateway.Session)
		want []string
	}{
		{"drained", func(s *stand, _ *gateway.Session) { s.Drain(context.Background(), 0) }, []string{"batch:new-message [101]", "server-draining"}},
		{"shut", func(s *stand, _ *gateway.Session) {
			s.hub.Dispatch([]*hub.Fact{{Position: 102, Shut: "ann"}})
		}, []string{"batch:new-message [101]"}},
		{"too slow", func(_ *stand, session *gateway.Session) { session.End(hub.EndOverrun) }, nil},
		{"gone", func(_ *stand, session *gateway.Session) { session.Closed() }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, gateway.Config{})
				p := newPeer("socket-of-ann")
				session := s.batched(t, p, "ann", "r")
				p.greeted()
				s.hub.Dispatch([]*hub.Fact{told(101, "new-message", "r")})
				tc.end(s, session)
				time.Sleep(time.Second)
				for _, want := range tc.want {
					if got := <-p.said; !strings.HasPrefix(got, want) {
						t.Errorf("got %s, want %s", got, want)
					}
				}
				p.silent(t)
			})
		})
	}
}

// What comes while a connection is being closed does not overtake what waits, not even if it is sent at once: its
// client would come back from behind both.
func TestNothingOvertakesWhatWaitsAtTheEnd(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{Rate: 1, Burst: 1})
	p := newPeer("socket-of-ann")
	session := s.batched(t, closing{p, func() {
		s.hub.Dispatch([]*hub.Fact{sized(102, "new-message", "r", 100_000)})
	}}, "ann", "r")
	p.greeted()
	s.hub.Dispatch([]*hub.Fact{told(101, "new-message", "r")})
	for p.endings() == 0 {
		session.Handle("none", nil, func(gateway.Answer) {})
	}
	for {
		select {
		case frame := <-p.said:
			if strings.Contains(frame, " 102]") {
				t.Fatalf("got %.40s…, and not what was before it", frame)
			}
			if strings.Contains(frame, "[101]") {
				return
			}
		default:
			return
		}
	}
}

// closing is a peer to which something happens just before it is closed.
type closing struct {
	*peer
	before func()
}

func (c closing) Close(why gateway.Closing) {
	c.before()
	c.peer.Close(why)
}

func TestQueuedCountsWhatWaits(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{BatchWindow: time.Hour})
	s.enterBatched(t, "ann", "r")
	s.hub.Dispatch([]*hub.Fact{sized(101, "new-message", "r", 100)})
	if c := s.Connections(); len(c) != 1 || c[0].QueuedBytes != 42+100 {
		t.Errorf("connections %+v", c)
	}
}

// wirePeer keeps the frames that it was given.
type wirePeer struct {
	*peer
	mu     sync.Mutex
	frames []*engineio.Frame
}

func (p *wirePeer) Deliver(push *hub.Push) {
	frame, err := push.SocketIOOffset()
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = append(p.frames, frame)
}

func TestSocketsWithTheSamePushesShareTheBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, gateway.Config{})
		peers := map[string]*wirePeer{}
		for user, rooms := range map[string][]string{"ann": {"r"}, "bob": {"r"}, "cid": {"r", "q"}} {
			peers[user] = &wirePeer{peer: newPeer(user)}
			s.batched(t, peers[user], user, rooms...)
		}
		s.hub.Dispatch([]*hub.Fact{told(101, "new-message", "r"), told(102, "new-message", "r")})
		time.Sleep(time.Second)
		s.hub.Dispatch([]*hub.Fact{told(103, "new-message", "r"), told(104, "new-message", "q"), told(105, "new-message", "r")})
		time.Sleep(time.Second)
		synctest.Wait()
		ann, bob, cid := peers["ann"].frames, peers["bob"].frames, peers["cid"].frames
		if len(ann) != 2 || len(bob) != 2 || len(cid) != 2 {
			t.Fatalf("frames: %d, %d, %d", len(ann), len(bob), len(cid))
		}
		if ann[0] != bob[0] || ann[0] != cid[0] || ann[1] != bob[1] {
			t.Error("a batch was encoded twice")
		}
		if ann[1] == cid[1] {
			t.Error("a batch of other pushes was shared")
		}
	})
}

// unpack is what a frame tells, one push after the other.
func unpack(t *testing.T, frame string) []string {
	t.Helper()
	name, data, _ := strings.Cut(frame, " ")
	single, isBatch := strings.CutPrefix(name, wire.BatchPrefix)
	if !isBatch {
		return []string{frame}
	}
	var batch []json.RawMessage
	if err := json.Unmarshal([]byte(data), &batch); err != nil || len(batch) == 0 {
		t.Fatalf("batch %s: %v", data, err)
	}
	var all []string
	for _, payload := range batch {
		all = append(all, single+" "+string(payload))
	}
	return all
}

// heardAll is what a peer was told until now, and the size of the largest frame.
func heardAll(t *testing.T, p *peer) (all []string, largest int) {
	t.Helper()
	for len(p.said) > 0 {
		pushes := unpack(t, <-p.said)
		all, largest = append(all, pushes...), max(largest, len(pushes))
	}
	return all, largest
}

// Whatever happens, a client with batches gets what its twin without them gets, in the same
// order. As each batch is a piece of that stream, a connection that breaks between two has
// missed nothing below what it has seen.
func TestBatchesAreTheStreamInPieces(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { playTwins(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func playTwins(t *testing.T, dice *rand.Rand) {
	t.Helper()
	rooms, events, users := []string{"a", "b", "c"}, []string{"new-message", "new-message", "user-joined"}, []string{"ann", "bob", "cid"}
	size := 1 + dice.IntN(8)
	s := newStand(t, gateway.Config{BatchSize: size, BatchWindow: 10 * time.Millisecond})
	type twins struct {
		single, batched         *gateway.Session
		singlePeer, batchedPeer *peer
	}
	pairs := make([]twins, 6)
	for i := range pairs {
		p := &pairs[i]
		user := users[dice.IntN(len(users))]
		p.single, p.singlePeer = s.enter(t, user)
		p.batched, p.batchedPeer = s.enterBatched(t, user)
	}
	both := func(p *twins, name, room string) {
		for _, session := range []*gateway.Session{p.single, p.batched} {
			ask(t, session, name, `"`+room+`"`)
		}
	}
	for at := event.Position(101); at < 400; at++ {
		room, p := rooms[dice.IntN(len(rooms))], &pairs[dice.IntN(len(pairs))]
		switch dice.IntN(10) {
		case 0:
			time.Sleep(time.Duration(dice.IntN(15)) * time.Millisecond)
		case 1, 2:
			both(p, "join-room", room)
		case 3:
			both(p, "unsubscribe-room", room)
		}
		f := told(at, events[dice.IntN(len(events))], room)
		if dice.IntN(8) == 0 {
			f = told(at, "user-left", room, users[dice.IntN(len(users))])
			f.Left = f.Users[0]
		}
		s.hub.Dispatch([]*hub.Fact{f})
	}
	time.Sleep(time.Second)
	for _, p := range pairs {
		want, _ := heardAll(t, p.singlePeer)
		got, largest := heardAll(t, p.batchedPeer)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("batches of %d (-want +got):\n%s", size, diff)
		}
		if largest > size {
			t.Errorf("a batch has %d, more than %d", largest, size)
		}
	}
}

// The same with clocks that run and several goroutines, for the race detector.
func TestWindowsEndWhilePushesCome(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{BatchSize: 7, BatchWindow: 200 * time.Microsecond})
	_, single := s.enter(t, "ann")
	var peers []*peer
	for i := range 8 {
		_, p := s.enterBatched(t, "user"+strconv.Itoa(i), "r")
		peers = append(peers, p)
	}
	const last = 600
	for at := event.Position(101); at <= last; at++ {
		s.hub.Dispatch([]*hub.Fact{told(at, "new-message", "r", "ann")})
		if at%50 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	want, _ := heardAll(t, single)
	for _, p := range peers {
		var got []string
		for len(got) < len(want) {
			select {
			case frame := <-p.said:
				got = append(got, unpack(t, frame)...)
			case <-time.After(5 * time.Second):
				t.Fatalf("heard %d of %d", len(got), len(want))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("heard (-want +got):\n%s", diff)
		}
	}
}
