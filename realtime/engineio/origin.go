package engineio

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// SameHost accepts a request without an Origin header, which only browsers are
// sure to send, and one whose Origin names the host that the request was sent
// to. Schemes are not compared (native clients send ws, wss, http or https as
// they like), and a default port equals no port.
func SameHost(r *http.Request) bool {
	origin, ok := originHost(r)
	if !ok {
		return false
	}
	return origin == "" || origin == normalizeHost(r.Host)
}

// AllowOrigins accepts what SameHost accepts and the given origins, which are
// compared with scheme, host and port.
func AllowOrigins(origins ...string) func(*http.Request) bool {
	allowed := make(map[string]bool, len(origins))
	for _, o := range origins {
		if u, err := url.Parse(strings.TrimSpace(o)); err == nil && u.Host != "" {
			allowed[originKey(u)] = true
		}
	}
	return func(r *http.Request) bool {
		if SameHost(r) {
			return true
		}
		values := r.Header.Values("Origin")
		if len(values) != 1 {
			return false
		}
		u, err := url.Parse(values[0])
		return err == nil && u.Host != "" && allowed[originKey(u)]
	}
}

// originHost returns the normalized host of the Origin header, "" when there is
// none; ok is false when the header is there but is no origin ("null" is none).
func originHost(r *http.Request) (host string, ok bool) {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return "", true
	}
	u, err := url.Parse(values[0])
	if len(values) > 1 || err != nil || u.Host == "" {
		return "", false
	}
	return normalizeHost(u.Host), true
}

func originKey(u *url.URL) string {
	return strings.ToLower(u.Scheme) + "://" + normalizeHost(u.Host)
}

func normalizeHost(hostport string) string {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return strings.ToLower(hostport)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "80" || port == "443" || port == "" {
		return strings.ToLower(host)
	}
	return strings.ToLower(host) + ":" + port
}
