package commands_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

// flood sends messages of who on the node, some at a time, until one is refused or stop is
// closed. It returns how many were acknowledged and the codes of the refusals.
func (k kit) flood(who, room string, stop <-chan struct{}) (acked int, refused []domain.Code) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := 0; ; i++ {
		select {
		case <-stop:
			wg.Wait()
			return acked, refused
		case slots <- struct{}{}:
		}
		wg.Add(1)
		actor := as(who)
		actor.Order = who + k.order()
		k.SendMessage.Submit(k.t.Context(), actor, commands.SendMessage{RoomID: room, Content: strconv.Itoa(i)}, func(_ wire.Message, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				acked++
			} else {
				refused = append(refused, domain.CodeOf(err))
			}
			<-slots
			wg.Done()
		})
	}
}

func (k kit) order() string { return fmt.Sprintf("%p", k.Commands) }

// floods runs flood on both nodes while act is done, and checks that exactly what was
// acknowledged is stored, and nothing at or after the position that act returns.
func floods(t *testing.T, a, b kit, who, room string, allowed []domain.Code, act func() event.Position) {
	t.Helper()
	stop := make(chan struct{})
	before, _ := authored(a.stream(event.MessagesStream(room)), who)
	var acked atomic.Int64
	var wg sync.WaitGroup
	for _, k := range []kit{a, b} {
		wg.Go(func() {
			n, codes := k.flood(who, room, stop)
			acked.Add(int64(n))
			for _, c := range codes {
				if !slices.Contains(allowed, c) {
					t.Errorf("a message was answered %q", c)
				}
			}
		})
	}
	for now := before; now < before+50; {
		now, _ = authored(a.stream(event.MessagesStream(room)), who)
	}
	at := act()
	// Everything that was on its way when the answer came must be refused as well.
	for range 20 {
		if got := code(b, b.SendMessage, who, commands.SendMessage{RoomID: room, Content: "late"}); !slices.Contains(allowed, got) {
			t.Errorf("after the answer: %q", got)
		}
	}
	close(stop)
	wg.Wait()
	stored, last := authored(a.stream(event.MessagesStream(room)), who)
	if last > at {
		t.Errorf("a message was stored at %d, after %d forbade it", last, at)
	}
	if int64(stored-before) != acked.Load() {
		t.Errorf("%d messages stored, %d acknowledged", stored-before, acked.Load())
	}
}

func TestNothingIsStoredAfterARemoval(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		for _, kind := range []event.RoomType{event.RoomPublic, event.RoomPrivate} {
			room := a.open(kind)
			floods(t, a, b, "mia", room, []domain.Code{domain.CodeNotAMember, domain.CodeRoomNotFound}, func() event.Position {
				return must(a, a.RemoveMember, "ann", commands.RemoveMember{RoomID: room, UserID: "mia"}).Position
			})
		}
	})
}

func TestNothingIsStoredAfterLeaving(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		room := a.open(event.RoomPublic)
		floods(t, a, b, "mia", room, []domain.Code{domain.CodeNotAMember}, func() event.Position {
			return must(a, a.LeaveRoom, "mia", commands.RoomRef{RoomID: room}).Position
		})
		must(b, b.JoinRoom, "mia", commands.RoomRef{RoomID: room}) // and again, in a second membership
		floods(t, b, a, "mia", room, []domain.Code{domain.CodeNotAMember}, func() event.Position {
			return must(b, b.LeaveRoom, "mia", commands.RoomRef{RoomID: room}).Position
		})
	})
}

func TestNothingIsStoredAfterAnArchive(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		room := a.open(event.RoomPublic)
		floods(t, a, b, "mia", room, []domain.Code{domain.CodeRoomArchived}, func() event.Position {
			return must(a, a.ArchiveRoom, "ann", commands.RoomRef{RoomID: room}).Position
		})
	})
}

// In a room that changes all the time messages depend on facts, not on the room's version.
func TestNothingIsStoredInABusyRoomEither(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		for range 4 {
			room := a.open(event.RoomPublic)
			calm := b.churn(room)
			floods(t, a, b, "mia", room, []domain.Code{domain.CodeNotAMember}, func() event.Position {
				return must(b, b.RemoveMember, "ann", commands.RemoveMember{RoomID: room, UserID: "mia"}).Position
			})
			floods(t, a, b, "mel", room, []domain.Code{domain.CodeRoomArchived}, func() event.Position {
				return must(b, b.ArchiveRoom, "ann", commands.RoomRef{RoomID: room}).Position
			})
			calm()
		}
	})
}

// churn has two users join and leave until the room is archived or calm is called.
func (k kit) churn(room string) (calm func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, who := range []string{"out", "root"} {
		wg.Go(func() {
			for {
				for _, u := range []func() domain.Code{
					func() domain.Code { return code(k, k.JoinRoom, who, commands.RoomRef{RoomID: room}) },
					func() domain.Code { return code(k, k.LeaveRoom, who, commands.RoomRef{RoomID: room}) },
				} {
					switch got := u(); got {
					case "":
					case domain.CodeRoomArchived:
						return
					default:
						k.t.Errorf("%s comes and goes: %q", who, got)
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	return func() { close(stop); wg.Wait() }
}

func TestNothingIsStoredAfterADeactivation(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		room := a.open(event.RoomPublic)
		floods(t, a, b, "mia", room, []domain.Code{domain.CodeInvalidUser}, func() event.Position {
			return must(a, a.DeactivateUser, "root!", commands.UserRef{UserID: "mia"}).Position
		})
	})
}

func TestADeletedMessageIsNeitherEditedNorAnsweredNorDeletedAgain(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		room := a.open(event.RoomPublic)
		for range 15 {
			id := a.say("mia", room, "hello").ID
			var deletions atomic.Int64
			var wg sync.WaitGroup
			together := func(f func()) { wg.Go(f) }
			for i, k := range []kit{a, b, a, b} {
				together(func() {
					got := code(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: id, Content: fmt.Sprint("edit ", i)})
					if got != "" && got != domain.CodeMessageDeleted {
						t.Errorf("edit: %q", got)
					}
				})
				together(func() {
					got := code(k, k.SendMessage, "mel", commands.SendMessage{RoomID: room, Content: "re", ReplyTo: id})
					if got != "" && got != domain.CodeMessageDeleted {
						t.Errorf("answer: %q", got)
					}
				})
				together(func() {
					who := []string{"mia", "ann", "mod", "root!"}[i]
					switch got := code(k, k.DeleteMessage, who, commands.DeleteMessage{RoomID: room, MessageID: id}); got {
					case "":
						deletions.Add(1)
					case domain.CodeMessageDeleted:
					default:
						t.Errorf("delete: %q", got)
					}
				})
			}
			wg.Wait()
			if deletions.Load() != 1 {
				t.Errorf("deleted %d times", deletions.Load())
			}
			checkSilenceAfterDeletion(t, a.stream(event.MessagesStream(room)), id)
		}
	})
}

func checkSilenceAfterDeletion(t *testing.T, log []event.Recorded, id string) {
	t.Helper()
	gone := false
	for _, r := range log {
		switch e := payload(r).(type) {
		case event.MessageDeleted:
			gone = gone || e.MessageID == id
		case event.MessageEdited:
			if gone && e.MessageID == id {
				t.Errorf("edited at %d after it was deleted", r.Position)
			}
		case event.MessageSent:
			if gone && e.ReplyTo == id {
				t.Errorf("answered at %d after it was deleted", r.Position)
			}
		default:
		}
	}
}

func TestARoomKeepsAnOwner(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		for range 20 {
			room := a.open(event.RoomPublic)
			must(a, a.SetRole, "ann", commands.SetRole{RoomID: room, UserID: "mod", Role: event.RoleOwner})
			var wg sync.WaitGroup
			codes := make([]domain.Code, 4)
			wg.Go(func() {
				codes[0] = code(a, a.SetRole, "ann", commands.SetRole{RoomID: room, UserID: "mod", Role: event.RoleMember})
			})
			wg.Go(func() {
				codes[1] = code(b, b.SetRole, "mod", commands.SetRole{RoomID: room, UserID: "ann", Role: event.RoleMember})
			})
			wg.Go(func() { codes[2] = code(a, a.LeaveRoom, "mod", commands.RoomRef{RoomID: room}) })
			wg.Go(func() { codes[3] = code(b, b.RemoveMember, "mod", commands.RemoveMember{RoomID: room, UserID: "ann"}) })
			wg.Wait()
			if owners := ownersOf(a, room); owners < 1 {
				t.Fatalf("%d owners are left; the answers were %q", owners, codes)
			}
			if slices.Contains(codes, domain.CodeConflict) {
				t.Errorf("the answers were %q", codes)
			}
		}
	})
}

func ownersOf(k kit, room string) int {
	roles := map[string]event.MemberRole{}
	for _, r := range k.stream(event.RoomStream(room)) {
		switch e := payload(r).(type) {
		case event.RoomCreated:
			for _, m := range e.Members {
				roles[m.UserID] = m.Role
			}
		case event.MemberRoleChanged:
			roles[e.UserID] = e.Role
		case event.MemberLeft:
			delete(roles, e.UserID)
		case event.MemberRemoved:
			delete(roles, e.UserID)
		default:
		}
	}
	owners := 0
	for _, role := range roles {
		if role == event.RoleOwner {
			owners++
		}
	}
	return owners
}

func TestRacingCreatorsGetOneRoom(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		answers := map[wire.Room]int{}
		var created atomic.Int64
		for i := range 16 {
			k, who, other := a, "mia", "mel"
			if i%2 == 1 {
				k, who, other = b, "mel", "mia"
			}
			wg.Go(func() {
				r := must(k, k.CreateRoom, who, commands.CreateRoom{Type: event.RoomDirect, MemberIDs: []string{other}})
				mu.Lock()
				defer mu.Unlock()
				answers[r]++
			})
			wg.Go(func() {
				switch got := code(k, k.CreateRoom, who, commands.CreateRoom{ID: "same", Name: "x", Type: event.RoomPublic}); got {
				case "":
					created.Add(1)
				case domain.CodeRoomExists:
				default:
					t.Errorf("create: %q", got)
				}
			})
		}
		wg.Wait()
		if len(answers) != 1 {
			t.Errorf("one pair was told of %d direct rooms: %v", len(answers), answers)
		}
		if created.Load() != 1 {
			t.Errorf("%d created the room of one id", created.Load())
		}
	})
}

func TestAStormOfRepetitionsIsOneMessage(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		room := a.open(event.RoomPublic)
		for round := range 5 {
			var wg sync.WaitGroup
			var mu sync.Mutex
			answers := map[string]int{}
			for i := range 40 {
				k := []kit{a, b}[i%2]
				wg.Go(func() {
					m := must(k, k.SendMessage, "mia", commands.SendMessage{RoomID: room, Content: "hi", ClientMessageID: strconv.Itoa(round)})
					mu.Lock()
					defer mu.Unlock()
					answers[asJSON(t, m)]++
				})
			}
			wg.Wait()
			if len(answers) != 1 {
				t.Errorf("%d different answers: %v", len(answers), answers)
			}
			if stored, _ := authored(a.stream(event.MessagesStream(room)), "mia"); stored != round+1 {
				t.Fatalf("%d messages stored after %d", stored, round+1)
			}
		}
	})
}

// A socket's messages are stored in the order they came in, each of them, while the room
// changes all the time on the other node and every decision is outrun.
func TestPipelinedMessagesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		room := a.open(event.RoomPublic)
		calm := b.churn(room)
		const each = 150
		senders := []string{"ann", "mod", "mia", "mel"}
		var acks sync.WaitGroup
		var sending sync.WaitGroup
		for _, who := range senders {
			actor := as(who)
			actor.Order = "socket of " + who
			acks.Add(each)
			sending.Go(func() {
				for i := range each {
					a.SendMessage.Submit(t.Context(), actor, commands.SendMessage{RoomID: room, Content: strconv.Itoa(i)}, func(_ wire.Message, err error) {
						if err != nil {
							t.Errorf("%s, message %d: %v", who, i, err)
						}
						acks.Done()
					})
				}
			})
		}
		sending.Wait()
		acks.Wait()
		calm()
		next := map[string]int{}
		for _, r := range a.stream(event.MessagesStream(room)) {
			e := payload(r).(event.MessageSent)
			if want := strconv.Itoa(next[e.Sender.ID]); e.Content != want {
				t.Fatalf("message %s of %s is stored where %s belongs", e.Content, e.Sender.ID, want)
			}
			next[e.Sender.ID]++
		}
		for _, who := range senders {
			if next[who] != each {
				t.Errorf("%d messages of %s stored, want %d", next[who], who, each)
			}
		}
	})
}

func TestACrowdJoinsOneRoom(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		room := a.open(event.RoomPublic)
		names := make([]string, 60)
		for i := range names {
			names[i] = fmt.Sprintf("crowd-%d", i)
		}
		a.users(names...)
		var wg sync.WaitGroup
		for i, name := range names {
			for _, k := range []kit{a, b} { // each on two devices at once
				wg.Go(func() {
					if got := code(k, k.JoinRoom, name, commands.RoomRef{RoomID: room}); got != "" {
						t.Errorf("%d: %q", i, got)
					}
				})
			}
		}
		wg.Wait()
		joined := map[string]int{}
		for _, r := range a.stream(event.RoomStream(room)) {
			if e, ok := payload(r).(event.MemberJoined); ok {
				joined[e.UserID]++
			}
		}
		for _, name := range names {
			if joined[name] != 1 {
				t.Errorf("%s joined %d times", name, joined[name])
			}
		}
	})
}
