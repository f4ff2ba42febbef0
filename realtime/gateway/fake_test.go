package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

// useCase is a use case made of a function. Submit answers from another goroutine.
type useCase[C, R any] func(ctx context.Context, actor commands.Actor, c C) (R, error)

func (u useCase[C, R]) Do(ctx context.Context, actor commands.Actor, c C) (R, error) {
	return u(ctx, actor, c)
}

func (u useCase[C, R]) Submit(ctx context.Context, actor commands.Actor, c C, done func(R, error)) {
	go func() { done(u(ctx, actor, c)) }()
}

// directory is what the edges are told.
type directory struct {
	mu      sync.Mutex
	members map[string]event.Position // room → where the caller became a member
	asked   int
	err     error
}

func (d *directory) set(room string, at event.Position) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.members[room] = at
}

func (d *directory) User(_ context.Context, id string) (wire.User, error) {
	return wire.User{ID: id, Active: true, Position: 50}, d.err
}

func (d *directory) Membership(_ context.Context, _ domain.Principal, room string) (wire.Room, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.err != nil {
		return wire.Room{}, false, d.err
	}
	at, ok := d.members[room]
	if !ok {
		return wire.Room{}, false, domain.Errorf(domain.CodeRoomNotFound, "no such room")
	}
	return wire.Room{ID: room, Position: max(at, -at)}, at >= 0, nil
}

func (d *directory) Moderates(context.Context, domain.Principal, string) (bool, error) {
	return false, d.err
}

func (d *directory) Seen(ctx context.Context, p domain.Principal, room string) (wire.Room, bool, error) {
	return d.Membership(ctx, p, room)
}

func (d *directory) RoomHead(_ context.Context, _ string, at event.Position) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(at) * 10, d.err
}

// menu answers every command with success, and remembers the last request of each kind.
func menu() (*commands.Commands, *directory) {
	d := &directory{members: map[string]event.Position{}}
	return &commands.Commands{
		CreateRoom: useCase[commands.CreateRoom, wire.Room](func(_ context.Context, _ commands.Actor, c commands.CreateRoom) (wire.Room, error) {
			return wire.Room{ID: c.ID, Name: c.Name, Position: 1}, nil
		}),
		UpdateRoom: useCase[commands.UpdateRoom, wire.Room](func(_ context.Context, _ commands.Actor, c commands.UpdateRoom) (wire.Room, error) {
			return wire.Room{ID: c.RoomID}, nil
		}),
		ArchiveRoom: useCase[commands.RoomRef, wire.Room](func(_ context.Context, _ commands.Actor, c commands.RoomRef) (wire.Room, error) {
			return wire.Room{ID: c.RoomID}, nil
		}),
		JoinRoom: useCase[commands.RoomRef, commands.Joined](func(_ context.Context, _ commands.Actor, c commands.RoomRef) (commands.Joined, error) {
			if c.RoomID == "secret" {
				return commands.Joined{}, domain.Errorf(domain.CodeRoomNotFound, "no such room")
			}
			return commands.Joined{Room: wire.Room{ID: c.RoomID, Position: 1}, Position: 1}, nil
		}),
		LeaveRoom: useCase[commands.RoomRef, commands.Left](func(_ context.Context, _ commands.Actor, c commands.RoomRef) (commands.Left, error) {
			return commands.Left{RoomID: c.RoomID, Position: 7}, nil
		}),
		AddMember: useCase[commands.AddMember, commands.Member](func(_ context.Context, _ commands.Actor, c commands.AddMember) (commands.Member, error) {
			return commands.Member{Member: wire.Member{UserID: c.UserID, Role: c.Role}}, nil
		}),
		RemoveMember: useCase[commands.RemoveMember, commands.Done](func(context.Context, commands.Actor, commands.RemoveMember) (commands.Done, error) {
			return commands.Done{Position: 7}, nil
		}),
		SetRole: useCase[commands.SetRole, commands.Member](func(_ context.Context, _ commands.Actor, c commands.SetRole) (commands.Member, error) {
			return commands.Member{Member: wire.Member{UserID: c.UserID, Role: c.Role}}, nil
		}),
		SendMessage: useCase[commands.SendMessage, wire.Message](func(_ context.Context, _ commands.Actor, c commands.SendMessage) (wire.Message, error) {
			return wire.Message{RoomID: c.RoomID, Content: c.Content, Mentions: c.Mentions}, nil
		}),
		EditMessage: useCase[commands.EditMessage, wire.Message](func(_ context.Context, _ commands.Actor, c commands.EditMessage) (wire.Message, error) {
			return wire.Message{RoomID: c.RoomID, ID: c.MessageID}, nil
		}),
		DeleteMessage: useCase[commands.DeleteMessage, commands.Deleted](func(_ context.Context, _ commands.Actor, c commands.DeleteMessage) (commands.Deleted, error) {
			return commands.Deleted{MessageID: c.MessageID, Position: 7}, nil
		}),
		Directory: d,
	}, d
}

// peer is a connection that remembers what it was given.
type peer struct {
	id   string
	pid  string      // of its greeting
	said chan string // "event data", in order
	done chan struct{}

	mu     sync.Mutex
	ended  []string
	closed bool
}

func newPeer(id string) *peer {
	return &peer{id: id, said: make(chan string, 1024), done: make(chan struct{})}
}

func (p *peer) ID() string            { return p.id }
func (p *peer) Transport() string     { return "websocket" }
func (p *peer) Queued() int           { return 42 }
func (p *peer) Done() <-chan struct{} { return p.done }
func (p *peer) Deliver(push *hub.Push) {
	p.said <- push.Event + " " + string(push.Payload())
}
func (p *peer) Emit(name string, data json.RawMessage) { p.said <- name + " " + string(data) }
func (p *peer) EmitAt(name string, data json.RawMessage, at event.Position) {
	p.said <- fmt.Sprintf("%s %s @%d", name, data, at)
}

func (p *peer) Replay(missed []*hub.Push) (send func()) {
	return func() {
		for _, push := range missed {
			p.said <- "missed " + push.Event + " " + string(push.Payload())
		}
	}
}
func (p *peer) Recover(pid string)        { p.pid = pid }
func (p *peer) Remove()                   { p.end("removed") }
func (p *peer) Close(why gateway.Closing) { p.end(fmt.Sprint("closed ", why)) }

func (p *peer) end(how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = append(p.ended, how)
	if !p.closed {
		p.closed = true
		close(p.done)
	}
}

func (p *peer) endings() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ended)
}

// wants checks the next things that the client reads.
func (p *peer) wants(t *testing.T, frames ...string) {
	t.Helper()
	for _, want := range frames {
		select {
		case got := <-p.said:
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("frame (-want +got):\n%s", diff)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("no frame, want %s", want)
		}
	}
}

func (p *peer) silent(t *testing.T) {
	t.Helper()
	select {
	case got := <-p.said:
		t.Errorf("got %s, want nothing", got)
	default:
	}
}

// stand is a gateway and what stands around it.
type stand struct {
	*gateway.Gateway
	menu      *commands.Commands
	directory *directory
	hub       *hub.Hub
}

func newStand(t testing.TB, cfg gateway.Config, change ...func(*commands.Commands)) *stand {
	t.Helper()
	m, d := menu()
	for _, c := range change {
		c(m)
	}
	h := hub.New(hub.Config{MaxRooms: 5})
	h.Start(100)
	return &stand{gateway.New(m, h, authenticate, cfg), m, d, h}
}

// authenticate takes the name of a user for a token.
func authenticate(_ context.Context, token string) (domain.Principal, wire.User, error) {
	switch token {
	case "expired":
		return domain.Principal{}, wire.User{}, domain.Errorf(domain.CodeTokenExpired, "token has expired")
	case "forged":
		return domain.Principal{}, wire.User{}, domain.Errorf(domain.CodeUnauthenticated, "bad signature")
	case "ghost":
		return domain.Principal{}, wire.User{}, domain.Errorf(domain.CodeInvalidUser, "no such user")
	case "away":
		return domain.Principal{}, wire.User{}, domain.Unavailable(context.DeadlineExceeded)
	}
	return domain.Principal{UserID: token}, wire.User{ID: token, Active: token != "inactive", Position: 50}, nil
}

// enter opens a session of a user and reads its session event.
func (s *stand) enter(t testing.TB, user string, rooms ...string) (*gateway.Session, *peer) {
	t.Helper()
	p := newPeer("socket-of-" + user)
	session, err := s.Open(t.Context(), p, &gateway.Handshake{}, gateway.Options{Token: user, Rooms: rooms})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(session.Closed)
	<-p.said
	return session, p
}

// ask runs a command and returns its answer as JSON.
func ask(t testing.TB, s *gateway.Session, name, payload string) string {
	t.Helper()
	answer := make(chan string, 1)
	s.Handle(name, json.RawMessage(payload), func(a gateway.Answer) {
		answer <- "{" + string(a.AppendFields(nil)) + "}"
	})
	select {
	case a := <-answer:
		return a
	case <-time.After(5 * time.Second):
		t.Fatalf("%s was not answered", name)
		return ""
	}
}

func addr(s string) *gateway.Handshake {
	return &gateway.Handshake{Addr: netip.MustParseAddr(s)}
}
