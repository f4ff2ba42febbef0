package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/hub"
)

// Handshake is what is kept of the request that opened a connection.
type Handshake struct {
	// Token is that of the Authorization header, "" if there is none.
	Token string
	// Addr is the client's address; the zero Addr if it is not known.
	Addr netip.Addr
}

// TakeHandshake keeps what is needed of a request.
func (p Proxies) TakeHandshake(r *http.Request) *Handshake {
	return &Handshake{Token: bearer(r.Header.Get("Authorization")), Addr: p.Client(r)}
}

func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Options are what a client says of itself when it connects.
type Options struct {
	// Token says who it is.
	Token string
	// Rooms are what it wants to hear from the beginning.
	Rooms []string
	// Batch says that it wants pushes gathered into batches: batch:<event> with an array.
	Batch bool
}

// ParseOptions reads a client's JSON object. What it does not know, and what is of a wrong
// type, is left out.
func ParseOptions(object json.RawMessage) Options {
	var o struct {
		Token json.RawMessage `json:"token"`
		Rooms json.RawMessage `json:"rooms"`
		Batch json.RawMessage `json:"batch"`
	}
	if len(object) == 0 || json.Unmarshal(object, &o) != nil {
		return Options{}
	}
	return Options{Token: lenient[string](o.Token), Rooms: lenient[[]string](o.Rooms), Batch: lenient[bool](o.Batch)}
}

func lenient[T any](raw json.RawMessage) T {
	var v, none T
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return none
	}
	return v
}

// RefusedError is why a client may not come in. Message is one of the four of the wire
// contract.
type RefusedError struct {
	Message string
	Code    domain.Code
}

// Error is the message.
func (r *RefusedError) Error() string { return r.Message }

// sessionStart is the payload of the event session.
type sessionStart struct {
	UserID   string         `json:"userId"`
	Position event.Position `json:"position"`
}

// Open lets a client in: it finds out who it is, attaches it to the hub and sends the event
// session before anything else. The caller has to call Session.Closed in the end. A
// *RefusedError is for the client to read; any other error means that the connection has
// to be closed, since it cannot be told whether the client may come in.
func (g *Gateway) Open(ctx context.Context, peer Peer, from *Handshake, options Options) (*Session, error) {
	started := g.cfg.Now()
	s, err := g.open(ctx, peer, from, options)
	code := outcome(err)
	took := g.cfg.Now().Sub(started)
	g.cfg.Metrics.Observe("connect", code, took)
	g.cfg.Logger.DebugContext(ctx, "connect", slog.String("socket_id", peer.ID()),
		slog.String("code", string(code)), slog.Duration("took", took))
	return s, err
}

// outcome is what became of an attempt to connect, for metrics.
func outcome(err error) domain.Code {
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refused.Code
	}
	if err != nil {
		return domain.CodeUnavailable
	}
	return ""
}

func (g *Gateway) open(ctx context.Context, peer Peer, from *Handshake, options Options) (*Session, error) {
	if err := g.ready(ctx); err != nil {
		return nil, err
	}
	token := options.Token
	if token == "" {
		token = from.Token
	}
	principal, user, err := g.identify(ctx, token)
	if err != nil {
		return nil, err
	}
	release, err := g.cfg.Admission.Admit(ctx, from.Addr)
	if err != nil {
		return nil, refusal("Too many connections", err, domain.CodeTooManyConnections)
	}
	opened := false
	defer func() {
		if !opened { // also after a panic
			release()
		}
	}()
	if options.Batch {
		peer = g.batching.wrap(peer)
	}
	now := g.cfg.Now()
	s := &Session{
		gateway: g, peer: peer, userID: user.ID, activeAt: user.Position, opened: now, release: release,
		bucket: newBucket(g.cfg.Rate, g.cfg.Burst, now), slots: make(chan struct{}, g.cfg.MaxInFlight),
	}
	s.principal.Store(&principal)
	if err := s.start(ctx, options.Rooms); err != nil {
		return nil, err
	}
	opened = true
	g.expiry.renew(s, endOf(principal, now))
	return s, nil
}

func (g *Gateway) ready(ctx context.Context) error {
	if g.draining.Load() {
		return errDraining
	}
	select {
	case <-g.cfg.Ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// identify says who a token stands for.
func (g *Gateway) identify(ctx context.Context, token string) (domain.Principal, wire.User, error) {
	if token == "" {
		return domain.Principal{}, wire.User{}, &RefusedError{"Authentication required", domain.CodeUnauthenticated}
	}
	principal, user, err := g.authenticate(ctx, token)
	switch {
	case err == nil && !user.Active, domain.CodeOf(err) == domain.CodeInvalidUser:
		return principal, user, &RefusedError{"Invalid user", domain.CodeInvalidUser}
	case err != nil:
		return principal, user, refusal("Authentication failed", err, domain.CodeUnauthenticated, domain.CodeTokenExpired)
	default:
		return principal, user, nil
	}
}

// refusal is a *RefusedError if err is of one of the codes, else err.
func refusal(message string, err error, codes ...domain.Code) error {
	if code := domain.CodeOf(err); slices.Contains(codes, code) {
		return &RefusedError{message, code}
	}
	return err
}

// start attaches the session to the hub, with those of the rooms that the user is a
// member of.
func (s *Session) start(ctx context.Context, rooms []string) error {
	list := s.wanted(rooms)
	for look := range looks {
		s.gateway.look(ctx, s.Principal(), list)
		if err := away(list); err != nil {
			return err
		}
		found := wants(list)
		if err := s.gateway.hub.Await(ctx, max(s.activeAt, newest(found))); err != nil {
			return err
		}
		place, p, err := s.gateway.hub.Attach(s.userID, s.activeAt, s, found...)
		if err == nil {
			s.place = place
			return s.greet(p)
		}
		if !errors.Is(err, hub.ErrStale) {
			return err
		}
		if !pause(ctx, firstLook<<look) {
			return ctx.Err()
		}
		if err := s.lookAgain(ctx); err != nil {
			return err
		}
	}
	return hub.ErrStale
}

// wanted are the rooms that a client named, as far as they may be rooms and there is a place.
func (s *Session) wanted(rooms []string) []*candidate {
	var list []*candidate
	for _, id := range rooms {
		if len(list) == s.gateway.hub.MaxRooms() {
			break
		}
		known := slices.ContainsFunc(list, func(r *candidate) bool { return r.id == id })
		if !known && domain.ValidID(id) {
			list = append(list, &candidate{id: id})
		}
	}
	return list
}

// away returns the first error that is no answer about the room.
func away(list []*candidate) error {
	for _, r := range list {
		if code := domain.CodeOf(r.err); code == domain.CodeUnavailable || code == domain.CodeInternal {
			return r.err
		}
	}
	return nil
}

// lookAgain asks whether the account is still active.
func (s *Session) lookAgain(ctx context.Context) error {
	user, err := s.gateway.menu.Directory.User(ctx, s.userID)
	if err != nil {
		return refusal("Invalid user", err, domain.CodeInvalidUser)
	}
	if !user.Active {
		return &RefusedError{"Invalid user", domain.CodeInvalidUser}
	}
	s.activeAt = user.Position
	return nil
}

// greet sends the event session and goes live.
func (s *Session) greet(p event.Position) error {
	if s.gateway.draining.Load() { // perhaps too late for Drain to have seen it
		s.place.Detach()
		return errDraining
	}
	data, err := wire.Marshal(sessionStart{UserID: s.userID, Position: p})
	if err != nil {
		s.place.Detach()
		return err
	}
	s.place.Release(func() { s.peer.Emit(wire.EventSession, data) })
	return nil
}
