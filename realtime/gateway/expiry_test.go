package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
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

// tokens are what a test's identity provider has issued: token → principal.
type tokens map[string]domain.Principal

func (known tokens) authenticate(_ context.Context, token string) (domain.Principal, wire.User, error) {
	p, ok := known[token]
	if !ok {
		return authenticate(context.Background(), token)
	}
	return p, wire.User{ID: p.UserID, Active: true, Position: 50}, nil
}

// timed is a stand whose clock is the bubble's and whose Run is going on.
func timed(t *testing.T, known tokens, change ...func(*commands.Commands)) *stand {
	t.Helper()
	m, d := menu()
	for _, c := range change {
		c(m)
	}
	h := hub.New(hub.Config{})
	h.Start(100)
	s := &stand{gateway.New(m, h, known.authenticate, gateway.Config{}), m, d, h}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return s
}

func ann(lives time.Duration) domain.Principal {
	return domain.Principal{UserID: "ann", ExpiresAt: time.Now().Add(lives)}
}

// expiring is the event that tells of an end.
func expiring(end time.Time, in time.Duration) string {
	at, _ := json.Marshal(wire.Time(end))
	return fmt.Sprintf(`token-expiring {"expiresAt":%s,"expiresInMs":%d}`, at, in.Milliseconds())
}

func (p *peer) wantEndings(t *testing.T, want ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if diff := cmp.Diff(want, p.ended); diff != "" {
		t.Errorf("endings (-want +got):\n%s", diff)
	}
}

func pass(d time.Duration) {
	time.Sleep(d) // of the bubble
	synctest.Wait()
}

func TestSessionIsToldAMinuteAheadAndEndsWithItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := timed(t, tokens{"t": ann(time.Hour)})
		end := time.Now().Add(time.Hour)
		_, p := s.enter(t, "t")
		pass(59*time.Minute - time.Millisecond)
		p.silent(t)
		pass(time.Millisecond)
		p.wants(t, expiring(end, time.Minute))
		pass(time.Minute - time.Millisecond)
		p.silent(t)
		p.wantEndings(t)
		pass(time.Millisecond)
		p.wantEndings(t, "removed")
		pass(time.Hour)
		p.silent(t)
		p.wantEndings(t, "removed")
	})
}

func TestSessionOfAShortTokenIsToldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := timed(t, tokens{"t": ann(20 * time.Second)})
		end := time.Now().Add(20 * time.Second)
		_, p := s.enter(t, "t")
		pass(250 * time.Millisecond)
		p.wants(t, expiring(end, 19750*time.Millisecond))
		pass(19749 * time.Millisecond)
		p.wantEndings(t)
		pass(time.Millisecond)
		p.wantEndings(t, "removed")
	})
}

// Clocks may differ, so a token may be let in after its end; but not for long.
func TestSessionOfATokenInItsLeewayHasHalfAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := timed(t, tokens{"t": ann(-10 * time.Second)})
		_, p := s.enter(t, "t")
		end := time.Now().Add(20 * time.Second)
		pass(250 * time.Millisecond)
		p.wants(t, expiring(end, 19750*time.Millisecond))
		pass(20 * time.Second)
		p.wantEndings(t, "removed")
	})
}

func TestSessionWithoutAnEndIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := timed(t, tokens{"for ever": {UserID: "ann"}, "t": ann(time.Minute)})
		_, p := s.enter(t, "for ever")
		gone, q := s.enter(t, "t")
		gone.Closed()
		pass(3 * time.Hour)
		for _, p := range []*peer{p, q} {
			p.silent(t)
			p.wantEndings(t)
		}
	})
}

func TestManySessionsEndInTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		known := tokens{}
		s := timed(t, known)
		var peers [50]*peer
		for i := range peers {
			name := fmt.Sprint("t", i)
			known[name] = ann(time.Duration(i*7%len(peers)+1) * time.Second)
			_, peers[i] = s.enter(t, name)
		}
		for second := range peers {
			pass(time.Second)
			for i, p := range peers {
				if over := i*7%len(peers) <= second; over != (p.endings() == 1) {
					t.Errorf("after %d s session %d has ended %d times", second+1, i, p.endings())
				}
			}
		}
	})
}

func TestRefreshGoesOnWithTheRightsOfTheNewToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var roles []domain.Role
		admin := ann(3 * time.Minute)
		admin.Roles = []domain.Role{domain.RoleAdmin}
		s := timed(t, tokens{"first": ann(time.Minute), "second": admin}, func(m *commands.Commands) {
			m.ArchiveRoom = useCase[commands.RoomRef, wire.Room](func(_ context.Context, a commands.Actor, _ commands.RoomRef) (wire.Room, error) {
				roles = a.Roles
				return wire.Room{}, nil
			})
		})
		end := time.Now().Add(3 * time.Minute)
		session, p := s.enter(t, "first")
		pass(30 * time.Second)
		p.wants(t, expiring(end.Add(-2*time.Minute), time.Minute-250*time.Millisecond))

		at, _ := json.Marshal(wire.Time(end))
		if got, want := ask(t, session, "refresh-token", `{"token":"second"}`), `{"success":true,"data":{"expiresAt":`+string(at)+`}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		ask(t, session, "archive-room", `"r"`)
		if diff := cmp.Diff(admin.Roles, roles); diff != "" {
			t.Errorf("roles (-want +got):\n%s", diff)
		}
		if !session.Principal().IsAdmin() {
			t.Error("the principal is the old one")
		}
		pass(90*time.Second - time.Millisecond)
		p.silent(t)
		pass(time.Millisecond)
		p.wants(t, expiring(end, time.Minute))
		pass(time.Minute - time.Millisecond)
		p.wantEndings(t)
		pass(time.Millisecond)
		p.wantEndings(t, "removed")
	})
}

func TestRefusedRefreshChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := timed(t, tokens{"first": ann(time.Minute), "of bob": {UserID: "bob", ExpiresAt: time.Now().Add(time.Hour)}})
		session, p := s.enter(t, "first")
		for payload, code := range map[string]string{
			`{"token":"of bob"}`:  "INVALID_USER",
			`{"token":"expired"}`: "TOKEN_EXPIRED",
			`{"token":"forged"}`:  "UNAUTHENTICATED",
			`{"token":"ghost"}`:   "INVALID_USER",
			`{"token":"away"}`:    "UNAVAILABLE",
			`{"token":""}`:        "INVALID_PAYLOAD",
			`{"token":7}`:         "INVALID_PAYLOAD",
			`{}`:                  "INVALID_PAYLOAD",
			``:                    "INVALID_PAYLOAD",
		} {
			if got := ask(t, session, "refresh-token", payload); !strings.Contains(got, `"code":"`+code+`"`) {
				t.Errorf("%s: got %s, want %s", payload, got, code)
			}
		}
		if got := session.Principal().UserID; got != "ann" {
			t.Errorf("acts for %s", got)
		}
		pass(time.Second)
		p.wants(t, expiring(time.Now().Add(59*time.Second), 59750*time.Millisecond))
		pass(59 * time.Second)
		p.wantEndings(t, "removed")
	})
}

func TestRefreshTakesAUserWhoWasDeactivatedForNobody(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	session, _ := s.enter(t, "ann")
	if got := ask(t, session, "refresh-token", `{"token":"inactive"}`); !strings.Contains(got, `"code":"INVALID_USER"`) {
		t.Errorf("got %s", got)
	}
}

func TestWhatIsInFlightIsAnsweredBeforeTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stored := make(chan struct{})
		s := timed(t, tokens{"t": ann(time.Minute), "second": ann(time.Hour)}, func(m *commands.Commands) {
			m.SendMessage = useCase[commands.SendMessage, wire.Message](func(context.Context, commands.Actor, commands.SendMessage) (wire.Message, error) {
				<-stored
				return wire.Message{}, nil
			})
		})
		session, p := s.enter(t, "t")
		answered := false
		session.Handle("send-message", json.RawMessage(`{"roomId":"r","content":"x"}`), func(a gateway.Answer) {
			answered = a.Err == nil && p.endings() == 0
		})
		pass(time.Minute + time.Second)
		p.wantEndings(t)
		for _, name := range []string{"leave-room", "refresh-token"} {
			if got := ask(t, session, name, `{"roomId":"r","token":"second"}`); !strings.Contains(got, `"TOKEN_EXPIRED"`) {
				t.Errorf("%s after the end: %s", name, got)
			}
		}
		close(stored)
		synctest.Wait()
		if !answered {
			t.Error("the command was not answered before the end")
		}
		p.wantEndings(t, "removed")
	})
}

func TestACommandThatHangsDoesNotPutOffTheEndForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		s := timed(t, tokens{"t": ann(time.Minute)}, func(m *commands.Commands) {
			m.SendMessage = useCase[commands.SendMessage, wire.Message](func(context.Context, commands.Actor, commands.SendMessage) (wire.Message, error) {
				<-hang
				return wire.Message{}, nil
			})
		})
		session, p := s.enter(t, "t")
		session.Handle("send-message", json.RawMessage(`{"roomId":"r","content":"x"}`), nil)
		pass(time.Minute + 2*time.Second - time.Millisecond)
		p.wantEndings(t)
		pass(time.Millisecond)
		p.wantEndings(t, "removed")
		close(hang)
	})
}

func TestExpelRemovesWhomItConcerns(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	_, first := s.enter(t, "ann")
	_, second := s.enter(t, "ann")
	_, other := s.enter(t, "bob")
	if n := s.Expel(func(p domain.Principal) bool { return p.UserID == "ann" }); n != 2 {
		t.Errorf("%d were expelled", n)
	}
	first.wantEndings(t, "removed")
	second.wantEndings(t, "removed")
	other.wantEndings(t)
}

func BenchmarkExpiry(b *testing.B) {
	m, _ := menu()
	h := hub.New(hub.Config{})
	h.Start(100)
	known := tokens{}
	for i := range 1000 {
		known[strconv.Itoa(i)] = domain.Principal{UserID: "ann", ExpiresAt: time.Now().Add(time.Hour + time.Duration(i*7919%1000)*time.Second)}
	}
	g := gateway.New(m, h, known.authenticate, gateway.Config{Rate: -1})
	var sessions []*gateway.Session
	for i := range 1000 {
		p := newPeer("p")
		s, err := g.Open(b.Context(), p, &gateway.Handshake{}, gateway.Options{Token: strconv.Itoa(i)})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(s.Closed)
		sessions = append(sessions, s)
	}
	payload := json.RawMessage(`{"token":"500"}`)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		sessions[i%len(sessions)].Handle("refresh-token", payload, func(gateway.Answer) {})
		i++
	}
}
