package realtime

import (
	"context"
	"log/slog"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/realtime/hub"
)

// Header says where the log ends.
type Header interface {
	Head(ctx context.Context) (event.Position, error)
}

// Projector follows the log and tells the hub. Make one with NewProjector.
type Projector struct {
	log      Header
	follower eventstore.Follower
	hub      *hub.Hub
	logger   *slog.Logger
	ready    chan struct{}
}

// NewProjector returns a projector from a log to a hub. A nil logger logs nothing.
func NewProjector(log Header, follower eventstore.Follower, h *hub.Hub, logger *slog.Logger) *Projector {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Projector{log: log, follower: follower, hub: h, logger: logger, ready: make(chan struct{})}
}

// Ready is closed when the projector knows where it starts. Sockets that are attached
// earlier would not know what they have missed.
func (p *Projector) Ready() <-chan struct{} { return p.ready }

// Position is how far the log has been handed to the sockets of this node.
func (p *Projector) Position() event.Position { return p.hub.Position() }

// Run tells the hub what is recorded from now on, until ctx ends (nil). It is called once.
func (p *Projector) Run(ctx context.Context) error {
	head, ok := p.head(ctx)
	if !ok {
		return nil
	}
	p.hub.Start(head)
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

func (p *Projector) handle(ctx context.Context, batch []event.Recorded) error {
	facts := make([]*hub.Fact, len(batch))
	for i, r := range batch {
		facts[i] = p.fact(ctx, r)
	}
	p.hub.Dispatch(facts)
	return nil
}

// fact says whom r concerns. Its pushes are made only if somebody is there to hear them.
func (p *Projector) fact(ctx context.Context, r event.Recorded) *hub.Fact {
	r = r.Decoded()
	payload, err := r.Payload()
	if err != nil {
		p.logger.WarnContext(ctx, "event is not pushed", slog.String("type", r.Type),
			slog.Int64("position", int64(r.Position)), slog.Any("error", err))
		return &hub.Fact{Position: r.Position}
	}
	f := Concerns(payload)
	f.Position = r.Position
	f.Make = func() []*hub.Push { return p.pushes(ctx, r) }
	return f
}

func (p *Projector) pushes(ctx context.Context, r event.Recorded) []*hub.Push {
	told, err := wire.Pushes(r)
	if err != nil {
		p.logger.ErrorContext(ctx, "event is not pushed", slog.String("type", r.Type),
			slog.Int64("position", int64(r.Position)), slog.Any("error", err))
		return nil
	}
	pushes := make([]*hub.Push, len(told))
	for i, push := range told {
		pushes[i] = hub.NewPush(push, r.Position)
	}
	return pushes
}

// Concerns says whom an event's pushes address and whom it shuts out, without encoding
// anything. It names at least everybody whom wire.Pushes addresses.
func Concerns(payload event.Event) *hub.Fact {
	switch e := payload.(type) {
	case event.MessageSent:
		return &hub.Fact{Room: e.RoomID, Users: e.Mentions}
	case event.MessageEdited:
		return &hub.Fact{Room: e.RoomID}
	case event.MessageDeleted:
		return &hub.Fact{Room: e.RoomID}
	case event.RoomCreated:
		return &hub.Fact{Room: e.RoomID, Users: members(e.Members)}
	case event.RoomUpdated:
		return &hub.Fact{Room: e.RoomID}
	case event.RoomArchived:
		return &hub.Fact{Room: e.RoomID}
	case event.MemberJoined:
		return &hub.Fact{Room: e.RoomID, Users: []string{e.UserID}}
	case event.MemberLeft:
		return &hub.Fact{Room: e.RoomID, Users: []string{e.UserID}, Left: e.UserID}
	case event.MemberRemoved:
		return &hub.Fact{Room: e.RoomID, Users: []string{e.UserID}, Left: e.UserID}
	case event.MemberRoleChanged:
		return &hub.Fact{Room: e.RoomID}
	case event.UserDeactivated:
		return &hub.Fact{Shut: e.UserID}
	case event.UserRegistered, event.UserProfileChanged, event.UserReactivated:
		return &hub.Fact{}
	default:
		return &hub.Fact{}
	}
}

func members(list []event.Member) []string {
	ids := make([]string, len(list))
	for i, m := range list {
		ids[i] = m.UserID
	}
	return ids
}
