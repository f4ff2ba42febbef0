package gateway

import (
	"context"
	"net/netip"
	"sync"

	"parley/domain"
)

// Admission limits connections by address.
type Admission interface {
	// Admit counts a connection. The error is of code TOO_MANY_CONNECTIONS when the address has
	// as many as it may. Otherwise release is called once, when the connection has ended.
	Admit(ctx context.Context, addr netip.Addr) (release func(), err error)
}

// AddressLimit is an Admission that counts on this node alone. An IPv6 network of 64 bits
// counts as one address.
type AddressLimit struct {
	limit int

	mu   sync.Mutex
	open map[netip.Addr]int
}

// NewAddressLimit returns a limit of connections for one address; 0 means no limit.
func NewAddressLimit(limit int) *AddressLimit {
	return &AddressLimit{limit: limit, open: make(map[netip.Addr]int)}
}

// Admit implements Admission. An address that is not known (the zero Addr) is not limited.
func (l *AddressLimit) Admit(_ context.Context, addr netip.Addr) (release func(), err error) {
	if l.limit <= 0 || !addr.IsValid() {
		return func() {}, nil
	}
	key := Group(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key] >= l.limit {
		return nil, domain.Errorf(domain.CodeTooManyConnections, "at most %d connections from one address", l.limit)
	}
	l.open[key]++
	return sync.OnceFunc(func() { l.leave(key) }), nil
}

func (l *AddressLimit) leave(key netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key]--; l.open[key] == 0 {
		delete(l.open, key)
	}
}

// Group is the address that stands for all those of one client: an IPv4 address itself,
// the first of 64 bits for IPv6.
func Group(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return prefix.Addr()
}
