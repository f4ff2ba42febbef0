package gateway

import (
	"container/heap"
	"context"
	"strconv"
	"sync"
	"time"

	"parley/domain"
	"parley/domain/wire"
)

const (
	// warnAhead is how long before the end of its token a session is told.
	warnAhead = time.Minute
	// expiryTick is how often the gateway looks whose time has come. It goes by the wall clock, as
	// tokens do: a clock that is set forward or back counts at the next look.
	expiryTick = 250 * time.Millisecond
	// expiredGrace is how long a session whose token is over already may last when it was let in
	// nevertheless, because clocks may differ.
	expiredGrace = 30 * time.Second
	// lastAnswers is how long the commands in flight of an expired session may take.
	lastAnswers = 2 * time.Second
)

// Run ends sessions whose tokens have expired, and tells them before, until ctx ends.
func (g *Gateway) Run(ctx context.Context) error {
	var leaving sync.WaitGroup
	defer leaving.Wait()
	tick := time.NewTicker(expiryTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := g.cfg.Now()
		for _, d := range g.expiry.take(now) {
			if !d.over {
				d.session.peer.Emit(wire.EventTokenExpiring, tokenExpiring(d.end, now))
				continue
			}
			d.session.expired.Store(true)
			if len(d.session.slots) == 0 {
				d.session.peer.Remove()
				continue
			}
			leaving.Go(func() { d.session.retire(ctx) })
		}
	}
}

// retire removes a session when what it has asked for is answered.
func (s *Session) retire(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastAnswers)
	defer cancel()
	s.settle(ctx)
	s.peer.Remove()
}

// tokenExpiring is the payload of token-expiring.
func tokenExpiring(end, now time.Time) []byte {
	at, _ := wire.Marshal(wire.Time(end)) // a time up to the year 9999: cannot fail
	dst := append(append([]byte(nil), `{"expiresAt":`...), at...)
	dst = append(dst, `,"expiresInMs":`...)
	return append(strconv.AppendInt(dst, max(end.Sub(now).Milliseconds(), 0), 10), '}')
}

// endOf is when a session that acts with the principal's token ends; the zero time is never.
func endOf(p domain.Principal, now time.Time) time.Time {
	if !p.ExpiresAt.IsZero() && !p.ExpiresAt.After(now) {
		return p.ExpiresAt.Add(expiredGrace)
	}
	return p.ExpiresAt
}

// lifetime is a session's place in an expiry, whose lock guards it.
type lifetime struct {
	end    time.Time
	next   time.Time // when something is to be done
	warned bool
	over   bool // its time has come, and nothing changes that any more
	place  int  // in the queue, from 1; 0 is none
}

// expiry knows when sessions end: one queue and one loop for all, nothing for each.
type expiry struct {
	mu    sync.Mutex
	queue lifetimes
}

// due is a session to be told or, if it is over, to be ended.
type due struct {
	session *Session
	end     time.Time
	over    bool
}

// renew sets when a session ends; the zero time is never. It returns false if that is too late.
func (e *expiry) renew(s *Session, end time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := &s.lifetime
	if l.over {
		return false
	}
	l.end, l.next, l.warned = end, end.Add(-warnAhead), false
	switch {
	case end.IsZero():
		e.remove(s)
	case l.place == 0:
		heap.Push(&e.queue, s)
	default:
		heap.Fix(&e.queue, l.place-1)
	}
	return true
}

// forget is for a session that has closed.
func (e *expiry) forget(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.remove(s)
}

func (e *expiry) remove(s *Session) {
	if s.lifetime.place > 0 {
		heap.Remove(&e.queue, s.lifetime.place-1)
	}
}

// take returns what is to be done now, each thing once.
func (e *expiry) take(now time.Time) []due {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []due
	for len(e.queue) > 0 && !e.queue[0].lifetime.next.After(now) {
		s := e.queue[0]
		l := &s.lifetime
		if !l.warned {
			l.warned, l.next = true, l.end
			heap.Fix(&e.queue, 0)
			list = append(list, due{session: s, end: l.end})
			continue
		}
		l.over = true
		heap.Pop(&e.queue)
		list = append(list, due{session: s, end: l.end, over: true})
	}
	return list
}

// lifetimes implements heap.Interface: the next thing to be done is first.
type lifetimes []*Session

func (q lifetimes) Len() int           { return len(q) }
func (q lifetimes) Less(i, j int) bool { return q[i].lifetime.next.Before(q[j].lifetime.next) }

func (q lifetimes) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].lifetime.place, q[j].lifetime.place = i+1, j+1
}

// Push appends a session.
func (q *lifetimes) Push(x any) {
	s, _ := x.(*Session)
	*q = append(*q, s)
	s.lifetime.place = len(*q)
}

// Pop takes the last one.
func (q *lifetimes) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	s.lifetime.place = 0
	return s
}
