package admission

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// farewell bounds how long a node that stops gives back what it holds.
const farewell = time.Second

// Run talks to Redis until ctx ends, and then gives back all connections of this node: stop
// it after they are closed. It stops within some 2 s whatever Redis does; from then on this
// node decides alone. It may be called once, and returns nil.
func (l *Redis) Run(ctx context.Context) error {
	if l.limit <= 0 {
		<-ctx.Done()
		return nil
	}
	defer l.stop(ctx)
	renewal := time.NewTicker(max(l.cfg.Lease/3, time.Millisecond))
	defer renewal.Stop()
	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		case <-renewal.C:
			l.startRenewal()
		case <-retry:
			retry = nil
			l.tryAgain(ctx)
		}
		if alone := l.work(ctx); alone && retry == nil {
			retry = time.After(l.cfg.Retry)
		}
	}
}

// work sends all there is to send. It tells whether this node decides alone.
func (l *Redis) work(ctx context.Context) (alone bool) {
	for ctx.Err() == nil {
		round, alone := l.next()
		if len(round) == 0 {
			return alone
		}
		l.exchange(ctx, round)
	}
	return false
}

// tryAgain asks Redis whether it is back: once with patience, since a connection may have to
// be made, which holds nobody up; then as it will be asked from now on.
func (l *Redis) tryAgain(ctx context.Context) {
	patience, cancel := context.WithTimeout(ctx, max(l.cfg.Retry, l.cfg.Wait))
	defer cancel()
	if l.client.Ping(patience).Err() != nil {
		return
	}
	l.mu.Lock()
	l.renew = l.held()
	round := l.counts(nil)
	l.mu.Unlock()
	if !l.exchange(ctx, round) {
		return
	}
	l.mu.Lock()
	l.away = false
	l.renew = l.held() // also what has changed meanwhile
	l.mu.Unlock()
	l.cfg.Logger.InfoContext(ctx, "connections of an address are counted across nodes again")
}

// startRenewal forgets what has lapsed in Redis, and has everything else told anew.
func (l *Redis) startRenewal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for addr, s := range l.shares {
		if s.live == 0 && now.After(s.until) {
			delete(l.shares, addr)
			delete(l.dirty, addr)
		}
	}
	if !l.away {
		l.renew = l.held()
	}
}

// held is every address that this node or Redis has connections of. It needs the lock.
func (l *Redis) held() []netip.Addr {
	all := make([]netip.Addr, 0, len(l.shares))
	for addr := range l.shares {
		all = append(all, addr)
	}
	return all
}

// line is one command of a round: the count of an address, and who asks for more.
type line struct {
	addr    netip.Addr
	live    int
	asks    []*ask
	granted int
	err     error
}

// next is what to send now: attempts first, then counts. When this node decides alone it
// answers the attempts, and there is nothing to send.
func (l *Redis) next() (round []*line, alone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	asks := l.asks
	if !l.away {
		asks = asks[:min(len(asks), l.cfg.Batch)]
	}
	if l.asks = l.asks[len(asks):]; len(l.asks) == 0 {
		l.asks = nil
	}
	if l.away {
		for _, a := range asks {
			l.answerAlone(a)
		}
		return nil, true
	}
	return l.counts(asks), false
}

// counts makes a round of the asks, and of as many addresses that Redis has to be told of as
// a batch may hold. It needs the lock.
func (l *Redis) counts(asks []*ask) []*line {
	r := round{l: l, until: time.Now().Add(l.cfg.Lease), at: make(map[netip.Addr]*line)}
	for _, a := range asks {
		if !a.over {
			row := r.line(a.addr)
			row.asks = append(row.asks, a)
		}
	}
	full := len(r.lines) + l.cfg.Batch
	for addr := range l.dirty {
		if len(r.lines) == full {
			return r.lines
		}
		r.line(addr)
	}
	for len(r.lines) < full && len(l.renew) > 0 {
		addr := l.renew[0]
		l.renew = l.renew[1:]
		if l.shares[addr] != nil {
			r.line(addr)
		}
	}
	return r.lines
}

// round collects lines, one for each address.
type round struct {
	l     *Redis
	until time.Time
	lines []*line
	at    map[netip.Addr]*line
}

func (r *round) line(addr netip.Addr) *line {
	if row := r.at[addr]; row != nil {
		return row
	}
	s := r.l.share(addr)
	s.told, s.until = unknown, r.until
	delete(r.l.dirty, addr)
	row := &line{addr: addr, live: s.live}
	r.at[addr] = row
	r.lines = append(r.lines, row)
	return row
}

// exchange sends a round and acts on the answers. It tells whether all came.
func (l *Redis) exchange(ctx context.Context, lines []*line) bool {
	patience, cancel := context.WithTimeout(ctx, l.cfg.Wait)
	defer cancel()
	l.send(patience, lines)
	failed := slices.IndexFunc(lines, func(row *line) bool { return row.err != nil })
	l.mu.Lock()
	gone := failed >= 0 && l.goAlone()
	for _, row := range lines {
		l.settle(row)
	}
	l.mu.Unlock()
	if gone && ctx.Err() == nil {
		l.logAway(fmt.Errorf("count connections in redis: %w", lines[failed].err))
	}
	return failed < 0
}

// settle answers those who asked. It needs the lock.
func (l *Redis) settle(row *line) {
	s := l.share(row.addr)
	if row.err == nil {
		s.told = row.live + row.granted
	}
	for _, a := range row.asks {
		if row.err != nil {
			l.answerAlone(a)
			continue
		}
		if a.over {
			continue
		}
		admitted := row.granted > 0 && s.live < l.limit // somebody may have been admitted without Redis meanwhile
		if admitted {
			s.live++
			row.granted--
		}
		a.over = true
		a.answer <- admitted
	}
	l.changed(row.addr, s)
}

// answerAlone needs the lock.
func (l *Redis) answerAlone(a *ask) {
	if !a.over {
		a.over = true
		a.answer <- l.takeAlone(a.addr)
	}
}

// send runs the script for each line in one round trip; two when Redis has forgotten it.
func (l *Redis) send(ctx context.Context, lines []*line) {
	l.pipeline(ctx, lines, l.script.EvalSha)
	forgotten := slices.DeleteFunc(slices.Clone(lines), func(row *line) bool {
		return !redis.HasErrorPrefix(row.err, "NOSCRIPT")
	})
	if len(forgotten) > 0 {
		l.pipeline(ctx, forgotten, l.script.Eval)
	}
}

type command func(ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd

func (l *Redis) pipeline(ctx context.Context, lines []*line, run command) {
	pipe := l.client.Pipeline()
	results := make([]*redis.Cmd, len(lines))
	for i, row := range lines {
		results[i] = run(ctx, pipe, []string{l.cfg.Prefix + row.addr.String()},
			l.cfg.Node, row.live, len(row.asks), l.limit, l.cfg.Lease.Milliseconds())
	}
	_, _ = pipe.Exec(ctx) // each result has its own error
	for i, row := range lines {
		row.granted, row.err = results[i].Int()
	}
}

// stop makes this node decide alone for good, and gives back what Redis holds of it.
func (l *Redis) stop(ctx context.Context) {
	l.mu.Lock()
	l.stopped = true
	l.goAlone()
	l.mu.Unlock()
	l.next() // answers those who still wait

	var lines []*line
	l.mu.Lock()
	for addr, s := range l.shares {
		if s.told != 0 {
			lines = append(lines, &line{addr: addr})
		}
		if s.live == 0 {
			delete(l.shares, addr)
		}
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	for batch := range slices.Chunk(lines, l.cfg.Batch) {
		l.send(ctx, batch)
		if batch[0].err != nil {
			return // the leases lapse by themselves
		}
	}
}
