package engineio

import "net/http"

// Holds says whether a GET of the session waits for something to answer.
func Holds(s *Session) bool {
	p := s.polls()
	s.mu.Lock()
	defer s.mu.Unlock()
	return p != nil && p.get != nil && !p.get.writing
}

// Receives says whether a POST of the session is being served.
func Receives(s *Session) bool {
	p := s.polls()
	s.mu.Lock()
	defer s.mu.Unlock()
	return p != nil && p.post != nil
}

// Farewells is how many ended sessions wait to say so.
func Farewells(s *Server) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.leaving)
}

// Enter counts a handshake.
func Enter(a *Arrivals, r *http.Request) (leave func(), ok bool) {
	from, ok := a.enter(r)
	return from.leave, ok
}

// Probing says whether a WebSocket tries to become the session's transport.
func Probing(s *Session) bool {
	p := s.polls()
	s.mu.Lock()
	defer s.mu.Unlock()
	return p != nil && p.probe != nil
}
