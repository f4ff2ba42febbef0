package gateway

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks whose X-Forwarded-For is believed.
type Proxies []netip.Prefix

// ParseProxies reads networks ("10.0.0.0/8") and single addresses.
func ParseProxies(list []string) (Proxies, error) {
	var proxies Proxies
	for _, s := range list {
		s = strings.TrimSpace(s)
		if addr, err := netip.ParseAddr(s); err == nil {
			s = netip.PrefixFrom(addr, addr.BitLen()).String()
		}
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%q is no network", s)
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies, nil
}

// Client is the address that a request comes from: the peer's, unless that is one of the
// proxies; then the rightmost address in X-Forwarded-For that is none. What stands left of
// it anybody may have written. The zero Addr means that it is not known.
func (p Proxies) Client(r *http.Request) netip.Addr {
	client := parseHop(r.RemoteAddr)
	if !p.trust(client) {
		return client
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr := parseHop(strings.TrimSpace(hop))
		if !addr.IsValid() {
			break
		}
		client = addr
		if !p.trust(client) {
			break
		}
	}
	return client
}

func (p Proxies) trust(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// parseHop reads an address with or without a port.
func parseHop(s string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return withPort.Addr().Unmap()
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}
