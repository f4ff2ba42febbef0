package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"parley/api/metrics"
	"parley/domain"
	"parley/domain/wire"
	"parley/projections"
)

// Diagnostics is what administrators may see of a node. What is zero shows nothing.
type Diagnostics struct {
	// Sockets lists those of all nodes.
	Sockets SocketList
	// SocketMetrics is how those of this node are doing.
	SocketMetrics func() SocketMetrics
	// Queues is what waits on this node.
	Queues func() Queues
	// Load is what this node has done since a time.
	Load func(after time.Time) Load
	// Metrics answers /metrics, and says itself who may read them.
	Metrics http.Handler
	// Observe is told of each request. It must be quick.
	Observe func(Observed)
}

// SocketList lists the sockets of all nodes.
type SocketList interface {
	List(ctx context.Context, q wire.ConnectionQuery) (wire.Connections, error)
}

// Observed is a request that was answered.
type Observed struct {
	// Route is its method and path as in the table, "unknown" for none.
	Route string
	// Status is that of HTTP, Code why it failed, "" if it did not.
	Status int
	Code   domain.Code
	// RequestID is also in the metadata of what it stored.
	RequestID string
	Began     time.Time
	Took      time.Duration
}

// SocketMetrics is how the sockets of a node are doing.
type SocketMetrics struct {
	Node string `json:"node"`
	// Connections are those that are let in.
	Connections wire.ConnectionCount `json:"connections"`
	// Rooms are heard by at least one of them.
	Rooms int `json:"rooms"`
	// Latency is how long commands took until they were answered, by event, in ms, in the last 5 to 6 minutes.
	Latency map[string]metrics.Latency `json:"latency"`
	// Errors counts the answers that were no success, by code, since the node started.
	Errors map[domain.Code]uint64 `json:"errors"`
}

// Load is what a node did in the last minutes.
type Load struct {
	Node string `json:"node"`
	metrics.Lines
}

// Queues is what waits on a node. The counts are since it started.
type Queues struct {
	Append  AppendQueue  `json:"append"`
	Publish PublishQueue `json:"publish"`
	Follow  FollowQueue  `json:"follow"`
	Push    PushQueue    `json:"push"`
}

// AppendQueue holds what waits to be stored.
type AppendQueue struct {
	Commands    int    `json:"commands"`
	Bytes       int    `json:"bytes"`
	MaxCommands int    `json:"maxCommands"`
	MaxBytes    int    `json:"maxBytes"`
	Again       uint64 `json:"decidedAgain"`
	Failed      uint64 `json:"failed"`
}

// PublishQueue holds the commits that wait to be published.
type PublishQueue struct {
	Commits   int    `json:"commits"`
	Bytes     int    `json:"bytes"`
	Published uint64 `json:"published"`
	Dropped   uint64 `json:"dropped"`
}

// FollowQueue is how far this node knows the log.
type FollowQueue struct {
	RedisUp    bool  `json:"redisUp"`
	PostgresUp bool  `json:"postgresUp"`
	Head       int64 `json:"head,string"`
	// Behind is how many later events are known to exist, Unpushed how many the sockets have not been told.
	Behind   int64  `json:"behind"`
	Unpushed int64  `json:"unpushed"`
	Repairs  uint64 `json:"repairs"`
	Repaired uint64 `json:"repairedEvents"`
}

// PushQueue holds what waits to be written to sockets.
type PushQueue struct {
	Bytes    int `json:"bytes"`
	Frames   int `json:"frames"`
	MaxBytes int `json:"maxBytesOfOne"`
	// Paused sockets are just coming in, Held pushes wait for them.
	Paused int `json:"paused"`
	Held   int `json:"held"`
	// Dropped counts volatile pushes for which a queue was too full, SlowConsumers the sockets that were closed.
	Dropped       uint64 `json:"dropped"`
	SlowConsumers uint64 `json:"slowConsumers"`
}

func (a *API) debugRoutes() []Route {
	return append([]Route{
		{Method: http.MethodGet, Path: "/metrics", Access: Open, handle: a.metrics},
		{Method: http.MethodGet, Path: "/debug/projections", Access: Admin, handle: a.debugProjections},
		{Method: http.MethodGet, Path: "/debug/socket/connections", Access: Admin, handle: a.debugConnections},
		{Method: http.MethodGet, Path: "/debug/socket/metrics", Access: Admin, handle: a.debugSockets},
		{Method: http.MethodGet, Path: "/debug/queues", Access: Admin, handle: a.debugQueues},
		{Method: http.MethodGet, Path: "/debug/load", Access: Admin, handle: a.debugLoad},
		{Method: http.MethodGet, Path: "/debug/pprof/", Access: Admin, handle: a.debugProfiles},
		{Method: http.MethodGet, Path: "/debug/pprof/:profile", Access: Admin, handle: a.debugProfile},
	}, a.upkeepRoutes()...)
}

// unknownRoute stands for whatever the table does not have.
const unknownRoute = "unknown"

// observe tells of a request that was answered.
func (a *API) observe(c *call, began time.Time) {
	if a.Diagnostics.Observe == nil {
		return
	}
	code := domain.Code("")
	if c.failure != nil {
		_, e := translate(c.failure)
		code = e.Code
	}
	a.Diagnostics.Observe(Observed{
		Route: cmp.Or(c.route, unknownRoute), Status: c.Response().Status, Code: code,
		RequestID: c.requestID, Began: began, Took: a.cfg.Now().Sub(began),
	})
}

func (a *API) metrics(c *call) error {
	if a.Diagnostics.Metrics == nil {
		return echo.ErrNotFound
	}
	a.Diagnostics.Metrics.ServeHTTP(c.Response(), c.Request())
	return nil
}

// debugConnections lists the sockets of all nodes: those of this one as they are, those of others as they were some
// seconds ago.
func (a *API) debugConnections(c *call) error {
	q := c.query()
	wanted := wire.ConnectionQuery{
		UserID: q.text("userId"), Node: q.text("node"), After: q.cursor(), Limit: q.limit(),
	}
	if q.values.Has("transport") {
		wanted.Transport = q.oneOf("transport", "websocket", "polling")
	}
	if err := q.err(); err != nil {
		return err
	}
	if wanted.Limit == 0 {
		wanted.Limit = projections.MaxLimit
	}
	if a.Diagnostics.Sockets == nil {
		return echo.ErrNotFound
	}
	list, err := a.Diagnostics.Sockets.List(c.ctx(), wanted)
	if err != nil {
		return err
	}
	return c.ok(list)
}

func (a *API) debugSockets(c *call) error {
	if a.Diagnostics.SocketMetrics == nil {
		return echo.ErrNotFound
	}
	return c.ok(a.Diagnostics.SocketMetrics())
}

func (a *API) debugQueues(c *call) error {
	if a.Diagnostics.Queues == nil {
		return echo.ErrNotFound
	}
	return c.ok(a.Diagnostics.Queues())
}

// debugLoad is what happened on this node after a time, in milliseconds since 1970: that of the last look that the caller knows.
func (a *API) debugLoad(c *call) error {
	q := c.query()
	since, _ := q.seq("since", 0)
	if err := q.err(); err != nil {
		return err
	}
	if a.Diagnostics.Load == nil {
		return echo.ErrNotFound
	}
	return c.ok(a.Diagnostics.Load(time.UnixMilli(since)))
}
