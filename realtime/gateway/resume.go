package gateway

import (
	"context"
	"errors"
	"log/slog"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/hub"
	"parley/realtime/recovery"
)

// sessionStart is the payload of the event session.
type sessionStart struct {
	UserID string `json:"userId"`
	PID    string `json:"pid,omitempty"`
	// Position is where the client's cursor stands; what follows is after it.
	Position event.Position `json:"position"`
	// Rooms are what the session hears.
	Rooms []string `json:"rooms"`
	// RoomsPosition is as of where they are: of rooms that the user has left before nothing is told.
	RoomsPosition event.Position `json:"roomsPosition"`
}

// resyncRequired is the payload of resync-required: what was before Position has to be read anew.
type resyncRequired struct {
	Position event.Position `json:"position"`
}

// arrival is a client on its way in, new or coming back.
type arrival struct {
	*Session
	options Options
	back    bool           // it says what it has seen last
	offset  event.Position // that
	lost    bool           // what it has missed cannot be told
	cut     bool           // it has more rooms than one may hear
	former  string         // pid of its session before, if that is its own

	list []*candidate
	gap  *recovery.Gap // nil if there is none
}

// start attaches the session to the hub, with those of its rooms that the user is a member of, tells the event
// session, and then what the client has missed.
//
// What was missed is read twice: all that is there before the session is attached, so that
// nothing has to be held back meanwhile, and then the little that has come since.
func (s *Session) start(ctx context.Context, options Options) error {
	a := &arrival{Session: s, options: options}
	if err := a.look(ctx); err != nil {
		return err
	}
	s.gateway.see(ctx, s.Principal(), a.list)
	for look := range looks {
		if look > 0 {
			s.gateway.look(ctx, s.Principal(), a.list)
		}
		if err := away(a.list); err != nil {
			return err
		}
		found := wants(a.list)
		if err := s.gateway.hub.Await(ctx, max(s.activeAt, newest(found))); err != nil {
			return err
		}
		if err := a.catchUp(ctx, found); err != nil {
			return err
		}
		place, p, err := s.gateway.hub.Attach(s.userID, s.activeAt, s, found...)
		if err == nil {
			s.place = place
			return a.enter(ctx, p)
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

// look finds out what the client has seen, and which rooms are its own.
func (a *arrival) look(ctx context.Context) error {
	a.back = a.options.Offset != "" && !recoveryOff
	if !a.back {
		a.list = a.wanted(a.options.Rooms)
		return nil
	}
	offset, known, err := a.gateway.reached(ctx, a.options.Offset)
	if err != nil {
		return err
	}
	a.offset, a.lost = offset, !known
	rooms, err := a.rooms(ctx)
	if err != nil {
		return err
	}
	a.list = a.wanted(rooms)
	a.cut = len(rooms) > a.gateway.hub.MaxRooms()
	return nil
}

// reached is a client's cursor, once this node has got there. It is not known if it is no position, or is beyond the
// log: it comes from another one, or from before a restore.
func (g *Gateway) reached(ctx context.Context, cursor string) (at event.Position, known bool, err error) {
	at, err = event.ParsePosition(cursor)
	if err != nil || g.cfg.Past == nil {
		return 0, false, nil //nolint:nilerr // it is not known, which is no failure
	}
	if at <= g.hub.Position() {
		return at, true, nil
	}
	head, err := g.cfg.Past.Head(ctx)
	if err != nil || at > head {
		return 0, false, err
	}
	return at, true, g.hub.Await(ctx, at)
}

// rooms are those of the former session if it is known, else those that the client names, else all that the user is
// a member of. A session of somebody else's has none, and nothing of it is told.
func (a *arrival) rooms(ctx context.Context) ([]string, error) {
	sessions := a.gateway.cfg.Sessions
	if pid := a.options.PID; pid != "" && sessions != nil {
		if !sessions.Owns(pid, a.userID) {
			a.lost = true
			return a.options.Rooms, nil
		}
		a.former = pid
		if rooms, known := sessions.Rooms(ctx, pid); known {
			return rooms, nil
		}
	}
	if a.options.Rooms != nil || a.gateway.cfg.RoomsOf == nil {
		return a.options.Rooms, nil
	}
	hub := a.gateway.hub
	rooms, err := a.gateway.cfg.RoomsOf(ctx, a.userID, hub.Position(), hub.MaxRooms()+1)
	return rooms, a.unread(ctx, err)
}

// unread takes it that the views are behind, or that there are too many rooms: then the client reads by itself. Any
// other error stays.
func (a *arrival) unread(ctx context.Context, err error) error {
	if code := domain.CodeOf(err); code != domain.CodeStale && code != domain.CodeTooManyRooms {
		return err
	}
	a.gateway.cfg.Logger.WarnContext(ctx, "a client cannot be told what it missed", slog.Any("error", err))
	a.lost = true
	return nil
}

// catchUp reads what the client has missed until now in the rooms that it may hear.
func (a *arrival) catchUp(ctx context.Context, found []hub.Want) error {
	a.gap = nil
	if !a.back || a.lost {
		return nil
	}
	heard := make([]string, len(found))
	for i, w := range found {
		heard[i] = w.Room
	}
	a.gap = a.gateway.cfg.Past.Gap(a.userID, heard, a.offset)
	var lost []string
	for _, r := range a.list {
		if r.err != nil {
			lost = append(lost, r.id)
		}
	}
	a.gap.Lost(lost...)
	return a.unread(ctx, a.gap.Read(ctx, a.gateway.hub.Position()))
}

// enter tells a session that is attached, and paused, what it has to know, and goes live.
func (a *arrival) enter(ctx context.Context, p event.Position) error {
	missed, err := a.missed(ctx, p)
	if err == nil && a.gateway.draining.Load() { // perhaps too late for Drain to have seen it
		err = errDraining
	}
	if err != nil {
		return err
	}
	a.gateway.counts.enter(a)
	start := sessionStart{UserID: a.userID, Position: p, Rooms: append([]string{}, a.place.Rooms()...), RoomsPosition: p}
	if len(missed) > 0 || a.lost {
		start.Position = a.offset // its cursor stands there until the rest is told
	}
	start.PID = a.choosePID()
	hello, err := wire.Marshal(start)
	if err != nil {
		return err
	}
	resync, _ := wire.Marshal(resyncRequired{p}) // a number: cannot fail
	replay := a.peer.Replay(missed)              // here, since others wait while the hub releases
	a.place.Release(func() {
		a.peer.EmitAt(wire.EventSession, hello, start.Position)
		replay()
		if a.lost {
			a.peer.EmitAt(wire.EventResyncRequired, resync, p)
		}
	})
	if start.PID != "" {
		a.pid = start.PID
		a.gateway.cfg.Sessions.Begin(ctx, a.pid, a.peer.ID(), start.Rooms)
	}
	return nil
}

// missed is all that the client has missed up to p. If it cannot be told the client is lost.
func (a *arrival) missed(ctx context.Context, p event.Position) ([]*hub.Push, error) {
	if a.gap == nil || a.lost {
		return nil, nil
	}
	if err := a.unread(ctx, a.gap.Read(ctx, p)); err != nil || a.lost {
		return nil, err
	}
	missed, err := a.gap.Missed()
	a.lost = errors.Is(err, recovery.ErrGone)
	return missed, nil
}

// choosePID is a pid for a client that wants one: that of its session before if nothing of it is missing.
func (a *arrival) choosePID() string {
	sessions := a.gateway.cfg.Sessions
	if !a.options.Recovery || sessions == nil {
		return ""
	}
	pid := a.former
	if pid == "" || a.gap == nil || a.lost || a.cut || a.gap.Left() {
		pid = sessions.New(a.userID)
	}
	a.peer.Recover(pid)
	return pid
}

// remember says that the session is about to hear more rooms. It comes before that happens: what is remembered is
// never less than what a client hears.
func (s *Session) remember(ctx context.Context, list []*candidate) {
	if s.pid == "" {
		return
	}
	rooms := s.place.Rooms()
	before := len(rooms)
	for _, r := range list {
		if r.err == nil && !r.heard {
			rooms = append(rooms, r.id)
		}
	}
	if len(rooms) > before {
		s.noteRooms(ctx, rooms)
	}
}

// noteRooms remembers what the session hears, for the time when its client comes back.
func (s *Session) noteRooms(ctx context.Context, rooms []string) {
	if s.pid != "" {
		s.gateway.cfg.Sessions.Update(ctx, s.pid, s.peer.ID(), rooms)
	}
}

// forget is for a session that has closed.
func (s *Session) forget() {
	if s.pid != "" {
		s.gateway.cfg.Sessions.End(s.peer.ID())
	}
}
