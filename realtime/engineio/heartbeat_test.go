package engineio_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"parley/realtime/engineio"
)

// pipes is a listener of in-memory connections, which work on a test's own clock.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { close(l.done); return nil }
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	return ours, nil
}

// onFakeClock runs f with a client of a server with the default configuration,
// on a clock that jumps ahead while everybody waits.
func onFakeClock(t *testing.T, cfg engineio.Config, f func(t *testing.T, c *client, p *peer)) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{make(chan net.Conn), make(chan struct{})}
		p := &peer{closed: make(chan engineio.Reason, 2)}
		server := engineio.NewServer(cfg, func(s *engineio.Session, _ *http.Request) engineio.Handler {
			p.Session = s
			return p
		})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- server.Run(ctx) }()
		web := &http.Server{Handler: server, ReadHeaderTimeout: time.Second}
		served := make(chan error)
		go func() { served <- web.Serve(l) }()

		conn, _, err := (&websocket.Dialer{NetDialContext: l.dial}).Dial("ws://pipe/?EIO=4&transport=websocket", nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &client{TB: t, Conn: conn}
		_, _, _ = conn.ReadMessage()
		synctest.Wait()
		f(t, c, p)

		conn.Close()
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		_ = web.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// hear reads the next message without a deadline.
func (c *client) hear() string {
	c.Helper()
	_, data, err := c.ReadMessage()
	if err != nil {
		c.Fatal(err)
	}
	return string(data)
}

// within says that a moment came on time, give or take the wheel's tick.
func within(t *testing.T, what string, since time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(since); got < want || got > want+300*time.Millisecond {
		t.Errorf("%s after %v, want %v", what, got, want)
	}
}

func TestPingsComeAnIntervalAfterEachPong(t *testing.T) {
	t.Parallel()
	onFakeClock(t, engineio.Config{}, func(t *testing.T, c *client, _ *peer) {
		for range 3 {
			last := time.Now()
			if got := c.hear(); got != "2" {
				t.Fatalf("got %q", got)
			}
			within(t, "ping", last, 25*time.Second)
			time.Sleep(59 * time.Second) // late, but in time
			c.say("3")
			synctest.Wait()
		}
	})
}

func TestUnansweredPingEndsTheSession(t *testing.T) {
	t.Parallel()
	onFakeClock(t, engineio.Config{}, func(t *testing.T, c *client, p *peer) {
		began := time.Now()
		_ = c.hear()
		if got := c.closeCodeSlow(); got != websocket.CloseNormalClosure {
			t.Errorf("close code is %d", got)
		}
		within(t, "end", began, 85*time.Second)
		p.wantClosed(t, engineio.PingTimeout)
	})
}

// closeCodeSlow is closeCode without a deadline.
func (c *client) closeCodeSlow() int {
	for {
		_, _, err := c.ReadMessage()
		if e, ok := errors.AsType[*websocket.CloseError](err); ok {
			return e.Code
		} else if err != nil {
			return websocket.CloseAbnormalClosure
		}
	}
}

func TestAMessageExtendsTheTimeForAPongOnce(t *testing.T) {
	t.Parallel()
	onFakeClock(t, engineio.Config{}, func(t *testing.T, c *client, p *peer) {
		_ = c.hear()
		pinged := time.Now()
		time.Sleep(50 * time.Second)
		c.say("4first")
		time.Sleep(50 * time.Second)
		c.say("4second")
		c.closeCodeSlow()
		within(t, "end", pinged, 110*time.Second)
		p.wantClosed(t, engineio.PingTimeout)
	})
}

func TestPeerThatNeverSaysGoodbyeIsDroppedAfterCloseGrace(t *testing.T) {
	t.Parallel()
	onFakeClock(t, engineio.Config{}, func(t *testing.T, c *client, p *peer) {
		began := time.Now()
		p.Close(engineio.ForcedClose) // the client reads nothing, so even the close frame is stuck
		p.wantClosed(t, engineio.ForcedClose)
		if time.Since(began) != 0 {
			t.Errorf("the application was told after %v", time.Since(began))
		}
		time.Sleep(3 * time.Second)
		if _, err := c.NetConn().Read(make([]byte, 1)); err == nil {
			t.Error("the connection is still open")
		}
	})
}

// A peer can hold its reader with a message that never ends, but only as long
// as a pong may take: pongs are messages, too.
func TestUnfinishedMessageEndsTheSession(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"half a frame":               "\x81\x8a\x00\x00\x00\x004a",
		"a fragment without the end": "\x01\x82\x00\x00\x00\x004a",
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, engineio.Config{}, func(t *testing.T, c *client, p *peer) {
				began := time.Now()
				_, _ = c.NetConn().Write([]byte(raw))
				c.closeCodeSlow()
				within(t, "end", began, 85*time.Second)
				p.wantClosed(t, engineio.PingTimeout)
			})
		})
	}
}

type alarm struct {
	due  time.Time
	rang chan time.Time
}

func (a *alarm) Expire() { a.rang <- time.Now() }

func TestTimersRingOnceAndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := engineio.NewServer(engineio.Config{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- server.Run(ctx) }()
		time.Sleep(777 * time.Millisecond)

		var timers [400]engineio.Timer
		var alarms [400]alarm
		for i := range timers {
			d := time.Duration(i*i) * 7 * time.Millisecond // up to 19 minutes: several turns
			alarms[i] = alarm{time.Now().Add(d), make(chan time.Time, 2)}
			server.Schedule(&timers[i], time.Hour, &alarms[i])
			server.Schedule(&timers[i], d, &alarms[i]) // the later setting counts
			if i%10 == 0 {
				server.Cancel(&timers[i])
				server.Cancel(&timers[i])
			}
		}
		time.Sleep(2 * time.Hour)
		for i := range alarms {
			a := &alarms[i]
			switch {
			case i%10 == 0:
				if len(a.rang) != 0 {
					t.Errorf("timer %d rang although it was cancelled", i)
				}
			case len(a.rang) != 1:
				t.Errorf("timer %d rang %d times", i, len(a.rang))
			default:
				if late := (<-a.rang).Sub(a.due); late < 0 || late > 251*time.Millisecond {
					t.Errorf("timer %d rang %v late", i, late)
				}
			}
		}
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}

// On a real clock and a real connection.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{PingInterval: 300 * time.Millisecond, PingTimeout: time.Second}, echo)
	c, p := h.connect(t)
	for range 3 {
		c.want("2")
		c.say("3")
	}
	began := time.Now()
	c.closeCode()
	if took := time.Since(began); took < 1200*time.Millisecond || took > 4*time.Second {
		t.Errorf("closed after %v, want 1.3 s", took)
	}
	p.wantClosed(t, engineio.PingTimeout)
}
