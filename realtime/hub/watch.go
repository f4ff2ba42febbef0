package hub

import "parley/domain/event"

// Watch replaces the users that the socket watches, pauses it, and returns the position P from which it hears of
// them; see the package's promises. Release has to follow. Who may be watched is the caller's business, and so is how
// many. It fails with ErrDetached; the socket is then not paused by this call.
func (s *Socket) Watch(users ...string) (event.Position, error) {
	l := s.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.gone {
		return 0, ErrDetached
	}
	l.watch(s, users)
	s.paused = true
	return l.position, nil
}

// watch needs the lock.
func (l *lane) watch(s *Socket, users []string) {
	for user, st := range s.watch {
		l.unwatch(user, st)
	}
	s.watch = nil
	for _, user := range users {
		if user == "" || s.watch[user] != nil {
			continue
		}
		w := l.watched[user]
		if w == nil {
			w = &room{}
			l.watched[user] = w
		}
		if s.watch == nil {
			s.watch = make(map[string]*seat, len(users))
		}
		taken := &seat{socket: s, room: w, at: len(w.seats)}
		w.seats = append(w.seats, taken)
		s.watch[user] = taken
	}
}

// unwatch gives a seat up; the last one takes its place.
func (l *lane) unwatch(user string, st *seat) {
	w, last := st.room, len(st.room.seats)-1
	w.seats[st.at] = w.seats[last]
	w.seats[st.at].at = st.at
	w.seats[last] = nil
	w.seats = w.seats[:last]
	if last == 0 {
		delete(l.watched, user)
	}
}
