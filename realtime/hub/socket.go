package hub

import (
	"maps"
	"slices"

	"parley/domain/event"
)

// Socket is one connection's place in the hub.
type Socket struct {
	lane *lane
	user string
	sink Sink

	// What follows is guarded by lane.mu.
	seats  map[string]*seat
	watch  map[string]*seat // whom it watches
	heard  uint64           // the round of the last push it was given
	paused bool
	held   []*Push
	gone   bool
}

// Sink is where the socket's pushes go.
func (s *Socket) Sink() Sink { return s.sink }

// take gives the socket a push, unless it has had it in this round.
func (s *Socket) take(p *Push, round uint64) {
	if s.heard == round {
		return
	}
	s.heard = round
	switch {
	case !s.paused:
		s.lane.counts.delivered++
		s.sink.Deliver(p)
	case len(s.held) < s.lane.hub.cfg.MaxHeld:
		s.held = append(s.held, p)
	default:
		s.lane.counts.overruns++
		s.sink.End(EndOverrun)
	}
}

// Subscribe adds rooms, all or none, pauses the socket, and returns the position P from
// which it hears them; see the package's promises. Release has to follow. It fails with
// ErrStale, ErrAhead or ErrDetached, or with code TOO_MANY_ROOMS; the socket is then not paused
// by this call.
func (s *Socket) Subscribe(wants ...Want) (event.Position, error) {
	l := s.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.gone {
		return 0, ErrDetached
	}
	if err := l.check(s, wants); err != nil {
		return 0, err
	}
	l.sit(s, wants)
	return l.position, nil
}

// Release calls first, gives the socket what was kept meanwhile, and goes on live. first
// must not wait and must not call the hub.
func (s *Socket) Release(first func()) {
	l := s.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	first()
	l.counts.delivered += uint64(len(s.held))
	for _, p := range s.held {
		s.sink.Deliver(p)
	}
	s.held, s.paused = nil, false
}

// Unsubscribe ends hearing a room, of which nothing more is delivered, not even what was
// kept for Release.
func (s *Socket) Unsubscribe(room string) {
	l := s.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if st := s.seats[room]; st != nil {
		l.stand(st)
	}
	s.held = slices.DeleteFunc(s.held, func(p *Push) bool { return p.onlyFor(room, s.user) })
}

// Free is how many more rooms the socket may hear.
func (s *Socket) Free() int {
	l := s.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hub.cfg.MaxRooms - len(s.seats)
}

// Rooms lists what the socket hears, sorted.
func (s *Socket) Rooms() []string {
	l := s.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(s.seats))
}

// Detach takes the socket out of the hub. Nothing is delivered after it returns.
func (s *Socket) Detach() { s.lane.detach(s) }
