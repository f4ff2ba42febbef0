package auth

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"parley/domain"
)

// LimitConfig bounds attempts to log in and to register, on this node. Only failed logins
// count. Each limit is a bucket: so many at once, then one each so often.
//
// A stranger who guesses from many addresses fills the bucket of the account, but not that
// of its owner: an address from which the account was entered lately is not held to it.
type LimitConfig struct {
	// PerAddress counts the failures from one address (IPv6: one /64), whatever the account.
	// Zero means 100, then one a second.
	PerAddress Limit
	// PerPair counts those from one address for one account. Zero means 10, then one in 6 s.
	PerPair Limit
	// PerAccount counts those for one account from addresses it was not entered from. Zero means 100,
	// then one in 3 s.
	PerAccount Limit
	// Registrations counts new accounts from one address. Zero means 600, then one a second.
	Registrations Limit
	// Remember is how many addresses, accounts and pairs are kept in mind, each. Zero means 16,384.
	Remember int
}

// Limit is a bucket's size and the time in which one token comes back.
type Limit struct {
	Burst int
	Every time.Duration
}

func (c LimitConfig) withDefaults() LimitConfig {
	set := func(l *Limit, burst int, every time.Duration) {
		if *l == (Limit{}) {
			*l = Limit{Burst: burst, Every: every}
		}
	}
	set(&c.PerAddress, 100, time.Second)
	set(&c.PerPair, 10, 6*time.Second)
	set(&c.PerAccount, 100, 3*time.Second)
	set(&c.Registrations, 600, time.Second)
	if c.Remember == 0 {
		c.Remember = 16 << 10
	}
	return c
}

// attempts is the memory behind LimitConfig.
type attempts struct {
	now                                   func() time.Time
	address, pair, account, registrations *buckets
	entered                               *lru.Cache[pairKey, struct{}]
}

type pairKey struct {
	address netip.Prefix
	account string
}

func newAttempts(cfg LimitConfig, now func() time.Time) (*attempts, error) {
	cfg = cfg.withDefaults()
	entered, err := lru.New[pairKey, struct{}](cfg.Remember)
	if err != nil {
		return nil, err
	}
	a := &attempts{now: now, entered: entered}
	for _, b := range []struct {
		to    **buckets
		limit Limit
	}{
		{&a.address, cfg.PerAddress},
		{&a.pair, cfg.PerPair},
		{&a.account, cfg.PerAccount},
		{&a.registrations, cfg.Registrations},
	} {
		if *b.to, err = newBuckets(b.limit, cfg.Remember); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// attempt is one try to log in. It is charged before the password is looked at, so that many at
// once cannot slip through together, and given back if it was right.
type attempt struct {
	a     *attempts
	pair  pairKey
	known bool
}

func (a *attempts) login(from netip.Addr, account string) (attempt, error) {
	now, pair := a.now(), pairKey{network(from), account}
	t := attempt{a: a, pair: pair, known: a.entered.Contains(pair)}
	if wait := a.address.take(pair.address, now); wait > 0 {
		return t, tooMany(wait)
	}
	if wait := a.pair.take(pair, now); wait > 0 {
		a.address.giveBack(pair.address)
		return t, tooMany(wait)
	}
	if t.known {
		return t, nil
	}
	if wait := a.account.take(account, now); wait > 0 {
		a.address.giveBack(pair.address)
		a.pair.giveBack(pair)
		return t, tooMany(wait)
	}
	return t, nil
}

// succeeded gives back what the attempt was charged.
func (t attempt) succeeded() {
	t.a.entered.Add(t.pair, struct{}{})
	t.undecided()
}

// undecided is succeeded for an attempt that nobody could judge.
func (t attempt) undecided() {
	t.a.address.giveBack(t.pair.address)
	t.a.pair.giveBack(t.pair)
	if !t.known {
		t.a.account.giveBack(t.pair.account)
	}
}

func (a *attempts) registration(from netip.Addr) error {
	if wait := a.registrations.take(network(from), a.now()); wait > 0 {
		return tooMany(wait)
	}
	return nil
}

func tooMany(wait time.Duration) error {
	return &domain.Error{Code: domain.CodeRateLimited, Message: "too many attempts, try again later", RetryAfter: wait}
}

// network is what counts as one address: IPv6 hands out networks of /64 to single homes.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address (the zero Addr): all of those share one bucket
	}
	return p
}

// buckets holds a token bucket for each key, as many as it may remember. What is forgotten
// is full again.
type buckets struct {
	limit Limit
	mu    sync.Mutex
	byKey *lru.Cache[any, *bucket]
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newBuckets(limit Limit, size int) (*buckets, error) {
	byKey, err := lru.New[any, *bucket](size)
	if err != nil {
		return nil, err
	}
	return &buckets{limit: limit, byKey: byKey}, nil
}

// take takes a token, or says how long until there is one.
func (b *buckets) take(key any, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	entry, ok := b.byKey.Get(key)
	if !ok {
		entry = &bucket{tokens: float64(b.limit.Burst), at: now}
		b.byKey.Add(key, entry)
	}
	if passed := now.Sub(entry.at); passed > 0 {
		entry.tokens = min(float64(b.limit.Burst), entry.tokens+float64(passed)/float64(b.limit.Every))
		entry.at = now
	}
	if entry.tokens < 1 {
		return max(1, time.Duration((1-entry.tokens)*float64(b.limit.Every)))
	}
	entry.tokens--
	return 0
}

func (b *buckets) giveBack(key any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if entry, ok := b.byKey.Peek(key); ok {
		entry.tokens = min(float64(b.limit.Burst), entry.tokens+1)
	}
}
