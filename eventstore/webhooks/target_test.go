package webhooks_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley/eventstore/webhooks"
)

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, public := range []string{
		"1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.1", "192.169.0.1", "100.63.255.255", "223.255.255.255",
		"2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "::ffff:8.8.8.8", "64:ff9b::808:808",
	} {
		if !webhooks.IsPublic(netip.MustParseAddr(public)) {
			t.Errorf("%s is refused", public)
		}
	}
	for _, private := range []string{
		"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
		"168.63.129.16", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1",
		"2001:db8::1", "2001::1", "2002:7f00:1::", "3fff::1", "100::1", "2001:10::1", "4000::1",
	} {
		if webhooks.IsPublic(netip.MustParseAddr(private)) {
			t.Errorf("%s is let through", private)
		}
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"8.8.8.8:443": true, "8.8.8.8:8443": true, "[2606:4700:4700::1111]:443": true,
		"8.8.8.8:80": false, "8.8.8.8:25": false, "8.8.8.8:22": false, "127.0.0.1:443": false, "[::1]:443": false,
		"[::ffff:127.0.0.1]:443": false, "[fe80::1%lo]:443": false, "8.8.8.8": false, "": false, "localhost:443": false, "8.8.8.8:x": false,
	} {
		if err := webhooks.Guard(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	const neither, private, always = 0, 1, 2
	for url, when := range map[string]int{
		"https://hooks.example.com/parley?token=1": always, "https://hooks.example.com:8443": always, "https://8.8.8.8/": always,
		"http://hooks.example.com": private, "http://localhost:8080/x": private, "https://127.0.0.1/": private, "https://[::1]:8443/": private,
		"https://10.0.0.1/": private, "https://[::ffff:10.0.0.1]/": private, "https://169.254.169.254/latest/meta-data": private,
		"": neither, "hooks.example.com": neither, "/x": neither, "https://": neither, "https:///x": neither, "ftp://example.com": neither,
		"gopher://example.com": neither, "file:///etc/passwd": neither, "https://user@example.com": neither, "https://user:pw@example.com": neither,
		"https://example.com#x": neither, "https://example.com:25": neither, "https://example.com:99999": neither, "https:example.com": neither,
		"https://example.com/" + strings.Repeat("x", 2048): neither, "https://ex ample.com": neither, "https://example.com\n": neither,
		// A name, until it is dialled.
		"https://localhost": always, "https://2130706433/": always, "https://0x7f.1/": always,
	} {
		if err := webhooks.CheckURL(url, false); (err == nil) != (when == always) {
			t.Errorf("%.60q: %v", url, err)
		}
		if err := webhooks.CheckURL(url, true); (err == nil) != (when != neither) {
			t.Errorf("%.60q where private networks are allowed: %v", url, err)
		}
	}
}

func TestPauses(t *testing.T) {
	t.Parallel()
	cfg := webhooks.Config{FirstPause: time.Second, MaxPause: time.Minute, MaxRetryAfter: time.Hour}
	for attempts, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 7: time.Minute, 1000: time.Minute} {
		for range 50 {
			if got := cfg.PauseAfter(attempts, 0); got < want/2 || got > want {
				t.Errorf("after %d failures: %s, want %s to %s", attempts, got, want/2, want)
			}
		}
	}
	if got := cfg.PauseAfter(1, 90*time.Second); got != 90*time.Second {
		t.Errorf("asked for 90 s: %s", got)
	}
	if got := cfg.PauseAfter(1, 90*time.Hour); got != time.Hour {
		t.Errorf("asked for 90 h: %s", got)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999999999999999": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:03:05 GMT": 0,
	} {
		if got := webhooks.RetryAfter(header, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
