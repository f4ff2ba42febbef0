package engineio

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// ArrivalsConfig bounds handshakes. The zero value bounds nothing.
type ArrivalsConfig struct {
	// Rate is how many handshakes may come in a second. Zero means no limit.
	Rate int
	// Burst is how many may come at once, after a time without any. Zero means Rate.
	Burst int
	// Unsettled is how many sessions may be there that have not settled, until the last trace of them is
	// gone. Zero means no limit.
	Unsettled int
	// UnsettledPerAddress bounds those of one address. Zero means no limit.
	UnsettledPerAddress int
	// Address says who sends a request; those of whom it does not know (the zero Addr) are not bounded by
	// address. Zero means the peer of the connection.
	Address func(*http.Request) netip.Addr
}

// Arrivals keeps a server from being busied by those of whom nothing is known yet. Several servers may
// share one.
type Arrivals struct {
	cfg ArrivalsConfig
	gap time.Duration // between handshakes at the full rate

	mu        sync.Mutex
	next      time.Time // when the next handshake is due at the full rate
	unsettled int
	from      map[netip.Addr]int
}

// NewArrivals returns arrivals of which nobody has come.
func NewArrivals(cfg ArrivalsConfig) *Arrivals {
	cfg.Burst = cmp.Or(cfg.Burst, cfg.Rate)
	if cfg.Address == nil {
		cfg.Address = peerAddress
	}
	a := &Arrivals{cfg: cfg, from: make(map[netip.Addr]int)}
	if cfg.Rate > 0 {
		a.gap = time.Second / time.Duration(cfg.Rate)
	}
	return a
}

func peerAddress(r *http.Request) netip.Addr {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	addr, _ := netip.ParseAddr(host)
	return addr.Unmap()
}

// Unsettled is how many have come and not settled.
func (a *Arrivals) Unsettled() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.unsettled
}

// arrival is one that has not settled.
type arrival struct {
	arrivals *Arrivals
	from     netip.Addr
}

// enter counts a handshake, or says that it is one too many. Without Arrivals nobody is counted.
func (a *Arrivals) enter(r *http.Request) (*arrival, bool) {
	if a == nil {
		return nil, true
	}
	from, now := a.cfg.Address(r), time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if full(a.unsettled, a.cfg.Unsettled) || from.IsValid() && full(a.from[from], a.cfg.UnsettledPerAddress) || !a.inTime(now) {
		return nil, false
	}
	a.unsettled++
	if from.IsValid() {
		a.from[from]++
	}
	return &arrival{a, from}, true
}

func full(count, limit int) bool { return limit > 0 && count >= limit }

// inTime takes one of the handshakes that may come by now.
func (a *Arrivals) inTime(now time.Time) bool {
	if a.gap == 0 {
		return true
	}
	if earliest := now.Add(-time.Duration(a.cfg.Burst-1) * a.gap); a.next.Before(earliest) {
		a.next = earliest
	}
	if a.next.After(now) {
		return false
	}
	a.next = a.next.Add(a.gap)
	return true
}

// leave ends the count. It is called once; nil was not counted.
func (v *arrival) leave() {
	if v == nil {
		return
	}
	a := v.arrivals
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unsettled--
	if !v.from.IsValid() {
		return
	}
	if a.from[v.from]--; a.from[v.from] == 0 {
		delete(a.from, v.from)
	}
}

// Settle says that somebody is known to be behind the session: it no longer counts as one that has only
// arrived. See Config.Arrivals.
func (s *Session) Settle() { s.arrival.Swap(nil).leave() }
