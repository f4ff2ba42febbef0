package engineio

import "net/http"

const maxPreflightHeaders = 1 << 10 // bytes of Access-Control-Request-Headers that are echoed

// allowOrigin lets scripts of an allowed origin read the answer, errors included. Any other
// origin is never named.
func (s *Server) allowOrigin(h http.Header, r *http.Request) {
	h.Add("Vary", "Origin")
	if host, ok := originHost(r); !ok || host == "" || !s.cfg.CheckOrigin(r) {
		return
	}
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Allow-Credentials", "true")
}

// preflight answers what a browser asks before a request with headers of its own.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) {
	if len(r.Header.Values("Origin")) == 0 {
		refuse(w, errMethod, s.cfg.RetryAfter)
		return
	}
	if !s.cfg.CheckOrigin(r) {
		refuse(w, errForbidden, s.cfg.RetryAfter)
		return
	}
	h := w.Header()
	h.Add("Vary", "Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", "GET,POST")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" && len(asked) <= maxPreflightHeaders {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusNoContent)
}
