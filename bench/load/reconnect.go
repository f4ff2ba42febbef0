package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a storm.
const (
	stormWithin = 5 * time.Minute
	noMore      = 3 * time.Second // without any delivery, when all are back: what is missing does not come any more
)

// reconnect lets all clients break off, has a speaker in each room say what they miss, and lets them come back at once
// with their cursors.
func (f *fleet) reconnect(ctx context.Context) (*Result, error) {
	r := f.newResult()
	m, err := newMeter(&f.options)
	if err != nil {
		return nil, err
	}
	defer m.finish()
	s := &storm{fleet: f, listeners: f.clients, all: 1 + uint32(f.options.Missed)}
	f.keepsCursors, f.onMessage = true, s.heard
	if err := f.addSpeakers(); err != nil {
		return nil, err
	}
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	// One message for everybody, so that each has a cursor.
	if err := f.speak(ctx, "say the first message", 1); err != nil {
		return nil, err
	}
	f.leave(s.listeners)
	if err := f.speak(ctx, "say what is missed", s.all); err != nil {
		return nil, err
	}
	if err := m.begin(); err != nil {
		return nil, err
	}
	f.retries.Store(0) // those of setup are not the storm's
	interrupted := s.run(ctx)
	if err := m.end(); err != nil {
		return nil, err
	}
	s.fill(r)
	f.conclude(r, m)
	r.CaughtUpLatency = summarize(f.total().arrivals)
	r.Interrupted = interrupted != nil
	return r, interrupted
}

// addSpeakers gives each room one more, who speaks and stays.
func (f *fleet) addSpeakers() error {
	for i, room := range f.rooms {
		c, err := f.newClient(i, time.Now())
		if err != nil {
			return err
		}
		room.take(c)
		f.newStream(c)
	}
	return nil
}

// leave breaks the connections of clients.
func (f *fleet) leave(clients []*client) {
	f.all(func(l *loop) {
		for _, c := range clients {
			if c.loop == l {
				c.leave()
			}
		}
	})
}

// speak has every stream say messages until it has said limit, and waits until they are stored, and heard by
// all who are there.
func (f *fleet) speak(ctx context.Context, phase string, limit uint32) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stormWithin, errors.New("the server does not take the messages in time"))
	defer cancel()
	f.all(func(l *loop) {
		l.sending = true
		for s := range f.spoken(l) {
			s.limit = limit
		}
		l.revive(f.streams)
	})
	for told := time.Now(); ; {
		said, heard, err := f.said()
		if err != nil || said == len(f.streams)*int(limit) && heard {
			return err
		}
		if time.Since(told) >= time.Second {
			told = time.Now()
			f.options.Progress(Progress{Phase: phase, Done: float64(said), Of: float64(len(f.streams)) * float64(limit), Unit: "messages"})
		}
		if err := sleep(ctx, drainStep); err != nil {
			return err
		}
	}
}

// spoken are the streams that a loop sends.
func (f *fleet) spoken(l *loop) func(func(*stream) bool) {
	return func(yield func(*stream) bool) {
		for _, s := range f.streams {
			if s.sender.loop == l && !yield(s) {
				return
			}
		}
	}
}

// said counts the messages that are stored, and tells whether those who are there have heard them.
func (f *fleet) said() (stored int, heard bool, err error) {
	heard = true
	f.all(func(l *loop) {
		for s := range f.spoken(l) {
			stored += s.stored.count(0, s.sent)
		}
		for code := range l.tally.errors {
			err = fmt.Errorf("%s: %w", sendMessage, refusedError(code))
		}
	})
	f.all(func(l *loop) {
		for c := range f.of(l) {
			heard = heard && (c.socket == nil || c.ears[0].next == c.room.streams[0].sent)
		}
	})
	return stored, heard, err
}

// storm is everybody coming back at once.
type storm struct {
	fleet     *fleet
	listeners []*client
	all       uint32 // messages of a room, the first and what was missed

	began  int64        // written before anybody comes back
	last   atomic.Int64 // when the last had caught up
	caught atomic.Int64
	back   atomic.Int64
}

// heard notes who has caught up.
func (s *storm) heard(c *client, _ []byte, now int64) {
	ear := &c.ears[0]
	if c.caught || ear.next < s.all || len(ear.gaps) > 0 || c == c.room.streams[0].sender {
		return
	}
	c.caught = true
	record(c.loop.tally.arrivals, now-s.began)
	for last := s.last.Load(); now > last && !s.last.CompareAndSwap(last, now); last = s.last.Load() {
		continue
	}
	s.caught.Add(1)
}

// run lets all come back and waits until they have caught up, or nothing more comes.
func (s *storm) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stormWithin, errors.New("the clients have not come back in time"))
	defer cancel()
	s.began = int64(time.Since(s.fleet.epoch))
	s.fleet.all(func(l *loop) { l.tally.from, l.tally.to = s.began, s.began+int64(stormWithin) })
	var coming sync.WaitGroup
	for _, c := range s.listeners {
		coming.Go(func() { s.insist(ctx, c) })
	}
	err := s.wait(ctx)
	cancel()
	coming.Wait()
	return err
}

// insist comes back however often that fails, as clients do.
func (s *storm) insist(ctx context.Context, c *client) {
	for enterRoom(ctx, c) != nil {
		if sleep(ctx, 500*time.Millisecond+rand.N(time.Second)) != nil { //nolint:gosec // it spreads, and protects nothing
			return
		}
		s.fleet.retries.Add(1)
	}
	s.back.Add(1)
}

func (s *storm) wait(ctx context.Context) error {
	told, news, heard, all := time.Now(), time.Now(), int64(-1), int64(len(s.listeners))
	for s.caught.Load() < all || s.back.Load() < all {
		if err := sleep(ctx, drainStep); err != nil {
			return err
		}
		now := s.fleet.glance()
		if now.deliveries != heard || s.back.Load() < all {
			news, heard = time.Now(), now.deliveries
		}
		if time.Since(news) > noMore {
			return nil
		}
		if time.Since(told) >= time.Second {
			told = time.Now()
			s.fleet.options.Progress(Progress{Phase: "come back", Done: float64(s.caught.Load()), Of: float64(all), Unit: "clients caught up"})
		}
	}
	return nil
}

// fill fills in what came of it.
func (s *storm) fill(r *Result) {
	last := s.last.Load()
	if s.caught.Load() < int64(len(s.listeners)) { // the time is that of giving up, or it would flatter
		last = int64(time.Since(s.fleet.epoch))
	}
	r.Seconds = float64(last-s.began) / 1e9
	r.CaughtUp = s.caught.Load()
	r.Missed = int64(len(s.listeners)) * int64(s.all-1)
	s.fleet.all(func(l *loop) {
		for _, c := range s.listeners {
			switch {
			case c.loop != l || c.socket == nil:
			case c.cursor.lost:
				r.NotRecovered++
			default:
				r.Recovered++
			}
		}
	})
}
