package gateway

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/hub"
	"parley/realtime/recovery"
)

// Authenticate says whose token it is. A refusal is an error of code UNAUTHENTICATED,
// TOKEN_EXPIRED or INVALID_USER; any other error means that it could not be told.
type Authenticate func(ctx context.Context, token string) (domain.Principal, wire.User, error)

// Metrics is told what happens. Its methods must be quick and safe for concurrent use.
type Metrics interface {
	// Observe is called once for every command ("send-message", …), and for every attempt to
	// connect ("connect"). code is "" for success. Names that are no commands are
	// counted as "unknown".
	Observe(name string, code domain.Code, took time.Duration)
}

// Config of a Gateway. The zero value works.
type Config struct {
	// Node names this process in lists of connections. Zero means "".
	Node string
	// MaxInFlight is how many commands of one session may be unanswered; beyond it nothing is
	// read from the client. Zero means 256.
	MaxInFlight int
	// Rate and Burst bound the commands of one session, per second and at once. Zero means
	// 200 and 400, a negative Rate means no limit.
	Rate, Burst int
	// MaxOpening is how many clients are let in at a time; when more come at once they wait, so that a storm of
	// them leaves the database to those who are in. Zero means 64.
	MaxOpening int
	// CommandTimeout bounds a command that is waited for. Zero means 10 s.
	CommandTimeout time.Duration
	// ReconnectAfter is about when clients of a draining node should come back; each is told
	// a time between it and twice of it. Zero means 1 s.
	ReconnectAfter time.Duration
	// BatchWindow is for how long pushes wait for others, at most, for a client that asked for batches.
	// Zero means 100 ms.
	BatchWindow time.Duration
	// BatchSize is how many pushes wait at most, and how many are in one batch. Zero means 50.
	BatchSize int
	// Past is what clients that come back have missed. Zero means that they have to read it anew by REST.
	Past *recovery.Past
	// Sessions remembers which rooms a session heard. Zero means that nothing is remembered.
	Sessions *recovery.Sessions
	// RoomsOf lists the rooms that a user is a member of as of a position, those of newest activity first. The
	// error is of code STALE or UNAVAILABLE. Zero means that it is not known.
	RoomsOf func(ctx context.Context, userID string, asOf event.Position, limit int) ([]string, error)
	// Presence is told who is here. Zero means that nobody asks.
	Presence Presence
	// PresenceOf is how users are there as a viewer sees it, in the order of the ids, as of a position. The error is of
	// code STALE or UNAVAILABLE. Zero means that everybody is offline.
	PresenceOf func(ctx context.Context, viewer string, asOf event.Position, ids []string) ([]wire.Presence, error)
	// Typing is told who is typing. Zero means that nobody asks.
	Typing Typing
	// Ready is closed when the hub knows its position; until then connections wait. Zero
	// means that it does.
	Ready <-chan struct{}
	// Admission limits connections by address. Zero means no limit.
	Admission Admission
	// Metrics. Zero means none.
	Metrics Metrics
	// Trace is told of each command that was answered, by the id that is also in the metadata of what it stored. It must
	// be quick. Zero means nobody is told.
	Trace func(name, correlation string, code domain.Code, began time.Time, took time.Duration)
	// Logger gets what went wrong, and at level debug every command without its content.
	// Zero means that nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Zero means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 256)
	c.Rate = cmp.Or(c.Rate, 200)
	c.Burst = cmp.Or(c.Burst, 2*max(c.Rate, 0))
	c.MaxOpening = cmp.Or(c.MaxOpening, 64)
	c.CommandTimeout = cmp.Or(c.CommandTimeout, 10*time.Second)
	c.ReconnectAfter = cmp.Or(c.ReconnectAfter, time.Second)
	c.BatchWindow = cmp.Or(c.BatchWindow, 100*time.Millisecond)
	c.BatchSize = cmp.Or(c.BatchSize, 50)
	if c.Ready == nil {
		ready := make(chan struct{})
		close(ready)
		c.Ready = ready
	}
	if c.Admission == nil {
		c.Admission = NewAddressLimit(0)
	}
	if c.Typing == nil {
		c.Typing = nobody{}
	}
	if c.Metrics == nil {
		c.Metrics = noMetrics{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

type noMetrics struct{}

func (noMetrics) Observe(string, domain.Code, time.Duration) {}

// Gateway opens sessions and runs their commands. Make one with New.
type Gateway struct {
	cfg          Config
	hub          *hub.Hub
	menu         *commands.Commands
	authenticate Authenticate
	table        map[string]entry
	batching     *batching
	opening      chan struct{} // holds a token for each client that is being let in
	draining     atomic.Bool
	expiry       expiry
	counts       counts
}

// New returns a gateway to the commands of the menu.
func New(menu *commands.Commands, h *hub.Hub, authenticate Authenticate, cfg Config) *Gateway {
	g := &Gateway{cfg: cfg.withDefaults(), hub: h, menu: menu, authenticate: authenticate}
	g.table = g.entries()
	g.opening = make(chan struct{}, g.cfg.MaxOpening)
	g.batching = newBatching(g.cfg.BatchWindow, g.cfg.BatchSize)
	return g
}
