package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"parley/api/auth"
	"parley/api/replay"
	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/search"
)

// Deps is what the API stands on.
type Deps struct {
	Commands *commands.Commands
	// Authenticator says who a token is from.
	Authenticator Authenticator
	// Sessions ends logins.
	Sessions *auth.Sessions
	// Accounts are local accounts; nil where users come from an identity provider alone. Then there are
	// no routes to register, log in and refresh.
	Accounts *auth.Accounts
	// DemoUsers are told to everybody, with their passwords. Zero means none, as it should be where anybody can reach this.
	DemoUsers []DemoUser

	Users    UserQueries
	Rooms    RoomQueries
	Messages MessageQueries
	// Revisions reads what messages were before they were changed.
	Revisions RevisionQueries
	// Trace tells what became of messages.
	Trace Tracer
	// History shows rooms as they were.
	History  HistoryQueries
	Receipts ReceiptQueries
	Search   SearchQueries
	Presence PresenceQueries
	Views    Waiter
	// Replica says that views are read where the log may be behind.
	Replica bool
	// Past tells what a user could have heard. Zero means that nobody can be told.
	Past Past

	// Consumers and Webhooks read the log at their own pace; nil for none.
	Consumers Consumers
	Webhooks  Webhooks

	// Log is read for analysts. Zero means that there are no replays.
	Log LogQueries
	// Follower hands on the log as it grows, to replays that follow.
	Follower replay.Follower

	// Eraser takes out of everything what is of users who are erased.
	Eraser Eraser

	// Projections says how the views are.
	Projections ProjectionStatus
	// Upkeep rebuilds and proves them; nil for none.
	Upkeep Upkeep
	// Diagnostics is what else administrators may see.
	Diagnostics Diagnostics

	// Checks are asked for /readyz.
	Checks []Check
	Logger *slog.Logger
}

// Authenticator says who a token is from, or refuses it: see auth.Authenticator.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (domain.Principal, wire.User, error)
}

// Waiter waits until views have reached a position. It bounds the wait itself and then answers STALE.
type Waiter interface {
	WaitFor(ctx context.Context, position event.Position, views ...string) error
}

// Eraser finishes erasures: see eventstore/erasure.
type Eraser interface {
	// Finish returns when the erasure that was recorded at a position is done. When it fails, somebody else goes on with it.
	Finish(ctx context.Context, at event.Position, swept func(event.Position)) error
}

// ProjectionStatus says how the views are, as far as this node knows.
type ProjectionStatus interface {
	Status() []projections.Status
}

// Past is what the sockets of this node tell and have told.
type Past interface {
	// Since is what a user could have heard after a position, once everything up to atLeast is told.
	Since(ctx context.Context, userID string, after, atLeast event.Position, limit int) (wire.Synced, error)
}

// UserQueries reads the view of users.
type UserQueries interface {
	Get(ctx context.Context, id string) (wire.User, event.Position, error)
	Search(ctx context.Context, text, cursor string, limit int) (projections.List[wire.User], error)
}

// RoomQueries reads the view of rooms and members.
type RoomQueries interface {
	Get(ctx context.Context, id string) (wire.Room, event.Position, error)
	Public(ctx context.Context, text, cursor string, limit int) (projections.List[wire.Room], error)
	Mine(ctx context.Context, userID, cursor string, limit int) (projections.List[rooms.Summary], error)
	Member(ctx context.Context, roomID, userID string) (wire.Member, event.Position, error)
	Members(ctx context.Context, roomID, cursor string, limit int) (projections.List[wire.Member], error)
}

// MessageQueries reads the view of messages.
type MessageQueries interface {
	Page(ctx context.Context, roomID string, req messages.PageRequest) (messages.Page, error)
	Replies(ctx context.Context, roomID, id string, req messages.PageRequest) (messages.Page, error)
	Pinned(ctx context.Context, roomID string, req messages.PageRequest) (messages.Page, error)
	Get(ctx context.Context, roomID, id string) (wire.Message, event.Position, error)
}

// RevisionQueries reads the past of single messages.
type RevisionQueries interface {
	Page(ctx context.Context, roomID, id string, req messages.RevisionRequest) (messages.RevisionPage, error)
}

// ReceiptQueries reads the view of receipts.
type ReceiptQueries interface {
	Of(ctx context.Context, roomID, cursor string, limit int) (projections.List[receipts.Receipt], error)
	ReadersOf(ctx context.Context, roomID string, m wire.Message, cursor string, limit int) (projections.List[receipts.Receipt], error)
	UnreadOf(ctx context.Context, userID, cursor string, limit int) (receipts.UnreadList, error)
}

// PresenceQueries reads the view of presence.
type PresenceQueries interface {
	Of(ctx context.Context, viewer string, ids ...string) (projections.List[wire.Presence], error)
}

// SearchQueries searches what was said.
type SearchQueries interface {
	Find(ctx context.Context, r search.Request) (projections.List[wire.Message], error)
}

// Config holds the settings of the API.
type Config struct {
	// AllowedOrigins are the browser origins (scheme://host[:port]) that may read answers. Zero means none;
	// "*" is refused.
	AllowedOrigins []string
	// TrustedProxies are those whose X-Forwarded-For is believed. Zero means none.
	TrustedProxies []netip.Prefix
	// Timeout bounds a request. Zero means 15 s.
	Timeout time.Duration
	// MaxBody bounds the body of a request, in bytes. Zero means 1 MB (10^6).
	MaxBody int64
	// CheckTimeout bounds each check of /readyz. Zero means 2 s.
	CheckTimeout time.Duration
	// Replays bound what analysts may do, ReplayConfig tunes what it takes.
	Replays      ReplayLimits
	ReplayConfig replay.Config
	// Heartbeat is how often a replay is looked after: a sign of life where nothing happens, and whether the caller
	// may still listen. Zero means 15 s.
	Heartbeat time.Duration
	// Now is the clock of the access log. Zero means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	if c.MaxBody == 0 {
		c.MaxBody = 1_000_000
	}
	if c.CheckTimeout == 0 {
		c.CheckTimeout = 2 * time.Second
	}
	c.Replays = c.Replays.withDefaults()
	if c.Heartbeat == 0 {
		c.Heartbeat = 15 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	for _, origin := range c.AllowedOrigins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			errs = append(errs, fmt.Errorf("%q is not an origin: scheme://host[:port]", origin))
		}
	}
	return errors.Join(errs...)
}

// API is an http.Handler. It is safe for concurrent use.
type API struct {
	Deps
	cfg  Config
	echo *echo.Echo

	player   *replay.Player
	places   *places
	draining chan struct{}
}

var _ http.Handler = (*API)(nil)

// New makes the API. The error is about the configuration.
func New(deps Deps, cfg Config) (*API, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure the API: %w", err)
	}
	a := &API{
		Deps: deps, cfg: cfg, echo: echo.New(),
		player: replay.New(deps.Log, deps.Follower, cfg.ReplayConfig), places: newPlaces(cfg.Replays), draining: make(chan struct{}),
	}
	a.echo.IPExtractor = clientIP(cfg.TrustedProxies)
	a.mount()
	return a, nil
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.echo.ServeHTTP(w, r) }

// clientIP is the peer, or what trusted proxies say of it: the rightmost address that is not a proxy's.
func clientIP(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}
