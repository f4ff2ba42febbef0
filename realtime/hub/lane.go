package hub

import (
	"slices"
	"sync"

	"parley/domain/event"
)

// lane is a part of the hub that works alone: some of the sockets, and who of them hears
// what.
type lane struct {
	hub *Hub

	mu       sync.Mutex
	position event.Position
	rooms    map[string]*room
	users    map[string][]*Socket
	watched  map[string]*room // by the user who is watched
	sockets  int
	counts   counts
	round    uint64 // numbers the pushes, so that a socket can tell one it has had
}

// room is who hears a room. seats is dense, for the sake of dispatch.
type room struct {
	name  string
	seats []*seat
}

// seat is one socket's place in one room.
type seat struct {
	socket *Socket
	room   *room
	at     int // its index in room.seats
}

func newLane(h *Hub) *lane {
	return &lane{hub: h, rooms: make(map[string]*room), users: make(map[string][]*Socket), watched: make(map[string]*room)}
}

func (l *lane) start(at event.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.position = at
}

// reach counts the deliveries that facts mean here, roughly.
func (l *lane) reach(facts []*Fact) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, f := range facts {
		if r := l.rooms[f.Room]; r != nil {
			n += len(r.seats)
		}
		if r := l.watched[f.Watched]; r != nil {
			n += len(r.seats)
		}
		n += len(f.Users)
	}
	return n
}

// dispatch takes the lock for each fact anew, so that who wants to join waits for one and
// not for a batch.
func (l *lane) dispatch(facts []*Fact) {
	for _, f := range facts {
		l.tell(f)
	}
}

func (l *lane) tell(f *Fact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hears(f) {
		for _, p := range f.Pushes() {
			l.deliver(p)
		}
	}
	if f.Left != "" {
		l.leave(f.Left, f.Room)
	}
	if f.Shut != "" {
		for _, s := range l.users[f.Shut] {
			s.sink.End(EndShut)
		}
	}
	l.position = f.Position
}

// hears reports whether anybody here is addressed.
func (l *lane) hears(f *Fact) bool {
	if l.rooms[f.Room] != nil || l.watched[f.Watched] != nil {
		return true
	}
	return slices.ContainsFunc(f.Users, func(user string) bool { return len(l.users[user]) > 0 })
}

func (l *lane) deliver(p *Push) {
	l.round++
	if r := l.rooms[p.Room]; r != nil && p.Room != "" {
		for _, seat := range r.seats {
			seat.socket.take(p, l.round)
		}
	}
	if w := l.watched[p.Watched]; w != nil {
		for _, seat := range w.seats {
			seat.socket.take(p, l.round)
		}
	}
	for _, user := range p.Users {
		for _, s := range l.users[user] {
			s.take(p, l.round)
		}
	}
}

// leave ends the user's subscriptions to a room.
func (l *lane) leave(user, name string) {
	for _, s := range l.users[user] {
		if seat := s.seats[name]; seat != nil {
			l.stand(seat)
		}
	}
}

func (l *lane) attach(s *Socket, since event.Position, wants []Want) (event.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case since > l.position:
		return 0, ErrAhead
	case l.hub.shut.since(s.user, since):
		return 0, ErrStale
	}
	if err := l.check(s, wants); err != nil {
		return 0, err
	}
	l.users[s.user] = append(l.users[s.user], s)
	l.sockets++
	l.sit(s, wants)
	return l.position, nil
}

// check says whether s may have all the rooms.
func (l *lane) check(s *Socket, wants []Want) error {
	for _, w := range wants {
		if w.Since > l.position {
			return ErrAhead
		}
		if l.hub.left.since(w.Room, w.Since) {
			return ErrStale
		}
	}
	most := l.hub.cfg.MaxRooms
	if len(s.seats)+len(wants) <= most {
		return nil
	}
	if added := s.added(wants); added > 0 && len(s.seats)+added > most {
		return l.hub.TooManyRooms()
	}
	return nil
}

// added is how many of the rooms the socket does not hear yet.
func (s *Socket) added(wants []Want) int {
	rooms := make(map[string]bool, len(wants))
	for _, w := range wants {
		if s.seats[w.Room] == nil {
			rooms[w.Room] = true
		}
	}
	return len(rooms)
}

// sit pauses s and gives it the rooms.
func (l *lane) sit(s *Socket, wants []Want) {
	s.paused = true
	for _, w := range wants {
		if s.seats[w.Room] != nil {
			continue
		}
		r := l.rooms[w.Room]
		if r == nil {
			r = &room{name: w.Room}
			l.rooms[w.Room] = r
		}
		if s.seats == nil {
			s.seats = make(map[string]*seat)
		}
		taken := &seat{socket: s, room: r, at: len(r.seats)}
		r.seats = append(r.seats, taken)
		s.seats[w.Room] = taken
	}
}

// stand gives a seat up; the last one in the room takes its place.
func (l *lane) stand(st *seat) {
	r, last := st.room, len(st.room.seats)-1
	r.seats[st.at] = r.seats[last]
	r.seats[st.at].at = st.at
	r.seats[last] = nil
	r.seats = r.seats[:last]
	delete(st.socket.seats, r.name)
	if last == 0 {
		delete(l.rooms, r.name)
	}
}

func (l *lane) detach(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.gone {
		return
	}
	s.gone, s.paused, s.held = true, false, nil
	for _, st := range s.seats {
		l.stand(st)
	}
	l.watch(s, nil)
	rest := slices.DeleteFunc(l.users[s.user], func(o *Socket) bool { return o == s })
	if len(rest) == 0 {
		delete(l.users, s.user)
	} else {
		l.users[s.user] = rest
	}
	l.sockets--
}

func (l *lane) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sockets
}

func (l *lane) all() []*Socket {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*Socket, 0, l.sockets)
	for _, sockets := range l.users {
		list = append(list, sockets...)
	}
	return list
}
