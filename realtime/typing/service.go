package typing

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/domain/event"
	"parley/domain/wire"
)

// Service is one node's part. Make one with New; Run has to run. It is safe for concurrent use.
type Service struct {
	Deps
	cfg      Config
	expiring chan struct{} // there is somebody whose time ends
	sending  chan struct{} // there is something for other nodes

	mu    sync.Mutex
	rooms map[string]map[string]*typist
	count int
	// queue is who is typing, by when that ends. The TTL is the same for all.
	queue []ending
	// ended is where in the log typing ended lately: what was said before does not count any more.
	ended, endedBefore map[key]event.Position
	turned             time.Time // when ended began
	position           event.Position
	budgets            map[string]*budget
	out                []signal
}

type key struct{ room, user string }

type typist struct {
	username string
	shown    time.Time // until when, for clients
	until    time.Time // by the clock of this node
	told     time.Time // when it was told last
}

type ending struct {
	key
	until time.Time
}

// New returns a service. Nobody is typing.
func New(deps Deps, cfg Config) *Service {
	return &Service{
		Deps: deps, cfg: cfg.withDefaults(), expiring: make(chan struct{}, 1), sending: make(chan struct{}, 1),
		rooms: make(map[string]map[string]*typist), ended: make(map[key]event.Position), budgets: make(map[string]*budget),
	}
}

// Run works until ctx ends, and returns nil. It may be called once.
func (s *Service) Run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return s.expire(running) })
	group.Go(func() error { return s.follow(running) })
	if s.cfg.Redis != nil {
		group.Go(func() error { return s.publish(running) })
		group.Go(func() error { return s.subscribe(running) })
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// Start says that a member is typing. Who asks has checked that it is one.
func (s *Service) Start(roomID, userID, username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	k := key{roomID, userID}
	if t := s.rooms[k.room][k.user]; t != nil && now.Sub(t.told) < s.cfg.TTL/2 {
		return
	}
	if !s.allowed(userID, now) {
		return
	}
	shown := now.Add(s.cfg.TTL)
	if s.started(k, username, shown, now) {
		s.send(signal{Room: roomID, User: userID, Username: username, Until: shown.UnixMilli(), After: s.position})
	}
}

// Stop says that a user is not typing any more, who perhaps was.
func (s *Service) Stop(roomID, userID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped(key{roomID, userID}) {
		s.send(signal{Room: roomID, User: userID, Stop: true})
	}
}

// In lists who is typing in a room, but for one user.
func (s *Service) In(roomID, except string) []wire.Typing {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []wire.Typing
	for user, t := range s.rooms[roomID] {
		if user != except {
			list = append(list, wire.Typing{RoomID: roomID, UserID: user, Username: t.username, ExpiresAt: wire.Time(t.shown)})
		}
	}
	slices.SortFunc(list, func(a, b wire.Typing) int { return time.Time(a.ExpiresAt).Compare(time.Time(b.ExpiresAt)) })
	return list
}

// The methods below need the lock.

// started reports whether it took it.
func (s *Service) started(k key, username string, shown, now time.Time) bool {
	t := s.rooms[k.room][k.user]
	if t == nil {
		if s.count >= s.cfg.MaxTypists {
			return false
		}
		if s.rooms[k.room] == nil {
			s.rooms[k.room] = make(map[string]*typist)
		}
		t = &typist{username: username}
		s.rooms[k.room][k.user] = t
		s.count++
	}
	t.shown, t.until, t.told = shown, now.Add(s.cfg.TTL), now
	s.queue = append(s.queue, ending{k, t.until})
	wakeUp(s.expiring)
	s.tell(wire.EventTypingStarted, k, wire.Typing{RoomID: k.room, UserID: k.user, Username: username, ExpiresAt: wire.Time(shown)})
	return true
}

// stopped reports whether the user was typing.
func (s *Service) stopped(k key) bool {
	t := s.rooms[k.room][k.user]
	if t == nil {
		return false
	}
	delete(s.rooms[k.room], k.user)
	s.count--
	if len(s.rooms[k.room]) == 0 {
		delete(s.rooms, k.room)
	}
	s.tell(wire.EventTypingStopped, k, wire.TypingStopped{RoomID: k.room, UserID: k.user, Username: t.username})
	return true
}

func (s *Service) tell(name string, k key, payload any) {
	data, err := wire.Marshal(payload)
	if err != nil {
		s.cfg.Logger.Error("typing is not told", slog.Any("error", err))
		return
	}
	s.Tell(wire.Push{Event: name, Room: k.room, Data: data}, k.user)
}

// end is for what the log says.
func (s *Service) end(k key, at event.Position) {
	if now := time.Now(); now.Sub(s.turned) > s.cfg.TTL {
		s.endedBefore, s.ended, s.turned = s.ended, make(map[key]event.Position), now
	}
	s.ended[k] = at
	s.stopped(k)
}

// late reports whether typing has ended since.
func (s *Service) late(k key, after event.Position) bool {
	return s.ended[k] > after || s.endedBefore[k] > after
}

// budget is how many more starts a user has.
type budget struct {
	left float64
	at   time.Time
}

func (s *Service) allowed(user string, now time.Time) bool {
	b := s.budgets[user]
	if b == nil {
		if len(s.budgets) >= s.cfg.MaxTypists {
			clear(s.budgets) // rather than grow without end
		}
		b = &budget{left: float64(s.cfg.Burst), at: now}
		s.budgets[user] = b
	}
	b.left = min(float64(s.cfg.Burst), b.left+now.Sub(b.at).Seconds()*float64(s.cfg.Rate))
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// expire ends what has had no sign for long enough.
func (s *Service) expire(ctx context.Context) error {
	for ctx.Err() == nil {
		var over <-chan time.Time
		var timer *time.Timer
		if wait := s.endings(); wait > 0 {
			timer = time.NewTimer(wait)
			over = timer.C
		}
		select {
		case <-over:
		case <-s.expiring:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
	}
	return nil
}

// endings says how long to wait for the next, 0 if there is none.
func (s *Service) endings() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.queue) > 0 {
		next := s.queue[0]
		if wait := next.until.Sub(now); wait > 0 {
			return wait
		}
		s.queue = s.queue[1:]
		if t := s.rooms[next.room][next.user]; t != nil && t.until.Equal(next.until) {
			s.stopped(next.key)
		}
	}
	s.queue = nil
	for user, b := range s.budgets { // nobody is typing: those who have all of it again need no entry
		if b.left+now.Sub(b.at).Seconds()*float64(s.cfg.Rate) >= float64(s.cfg.Burst) {
			delete(s.budgets, user)
		}
	}
	return 0
}

// follow ends typing by what the log says.
func (s *Service) follow(ctx context.Context) error {
	head, err := s.Head(ctx)
	for err != nil && ctx.Err() == nil {
		pause(ctx, s.cfg.Timeout)
		head, err = s.Head(ctx)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it is stopped
	}
	s.mu.Lock()
	s.position = max(s.position, head)
	s.mu.Unlock()
	return s.Follower.Follow(ctx, head, func(_ context.Context, batch []event.Recorded) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, r := range batch {
			s.learn(r)
			s.position = r.Position
		}
		return nil
	})
}

func (s *Service) learn(r event.Recorded) {
	switch r.Type {
	case event.TypeMessageSent, event.TypeMemberLeft, event.TypeMemberRemoved, event.TypeRoomArchived:
	default:
		return
	}
	payload, err := r.Payload()
	if err != nil {
		return // it ends by itself
	}
	switch e := payload.(type) {
	case event.MessageSent:
		s.end(key{e.RoomID, e.Sender.ID}, r.Position)
	case event.MemberLeft:
		s.end(key{e.RoomID, e.UserID}, r.Position)
	case event.MemberRemoved:
		s.end(key{e.RoomID, e.UserID}, r.Position)
	case event.RoomArchived:
		for user := range s.rooms[e.RoomID] {
			s.end(key{e.RoomID, user}, r.Position)
		}
	default:
	}
}

func wakeUp(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
