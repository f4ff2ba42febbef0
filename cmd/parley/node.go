package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"parley/api"
	"parley/api/auth"
	"parley/api/metrics"
	"parley/commands"
	"parley/commands/ratelimit"
	"parley/domain/event"
	"parley/eventstore/bus"
	"parley/eventstore/consumers"
	"parley/eventstore/erasure"
	"parley/eventstore/postgres"
	"parley/eventstore/webhooks"
	"parley/projections"
	"parley/projections/history"
	"parley/projections/messages"
	presenceview "parley/projections/presence"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/search"
	"parley/projections/upkeep"
	"parley/projections/users"
	"parley/projections/verify"
	"parley/realtime"
	"parley/realtime/admission"
	"parley/realtime/engineio"
	"parley/realtime/gateway"
	"parley/realtime/hub"
	"parley/realtime/presence"
	"parley/realtime/recovery"
	"parley/realtime/roster"
	"parley/realtime/socketio"
	"parley/realtime/trace"
	"parley/realtime/typing"
	"parley/web"
)

// node is one Parley process, put together. The fields stand in the order in which the parts
// need each other; run starts them in that order and stops them in the reverse.
type node struct {
	settings settings
	logger   *slog.Logger
	name     string

	measures *measures

	// What they stand on.
	pool, readPool *pgxpool.Pool
	redisOptions   redis.UniversalOptions
	redis          redis.UniversalClient
	identity, keys string // of this deployment; what its keys begin with

	// The core: it keeps working until the last command of the edge is answered.
	store   *postgres.Store
	bus     *bus.Bus
	limiter *ratelimit.Redis
	// admission counts connections, which end while the edge is drained: it is of the core.
	admission *admission.Redis
	// pids remembers sessions, which end while the edge is drained, too.
	pids     *recovery.Sessions
	commands *commands.Commands
	views    *projections.Runner
	drift    *verify.Watch
	// tracker tells the log who is there, also of those who go while the edge is drained.
	tracker  *presence.Tracker
	sessions *auth.Sessions
	// eraser finishes erasures.
	eraser   *erasure.Eraser
	accounts *auth.Accounts // nil without JWT_SECRET
	jwks     *auth.JWKS     // nil without JWKS_URL
	// feed hands out the log to consumers.
	feed *consumers.Feed

	// trace remembers what became of events, and delivered how much the sockets had been given by then.
	trace     *trace.Trace
	delivered uint64

	// The edge: what clients reach.
	hub       *hub.Hub
	typing    *typing.Service
	ring      *recovery.Ring
	past      *recovery.Past
	projector *realtime.Projector
	gateway   *gateway.Gateway
	sockets   *socketio.Server
	plain     *gateway.Plain
	roster    *roster.Roster
	history   *metrics.History
	upkeep    *upkeep.Upkeep
	consumers *consumers.Consumers
	webhooks  *webhooks.Webhooks
	http      *http.Server

	// onReady is called once the node answers. nil does nothing.
	onReady  func() error
	draining atomic.Bool
}

// newNode connects and puts the parts together. Nothing runs yet; close undoes it.
func newNode(ctx context.Context, s settings, logger *slog.Logger) (*node, error) {
	n := &node{settings: s, logger: logger, name: nodeName()}
	for _, step := range []func(context.Context) error{n.connect, n.wireMeasures, n.wireCore, n.wireEdge} {
		if err := step(ctx); err != nil {
			n.close()
			return nil, err
		}
	}
	return n, nil
}

// nodeName tells nodes apart in metadata and diagnostics, also two on one host.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return host + "-" + strings.ToLower(rand.Text()[:6])
}

func (n *node) connect(ctx context.Context) error {
	var err error
	if n.pool, err = openPostgres(ctx, "DATABASE_URL", n.settings.DatabaseURL); err != nil {
		return err
	}
	n.readPool = n.pool
	if url := n.settings.DatabaseReadURL; url != "" && url != n.settings.DatabaseURL {
		if n.readPool, err = openPostgres(ctx, "DATABASE_READ_URL", url); err != nil {
			return err
		}
	}
	if n.redisOptions, err = redisOptions(n.settings.RedisURL); err != nil {
		return err
	}
	// Redis may be away: a node starts and serves without it, only slower across nodes.
	n.redis = redis.NewUniversalClient(&n.redisOptions)
	return nil
}

// close gives back what connect took. The parts must have stopped.
func (n *node) close() {
	if n.redis != nil {
		_ = n.redis.Close()
	}
	if n.readPool != nil && n.readPool != n.pool {
		n.readPool.Close()
	}
	if n.pool != nil {
		n.pool.Close()
	}
}

// wireCore makes the log, the commands and the views.
func (n *node) wireCore(ctx context.Context) error {
	n.store = postgres.New(n.pool, postgres.Config{
		// The bus is made next, from the store; nothing commits before both run.
		OnCommit:    func(batch []event.Recorded) { n.bus.Committed(batch) },
		OnBatch:     n.onBatch,
		AllowUnsafe: n.settings.AllowUnsafePostgres,
		Logger:      n.logger,
	})
	if err := n.store.CheckDurability(ctx); err != nil {
		return fmt.Errorf("%w (ALLOW_UNSAFE_POSTGRES=true starts anyway)", err)
	}
	err := n.identify(ctx)
	if err != nil {
		return err
	}
	n.wireTrace()
	n.bus = bus.New(n.store, bus.Config{
		Redis: n.redisOptions, Topic: n.topic(), Node: n.name, Logger: n.logger,
		OnPublish: n.onPublish,
	})
	n.limiter = ratelimit.NewRedis(n.redis, ratelimit.Config{Prefix: n.keys + "rate:", Logger: n.logger})
	n.admission = admission.NewRedis(n.redis, n.settings.MaxConnectionsPerIP, admission.Config{
		Node: n.name, Prefix: n.keys + "connections:", Logger: n.logger,
	})
	n.commands, err = commands.New(commands.Deps{
		Log: n.store, Follower: n.bus, Limiter: n.limiter, Unread: n.unread(), Logger: n.logger, Node: n.name,
		Observe: n.measures.commands.Observe, Decided: n.measures.decisions(),
	}, commands.Config{
		MaxMessageLength:  n.settings.MaxMessageLength,
		RateLimitMessages: n.settings.RateLimitMessages,
		RateLimitWindow:   time.Duration(n.settings.RateLimitWindow) * time.Second,
	})
	if err != nil {
		return err
	}
	n.views = projections.NewRunner(n.pool, n.bus, liveViews(), projections.Config{Reads: n.readPool, Head: n.bus.Head, OnApplied: n.onApplied, Logger: n.logger})
	n.wireConsumers()
	n.drift = verify.NewWatch(verify.New(n.pool, n.store), verify.WatchConfig{Logger: n.logger})
	if err := n.wireRecovery(ctx); err != nil {
		return err
	}
	n.wirePresence()
	if n.settings.JWTSecret == "" {
		return n.wireAccounts(nil)
	}
	issuer, err := n.settings.issuer()
	if err != nil {
		return err
	}
	return n.wireAccounts(issuer)
}

// identify asks which deployment this is: several may share a Redis.
func (n *node) identify(ctx context.Context) (err error) {
	n.identity, err = n.store.Identity(ctx)
	n.keys = "parley:" + n.identity + ":"
	return err
}

// topic and typingTopic are the streams in Redis by which nodes tell each other.
func (n *node) topic() string { return "parley:commits:" + n.identity }

func (n *node) typingTopic() string { return n.keys + "typing" }

// unread counts in the views what the commands would have to read much for.
func (n *node) unread() commands.Unread {
	q := receipts.NewQueries(n.pool)
	return func(ctx context.Context, roomID, userID string, after int64) (commands.Remaining, error) {
		left, err := q.LeftOf(ctx, roomID, userID, after)
		return commands.Remaining{Unread: left.Unread, Mentions: left.Mentions, Cursor: left.Cursor, At: left.Position}, err
	}
}

func (n *node) users() auth.Users {
	return auth.Users{Register: n.commands.RegisterUser, Directory: n.commands.Directory}
}

// wireTools makes what the command line needs of the core: the log without a bus, commands, accounts.
func (n *node) wireTools(ctx context.Context) error {
	n.store = postgres.New(n.pool, postgres.Config{AllowUnsafe: n.settings.AllowUnsafePostgres, Logger: n.logger})
	if err := n.store.CheckDurability(ctx); err != nil {
		return err
	}
	var err error
	if n.commands, err = commands.New(commands.Deps{Log: n.store, Node: n.name}, commands.Config{}); err != nil {
		return err
	}
	// Nobody logs in here, so JWT_SECRET is not asked for.
	issuer, err := auth.NewIssuer([]byte(rand.Text()+rand.Text()), auth.IssuerConfig{})
	if err != nil {
		return err
	}
	return n.wireAccounts(issuer)
}

// runStore lets the log append until stop is called, which waits until it is done.
func (n *node) runStore(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- n.store.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

// plainPath is where plain WebSockets connect.
const plainPath = "/ws"

// wireEdge makes what clients reach: sockets and REST on one port.
func (n *node) wireEdge(context.Context) error {
	authenticator, err := n.wireIdentity()
	if err != nil {
		return err
	}
	n.wireSockets(authenticator)
	n.wireErasure()
	n.wireOperations()
	rest, err := n.wireREST(authenticator)
	if err != nil {
		return err
	}
	n.measures.complete(n.views.Status(), n.gateway, rest.Routes())
	mux := http.NewServeMux()
	path := "/" + strings.Trim(n.settings.SocketPath, "/")
	mux.Handle(path, n.sockets)
	mux.Handle(path+"/", n.sockets)
	mux.Handle(plainPath, n.plain)
	mux.Handle(plainPath+"/", n.plain)
	page, err := web.New(web.Built(), rest)
	if err != nil {
		return err
	}
	mux.Handle("/", page)
	n.http = &http.Server{
		Addr: n.settings.listenAddr(), Handler: mux,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(n.logger.Handler(), slog.LevelDebug),
	}
	n.http.RegisterOnShutdown(rest.Drain)
	n.http.RegisterOnShutdown(n.consumers.Drain)
	return nil
}

func (n *node) wireSockets(authenticator *auth.Authenticator) {
	s := n.settings
	n.hub = hub.New(hub.Config{MaxRooms: s.MaxRoomsPerSocket})
	n.wireTyping()
	n.projector = realtime.NewProjector(n.store, n.bus, n.hub, n.ring, n.logger)
	n.projector.OnTold(n.onTold)
	n.gateway = gateway.New(n.commands, n.hub, authenticator.Authenticate, n.recoveryConfig(gateway.Config{
		Node: n.name, Ready: n.projector.Ready(), Logger: n.logger,
		Admission: n.admission,
		Rate:      s.commandRate(),
		Metrics:   n.measures,
		Trace:     n.onCommand,
		Presence:  n.tracker, PresenceOf: n.presenceOf(),
		Typing: n.typing,

		BatchWindow: time.Duration(s.BatchWindow) * time.Millisecond, BatchSize: s.BatchSize,
	}))
	proxies := gateway.Proxies(s.trustedProxies)
	engine := engineio.Config{
		PingInterval:  time.Duration(s.PingInterval) * time.Millisecond,
		PingTimeout:   time.Duration(s.PingTimeout) * time.Millisecond,
		MaxPayload:    s.MaxPayload,
		CompressAbove: s.CompressAbove,
		CheckOrigin:   engineio.AllowOrigins(s.Origins...),
		Arrivals:      n.arrivals(proxies),
		Logger:        n.logger,
	}
	door := gateway.NewSocketIO(n.gateway, proxies)
	n.sockets = socketio.NewServer(socketio.Config{Handshake: door.TakeHandshake, Engine: engine})
	n.sockets.Handle("/", door)
	n.plain = gateway.NewPlain(n.gateway, proxies, gateway.PlainConfig{Engine: engine})
	n.roster = roster.New(n.redis, n.gateway.Connections, roster.Config{Node: n.name, Prefix: n.keys + "roster:", Logger: n.logger})
}

// arrivals bounds those who are at a door and not in yet, at both doors together. A client that is let in takes
// milliseconds, so these numbers are far above what an ordinary day brings; those who come
// back all at once after an accident come in one after another.
func (n *node) arrivals(proxies gateway.Proxies) *engineio.Arrivals {
	return engineio.NewArrivals(engineio.ArrivalsConfig{
		Rate: 5000, Burst: 10_000,
		Unsettled: 10_000, UnsettledPerAddress: n.settings.unsettledPerAddress(),
		Address: func(r *http.Request) netip.Addr { return gateway.Group(proxies.Client(r)) },
	})
}

func (n *node) wireREST(authenticator *auth.Authenticator) (*api.API, error) {
	diagnostics, err := n.diagnostics()
	if err != nil {
		return nil, err
	}
	return api.New(api.Deps{
		Commands: n.commands, Authenticator: authenticator, Sessions: n.sessions, Accounts: n.accounts,
		Users: users.NewQueries(n.readPool), Rooms: rooms.NewQueries(n.readPool), Messages: messages.NewQueries(n.readPool),
		Trace:   tracer{n.trace, n.store},
		History: history.New(n.store, messages.NewQueries(n.readPool), rooms.NewQueries(n.readPool), history.Config{}),

		Revisions: messages.NewRevisions(n.store), Receipts: receipts.NewQueries(n.readPool),
		Search:   search.NewQueries(n.readPool, search.Config{}),
		Presence: presenceview.NewQueries(n.readPool), Views: n.views, Replica: n.readPool != n.pool, Past: n.gateway, Log: n.readStore(), Follower: n.bus, Consumers: n.consumers, Webhooks: n.webhooks, Eraser: n.eraser, Projections: viewStatus{n.views, n.drift}, Upkeep: n.upkeep, DemoUsers: n.settings.demoUsers(), Diagnostics: diagnostics, Checks: n.checks(), Logger: n.logger,
	}, api.Config{AllowedOrigins: n.settings.Origins, TrustedProxies: n.settings.trustedProxies})
}

// readStore is the log as the replica has it, for reads that may be long.
func (n *node) readStore() *postgres.Store {
	return postgres.New(n.readPool, postgres.Config{Logger: n.logger})
}

// checks are what /readyz asks.
func (n *node) checks() []api.Check {
	return append([]api.Check{
		{Name: "postgres", Probe: n.pool.Ping},
		{Name: "redis", Probe: func(ctx context.Context) error { return n.redis.Ping(ctx).Err() }},
		{Name: "views", Probe: n.viewsWithinBounds},
		{Name: "node", Probe: func(context.Context) error {
			if n.draining.Load() {
				return errors.New("draining")
			}
			return nil
		}},
	}, n.identityChecks()...)
}

// maxLag is how many events a view may be behind before the node calls itself not ready. Search may: a burst takes it
// longer than the others, and no other node would be better.
const maxLag = 10_000

// searchViewName is what the runner calls the view.
const searchViewName = "search"

func (n *node) viewsWithinBounds(context.Context) error {
	for _, v := range n.views.Status() {
		if v.State == projections.StateFailed || v.State == projections.StateStarting || v.State == projections.StateStopped {
			return fmt.Errorf("view %s is %s", v.Name, v.State)
		}
		if v.Lag > maxLag && v.Name != searchViewName {
			return fmt.Errorf("view %s is %d events behind", v.Name, v.Lag)
		}
	}
	return nil
}
