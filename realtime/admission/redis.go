package admission

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/domain"
	"parley/realtime/gateway"
)

//go:embed claim.lua
var claimSource string

var errNoAnswer = errors.New("redis did not answer in time")

// Redis is a [gateway.Admission] that counts for all nodes. It is safe for concurrent use.
type Redis struct {
	cfg    Config
	limit  int
	client redis.UniversalClient
	script *redis.Script

	wake chan struct{} // the worker has something to look at

	mu     sync.Mutex
	shares map[netip.Addr]*share
	asks   []*ask                  // in the order they came
	dirty  map[netip.Addr]struct{} // what Redis was told of them is not true any more
	renew  []netip.Addr            // still to be told in this renewal
	// away is set while this node decides alone: nothing new is asked, and nothing marked as
	// dirty, since Redis is told everything when it is back.
	away    bool
	stopped bool // Run has ended
}

// share is what one node has of an address.
type share struct {
	live int // its connections
	told int // what Redis holds; unknown while a command is under way, and after one failed
	// until is when Redis drops what it holds by itself.
	until time.Time
}

const unknown = -1

// ask is somebody who wants in.
type ask struct {
	addr   netip.Addr
	answer chan bool // of one place: whoever answers does not wait
	over   bool      // answered, or given up
}

var _ gateway.Admission = (*Redis)(nil)

// NewRedis returns a limit of connections for one address, an IPv6 network of 64 bits
// counting as one; 0 means no limit, and Redis is not asked. Run must be running. The client
// should have the option ContextTimeoutEnabled: the time that Run takes to notice a hanging
// Redis and to stop is then that of the configuration, not of the client.
func NewRedis(client redis.UniversalClient, limit int, cfg Config) *Redis {
	return &Redis{
		cfg: cfg.withDefaults(), limit: limit, client: client, script: redis.NewScript(claimSource),
		wake:   make(chan struct{}, 1),
		shares: make(map[netip.Addr]*share), dirty: make(map[netip.Addr]struct{}),
	}
}

// Admit counts a connection, in Config.Wait at most. It fails with the code
// TOO_MANY_CONNECTIONS when the address has as many as it may, and with the error of ctx when
// that ends first. An address that is not known (the zero Addr) is not limited. Release
// never blocks; calls after the first do nothing.
func (l *Redis) Admit(ctx context.Context, addr netip.Addr) (release func(), err error) {
	if l.limit <= 0 || !addr.IsValid() {
		return func() {}, nil
	}
	addr = gateway.Group(addr)
	admitted, err := l.admit(ctx, addr)
	switch {
	case err != nil:
		return nil, fmt.Errorf("count the connections of an address: %w", err)
	case !admitted:
		return nil, domain.Errorf(domain.CodeTooManyConnections, "at most %d connections from one address", l.limit)
	default:
		return sync.OnceFunc(func() { l.release(addr) }), nil
	}
}

func (l *Redis) admit(ctx context.Context, addr netip.Addr) (bool, error) {
	a, admitted := l.enqueue(addr)
	if a == nil {
		return admitted, nil
	}
	patience := time.NewTimer(l.cfg.Wait)
	defer patience.Stop()
	select {
	case admitted := <-a.answer:
		return admitted, nil
	case <-patience.C:
		return l.giveUp(a), nil
	case <-ctx.Done():
		l.withdraw(a)
		return false, ctx.Err()
	}
}

// enqueue asks Redis, unless the answer is known without it (nil). A flood at one node ends here.
func (l *Redis) enqueue(addr netip.Addr) (a *ask, admitted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.shares[addr]; l.away || s != nil && s.live >= l.limit {
		return nil, l.takeAlone(addr)
	}
	a = &ask{addr: addr, answer: make(chan bool, 1)}
	l.asks = append(l.asks, a)
	l.signal()
	return a, false
}

// giveUp decides without Redis, for this ask and those to come.
func (l *Redis) giveUp(a *ask) bool {
	l.mu.Lock()
	if a.over {
		defer l.mu.Unlock()
		return <-a.answer
	}
	a.over = true
	gone := l.goAlone()
	admitted := l.takeAlone(a.addr)
	l.mu.Unlock()
	if gone {
		l.logAway(errNoAnswer)
		l.signal()
	}
	return admitted
}

// withdraw leaves no trace of an ask whose caller has gone.
func (l *Redis) withdraw(a *ask) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.over && <-a.answer {
		l.leave(a.addr)
	}
	a.over = true
}

func (l *Redis) release(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(addr)
}

// The methods below need the lock.

// share returns what this node has of the address, at first nothing.
func (l *Redis) share(addr netip.Addr) *share {
	s := l.shares[addr]
	if s == nil {
		s = new(share)
		l.shares[addr] = s
	}
	return s
}

// takeAlone admits by the count of this node.
func (l *Redis) takeAlone(addr netip.Addr) bool {
	s := l.share(addr)
	if s.live >= l.limit {
		return false
	}
	s.live++
	l.changed(addr, s)
	return true
}

func (l *Redis) leave(addr netip.Addr) {
	s := l.shares[addr]
	s.live--
	l.changed(addr, s)
}

// changed has Redis told what it does not know, and forgets what is nothing anywhere.
func (l *Redis) changed(addr netip.Addr, s *share) {
	switch {
	case s.live == 0 && (s.told == 0 || l.stopped):
		delete(l.shares, addr)
		delete(l.dirty, addr)
	case s.live != s.told && !l.away: // when Redis is back it is told everything
		l.dirty[addr] = struct{}{}
		l.signal()
	}
}

// goAlone stops asking Redis. It tells whether that is new.
func (l *Redis) goAlone() bool {
	if l.away {
		return false
	}
	l.away = true
	clear(l.dirty)
	l.renew = nil
	return true
}

// signal wakes the worker; it needs no lock.
func (l *Redis) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *Redis) logAway(err error) {
	l.cfg.Logger.Warn("connections of an address are counted by this node alone", slog.Any("error", err))
}
