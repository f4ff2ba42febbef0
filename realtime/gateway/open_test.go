package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

func TestWhoMayComeIn(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	for _, tc := range []struct {
		name, auth, header string
		message            string
		code               domain.Code
	}{
		{"token in auth", `{"token":"ann"}`, "", "", ""},
		{"token in header", ``, "ann", "", ""},
		{"auth goes first", `{"token":"expired"}`, "ann", "Authentication failed", domain.CodeTokenExpired},
		{"no token", `{}`, "", "Authentication required", domain.CodeUnauthenticated},
		{"nothing", ``, "", "Authentication required", domain.CodeUnauthenticated},
		{"token of a wrong type", `{"token":5}`, "", "Authentication required", domain.CodeUnauthenticated},
		{"expired", `{"token":"expired"}`, "", "Authentication failed", domain.CodeTokenExpired},
		{"forged", `{"token":"forged"}`, "", "Authentication failed", domain.CodeUnauthenticated},
		{"unknown user", `{"token":"ghost"}`, "", "Invalid user", domain.CodeInvalidUser},
		{"inactive user", `{"token":"inactive"}`, "", "Invalid user", domain.CodeInvalidUser},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			session, err := s.Open(t.Context(), newPeer(tc.name), &gateway.Handshake{Token: tc.header},
				gateway.ParseOptions([]byte(tc.auth)))
			if tc.message == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				session.Closed()
				return
			}
			refused, ok := errors.AsType[*gateway.RefusedError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(&gateway.RefusedError{Message: tc.message, Code: tc.code}, refused); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatCannotBeToldIsNoRefusal(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	_, err := s.Open(t.Context(), newPeer("x"), &gateway.Handshake{}, gateway.Options{Token: "away"})
	if _, refused := errors.AsType[*gateway.RefusedError](err); err == nil || refused {
		t.Errorf("got %v", err)
	}
}

func TestSessionIsFirstAndStandsAtItsPosition(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	s.directory.set("mine", 1)
	s.directory.set("theirs", -1)
	p := newPeer("x")
	session, err := s.Open(t.Context(), p, &gateway.Handshake{}, gateway.ParseOptions([]byte(
		`{"token":"ann","rooms":["mine","theirs","unknown","no id!","mine"],"presence":"invisible"}`)))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Closed()
	s.hub.Dispatch([]*hub.Fact{message(101, "mine"), message(102, "theirs"), message(103, "unknown")})
	p.wants(t, `session {"userId":"ann","position":"100","rooms":["mine"],"roomsPosition":"100"} @100`, `new-message {"roomId":"mine","position":"101"}`)
	p.silent(t)
	if s.directory.asked != 3 {
		t.Errorf("asked for %d rooms, want 3", s.directory.asked)
	}
}

func TestDirectoryAwayIsNoRefusal(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	s.directory.err = domain.Unavailable(errors.New("away"))
	_, err := s.Open(t.Context(), newPeer("x"), &gateway.Handshake{}, gateway.Options{Token: "ann", Rooms: []string{"r"}})
	if domain.CodeOf(err) != domain.CodeUnavailable {
		t.Errorf("got %v", err)
	}
	if s.hub.Count() != 0 {
		t.Error("a socket stayed in the hub")
	}
}

func TestShutUserIsRemovedAndComesBackOnlyOnNewEvidence(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{})
	_, p := s.enter(t, "ann")
	s.hub.Dispatch([]*hub.Fact{{Position: 101, Shut: "ann"}})
	if len(p.ended) != 1 || p.ended[0] != "removed" {
		t.Errorf("ended %v", p.ended)
	}
	// The directory is behind: it still says that ann was active at 50.
	_, err := s.Open(t.Context(), newPeer("x"), &gateway.Handshake{}, gateway.Options{Token: "ann"})
	if !errors.Is(err, hub.ErrStale) {
		t.Errorf("got %v, want ErrStale", err)
	}
}

func TestConnectionsOfOneAddressAreLimited(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{Admission: gateway.NewAddressLimit(2)})
	open := func(from string) (*gateway.Session, error) {
		return s.Open(t.Context(), newPeer(from), addr(from), gateway.Options{Token: "ann"})
	}
	var sessions []*gateway.Session
	for _, from := range []string{"192.0.2.1", "192.0.2.1", "2001:db8:1:2::1", "2001:db8:1:2:ffff::1", "192.0.2.2"} {
		session, err := open(from)
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		sessions = append(sessions, session)
	}
	for _, from := range []string{"192.0.2.1", "::ffff:192.0.2.1", "2001:db8:1:2::3"} {
		_, err := open(from)
		refused, ok := errors.AsType[*gateway.RefusedError](err)
		if !ok || refused.Message != "Too many connections" || refused.Code != domain.CodeTooManyConnections {
			t.Errorf("%s: %v", from, err)
		}
	}
	// What did not come in does not count.
	for range 3 {
		_, _ = s.Open(t.Context(), newPeer("x"), addr("192.0.2.9"), gateway.Options{Token: "forged"})
	}
	for _, session := range sessions {
		session.Closed()
	}
	for _, from := range []string{"192.0.2.1", "2001:db8:1:2::3", "192.0.2.9", "192.0.2.9"} {
		session, err := open(from)
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		session.Closed()
	}
}

// A place is given back whatever happens while the client is let in.
func TestPanicWhileConnectingGivesThePlaceBack(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{Admission: gateway.NewAddressLimit(1)})
	healthy := s.menu.Directory
	s.menu.Directory = panicDirectory{healthy}
	options := gateway.Options{Token: "ann", Rooms: []string{"r"}}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = s.Open(t.Context(), newPeer("1"), addr("10.0.0.1"), options)
	}()
	s.menu.Directory = healthy
	session, err := s.Open(t.Context(), newPeer("2"), addr("10.0.0.1"), options)
	if err != nil {
		t.Fatalf("the place was not given back: %v", err)
	}
	session.Closed()
}

// So is the one in the hub, when it happens later.
func TestPanicWhileEnteringLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{Admission: gateway.NewAddressLimit(1)})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = s.Open(t.Context(), mute{newPeer("1")}, addr("10.0.0.1"), gateway.Options{Token: "ann"})
	}()
	if n := s.hub.Count(); n != 0 {
		t.Errorf("%d sockets in the hub", n)
	}
	session, err := s.Open(t.Context(), newPeer("2"), addr("10.0.0.1"), gateway.Options{Token: "ann"})
	if err != nil {
		t.Fatalf("the place was not given back: %v", err)
	}
	session.Closed()
}

// mute is a peer that cannot be told of its session.
type mute struct{ *peer }

func (mute) EmitAt(string, json.RawMessage, event.Position) { panic("oops") }

type panicDirectory struct{ commands.Directory }

func (panicDirectory) Membership(context.Context, domain.Principal, string) (wire.Room, bool, error) {
	panic("oops")
}

func (panicDirectory) Seen(context.Context, domain.Principal, string) (wire.Room, bool, error) {
	panic("oops")
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	proxies, err := gateway.ParseProxies([]string{"10.0.0.0/8", "2001:db8::7"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"direct", "192.0.2.1:5", nil, "192.0.2.1"},
		{"direct, with a header", "192.0.2.1:5", []string{"1.2.3.4"}, "192.0.2.1"},
		{"mapped", "[::ffff:192.0.2.1]:5", nil, "192.0.2.1"},
		{"proxy", "10.0.0.1:5", []string{"1.2.3.4"}, "1.2.3.4"},
		{"spoofed through the proxy", "10.0.0.1:5", []string{"9.9.9.9, 1.2.3.4"}, "1.2.3.4"},
		{"two proxies", "10.0.0.1:5", []string{"9.9.9.9, 1.2.3.4, 10.0.0.2"}, "1.2.3.4"},
		{"several headers", "10.0.0.1:5", []string{"9.9.9.9", "1.2.3.4", "10.0.0.2"}, "1.2.3.4"},
		{"proxies only", "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no header", "10.0.0.1:5", nil, "10.0.0.1"},
		{"junk on the right", "10.0.0.1:5", []string{"1.2.3.4, junk"}, "10.0.0.1"},
		{"junk on the left", "10.0.0.1:5", []string{"junk, 1.2.3.4"}, "1.2.3.4"},
		{"with ports", "[2001:db8::7]:5", []string{"[2001:db8:1::1]:80"}, "2001:db8:1::1"},
		{"no address", "@", nil, "invalid IP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{RemoteAddr: tc.remote, Header: http.Header{"X-Forwarded-For": tc.forwarded}}
			if got := proxies.Client(r).String(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	if _, err := gateway.ParseProxies([]string{"10.0.0.0/33"}); err == nil {
		t.Error("a bad network was taken")
	}
	if got := gateway.Group(netip.MustParseAddr("fe80::1%eth0")).String(); got != "fe80::" {
		t.Errorf("grouped %s", got)
	}
}

func TestHandshakeTakesBearerTokens(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer  abc ": "abc", "Basic abc": "", "abc": "", "": "",
	} {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		if got := gateway.Proxies(nil).TakeHandshake(r).Token; got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

// In a storm clients take turns; one that goes away while it waits leaves its turn to others.
func TestAFewAreLetInAtATime(t *testing.T) {
	t.Parallel()
	full := make(admission)
	s := newStand(t, gateway.Config{MaxOpening: 2, Admission: full})
	open := func(ctx context.Context) chan error {
		done := make(chan error, 1)
		go func() {
			session, err := s.Open(ctx, newPeer("x"), &gateway.Handshake{}, gateway.Options{Token: "ann"})
			if err == nil {
				session.Closed()
			}
			done <- err
		}()
		return done
	}
	first, second := open(t.Context()), open(t.Context())
	let := []func(){<-full, <-full}
	ctx, cancel := context.WithCancel(t.Context())
	gone, third := open(ctx), open(t.Context())
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("who went away got %v", err)
	}
	select {
	case <-full:
		t.Error("three at a time")
	default:
	}
	let[0]()
	(<-full)()
	let[1]()
	for _, done := range []chan error{first, second, third} {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// admission tells each connection that it is asked about, and waits until it is let in.
type admission chan func()

func (a admission) Admit(context.Context, netip.Addr) (release func(), err error) {
	in := make(chan struct{})
	a <- func() { close(in) }
	<-in
	return func() {}, nil
}
