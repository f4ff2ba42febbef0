package webhooks

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"

	"parley/domain"
)

// errTarget says that an address is not one that webhooks may reach.
var errTarget = errors.New("the address is not on the public internet")

const (
	maxURL = 2048
	// firstFreePort is the first that is no system's: services below it are spoken to in their own way, and a
	// webhook must not.
	firstFreePort = 1024
	httpsPort     = 443
	httpPort      = 80
)

// checkURL refuses what could never be delivered to. Whether the host may be reached is seen for sure when it is
// dialled.
func checkURL(text string, allowPrivate bool) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return domain.Invalid("url", "is required")
	case err != nil || len(text) > maxURL || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return domain.Invalid("url", fmt.Sprintf("must be an absolute URL of at most %d bytes", maxURL))
	case u.Scheme != "https" && (u.Scheme != "http" || !allowPrivate):
		return domain.Invalid("url", "must begin with https://")
	case u.User != nil:
		return domain.Invalid("url", "must not hold a user or a password")
	case u.Fragment != "":
		return domain.Invalid("url", "must not hold a fragment")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || !allowedPort(int(n), allowPrivate) {
			return domain.Invalid("url", "must have the port 443, or one from 1024")
		}
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !allowPrivate && !isPublic(ip) {
		return domain.Invalid("url", "must not be that of a private network")
	}
	return nil
}

func allowedPort(port int, allowPrivate bool) bool {
	return port == httpsPort || port >= firstFreePort || port == httpPort && allowPrivate
}

// guard is a net.Dialer's Control: it sees the address that is about to be dialled, whatever name stands for it.
func guard(_, address string, _ syscall.RawConn) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errTarget
	}
	ip, err := netip.ParseAddr(host)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || !isPublic(ip) || !allowedPort(int(n), false) {
		return errTarget
	}
	return nil
}

// special are the networks within the public ranges that are no hosts of the internet, or stand for others (IANA's registries of
// special-purpose addresses), and those under which clouds tell a machine its secrets.
var special = networks(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "168.63.129.16/32",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

func networks(list ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(list))
	for i, text := range list {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}

// isPublic reports whether an address is a host of the public internet. Of IPv6 that is what has been given out
// (2000::/3), and IPv4 addresses in the clothes of NAT64.
func isPublic(ip netip.Addr) bool {
	ip = unwrapped(ip)
	if ip.Is6() && !netip.MustParsePrefix("2000::/3").Contains(ip) {
		return false
	}
	if ip.Zone() != "" || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	return !slices.ContainsFunc(special, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// unwrapped is the IPv4 address that an IPv6 one stands for, if it does.
func unwrapped(ip netip.Addr) netip.Addr {
	ip = ip.Unmap()
	if nat64 := netip.MustParsePrefix("64:ff9b::/96"); nat64.Contains(ip) {
		b := ip.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip
}
