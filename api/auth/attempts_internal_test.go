package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"parley/domain"
)

func TestAttempts(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a, err := newAttempts(LimitConfig{
		PerAddress: Limit{5, time.Second}, PerPair: Limit{2, time.Minute}, PerAccount: Limit{3, time.Minute},
	}, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	home := netip.MustParseAddr("192.0.2.1")
	stranger := func(n int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("198.51.100.%d", n)) }
	fail := func(from netip.Addr, account string) error { _, err := a.login(from, account); return err }
	enter := func(from netip.Addr, account string) error {
		try, err := a.login(from, account)
		if err == nil {
			try.succeeded()
		}
		return err
	}
	refused := func(err error) bool { return domain.CodeOf(err) == domain.CodeRateLimited }

	for range 20 {
		if err := enter(home, "ada"); err != nil {
			t.Fatalf("right passwords are never limited: %v", err)
		}
	}
	for n := range 3 {
		if err := fail(stranger(n), "ada"); err != nil {
			t.Fatalf("guess %d: %v", n, err)
		}
	}
	err = fail(stranger(9), "ada")
	if !refused(err) {
		t.Error("guesses from many addresses are not limited")
	}
	var e *domain.Error
	if errors.As(err, &e); e == nil || e.RetryAfter <= 0 || e.RetryAfter > time.Minute {
		t.Errorf("retry after %v", e)
	}
	if err := enter(home, "ada"); err != nil {
		t.Errorf("strangers have locked the owner out: %v", err)
	}
	first, second := fail(home, "ada"), fail(home, "ada")
	if first != nil || second != nil || !refused(fail(home, "ada")) {
		t.Error("guesses of one address at one account are not limited")
	}
	clock = clock.Add(time.Minute)
	if err := fail(home, "ada"); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	clock = clock.Add(time.Hour)
	for n := range 5 {
		if err := fail(home, fmt.Sprint("account-", n)); err != nil {
			t.Fatalf("guess at account %d: %v", n, err)
		}
	}
	if !refused(fail(home, "account-x")) {
		t.Error("guesses of one address at many accounts are not limited")
	}
}

func TestAddressesOfOneNetworkAreOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		if got := network(netip.MustParseAddr(c.a)) == network(netip.MustParseAddr(c.b)); got != c.same {
			t.Errorf("%s and %s: same %v", c.a, c.b, got)
		}
	}
}
