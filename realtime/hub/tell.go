package hub

// Tell hands a push that is in no log to the sockets that hear its room, but for those of one user. It may be called
// from any goroutine; a paused socket gets it later, or not at all.
func (h *Hub) Tell(p *Push, except string) {
	for _, l := range h.lanes {
		l.hint(p, except)
	}
}

func (l *lane) hint(p *Push, except string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rooms[p.Room]
	if r == nil {
		return
	}
	for _, seat := range r.seats {
		switch s := seat.socket; {
		case s.user == except:
		case !s.paused:
			l.counts.delivered++
			s.sink.Deliver(p)
		case len(s.held) < l.hub.cfg.MaxHeld/2:
			s.held = append(s.held, p)
		}
	}
}
