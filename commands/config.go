package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"parley/commands/ratelimit"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/presence"
	"parley/domain/room"
	"parley/domain/user"
	"parley/eventstore"
)

// Limiter counts what users do. It is safe for concurrent use.
type Limiter interface {
	// Allow takes one of limit actions that the key has in each window. retryAfter above 0 refuses:
	// nothing was taken, and after that time there is one again. An error means that
	// ctx ended first.
	Allow(ctx context.Context, key string, limit int, window time.Duration) (retryAfter time.Duration, err error)
}

// Unread counts what a user has left to read in a room beyond a message.
type Unread func(ctx context.Context, roomID, userID string, after int64) (Remaining, error)

// Remaining is what is left to read.
type Remaining struct {
	Unread, Mentions int64
	// Cursor is behind which message was counted: what was asked for, or what the user is known to
	// have read or sent beyond it.
	Cursor int64
	// At is up to where the log is counted.
	At event.Position
}

// Deps are what Commands stands on. Log is required.
type Deps struct {
	Log eventstore.Log
	// Follower tells what other nodes write, see Commands.Run. Nil means that only conflicts and
	// refusals bring the caches up to date; every rule holds all the same.
	Follower eventstore.Follower
	// Limiter counts messages. Nil means one for this process alone.
	Limiter Limiter
	// Unread counts what a user has left to read, where that is much. Nil means that the log is read to count.
	Unread Unread
	// Logger tells about the caches. Nil means none.
	Logger *slog.Logger
	// Now measures durations. Nil means time.Now.
	Now func() time.Time
	// NewID makes ids of events, messages and rooms. Nil means UUIDs of version 7.
	NewID func() event.ID
	// Node names this process in the metadata of events. "" leaves it out.
	Node string
	// Observe is told of every answer: the use case, its code ("" for success) and how long it
	// took. It must not block. Nil means nobody is told.
	Observe func(useCase string, code domain.Code, took time.Duration)
	// Decided is told of every decision, by the correlation id of what it stores: when it began and how long it took. It
	// must not block. Nil means nobody is told.
	Decided func(useCase, correlationID string, began time.Time, took time.Duration)
}

// Config holds the settings. The zero value works.
type Config struct {
	// MaxMessageLength is in Unicode code points. Zero means 5000.
	MaxMessageLength int
	// RateLimitMessages is how many messages a user may send in each RateLimitWindow, on all
	// nodes together. Zero means no limit.
	RateLimitMessages int
	// RateLimitWindow belongs to RateLimitMessages. Zero means 60 s.
	RateLimitWindow time.Duration
	// ReceiptWindow is for how long marks of a user in a room are gathered after one was stored. Zero means
	// 250 ms; below zero, each is stored by itself.
	ReceiptWindow time.Duration
	// CachedRooms is how many rooms are kept folded in memory. A room takes about 1 KB and 150
	// bytes for each member. Zero means 20,000.
	CachedRooms int
	// CachedUsers is how many accounts are kept, and of how many users the presence. One takes about 500 bytes, and 300. Zero means 100,000.
	CachedUsers int
}

// repeatable is how many client message ids are remembered as sent, so that a repetition
// is not counted as another message.
const repeatable = 16_384

func (c Config) withDefaults() Config {
	c.MaxMessageLength = cmp.Or(c.MaxMessageLength, message.DefaultMaxLength)
	c.RateLimitWindow = cmp.Or(c.RateLimitWindow, time.Minute)
	c.ReceiptWindow = cmp.Or(c.ReceiptWindow, 250*time.Millisecond)
	c.CachedRooms = cmp.Or(c.CachedRooms, 20_000)
	c.CachedUsers = cmp.Or(c.CachedUsers, 100_000)
	return c
}

func (c Config) validate() error {
	var errs []error
	check := func(ok bool, problem string) {
		if !ok {
			errs = append(errs, errors.New(problem))
		}
	}
	check(c.MaxMessageLength > 0, "the longest message must be positive")
	check(c.RateLimitMessages >= 0, "the rate limit must not be negative")
	check(c.RateLimitWindow > 0, "the window of the rate limit must be positive")
	check(c.CachedRooms > 0 && c.CachedUsers > 0, "the caches must hold something")
	return errors.Join(errs...)
}

func (d Deps) withDefaults() Deps {
	if d.Now == nil {
		d.Now = time.Now //nolint:forbidigo // the clock of a program that brings none
	}
	if d.Limiter == nil {
		d.Limiter = ratelimit.NewLocal(d.Now)
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.NewID == nil {
		d.NewID = func() event.ID { return event.ID(uuid.Must(uuid.NewV7())) }
	}
	if d.Observe == nil {
		d.Observe = func(string, domain.Code, time.Duration) {}
	}
	return d
}

// app is what all use cases share.
type app struct {
	Deps
	cfg     Config
	checker *checker
	rooms   *states[room.State]
	users   *states[user.State]
	// presence is by user, too.
	presence *states[presence.State]
	learnt   *learnt // by these
	heads    *heads
	// sent remembers messages that have a client's id.
	sent *lru.Cache[event.ID, struct{}]
	// following is true while Run keeps the caches up to date.
	following atomic.Bool
}

// New fills the menu. It fails without a log and for a Config that makes no sense.
func New(deps Deps, cfg Config) (*Commands, error) {
	if deps.Log == nil {
		return nil, errors.New("commands need a log")
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("commands: %w", err)
	}
	a := &app{Deps: deps.withDefaults(), cfg: cfg}
	a.learnt = newLearnt(a.Log)
	var err error
	if a.checker, err = newChecker(); err != nil {
		return nil, err
	}
	if a.rooms, err = newStates(a.Log, a.learnt, cfg.CachedRooms, event.RoomStream, room.Fold); err != nil {
		return nil, err
	}
	if a.users, err = newStates(a.Log, a.learnt, cfg.CachedUsers, event.UserStream, foldUser); err != nil {
		return nil, err
	}
	if a.presence, err = newStates(a.Log, a.learnt, cfg.CachedUsers, event.PresenceStream, presence.Fold); err != nil {
		return nil, err
	}
	if a.heads, err = newHeads(cfg.CachedRooms); err != nil {
		return nil, err
	}
	a.users.many(16, false)  // most have changed their profile less often
	a.presence.many(4, true) // the last two tell
	if a.sent, err = lru.New[event.ID, struct{}](repeatable); err != nil {
		return nil, err
	}
	c := &Commands{app: a, Directory: directory{a}}
	c.fillUsers(a)
	c.fillRooms(a)
	c.fillMembers(a)
	c.fillMessages(a)
	c.fillMarks(a)
	c.fillReceipts(a)
	c.fillPresence(a)
	return c, nil
}

func foldUser(s user.State, events ...event.Recorded) user.State {
	for _, r := range events {
		s = user.Evolve(s, r)
	}
	return s
}

// Run keeps the caches up to date with what other nodes write. It returns nil when ctx
// ends, and at once without a Follower. Commands work without it: they find out by conflicts.
func (c *Commands) Run(ctx context.Context) error {
	a := c.app
	if a.Follower == nil {
		return nil
	}
	head, err := a.Log.Head(ctx)
	for err != nil && ctx.Err() == nil { // a node may start before its database does
		pause(ctx, retryHead)
		head, err = a.Log.Head(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	// What was cached before may have missed an event below head; what is read from now on has not.
	a.rooms.forgetAll()
	a.users.forgetAll()
	a.presence.forgetAll()
	a.heads.start(head)
	defer a.heads.start(0)
	a.learnt.reach(head)
	defer a.learnt.reach(0)
	a.following.Store(true)
	defer a.following.Store(false)
	err = a.Follower.Follow(ctx, head, func(_ context.Context, batch []event.Recorded) error {
		a.learn(batch)
		a.heads.learn(batch)
		a.learnt.reach(batch[len(batch)-1].Position)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("follow the log: %w", err)
	}
	return nil
}

// retryHead is when the log is asked again for its end.
const retryHead = 250 * time.Millisecond

// pause waits, or less if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// learn takes events of the log into the caches.
func (a *app) learn(events []event.Recorded) {
	for _, r := range events {
		if r.Type == event.TypeUserErased { // which may be in any of them
			a.rooms.forgetAll()
			a.presence.forgetAll()
		}
		switch r.Stream.Category() {
		case event.CategoryRoom:
			a.rooms.apply(r)
		case event.CategoryUser:
			a.users.apply(r)
		case event.CategoryPresence:
			a.presence.apply(r)
		default:
		}
	}
}
