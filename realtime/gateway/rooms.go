package gateway

import (
	"context"
	"errors"
	"slices"
	"time"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/hub"
)

// maxJoin is how many rooms one join-rooms may name.
const maxJoin = 100

// joinRooms is the payload of join-rooms.
type joinRooms struct {
	RoomIDs []string `json:"roomIds"`
}

// joinedRoom is the answer to join-room.
type joinedRoom struct {
	Room wire.Room `json:"room"`
	// Seq is the number of the room's last message at Position.
	Seq int64 `json:"seq"`
	// Position is from where on the session hears the room.
	Position event.Position `json:"position"`
}

// joinedRooms is the answer to join-rooms.
type joinedRooms struct {
	Joined []joinedOne `json:"joined"`
	Denied []deniedOne `json:"denied"`
}

type joinedOne struct {
	RoomID string `json:"roomId"`
	joinedRoom
}

type deniedOne struct {
	RoomID string      `json:"roomId"`
	Code   domain.Code `json:"code"`
}

// roomOnly is the answer to unsubscribe-room.
type roomOnly struct {
	RoomID string `json:"roomId"`
}

// candidate is a room on its way into a session's ears.
type candidate struct {
	id    string
	heard bool // before this command
	room  wire.Room
	since event.Position // the user was a member there
	seq   int64
	err   error
}

func (g *Gateway) joinRoom(ctx context.Context, c *call, ref commands.RoomRef) {
	list := c.session.candidates([]string{ref.RoomID})
	c.session.join(ctx, c, list, func(p event.Position) (any, error) {
		return list[0].joined(p), list[0].err
	})
}

func (g *Gateway) joinRooms(ctx context.Context, c *call, request joinRooms) {
	if len(request.RoomIDs) == 0 || len(request.RoomIDs) > maxJoin {
		c.done(nil, domain.Invalid("roomIds", "must name 1 to 100 rooms"))
		return
	}
	list := c.session.candidates(request.RoomIDs)
	c.session.join(ctx, c, list, func(p event.Position) (any, error) {
		return summary(list, p), nil
	})
}

func summary(list []*candidate, p event.Position) joinedRooms {
	all := joinedRooms{Joined: []joinedOne{}, Denied: []deniedOne{}}
	for _, r := range list {
		if r.err != nil {
			all.Denied = append(all.Denied, deniedOne{r.id, domain.CodeOf(timedOut(r.err))})
		} else {
			all.Joined = append(all.Joined, joinedOne{r.id, r.joined(p)})
		}
	}
	return all
}

func (r *candidate) joined(p event.Position) joinedRoom {
	return joinedRoom{Room: r.room, Seq: r.seq, Position: p}
}

// candidates are the rooms of these ids, each once. Those for which the session has no
// place left are refused before anybody joins them.
func (s *Session) candidates(ids []string) []*candidate {
	heard, free := s.place.Rooms(), s.place.Free()
	var list []*candidate
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			continue
		}
		_, already := slices.BinarySearch(heard, id)
		r := &candidate{id: id, heard: already}
		if !already {
			if free--; free < 0 {
				r.err = s.gateway.hub.TooManyRooms()
			}
		}
		list = append(list, r)
	}
	return list
}

// join makes the user a member of the rooms and lets the session hear those that
// worked. The answer is made for the position from where on it does, and sent there.
func (s *Session) join(
	ctx context.Context, c *call, list []*candidate, result func(event.Position) (any, error),
) {
	s.become(ctx, c, list)
	s.remember(ctx, list)
	p, err := s.hear(ctx, list)
	if err != nil {
		c.done(nil, err)
		return
	}
	s.count(ctx, list, p)
	s.place.Release(c.settled(result(p)))
	for _, r := range list {
		if r.err == nil {
			s.hint(r.id)
		}
	}
}

// become makes the user a member. Several memberships are asked for at once, so that they
// share a commit; what others outran is asked for once more.
func (s *Session) become(ctx context.Context, c *call, list []*candidate) {
	if len(list) > 1 {
		s.becomeAll(ctx, c, list)
	}
	for _, r := range list {
		if len(list) == 1 && r.err == nil || domain.CodeOf(r.err) == domain.CodeConflict {
			joined, err := s.gateway.menu.JoinRoom.Do(ctx, s.actor(c), commands.RoomRef{RoomID: r.id})
			r.admit(joined, err)
		}
	}
}

func (s *Session) becomeAll(ctx context.Context, c *call, list []*candidate) {
	results := make(chan func(), len(list))
	asked := 0
	for _, r := range list {
		if r.err != nil {
			continue
		}
		asked++
		r.err = domain.Unavailable(context.DeadlineExceeded) // until there is an answer
		s.gateway.menu.JoinRoom.Submit(ctx, s.actor(c), commands.RoomRef{RoomID: r.id},
			func(joined commands.Joined, err error) { results <- func() { r.admit(joined, err) } })
	}
	for range asked {
		select {
		case settle := <-results:
			settle()
		case <-ctx.Done():
			return
		}
	}
}

// admit takes the answer to a JoinRoom as evidence.
func (r *candidate) admit(joined commands.Joined, err error) {
	r.room, r.since, r.err = joined.Room, max(joined.Position, joined.Room.Position), err
}

const (
	looks     = 6                    // how often evidence is looked for
	firstLook = 5 * time.Millisecond // doubled each time
)

// hear subscribes to the candidates without an error and pauses the session; what is no
// member any more gets an error. It fails as a whole only if that cannot be told.
func (s *Session) hear(ctx context.Context, list []*candidate) (event.Position, error) {
	for look := range looks {
		found := wants(list)
		if err := s.gateway.hub.Await(ctx, newest(found)); err != nil {
			return 0, err
		}
		p, err := s.place.Subscribe(found...)
		if err == nil {
			s.flush() // what it got before is at or below p
			return p, nil
		}
		if !errors.Is(err, hub.ErrStale) {
			return 0, s.unheard(err)
		}
		if !pause(ctx, firstLook<<look) {
			break
		}
		s.gateway.look(ctx, s.Principal(), list)
	}
	return 0, domain.Unavailable(hub.ErrStale)
}

func (s *Session) unheard(err error) error {
	if errors.Is(err, hub.ErrDetached) {
		return domain.Unavailable(err)
	}
	return err
}

func wants(list []*candidate) []hub.Want {
	found := make([]hub.Want, 0, len(list))
	for _, r := range list {
		if r.err == nil {
			found = append(found, hub.Want{Room: r.id, Since: r.since})
		}
	}
	return found
}

// newest is where the hub has to be to believe the evidence.
func newest(list []hub.Want) event.Position {
	p := event.Position(0)
	for _, w := range list {
		p = max(p, w.Since)
	}
	return p
}

// look takes new evidence for those that have no error, from the log.
func (g *Gateway) look(ctx context.Context, p domain.Principal, list []*candidate) {
	lookBy(ctx, g.menu.Directory.Membership, p, list)
}

// see takes evidence from what this node has read of the log. It costs nothing, and may be too old: then the hub says so.
func (g *Gateway) see(ctx context.Context, p domain.Principal, list []*candidate) {
	lookBy(ctx, g.menu.Directory.Seen, p, list)
}

func lookBy(
	ctx context.Context, ask func(context.Context, domain.Principal, string) (wire.Room, bool, error),
	p domain.Principal, list []*candidate,
) {
	for _, r := range list {
		if r.err != nil {
			continue
		}
		room, member, err := ask(ctx, p, r.id)
		if err == nil && !member {
			err = domain.Errorf(domain.CodeNotAMember, "not a member of this room")
		}
		r.room, r.since, r.err = room, room.Position, err
	}
}

// count finds how far each room is at the position. A room for which that cannot be told is
// denied. At position 0 there is nothing in the log.
func (s *Session) count(ctx context.Context, list []*candidate, p event.Position) {
	for _, r := range list {
		if r.err != nil || p == 0 {
			continue
		}
		r.seq, r.err = s.gateway.menu.Directory.RoomHead(ctx, r.id, p)
		if r.err != nil && !r.heard {
			s.place.Unsubscribe(r.id)
		}
	}
}

// createRoom lets the creator's session hear the new room from its beginning, if it
// has a place left.
func (g *Gateway) createRoom(ctx context.Context, c *call, request commands.CreateRoom) {
	s := c.session
	room, err := g.menu.CreateRoom.Do(ctx, s.actor(c), request)
	if err != nil {
		c.done(nil, err)
		return
	}
	if s.place.Free() <= 0 {
		c.done(room, nil)
		return
	}
	list := []*candidate{{id: room.ID, room: room, since: room.Position}}
	s.remember(ctx, list)
	if _, err := s.hear(ctx, list); err != nil {
		c.done(room, nil) // it is created; hearing it takes a join-room
		return
	}
	s.place.Release(c.settled(room, nil))
}

func (g *Gateway) unsubscribeRoom(ctx context.Context, c *call, ref commands.RoomRef) {
	if !domain.ValidID(ref.RoomID) {
		c.done(nil, domain.Invalid("roomId", "must be an id"))
		return
	}
	c.session.stopTyping(ref.RoomID)
	c.session.place.Unsubscribe(ref.RoomID)
	c.session.noteRooms(ctx, c.session.place.Rooms())
	c.session.flush() // the answer is the end of what it hears of the room
	c.done(roomOnly(ref), nil)
}

// pause waits. It returns false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
