package hub

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"parley/domain"
	"parley/domain/event"
)

// ErrStale says that a room has lost a member, or that a user was shut out, since the evidence.
// Nothing was changed: look again, and come with newer evidence.
var ErrStale = errors.New("hub: membership may have ended since")

// ErrAhead says that the evidence is newer than what has been dispatched: Await it first.
var ErrAhead = errors.New("hub: evidence is ahead of what was dispatched")

// ErrDetached says that the socket has left the hub.
var ErrDetached = errors.New("hub: socket is detached")

// Ending says why the hub wants a socket closed.
type Ending int8

// The reasons of the hub to close a socket.
const (
	// EndShut is deliberate: the user may not be here any more and should not come back.
	EndShut Ending = iota + 1
	// EndOverrun means that the socket was paused for too long: it should come back and
	// catch up.
	EndOverrun
)

// Sink is where a socket's pushes go: its connection. Its methods are called with a lock
// held; they must not wait for anything and must not call the hub.
type Sink interface {
	Deliver(p *Push)
	End(why Ending)
}

// Config of a Hub. The zero value works.
type Config struct {
	// Lanes divide the sockets. Zero means one for each processor, at most 16.
	Lanes int
	// MaxRooms is how many rooms one socket may hear. Zero means 100.
	MaxRooms int
	// MaxHeld is how many pushes a paused socket may pile up. Zero means 1000: what is released
	// has to fit into a connection's queue, which takes 1024 frames by default.
	MaxHeld int
	// MaxRemovals is for how many rooms, and for how many users, the last removal is
	// remembered. Zero means 65,536.
	MaxRemovals int
}

func (c Config) withDefaults() Config {
	c.Lanes = cmp.Or(c.Lanes, min(runtime.GOMAXPROCS(0), 16))
	c.MaxRooms = cmp.Or(c.MaxRooms, 100)
	c.MaxHeld = cmp.Or(c.MaxHeld, 1000)
	c.MaxRemovals = cmp.Or(c.MaxRemovals, 1<<16)
	return c
}

// Hub is who hears what on this node. Make one with New.
type Hub struct {
	cfg      Config
	lanes    []*lane
	left     *removals // members of rooms
	shut     *removals // users
	serial   atomic.Uint64
	position atomic.Int64

	mu       sync.Mutex
	advanced chan struct{} // closed when position grows; nil when nobody waits
}

// New returns an empty hub at position 0.
func New(cfg Config) *Hub {
	cfg = cfg.withDefaults()
	h := &Hub{cfg: cfg, left: newRemovals(cfg.MaxRemovals), shut: newRemovals(cfg.MaxRemovals)}
	for range cfg.Lanes {
		h.lanes = append(h.lanes, newLane(h))
	}
	return h
}

// Start sets the position that the first Dispatch goes on from. before are facts of the time until then, as far as they
// are known: evidence may be older than them, too.
func (h *Hub) Start(at event.Position, before ...*Fact) {
	h.note(before)
	for _, l := range h.lanes {
		l.start(at)
	}
	h.advance(at)
}

// advance sets the position and wakes who waits for it.
func (h *Hub) advance(to event.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.position.Store(int64(to))
	if h.advanced != nil {
		close(h.advanced)
		h.advanced = nil
	}
}

// Await waits until facts have been dispatched up to a position. It returns the context's
// error when that ends first.
func (h *Hub) Await(ctx context.Context, p event.Position) error {
	for h.Position() < p {
		select {
		case <-h.growth(p):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// growth is closed as soon as the position grows, or has reached p.
func (h *Hub) growth(p event.Position) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Position() >= p {
		return closed
	}
	if h.advanced == nil {
		h.advanced = make(chan struct{})
	}
	return h.advanced
}

// Position is how far facts have been dispatched to all sockets.
func (h *Hub) Position() event.Position { return event.Position(h.position.Load()) }

// parallelFrom is how many deliveries of a batch in one lane are worth a goroutine.
const parallelFrom = 64

// Dispatch hands facts to the sockets that they address, in order. When it returns, every
// sink has been called. One goroutine calls it.
func (h *Hub) Dispatch(facts []*Fact) {
	if len(facts) == 0 {
		return
	}
	h.note(facts)
	var crowded sync.WaitGroup
	for i, l := range h.lanes {
		if i < len(h.lanes)-1 && l.reach(facts) >= parallelFrom {
			crowded.Go(func() { l.dispatch(facts) })
			continue
		}
		l.dispatch(facts)
	}
	crowded.Wait()
	h.advance(facts[len(facts)-1].Position)
}

// note remembers removals before any lane acts on them: see removals.
func (h *Hub) note(facts []*Fact) {
	for _, f := range facts {
		if f.Left != "" {
			h.left.note(f.Room, f.Position)
		}
		if f.Shut != "" {
			h.shut.note(f.Shut, f.Position)
		}
	}
}

// Want is a room to be heard, and the evidence that it may be: as of the position Since, the
// user was a member. The hub must have reached Since.
type Want struct {
	Room  string
	Since event.Position
}

// Attach adds a paused socket of a user, who was active as of the position since. From P on
// it hears the wanted rooms and what is addressed to the user; P is not below since, nor any
// other of the evidence. It fails as Subscribe does,
// and then nothing is added. The caller has to Release it and, in the end, to Detach it.
func (h *Hub) Attach(
	user string, since event.Position, sink Sink, wants ...Want,
) (s *Socket, p event.Position, err error) {
	s = &Socket{lane: h.lanes[h.serial.Add(1)%uint64(len(h.lanes))], user: user, sink: sink}
	p, err = s.lane.attach(s, since, wants)
	if err != nil {
		return nil, 0, err
	}
	return s, p, nil
}

// Count is the number of attached sockets.
func (h *Hub) Count() int {
	n := 0
	for _, l := range h.lanes {
		n += l.count()
	}
	return n
}

// Each calls visit with every attached socket. visit may call the hub.
func (h *Hub) Each(visit func(*Socket)) {
	for _, l := range h.lanes {
		for _, s := range l.all() {
			visit(s)
		}
	}
}

// MaxRooms is how many rooms one socket may hear.
func (h *Hub) MaxRooms() int { return h.cfg.MaxRooms }

// TooManyRooms is the refusal of code TOO_MANY_ROOMS.
func (h *Hub) TooManyRooms() error {
	return domain.Errorf(domain.CodeTooManyRooms, "a connection may hear at most %d rooms", h.cfg.MaxRooms)
}
