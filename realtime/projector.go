package realtime

import (
	"context"
	"log/slog"
	"time"

	"parley/domain/event"
	"parley/eventstore"
	"parley/realtime/hub"
	"parley/realtime/recovery"
)

// Log is what a Projector begins with.
type Log interface {
	Head(ctx context.Context) (event.Position, error)
	All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error)
}

// Projector follows the log and tells the hub. Make one with NewProjector.
type Projector struct {
	log      Log
	follower eventstore.Follower
	hub      *hub.Hub
	ring     *recovery.Ring
	facts    Facts
	caughtUp caughtUp
	logger   *slog.Logger
	ready    chan struct{}
	onTold   func(batch []event.Recorded, began time.Time, took time.Duration)
}

// NewProjector returns a projector from a log to a hub, which also keeps the newest facts in a ring. A nil
// logger logs nothing.
func NewProjector(
	log Log, follower eventstore.Follower, h *hub.Hub, ring *recovery.Ring, logger *slog.Logger,
) *Projector {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Projector{
		log: log, follower: follower, hub: h, ring: ring, facts: NewFacts(logger), caughtUp: newCaughtUp(), logger: logger,
		ready: make(chan struct{}),
	}
}

// Ready is closed when the projector knows where it starts. Sockets that are attached
// earlier would not know what they have missed.
func (p *Projector) Ready() <-chan struct{} { return p.ready }

// OnTold has f told of each batch that was handed to the sockets: when that began, and how long it took. It must be
// quick, and has to be set before Run.
func (p *Projector) OnTold(f func(batch []event.Recorded, began time.Time, took time.Duration)) {
	p.onTold = f
}

// Position is how far the log has been handed to the sockets of this node.
func (p *Projector) Position() event.Position { return p.hub.Position() }

// Run tells the hub what is recorded from now on, until ctx ends (nil). It is called once.
func (p *Projector) Run(ctx context.Context) error {
	head, ok := p.head(ctx)
	if !ok {
		return nil
	}
	p.hub.Start(head, p.warm(ctx, head)...)
	close(p.ready)
	return p.follower.Follow(ctx, head, p.handle)
}

const retryHead = 250 * time.Millisecond

// head asks until it gets an answer: a node may start before its database does.
func (p *Projector) head(ctx context.Context) (event.Position, bool) {
	for {
		head, err := p.log.Head(ctx)
		if err == nil {
			return head, true
		}
		if ctx.Err() != nil {
			return 0, false
		}
		p.logger.WarnContext(ctx, "log head unknown, trying again", slog.Any("error", err))
		select {
		case <-time.After(retryHead):
		case <-ctx.Done():
			return 0, false
		}
	}
}

// warmUp is how many facts a node that starts reads, so that the clients of one that was restarted need not read
// the log each for itself.
const warmUp = eventstore.MaxPage

// warm fills the ring with the facts that it returns. Without it clients read the log: it may fail.
func (p *Projector) warm(ctx context.Context, head event.Position) []*hub.Fact {
	batch, err := p.log.All(ctx, max(head, warmUp)-warmUp, int(min(head, warmUp)))
	if err != nil {
		p.logger.WarnContext(ctx, "the newest events are not in memory", slog.Any("error", err))
		return nil
	}
	for len(batch) > 0 && batch[len(batch)-1].Position > head { // more was appended meanwhile; Follow tells it
		batch = batch[:len(batch)-1]
	}
	facts := p.all(ctx, batch)
	p.ring.Add(facts)
	return facts
}

func (p *Projector) all(ctx context.Context, batch []event.Recorded) []*hub.Fact {
	facts := make([]*hub.Fact, len(batch))
	for i, r := range batch {
		r = r.Decoded()
		facts[i] = p.facts.Of(ctx, r)
		p.caughtUp.add(r, facts[i])
	}
	return facts
}

func (p *Projector) handle(ctx context.Context, batch []event.Recorded) error {
	began := time.Now()
	facts := p.all(ctx, batch)
	p.ring.Add(facts) // first: who is told a position may ask for what was before it
	p.hub.Dispatch(facts)
	if p.onTold != nil {
		p.onTold(batch, began, time.Since(began))
	}
	return nil
}

// Concerns says whom an event's pushes address and whom it shuts out, without encoding
// anything. It names at least everybody whom wire.Pushes addresses.
func Concerns(payload event.Event) *hub.Fact {
	switch e := payload.(type) {
	case event.MessageSent:
		return &hub.Fact{Room: e.RoomID, Users: notified(e), Says: e.MessageID}
	case event.MessageEdited:
		return &hub.Fact{Room: e.RoomID, Says: e.MessageID}
	case event.MessageDeleted:
		return &hub.Fact{Room: e.RoomID, Unsays: e.MessageID}
	case event.ReactionAdded:
		return &hub.Fact{Room: e.RoomID}
	case event.ReactionRemoved:
		return &hub.Fact{Room: e.RoomID}
	case event.MessagePinned:
		return &hub.Fact{Room: e.RoomID}
	case event.MessageUnpinned:
		return &hub.Fact{Room: e.RoomID}
	case event.MessagesRead:
		return &hub.Fact{Room: e.RoomID, Users: []string{e.UserID}}
	case event.MessagesDelivered:
		return &hub.Fact{Room: e.RoomID}
	case event.UserCameOnline:
		return &hub.Fact{Watched: e.UserID}
	case event.UserPresenceChanged:
		return &hub.Fact{Watched: e.UserID, Users: []string{e.UserID}}
	case event.UserWentOffline:
		return &hub.Fact{Watched: e.UserID}
	case event.RoomCreated:
		return &hub.Fact{Room: e.RoomID, Users: members(e.Members), Joins: true}
	case event.RoomUpdated:
		return &hub.Fact{Room: e.RoomID}
	case event.RoomArchived:
		return &hub.Fact{Room: e.RoomID}
	case event.MemberJoined:
		return &hub.Fact{Room: e.RoomID, Users: []string{e.UserID}, Joins: true}
	case event.MemberLeft:
		return &hub.Fact{Room: e.RoomID, Users: []string{e.UserID}, Left: e.UserID}
	case event.MemberRemoved:
		return &hub.Fact{Room: e.RoomID, Users: []string{e.UserID}, Left: e.UserID}
	case event.MemberRoleChanged:
		return &hub.Fact{Room: e.RoomID}
	case event.UserDeactivated:
		return &hub.Fact{Shut: e.UserID}
	case event.UserErased:
		return &hub.Fact{Shut: e.UserID, Erases: true}
	case event.UserRegistered, event.UserProfileChanged, event.UserReactivated:
		return &hub.Fact{}
	default:
		return &hub.Fact{}
	}
}

// notified are those who are told of a message wherever they are.
func notified(e event.MessageSent) []string {
	if e.DirectTo != "" {
		return []string{e.DirectTo}
	}
	return e.Mentions
}

func members(list []event.Member) []string {
	ids := make([]string, len(list))
	for i, m := range list {
		ids[i] = m.UserID
	}
	return ids
}
