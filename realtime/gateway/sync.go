package gateway

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/hub"
)

// syncRequest is the payload of sync: what has happened since a position in all rooms of the user, or in some
// rooms since a message.
type syncRequest struct {
	Position string           `json:"position"`
	Rooms    map[string]int64 `json:"rooms"`
	Limit    int              `json:"limit"`
}

// synced is the answer.
type synced struct {
	wire.Synced

	// Denied are the rooms that were named and may not be read.
	Denied []deniedOne `json:"denied,omitempty"`
}

const (
	syncName     = "sync"
	syncEvents   = 500       // in one answer
	syncBytes    = 512 << 10 // of payloads in one answer, unless a single one has more
	maxSyncRooms = 1000      // of a user who names none
)

// sync tells what a client could have heard, for one that wants to ask.
func (g *Gateway) sync(ctx context.Context, c *call, request syncRequest) {
	answer, err := c.session.sync(ctx, request)
	c.done(answer, err)
}

func (s *Session) sync(ctx context.Context, request syncRequest) (synced, error) {
	switch {
	case s.gateway.cfg.Past == nil:
		return synced{}, domain.Errorf(domain.CodeUnavailable, "nothing can be read again here")
	case (request.Position == "") == (request.Rooms == nil):
		return synced{}, domain.Invalid("position", "or rooms must be given, not both")
	case request.Limit < 0:
		return synced{}, domain.Invalid("limit", "must not be negative")
	}
	request.Limit = syncLimit(request.Limit)
	if request.Rooms != nil {
		return s.syncRooms(ctx, request)
	}
	all, err := s.gateway.since(ctx, s.userID, request.Position, request.Limit)
	return synced{Synced: all}, err
}

func syncLimit(asked int) int {
	if asked <= 0 {
		return syncEvents
	}
	return min(asked, syncEvents)
}

// Since is what a user could have heard in all of its rooms after a position that the server has given, as the command sync
// tells it, for those who have no session. It waits until this node has told everything up to atLeast; STALE if that takes longer than a read may
// wait. A limit of 0 means as many as there are in one answer, 500.
func (g *Gateway) Since(ctx context.Context, userID string, after, atLeast event.Position, limit int) (wire.Synced, error) {
	if err := g.toldUpTo(ctx, atLeast); err != nil {
		return wire.Synced{}, err
	}
	return g.since(ctx, userID, after.String(), syncLimit(limit))
}

// staleAfter is how long a read waits.
const staleAfter = 2 * time.Second

func (g *Gateway) toldUpTo(ctx context.Context, p event.Position) error {
	ctx, cancel := context.WithTimeout(ctx, staleAfter)
	defer cancel()
	stale := domain.Errorf(domain.CodeStale, "this node has not reached position %d yet", p)
	select {
	case <-g.cfg.Ready:
	case <-ctx.Done():
		return stale
	}
	if err := g.hub.Await(ctx, p); err != nil {
		return stale
	}
	return nil
}

// since reads all rooms of a user.
func (g *Gateway) since(ctx context.Context, userID, position string, limit int) (wire.Synced, error) {
	after, known, err := g.reached(ctx, position)
	switch {
	case err != nil:
		return wire.Synced{}, err
	case !known:
		return wire.Synced{}, domain.Invalid("position", "must be one that the server has given")
	case g.cfg.RoomsOf == nil:
		return wire.Synced{}, domain.Errorf(domain.CodeUnavailable, "name the rooms")
	}
	upTo := g.hub.Position()
	rooms, err := g.cfg.RoomsOf(ctx, userID, upTo, maxSyncRooms+1)
	if err != nil {
		return wire.Synced{}, err
	}
	if len(rooms) > maxSyncRooms {
		return wire.Synced{}, domain.Errorf(domain.CodeTooManyRooms, "more than %d rooms: name those to read", maxSyncRooms)
	}
	gap := g.cfg.Past.Page(userID, rooms, after, limit)
	if err := gap.Read(ctx, upTo); err != nil {
		return wire.Synced{}, err
	}
	pushes, reached, more, err := gap.Pushes(ctx)
	return told(pushes, reached, more), err
}

// syncRooms reads the rooms that the client names, each from behind the message that it has last.
func (s *Session) syncRooms(ctx context.Context, request syncRequest) (synced, error) {
	g := s.gateway
	if len(request.Rooms) == 0 || len(request.Rooms) > maxJoin {
		return synced{}, domain.Invalid("rooms", fmt.Sprintf("must name 1 to %d rooms", maxJoin))
	}
	var list []*candidate
	for _, id := range slices.Sorted(maps.Keys(request.Rooms)) {
		if request.Rooms[id] < 0 {
			return synced{}, domain.Invalid("rooms."+id, "must be the number of a message, or 0")
		}
		list = append(list, &candidate{id: id})
	}
	g.look(ctx, s.Principal(), list)
	if err := away(list); err != nil {
		return synced{}, err
	}
	if err := g.hub.Await(ctx, newest(wants(list))); err != nil {
		return synced{}, err
	}
	upTo := g.hub.Position()
	page := syncPage{limit: request.Limit, reached: upTo}
	var denied []deniedOne
	for _, r := range list {
		if r.err != nil {
			denied = append(denied, deniedOne{r.id, domain.CodeOf(r.err)})
			continue
		}
		after, err := g.cfg.Past.PositionOf(ctx, r.id, request.Rooms[r.id])
		if err != nil {
			return synced{}, err
		}
		gap := g.cfg.Past.Page(s.userID, []string{r.id}, after, request.Limit).Only()
		if err := gap.Read(ctx, upTo); err != nil {
			return synced{}, err
		}
		pushes, reached, more, err := gap.Pushes(ctx)
		if err != nil {
			return synced{}, err
		}
		page.add(pushes, reached, more)
	}
	return synced{told(page.pushes, page.reached, page.more), denied}, nil
}

// syncPage is the first pushes of several rooms, limit of them at most, and where they end.
type syncPage struct {
	limit   int
	pushes  []*hub.Push
	reached event.Position
	more    bool
}

// add adds those of a room, which were read up to a position, and drops what is beyond the end.
func (p *syncPage) add(pushes []*hub.Push, upTo event.Position, more bool) {
	if more {
		p.reached, p.more = min(p.reached, upTo), true
	}
	p.pushes = append(p.pushes, pushes...)
	slices.SortFunc(p.pushes, func(a, b *hub.Push) int { return cmp.Compare(a.Position, b.Position) })
	if len(p.pushes) > p.limit {
		p.reached, p.more = min(p.reached, p.pushes[p.limit-1].Position), true
	}
	beyond := func(push *hub.Push) bool { return push.Position > p.reached }
	p.pushes = slices.DeleteFunc(p.pushes, beyond)
}

// told is the answer with as many of the pushes as fit.
func told(pushes []*hub.Push, reached event.Position, more bool) wire.Synced {
	answer := wire.Synced{Events: make([]wire.SyncedEvent, 0, len(pushes)), Position: reached, More: more}
	bytes := 0
	for i, p := range pushes {
		if bytes += len(p.Data); i > 0 && bytes > syncBytes {
			answer.Position, answer.More = pushes[i-1].Position, true
			break
		}
		answer.Events = append(answer.Events, wire.SyncedEvent{Event: p.Event, Data: p.Data, Offset: p.Position})
	}
	return answer
}
