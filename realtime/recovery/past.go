package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/realtime/hub"
)

// ErrGone says that there is more than may be caught up on, or that it is too old: the client has to read
// anew what it shows.
var ErrGone = errors.New("recovery: too much or too old")

// Config of a Past. The zero value works.
type Config struct {
	// MaxEvents is how many events one may catch up on. Zero means 1000.
	MaxEvents int
	// MaxAge is how old the oldest of them may be. Zero means 24 h.
	MaxAge time.Duration
	// LogReads is how many clients may read the log at once; others wait. Zero means 4.
	LogReads int
	// Now is the clock. Zero means time.Now.
	Now func() time.Time
}

// Log is what a Past reads where the ring does not reach.
type Log interface {
	Head(ctx context.Context) (event.Position, error)
	Since(ctx context.Context, streams []event.Stream, after, upTo event.Position, limit int) ([]event.Recorded, error)
	Numbered(ctx context.Context, s event.Stream, seq int64) (event.Recorded, bool, error)
	ByID(ctx context.Context, ids ...event.ID) ([]event.Recorded, error)
}

// Joined lists at least the rooms that the user came into between two positions and is a member of, limit of them at
// most. It is asked only where the ring does not reach.
type Joined func(ctx context.Context, userID string, after, upTo event.Position, limit int) ([]string, error)

// Past is what has been told. Make one with NewPast. It is safe for concurrent use.
type Past struct {
	ring   *Ring
	log    Log
	fact   func(context.Context, event.Recorded) *hub.Fact
	joined Joined
	cfg    Config
	slots  chan struct{}
}

// NewPast returns the past that a ring and a log hold. fact makes of an event what the hub is told of it.
func NewPast(
	ring *Ring, log Log, fact func(context.Context, event.Recorded) *hub.Fact, joined Joined, cfg Config,
) *Past {
	if cfg.MaxEvents <= 0 {
		cfg.MaxEvents = 1000
	}
	if cfg.MaxAge <= 0 {
		cfg.MaxAge = 24 * time.Hour
	}
	if cfg.LogReads <= 0 {
		cfg.LogReads = 4
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Past{ring: ring, log: log, fact: fact, joined: joined, cfg: cfg, slots: make(chan struct{}, cfg.LogReads)}
}

// MaxEvents is how many events one may catch up on.
func (p *Past) MaxEvents() int { return p.cfg.MaxEvents }

// Head is where the log ends.
func (p *Past) Head(ctx context.Context) (event.Position, error) { return p.log.Head(ctx) }

// PositionOf is where the message of that number in a room was recorded; 0 for the number 0. A number that the room
// has not reached is INVALID_PAYLOAD.
func (p *Past) PositionOf(ctx context.Context, room string, seq int64) (event.Position, error) {
	if seq == 0 {
		return 0, nil
	}
	r, ok, err := p.log.Numbered(ctx, event.MessagesStream(room), seq)
	if err == nil && !ok {
		err = domain.Invalid("rooms."+room, "must be the number of a message, or 0")
	}
	return r.Position, err
}

// Gap is what one user has missed: it grows as it is read. It is not safe for concurrent use.
type Gap struct {
	past  *Past
	user  string
	rooms []string
	heard map[string]bool // the same
	only  bool            // nothing is told of other rooms
	lost  []string        // rooms that the user heard and may not any more
	upTo  event.Position
	limit int
	facts []*hub.Fact
	more  bool
	log   bool // it was read at least in part
}

// Gap begins after a position; nothing has been read. The user hears these rooms.
func (p *Past) Gap(user string, rooms []string, after event.Position) *Gap {
	heard := make(map[string]bool, len(rooms))
	for _, id := range rooms {
		heard[id] = true
	}
	return &Gap{past: p, user: user, rooms: rooms, heard: heard, upTo: after, limit: p.cfg.MaxEvents}
}

// Page is Gap with another limit, at most MaxEvents.
func (p *Past) Page(user string, rooms []string, after event.Position, limit int) *Gap {
	g := p.Gap(user, rooms, after)
	g.limit = min(limit, g.limit)
	return g
}

// Lost names rooms that the user heard once and is no member of: Left tells of them.
func (g *Gap) Lost(rooms ...string) { g.lost = rooms }

// Left reports whether the user left one of the lost rooms in the gap, or was removed from it, and so could not know it
// before; or one of those that are heard, and then came back into it, but nothing is told of the time before.
func (g *Gap) Left() bool {
	return slices.ContainsFunc(g.facts, func(f *hub.Fact) bool {
		return f.Left == g.user && (g.heard[f.Room] || slices.Contains(g.lost, f.Room))
	})
}

// FromLog reports whether memory did not reach back far enough.
func (g *Gap) FromLog() bool { return g.log }

// Only leaves out how the user came into other rooms.
func (g *Gap) Only() *Gap {
	g.only = true
	return g
}

// Read reads on, up to a position that this node has dispatched. Nothing more is read once there
// is too much. Errors are of code UNAVAILABLE, STALE, or TOO_MANY_ROOMS if the user came into more rooms than one may
// catch up on events, or the context's.
func (g *Gap) Read(ctx context.Context, upTo event.Position) error {
	if g.more || upTo <= g.upTo {
		return nil
	}
	room := g.limit + 1 - len(g.facts)
	facts, ok := g.past.ring.Since(g.rooms, g.user, g.upTo, upTo, room)
	if !ok {
		g.log = true
		var err error
		if facts, err = g.past.read(ctx, g, upTo, room); err != nil {
			return err
		}
	}
	g.facts, g.upTo = append(g.facts, facts...), upTo
	if len(g.facts) > g.limit {
		g.facts, g.more = g.facts[:g.limit], true
		g.upTo = g.facts[g.limit-1].Position
	}
	return nil
}

// read asks the log. The user's memberships are in the rooms' own streams; those of rooms that the user
// came into meanwhile have to be named first.
func (p *Past) read(ctx context.Context, g *Gap, upTo event.Position, limit int) ([]*hub.Fact, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, domain.Unavailable(ctx.Err())
	}
	var came []string
	if !g.only {
		var err error
		if came, err = p.joined(ctx, g.user, g.upTo, upTo, p.cfg.MaxEvents+1); err != nil {
			return nil, fmt.Errorf("find the new rooms of user %s: %w", g.user, err)
		}
		if len(came) > p.cfg.MaxEvents {
			return nil, domain.Errorf(domain.CodeTooManyRooms, "the user came into more than %d rooms", p.cfg.MaxEvents)
		}
	}
	return p.page(ctx, g, streams(g.rooms, append(came, g.lost...)), upTo, limit)
}

// page reads until there are enough facts that concern the user, or no more. Others are in between only in the
// rooms that the user came into.
func (p *Past) page(
	ctx context.Context, g *Gap, from []event.Stream, upTo event.Position, limit int,
) ([]*hub.Fact, error) {
	var facts []*hub.Fact
	after := g.upTo
	size := min(limit, eventstore.MaxPage)
	for {
		events, err := p.log.Since(ctx, from, after, upTo, size)
		if err != nil {
			return nil, fmt.Errorf("read what user %s missed: %w", g.user, err)
		}
		for _, r := range events {
			if f := p.fact(ctx, r); g.heard[f.Room] || slices.Contains(moved(f), g.user) {
				facts = append(facts, f)
			}
		}
		if len(events) < size || len(facts) >= limit {
			return facts[:min(len(facts), limit)], nil
		}
		after = events[len(events)-1].Position
	}
}

// streams are where everything is filed that rooms tell, and the memberships of others.
func streams(rooms, others []string) []event.Stream {
	list := make([]event.Stream, 0, 3*len(rooms)+len(others))
	for _, id := range rooms {
		list = append(list, event.RoomStream(id), event.MessagesStream(id), event.ReceiptsStream(id))
	}
	for _, id := range others {
		list = append(list, event.RoomStream(id))
	}
	return list
}

// Missed are the durable pushes of the gap, for a client that comes back. It fails with ErrGone if they are
// too many or too old.
func (g *Gap) Missed() ([]*hub.Push, error) {
	facts := g.visible()
	if g.more || len(facts) > 0 && facts[0].At.Before(g.past.cfg.Now().Add(-g.past.cfg.MaxAge)) {
		return nil, ErrGone
	}
	return g.pushes(facts, g.deleted()), nil
}

// Pushes are the durable pushes of what was read, the position up to which they are complete, and whether
// there are more. Errors are of code UNAVAILABLE, or the context's.
func (g *Gap) Pushes(ctx context.Context) (pushes []*hub.Push, upTo event.Position, more bool, err error) {
	facts, deleted := g.visible(), g.deleted()
	if g.more { // some may have been deleted beyond the end of what was read
		if err := g.deletedLater(ctx, facts, deleted); err != nil {
			return nil, 0, false, err
		}
	}
	return g.pushes(facts, deleted), g.upTo, g.more, nil
}

// visible are the facts that the user may see, as a member at the end of the gap: of a room that the
// user came into, what followed; of one that the user left, nothing; of one that is not heard, only
// how the user came in.
func (g *Gap) visible() []*hub.Fact {
	came := make(map[string]event.Position) // where the present membership began; 0: there is none
	for _, f := range g.facts {
		switch {
		case f.Left == g.user && g.user != "":
			came[f.Room] = 0
		case f.Joins && slices.Contains(f.Users, g.user):
			came[f.Room] = f.Position
		}
	}
	facts := make([]*hub.Fact, 0, len(g.facts))
	for _, f := range g.facts {
		began, changed := came[f.Room]
		switch {
		case changed && began == 0, changed && f.Position < began:
		case g.heard[f.Room], !g.only && changed && f.Position == began:
			facts = append(facts, f)
		}
	}
	return facts
}

func (g *Gap) pushes(facts []*hub.Fact, deleted map[string]time.Time) []*hub.Push {
	pushes := make([]*hub.Push, 0, len(facts))
	for _, f := range facts {
		told := f.Pushes
		if at, is := deleted[f.Says]; is {
			told = func() []*hub.Push { return f.Unsaid(at) }
		}
		for _, push := range told() {
			if push.Durable && (g.heard[push.Room] || slices.Contains(push.Users, g.user)) {
				pushes = append(pushes, push)
			}
		}
	}
	return pushes
}
