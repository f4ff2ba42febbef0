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
	// Offset is the position that it has seen, "" if it does not come back.
	Offset string
	// PID names the session that it had, "" if it does not know.
	PID string
	// Recovery says that it wants Socket.IO's connection state recovery: a pid and offsets.
	Recovery bool
	// Batch says that it wants pushes gathered into batches: batch:<event> with an array.
	Batch bool
	// Invisible says that the user does not want to be seen.
	Invisible bool
}

// ParseOptions reads a client's JSON object. What it does not know, and what is of a wrong
// type, is left out.
func ParseOptions(object json.RawMessage) Options {
	var o struct {
		Token    json.RawMessage `json:"token"`
		Rooms    json.RawMessage `json:"rooms"`
		Offset   json.RawMessage `json:"offset"`
		PID      json.RawMessage `json:"pid"`
		Recovery json.RawMessage `json:"recovery"`
		Batch    json.RawMessage `json:"batch"`
		Presence json.RawMessage `json:"presence"`
	}
	if len(object) == 0 || json.Unmarshal(object, &o) != nil {
		return Options{}
	}
	return Options{
		Token: lenient[string](o.Token), Rooms: lenient[[]string](o.Rooms),
		Offset: offset(o.Offset), PID: lenient[string](o.PID),
		Recovery: lenient[bool](o.Recovery), Batch: lenient[bool](o.Batch),
		Invisible: lenient[event.Status](o.Presence) == event.StatusInvisible,
	}
}

// offset is a string, or what else the client takes for one: there is nothing at null and at "".
func offset(raw json.RawMessage) string {
	if s := lenient[string](raw); s != "" || len(raw) == 0 || string(raw) == "null" || string(raw) == `""` {
		return s
	}
	return string(raw)
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

// Open lets a client in: it finds out who it is, attaches it to the hub and sends the event
// session before anything else. The caller has to call Session.Closed in the end. A
// *RefusedError is for the client to read; any other error means that the connection has
// to be closed, since it cannot be told whether the client may come in.
func (g *Gateway) Open(ctx context.Context, peer Peer, from *Handshake, options Options) (*Session, error) {
	started := g.cfg.Now()
	s, err := g.open(ctx, peer, from, options)
	code := outcome(err)
	took := g.cfg.Now().Sub(started)
	g.cfg.Metrics.Observe(connectName, code, took)
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
	select {
	case g.opening <- struct{}{}:
		defer func() { <-g.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	release, err := g.cfg.Admission.Admit(ctx, from.Addr)
	if err != nil {
		return nil, refusal("Too many connections", err, domain.CodeTooManyConnections)
	}
	now := g.cfg.Now()
	s := &Session{
		gateway: g, peer: peer, userID: user.ID, activeAt: user.Position, opened: now, release: release,
		bucket: newBucket(g.cfg.Rate, g.cfg.Burst, now), slots: make(chan struct{}, g.cfg.MaxInFlight),
	}
	opened := false
	defer func() {
		if !opened { // also after a panic
			s.abandon()
		}
	}()
	if options.Batch {
		s.peer = g.batching.wrap(peer)
	}
	s.principal.Store(&principal)
	if err := s.start(ctx, options); err != nil {
		return nil, err
	}
	s.gone = g.appear(s, options)
	s.hint(s.place.Rooms()...)
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

// wanted are the rooms that a client named, as far as they may be rooms and there is a place.
func (s *Session) wanted(rooms []string) []*candidate {
	most := s.gateway.hub.MaxRooms()
	known := make(map[string]bool, min(len(rooms), most))
	var list []*candidate
	for _, id := range rooms {
		if len(list) == most {
			break
		}
		if !known[id] && domain.ValidID(id) {
			known[id] = true
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
