package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/realtime/engineio"
)

// Plain is the door for plain WebSockets, an http.Handler for its endpoint. A frame is a
// text message that holds one JSON object:
//
//	client                                                     server
//	{"event":"authenticate","data":{"token":"…", …}}           first, unless the handshake had the header Authorization
//	                                                           {"event":"session","data":{…}}
//	{"id":1,"event":"send-message","data":{…}}                 {"id":1,"success":true,"data":{…}}
//	                                                           {"id":1,"success":false,"error":"…","code":"…"}
//	{"event":"send-message","data":{…}}                        nothing, or {"event":"error","data":{…}}
//	                                                           {"event":"new-message","data":{…}}
//
// An id is a number or a string, and comes back as it was written. A frame that cannot be understood
// is answered like a failed command, counts like one, and changes nothing. Options stand beside the
// token in authenticate; with a token in the header they stand in the query. A token in the query
// is refused with 403: queries end up in logs.
//
// Who comes back names as offset the highest position that it has read: that of session, or the one in
// the data of an event, and perhaps as pid the one in session, which is there for clients with the option recovery.
//
// The connection ends with
//
//	1001  the node is going away, or a ping was not answered: come back
//	1003, 1007, 1009  a binary message, bad UTF-8, a message that is too large
//	1008  commands went on over the rate
//	1011  an error of ours: come back later
//	1013  the client was too slow, its address has too many connections, or it cannot be told now who it is: come back later
//	4401  no token within PlainConfig.AuthTimeout, one that is no good, or one that has ended: do not come back with it
//
// Before 4401, and before 1013 for a client that was not let in, comes the event error of the event authenticate.
type Plain struct {
	gateway *Gateway
	proxies Proxies
	timeout time.Duration
	engine  *engineio.Server
}

// PlainConfig of a Plain door. The zero value works.
type PlainConfig struct {
	// Engine configures the connections below. Its Authorize is asked after the door itself.
	Engine engineio.Config
	// AuthTimeout is how long a client may take to say who it is, and then how long finding that
	// out may take. Zero means 10 s.
	AuthTimeout time.Duration
}

// NewPlain returns the door to a gateway.
func NewPlain(g *Gateway, proxies Proxies, cfg PlainConfig) *Plain {
	cfg.AuthTimeout = cmp.Or(cfg.AuthTimeout, 10*time.Second)
	d := &Plain{gateway: g, proxies: proxies, timeout: cfg.AuthTimeout}
	cfg.Engine.Authorize = withoutToken(cfg.Engine.WithDefaults().Authorize)
	d.engine = engineio.NewPlainServer(cfg.Engine, d.accept)
	return d
}

var errTokenInQuery = errors.New("no token in the query: use the Authorization header or the authenticate frame")

func withoutToken(next func(*http.Request) error) func(*http.Request) error {
	return func(r *http.Request) error {
		if r.URL.Query().Has("token") {
			return errTokenInQuery
		}
		return next(r)
	}
}

// ServeHTTP answers a handshake; see engineio.NewPlainServer.
func (d *Plain) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.engine.ServeHTTP(w, r) }

// Run keeps the timers of all connections until ctx ends, then closes the connections and returns
// when everything is gone. It is called once.
func (d *Plain) Run(ctx context.Context) error { return d.engine.Run(ctx) }

// Drain refuses new connections and closes the others; see engineio.Server.Drain. Gateway.Drain comes before.
func (d *Plain) Drain(ctx context.Context, spread time.Duration) error {
	return d.engine.Drain(ctx, spread)
}

// Stats is how the connections are doing.
func (d *Plain) Stats() engineio.Stats { return d.engine.Stats() }

// Count is the number of open connections.
func (d *Plain) Count() int { return d.engine.Count() }

// accept takes a new connection, and lets it in at once if its header had a token.
func (d *Plain) accept(s *engineio.Session, r *http.Request) engineio.Handler {
	c := &plainConn{door: d, engine: s, id: rand.Text(), from: d.proxies.TakeHandshake(r)}
	if c.from.Token == "" {
		s.Server().Schedule(&c.timer, d.timeout, c)
	} else {
		c.asked.Store(true)
		c.enter(queryOptions(r.URL.Query()))
	}
	return c
}

// queryOptions are the options of a client whose token is in the header.
func queryOptions(query url.Values) Options {
	object := make(map[string]any, len(query))
	for name, values := range query {
		switch name {
		case "token":
		case "rooms":
			object[name] = strings.Split(strings.Join(values, ","), ",")
		case "batch", "recovery":
			object[name], _ = strconv.ParseBool(values[0])
		default:
			object[name] = values[0]
		}
	}
	encoded, _ := json.Marshal(object) // of strings and booleans: cannot fail
	return ParseOptions(encoded)
}
