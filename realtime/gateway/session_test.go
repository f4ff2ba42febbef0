package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

func TestFailureWithoutAckIsAnEvent(t *testing.T) {
	t.Parallel()
	session, p := newStand(t, gateway.Config{}).enter(t, "ann")
	session.Handle("archive-room", json.RawMessage(`{"roomId":1}`), nil)
	session.Handle("nothing", nil, nil)
	session.Handle("archive-room", json.RawMessage(`{"roomId":"r"}`), nil)
	p.wants(t,
		`error {"event":"archive-room","message":"roomId must be a string","code":"INVALID_PAYLOAD"}`,
		`error {"event":"nothing","message":"unknown event \"nothing\"","code":"UNKNOWN_EVENT"}`,
	)
	p.silent(t)
}

func TestEveryCodeReachesTheClient(t *testing.T) {
	t.Parallel()
	for _, code := range domain.Codes() {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			s := newStand(t, gateway.Config{}, func(m *commands.Commands) {
				m.ArchiveRoom = useCase[commands.RoomRef, wire.Room](func(context.Context, commands.Actor, commands.RoomRef) (wire.Room, error) {
					return wire.Room{}, &domain.Error{Code: code, Message: "why", RetryAfter: 1500 * time.Microsecond, Cause: errors.New("secret")}
				})
			})
			session, _ := s.enter(t, "ann")
			text := "why"
			if code == domain.CodeInternal {
				text = "internal error"
			}
			want := `{"success":false,"error":"` + text + `","code":"` + string(code) + `","retryAfterMs":2}`
			if diff := cmp.Diff(want, ask(t, session, "archive-room", `"r"`)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInternalErrorsAreLoggedOnceAndNotTold(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newStand(t, gateway.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(m *commands.Commands) {
		m.ArchiveRoom = useCase[commands.RoomRef, wire.Room](func(context.Context, commands.Actor, commands.RoomRef) (wire.Room, error) {
			return wire.Room{}, errors.New("disk is on fire")
		})
	})
	session, _ := s.enter(t, "ann")
	got := ask(t, session, "archive-room", `"r"`)
	if got != `{"success":false,"error":"internal error","code":"INTERNAL"}` {
		t.Errorf("got %s", got)
	}
	for _, part := range []string{"disk is on fire", "event=archive-room", "user_id=ann", "correlation_id=socket-of-ann-1"} {
		if strings.Count(log.String(), part) != 1 {
			t.Errorf("the log does not say %q once: %s", part, log.String())
		}
	}
}

func TestTimeThatRanOutIsUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, gateway.Config{}, func(m *commands.Commands) {
			m.ArchiveRoom = useCase[commands.RoomRef, wire.Room](func(ctx context.Context, _ commands.Actor, _ commands.RoomRef) (wire.Room, error) {
				<-ctx.Done()
				return wire.Room{}, ctx.Err()
			})
		})
		session, p := s.enter(t, "ann")
		start := time.Now()
		session.Handle("archive-room", json.RawMessage(`"r"`), nil)
		p.wants(t, `error {"event":"archive-room","message":"temporarily unavailable, try again","code":"UNAVAILABLE"}`)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestPanicInACommandIsAnsweredAndPassedOn(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{}, func(m *commands.Commands) {
		m.ArchiveRoom = useCase[commands.RoomRef, wire.Room](func(context.Context, commands.Actor, commands.RoomRef) (wire.Room, error) {
			panic("oops")
		})
	})
	session, p := s.enter(t, "ann")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		session.Handle("archive-room", json.RawMessage(`"r"`), nil)
	}()
	p.wants(t, `error {"event":"archive-room","message":"internal error","code":"INTERNAL"}`)
}

func TestCommandsCarryWhoAndInWhichOrder(t *testing.T) {
	t.Parallel()
	actors := make(chan commands.Actor, 2)
	s := newStand(t, gateway.Config{}, func(m *commands.Commands) {
		m.SendMessage = useCase[commands.SendMessage, wire.Message](func(_ context.Context, a commands.Actor, _ commands.SendMessage) (wire.Message, error) {
			actors <- a
			return wire.Message{}, nil
		})
	})
	session, _ := s.enter(t, "ann")
	ask(t, session, "message:send", `{}`)
	ask(t, session, "send-message", `{}`)
	for _, want := range []string{"socket-of-ann-1", "socket-of-ann-2"} {
		a := <-actors
		if a.UserID != "ann" || a.Order != "socket-of-ann" || a.CorrelationID != want {
			t.Errorf("actor %+v", a)
		}
	}
}

// held is a use case that answers when it is let.
func held(let chan struct{}) func(*commands.Commands) {
	return func(m *commands.Commands) {
		m.SendMessage = useCase[commands.SendMessage, wire.Message](func(context.Context, commands.Actor, commands.SendMessage) (wire.Message, error) {
			<-let
			return wire.Message{}, nil
		})
	}
}

func TestReaderWaitsWhenTooMuchIsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		s := newStand(t, gateway.Config{MaxInFlight: 3}, held(let))
		session, _ := s.enter(t, "ann")
		taken := make(chan int, 10)
		go func() {
			for i := range 4 {
				session.Handle("send-message", json.RawMessage(`{}`), nil)
				taken <- i
			}
			close(taken)
		}()
		synctest.Wait()
		if n := len(taken); n != 3 {
			t.Fatalf("%d commands were taken, want 3", n)
		}
		let <- struct{}{}
		synctest.Wait()
		if n := len(taken); n != 4 {
			t.Errorf("%d commands were taken, want 4", n)
		}
		close(let)
		synctest.Wait()
	})
}

func TestReaderGivesUpWaitingWhenTheConnectionCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		s := newStand(t, gateway.Config{MaxInFlight: 1}, held(let))
		session, p := s.enter(t, "ann")
		session.Handle("send-message", json.RawMessage(`{}`), nil)
		returned := make(chan struct{})
		go func() {
			session.Handle("send-message", json.RawMessage(`{}`), nil)
			close(returned)
		}()
		synctest.Wait()
		p.Close(gateway.CloseDraining)
		<-returned
		close(let)
		synctest.Wait()
	})
}

func TestCommandRate(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Unix(1000, 0)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	s := newStand(t, gateway.Config{Rate: 10, Burst: 20, Now: clock})
	session, p := s.enter(t, "ann")
	for range 20 {
		if got := ask(t, session, "archive-room", `"r"`); !strings.HasPrefix(got, `{"success":true`) {
			t.Fatalf("got %s", got)
		}
	}
	want := `{"success":false,"error":"too many commands","code":"RATE_LIMITED","retryAfterMs":100}`
	if diff := cmp.Diff(want, ask(t, session, "archive-room", `"r"`)); diff != "" {
		t.Fatalf("answer (-want +got):\n%s", diff)
	}
	mu.Lock()
	now = now.Add(100 * time.Millisecond)
	mu.Unlock()
	if got := ask(t, session, "archive-room", `"r"`); !strings.HasPrefix(got, `{"success":true`) {
		t.Errorf("after waiting: %s", got)
	}
	for range 30 {
		session.Handle("archive-room", nil, func(gateway.Answer) {})
	}
	if len(p.ended) == 0 || p.ended[0] != "closed 2" {
		t.Errorf("abuse ended %v", p.ended)
	}
}

func TestMetricsSeeBoundedNames(t *testing.T) {
	t.Parallel()
	m := new(metrics)
	session, _ := newStand(t, gateway.Config{Metrics: m}).enter(t, "ann")
	ask(t, session, "message:send", `{}`)
	ask(t, session, "x-"+strconv.Itoa(5), `{}`)
	ask(t, session, "archive-room", ``)
	want := []string{"connect ", "send-message ", "unknown UNKNOWN_EVENT", "archive-room INVALID_PAYLOAD"}
	m.mu.Lock()
	defer m.mu.Unlock()
	if diff := cmp.Diff(want, m.seen); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

type metrics struct {
	mu   sync.Mutex
	seen []string
}

func (m *metrics) Observe(name string, code domain.Code, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, name+" "+string(code))
}

func TestDrainLetsCommandsFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		s := newStand(t, gateway.Config{}, held(let))
		busy, busyPeer := s.enter(t, "ann")
		_, idlePeer := s.enter(t, "bob")
		busy.Handle("send-message", json.RawMessage(`{}`), func(gateway.Answer) { busyPeer.said <- "ack" })
		drained := make(chan struct{})
		go func() {
			s.Drain(t.Context(), time.Second)
			close(drained)
		}()
		time.Sleep(2 * time.Second)
		if got := <-idlePeer.said; !strings.HasPrefix(got, `server-draining {"reconnectInMs":`) {
			t.Errorf("got %s", got)
		}
		if idlePeer.endings() != 1 || busyPeer.endings() != 0 {
			t.Error("the idle connection should be closed, and the busy one not")
		}
		if got := ask(t, busy, "archive-room", `"r"`); !strings.Contains(got, `"UNAVAILABLE"`) {
			t.Errorf("a new command got %s", got)
		}
		close(let)
		<-drained
		<-busyPeer.said
		busyPeer.wants(t, "ack")
		if busyPeer.endings() != 1 {
			t.Error("the busy connection is not closed")
		}
		if _, err := s.Open(t.Context(), newPeer("x"), &gateway.Handshake{}, gateway.Options{Token: "eve"}); err == nil {
			t.Error("a draining gateway let somebody in")
		}
	})
}

// A client that is being let in while the drain begins is either told and waited for, or
// not let in.
func TestDrainMissesNobody(t *testing.T) {
	t.Parallel()
	m, _ := menu()
	h := hub.New(hub.Config{})
	h.Start(100)
	var g *gateway.Gateway
	g = gateway.New(m, h, func(ctx context.Context, token string) (domain.Principal, wire.User, error) {
		g.Drain(ctx, 0)
		return authenticate(ctx, token)
	}, gateway.Config{})
	p := newPeer("late")
	if session, err := g.Open(t.Context(), p, &gateway.Handshake{}, gateway.Options{Token: "ann"}); err == nil {
		session.Closed()
		t.Error("was let in behind the drain's back")
	}
	p.silent(t)
	if h.Count() != 0 {
		t.Error("left a socket in the hub")
	}
}

func TestConnectionsAreListed(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{Node: "n1", Now: func() time.Time { return time.Unix(5, 0).UTC() }})
	session, _ := s.enter(t, "ann")
	ask(t, session, "join-rooms", `["b","a"]`)
	want := []wire.Connection{{
		ID: "socket-of-ann", UserID: "ann", Transport: "websocket", Node: "n1", Rooms: []string{"a", "b"}, RoomCount: 2,
		HandshakeTime: wire.Time(time.Unix(5, 0).UTC()), QueuedBytes: 42,
	}}
	same := cmp.Comparer(func(a, b wire.Time) bool { return time.Time(a).Equal(time.Time(b)) })
	if diff := cmp.Diff(want, s.Connections(), same); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
}
