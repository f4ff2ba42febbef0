package engineio

import (
	"net"
	"net/http"
)

// Holds says whether a GET of the session waits for something to answer.
func Holds(s *Session) bool {
	p := s.polls()
	s.mu.Lock()
	defer s.mu.Unlock()
	return p != nil && p.get != nil && !p.get.writing
}

// Answers says whether a GET of the session is being answered.
func Answers(s *Session) bool {
	p := s.polls()
	s.mu.Lock()
	defer s.mu.Unlock()
	return p != nil && p.get != nil && p.get.writing
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

// ReadMessages reads a connection as the reader of a session does, and says why it ended.
func ReadMessages(s *Server, conn net.Conn, compressed bool) (messages []Message, reason Reason, code int) {
	t := newSocket(&Session{server: s}, conn, 0)
	t.probing = true // so that pings are answered at once
	if compressed {
		t.window = maxWindow
	}
	for {
		op, data, err := t.readMessage()
		if err != nil {
			f := faultOf(err)
			return messages, f.reason, f.code
		}
		messages = append(messages, Message{Binary: op == opBinary, Data: data})
	}
}

// Probing says whether a WebSocket tries to become the session's transport.
func Probing(s *Session) bool {
	p := s.polls()
	s.mu.Lock()
	defer s.mu.Unlock()
	return p != nil && p.probe != nil
}
