package engineio

import (
	"errors"
	"io"
	"mime"
	"net/http"
)

// post is a request on whose goroutine the session's handler is called: a POST, or the handshake.
type post struct {
	body *http.ResponseController // nil unless the body is being read
	done chan struct{}            // closed when the handler is no longer called
}

func newPost(body *http.ResponseController) *post {
	return &post{body: body, done: make(chan struct{})}
}

// interrupt ends the reading of a body that nobody wants any more.
func (o *post) interrupt() {
	if o.body != nil {
		_ = o.body.SetReadDeadline(past)
	}
}

// servePolling answers a request that names a session.
func (s *Session) servePolling(w http.ResponseWriter, r *http.Request) {
	p := s.polls()
	switch {
	case p == nil: // it has moved to a WebSocket
		refuse(w, errRequest, s.server.cfg.RetryAfter)
	case r.Method == http.MethodGet:
		p.servePoll(w, r)
	default:
		p.servePost(w, r)
	}
}

// polls returns the session's transport if it is polling.
func (s *Session) polls() *polling {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, _ := s.tr.(*polling)
	return p
}

// servePost hands the packets of a POST to the session.
func (p *polling) servePost(w http.ResponseWriter, r *http.Request) {
	refused := p.beginPost(http.NewResponseController(w))
	if refused == nil {
		refused = p.receive(w, r)
		p.endPost() // before the answer: the client's next POST may follow at once
	}
	if refused != nil {
		refuse(w, refused, p.session.server.cfg.RetryAfter)
		return
	}
	writeHead(w, http.StatusOK, "text/plain; charset=UTF-8", len("ok"))
	_, _ = io.WriteString(w, "ok")
}

func (p *polling) beginPost(body *http.ResponseController) *refusal {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.tr != p:
		return errRequest
	case s.state != open:
		return errSession
	case p.post != nil:
		s.shutLocked(TransportError, closeNone)
		return errRequest
	}
	p.post = newPost(body)
	return nil
}

func (p *polling) endPost() {
	s := p.session
	s.mu.Lock()
	defer s.mu.Unlock()
	close(p.post.done)
	p.post = nil
	if s.state != open {
		go p.end()
	}
}

func (p *polling) receive(w http.ResponseWriter, r *http.Request) (refused *refusal) {
	s := p.session
	body, refused := p.read(w, r)
	if refused != nil {
		s.shut(TransportError, closeNone)
		return refused
	}
	if !s.server.guard(s, func() { refused = s.payload(body) }) {
		s.shut(ForcedClose, closeInternalError)
		return errRequest
	}
	return refused
}

func (p *polling) read(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	limit := int64(p.session.server.cfg.MaxPayload)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind == "application/octet-stream": // how revision 3 sent binary data
		return nil, errRequest
	case r.ContentLength > limit:
		return nil, errTooBig
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	p.session.mu.Lock()
	p.post.body = nil
	p.session.mu.Unlock()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, errTooBig
	}
	if err != nil {
		return nil, errRequest
	}
	return body, nil
}
