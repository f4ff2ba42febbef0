package load

import (
	"context"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ballast are connections that come first and stay: they pay for what is shared, pools, caches, and the heap's own
// growth. There are no more of them than of those who are measured.
const ballast = 200

// connect lets clients in, who then stay quiet. They were there before: their users exist and are members.
func (f *fleet) connect(ctx context.Context) (*Result, error) {
	r := f.newResult()
	m, err := newMeter(&f.options)
	if err != nil {
		return nil, err
	}
	defer m.finish()
	clients := f.clients
	first, err := f.addBallast()
	if err != nil {
		return nil, err
	}
	if err := f.found(ctx); err != nil {
		return nil, err
	}
	if err := f.enrol(ctx); err != nil {
		return nil, err
	}
	if err := f.each(ctx, "connect the first", first, f.patiently(enterRoom)); err != nil {
		return nil, err
	}
	base, err := f.settledMemory(ctx)
	if err != nil {
		return nil, err
	}
	arrivals := &arrivals{latency: newHistogram()}
	done := 0
	for _, at := range f.options.At {
		took, err := f.letIn(ctx, m, clients[done:at], arrivals)
		r.Seconds += took.Seconds()
		if err != nil {
			return nil, err
		}
		done = at
		if err := f.noteMemory(ctx, r, at, base); err != nil {
			return nil, err
		}
	}
	f.conclude(r, m)
	r.Connections, r.ConnectionsPerSecond = int64(done), perSecond(int64(done), r.Seconds)
	r.ConnectLatency = summarize(arrivals.latency)
	return r, nil
}

// addBallast makes the clients who come first, with a room of their own.
func (f *fleet) addBallast() ([]*client, error) {
	room := f.newRoom()
	for i := range min(ballast, f.options.Clients) {
		c, err := f.newClient(i, time.Now())
		if err != nil {
			return nil, err
		}
		room.take(c)
	}
	return room.members, nil
}

// arrivals are how long clients took to come in, whichever goroutine brought them.
type arrivals struct {
	mu      sync.Mutex
	latency *hdrhistogram.Histogram
}

func (a *arrivals) note(took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	record(a.latency, int64(took))
}

// letIn connects clients and says how long that took.
func (f *fleet) letIn(ctx context.Context, m *meter, clients []*client, a *arrivals) (took time.Duration, err error) {
	if err := m.begin(); err != nil {
		return 0, err
	}
	began, enter := time.Now(), f.patiently(enterRoom)
	err = f.each(ctx, "connect", clients, func(ctx context.Context, c *client) error {
		began := time.Now()
		err := enter(ctx, c)
		a.note(time.Since(began))
		return err
	})
	took = time.Since(began)
	if err != nil {
		return took, err
	}
	return took, m.end()
}

// noteMemory measures the memory with so many connections.
func (f *fleet) noteMemory(ctx context.Context, r *Result, connections int, base int64) error {
	if len(f.options.PIDs) == 0 {
		return nil
	}
	rss, err := f.settledMemory(ctx)
	if err == nil {
		r.Memory = append(r.Memory, Memory{connections, rss, (rss - base) / int64(connections)})
	}
	return err
}

// Memory has settled when it has changed by less than a hundredth from one look to the next for the time of Options.Settle, in which a
// server that has come to rest gives back what it took, or after so many times of that.
const (
	settleLook  = 2 * time.Second
	settleTimes = 5
)

// settledMemory is the servers' resident memory once it has settled.
func (f *fleet) settledMemory(ctx context.Context) (int64, error) {
	if len(f.options.PIDs) == 0 {
		return 0, nil
	}
	last, steady := int64(-1), 0
	looks := settleTimes * max(1, int(f.options.Settle/settleLook))
	for look := range looks {
		now, err := f.options.usage()
		if err != nil {
			return 0, err
		}
		rss := resident(now)
		if last < 0 || rss < last-last/100 || rss > last+last/100 {
			steady = 0
		} else if steady++; time.Duration(steady)*settleLook >= f.options.Settle {
			return rss, nil
		}
		last = rss
		f.options.Progress(Progress{Phase: "memory settles", Done: float64(look), Of: float64(looks), Unit: "looks"})
		if err := sleep(ctx, settleLook); err != nil {
			return 0, err
		}
	}
	return last, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
