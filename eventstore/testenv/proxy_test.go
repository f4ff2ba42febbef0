package testenv_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// echoServer answers every byte with itself.
func echoServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func dialTCP(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// roundTrip sends a word and awaits its echo.
func roundTrip(conn net.Conn, within time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("ping")); err != nil {
		return err
	}
	return awaitEcho(conn, within)
}

func awaitEcho(conn net.Conn, within time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, 4))
	return err
}

const (
	long  = 5 * time.Second
	short = 100 * time.Millisecond
)

func TestProxyPassesBytesAndHalfClose(t *testing.T) {
	t.Parallel()
	conn := dialTCP(t, testenv.TCPProxy(t, echoServer(t)).Addr)
	if err := roundTrip(conn, long); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); err != nil || len(rest) != 0 {
		t.Errorf("after the half-close: %q, %v", rest, err)
	}
}

func TestCutProxyResetsOldAndNewConnectionsUntilHealed(t *testing.T) {
	t.Parallel()
	proxy := testenv.TCPProxy(t, echoServer(t))
	before := dialTCP(t, proxy.Addr)
	if err := roundTrip(before, long); err != nil {
		t.Fatal(err)
	}
	proxy.Cut()
	if err := roundTrip(before, long); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("old connection: want a reset, got %v", err)
	}
	// The reset of a new one may come so early that it is the answer to the dial.
	if after, err := net.Dial("tcp", proxy.Addr); err == nil {
		err = roundTrip(after, long)
		if closeErr := after.Close(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("new connection: want a reset, got %v (close: %v)", err, closeErr)
		}
	}
	proxy.Heal()
	if err := roundTrip(dialTCP(t, proxy.Addr), long); err != nil {
		t.Errorf("after Heal: %v", err)
	}
}

func TestBlackholeHoldsBytesUntilHealed(t *testing.T) {
	t.Parallel()
	proxy := testenv.TCPProxy(t, echoServer(t))
	before := dialTCP(t, proxy.Addr)
	if err := roundTrip(before, long); err != nil {
		t.Fatal(err)
	}
	proxy.Blackhole()
	after := dialTCP(t, proxy.Addr)
	for name, conn := range map[string]net.Conn{"old": before, "new": after} {
		if err := roundTrip(conn, short); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s connection: want silence, got %v", name, err)
		}
	}
	proxy.Heal()
	for name, conn := range map[string]net.Conn{"old": before, "new": after} {
		if err := awaitEcho(conn, long); err != nil {
			t.Errorf("%s connection after Heal: %v", name, err)
		}
	}
}

func TestDelayCostsLatencyInBothDirections(t *testing.T) {
	t.Parallel()
	proxy := testenv.TCPProxy(t, echoServer(t))
	conn := dialTCP(t, proxy.Addr)
	proxy.Delay(short)
	start := time.Now()
	if err := roundTrip(conn, long); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 2*short {
		t.Errorf("took %s, want at least %s", took, 2*short)
	}
}

func TestProxyEndsABlackholedConnectionWhenCut(t *testing.T) {
	t.Parallel()
	proxy := testenv.TCPProxy(t, echoServer(t))
	conn := dialTCP(t, proxy.Addr)
	proxy.Blackhole()
	if _, err := conn.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	proxy.Cut()
	if err := awaitEcho(conn, long); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("want a reset, got %v", err)
	}
}

func TestRedirectedProxySendsNewConnectionsElsewhere(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	proxy := testenv.TCPProxy(t, echoServer(t))
	before := dialTCP(t, proxy.Addr)
	if err := roundTrip(before, long); err != nil {
		t.Fatal(err)
	}
	proxy.Redirect(silent.Addr().String())
	if err := roundTrip(before, long); err != nil {
		t.Errorf("an open connection: %v", err)
	}
	if err := roundTrip(dialTCP(t, proxy.Addr), short); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a new connection: want silence, got %v", err)
	}
}
