package hub

// Stats is how a hub is doing. The counts are of its whole life.
type Stats struct {
	// Sockets are attached, Rooms are heard by at least one of them, Seats counts each room of each socket.
	Sockets, Rooms, Seats int
	// Watched are the users of whom at least one socket wants to hear.
	Watched int
	// Paused sockets wait for Release, and Held pushes with them.
	Paused, Held int
	// Delivered counts pushes for each socket that was given one.
	Delivered uint64
	// Overruns counts what was one too many for a socket that was paused.
	Overruns uint64
}

// counts are guarded by a lane's lock, which who counts has anyway.
type counts struct{ delivered, overruns uint64 }

// Stats looks at every socket.
func (h *Hub) Stats() Stats {
	var stats Stats
	rooms, watched := map[string]struct{}{}, map[string]struct{}{}
	for _, l := range h.lanes {
		l.addTo(&stats, rooms, watched)
	}
	stats.Rooms, stats.Watched = len(rooms), len(watched)
	return stats
}

func (l *lane) addTo(stats *Stats, rooms, watched map[string]struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stats.Sockets += l.sockets
	stats.Delivered += l.counts.delivered
	stats.Overruns += l.counts.overruns
	for name, r := range l.rooms {
		rooms[name] = struct{}{}
		stats.Seats += len(r.seats)
	}
	for user := range l.watched {
		watched[user] = struct{}{}
	}
	for _, sockets := range l.users {
		for _, s := range sockets {
			if s.paused {
				stats.Paused++
				stats.Held += len(s.held)
			}
		}
	}
}

// Delivered is Stats.Delivered, at less cost.
func (h *Hub) Delivered() uint64 {
	sum := uint64(0)
	for _, l := range h.lanes {
		l.mu.Lock()
		sum += l.counts.delivered
		l.mu.Unlock()
	}
	return sum
}

// Rooms is the number of rooms that are heard.
func (h *Hub) Rooms() int { return h.Stats().Rooms }
