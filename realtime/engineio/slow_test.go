package engineio_test

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/realtime/engineio"
)

// slowClosing accepts connections whose Close waits, as a real one does for the goroutines
// that are reading and writing it.
type slowClosing struct {
	net.Listener
	gate chan struct{}
}

func (l *slowClosing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &slowConn{c, l.gate}, err
}

type slowConn struct {
	net.Conn
	gate chan struct{}
}

func (c *slowConn) Close() error {
	<-c.gate
	return c.Conn.Close()
}

// Who sends to a slow consumer may hold locks that others wait for: closing the connection
// is not the sender's work.
func TestSenderDoesNotWaitForTheEndOfASlowConsumer(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{QueueFrames: 8}, nil)
	gate := make(chan struct{})
	web := httptest.NewUnstartedServer(h.Server)
	web.Listener = &slowClosing{web.Listener, gate}
	web.Start()
	t.Cleanup(web.Close)
	(&host{Server: h.Server, url: web.URL}).dial(t, "EIO=4&transport=websocket") // never reads
	p := <-h.peers
	f := engineio.NewText(make([]byte, 1<<20))
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			err = p.Send(f)
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, engineio.ErrSlowConsumer) {
			t.Errorf("Send returned %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Send waits for Close")
	}
	close(gate)
	p.wantClosed(t, engineio.SlowConsumer)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := p.Flush(ctx); !errors.Is(err, engineio.ErrClosed) {
		t.Errorf("what was queued is still there: %v", err)
	}
}

// A connection that takes no more for a while gets everything in the end, in order, and goes on as before.
func TestNothingIsLostWhereAConnectionHasToBeWaitedFor(t *testing.T) {
	t.Parallel()
	const frames = 400
	h := start(t, engineio.Config{QueueBytes: 64 << 20, WriteTimeout: time.Minute}, nil)
	c, p := h.connect(t)
	text := func(i int) string { return strconv.Itoa(i) + strings.Repeat("x", i%3*50_000) }
	send := func(i int) {
		if err := p.Send(engineio.NewTextString(text(i))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range frames { // together more than a socket's buffers hold
		send(i)
	}
	for i := range frames {
		c.want("4" + text(i))
	}
	for i := range 3 {
		send(i)
		c.want("4" + text(i))
	}
}

// What a client has asked for, however much, does not make it a slow consumer; what comes
// on top of it counts as always.
func TestBurstRaisesTheLimitsUntilItIsWritten(t *testing.T) {
	t.Parallel()
	const limit = 8
	h := start(t, engineio.Config{QueueFrames: limit, WriteTimeout: time.Minute}, nil)
	h.dial(t, "EIO=4&transport=websocket") // never reads
	p := <-h.peers
	burst := make([]*engineio.Frame, 64)
	for i := range burst {
		burst[i] = engineio.NewText(make([]byte, 1<<20)) // together more than a socket's buffers hold
	}
	if err := p.SendBurst(burst...); err != nil {
		t.Fatal(err)
	}
	small := engineio.NewText([]byte("small"))
	for i := range limit {
		if err := p.Send(small); err != nil {
			t.Fatalf("frame %d after the burst: %v", i, err)
		}
	}
	if err := p.Send(small); !errors.Is(err, engineio.ErrSlowConsumer) {
		t.Errorf("beyond the limits: %v", err)
	}
	p.wantClosed(t, engineio.SlowConsumer)
}

// Bursts do not pile up for a client that reads none of them, or little.
func TestBurstsDoNotPileUp(t *testing.T) {
	t.Parallel()
	const limit = 8
	h := start(t, engineio.Config{QueueFrames: limit, WriteTimeout: time.Minute}, nil)
	h.dial(t, "EIO=4&transport=websocket") // never reads
	p := <-h.peers
	burst := make([]*engineio.Frame, 64)
	for i := range burst {
		burst[i] = engineio.NewText(make([]byte, 1<<20)) // together more than a socket's buffers hold
	}
	if err := p.SendBurst(burst...); err != nil {
		t.Fatal(err)
	}
	if err := p.SendBurst(burst...); !errors.Is(err, engineio.ErrSlowConsumer) {
		t.Errorf("a second burst behind the first: %v", err)
	}
	p.wantClosed(t, engineio.SlowConsumer)
}

// Nor do they raise the limits further and further while the queue never gets empty.
func TestBurstsRaiseTheLimitsByWhatWaits(t *testing.T) {
	t.Parallel()
	const limit, size, perPoll, rounds = 8, 18, 16, 4
	h := start(t, engineio.Config{QueueFrames: limit}, nil)
	c, p := h.poll(t)
	small := engineio.NewText([]byte("small"))
	waiting := 0
	for range rounds {
		if err := p.SendBurst(slices.Repeat([]*engineio.Frame{small}, size)...); err != nil {
			t.Fatal(err)
		}
		c.get()
		waiting += size - perPoll
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			if _, frames := p.Queued(); frames == waiting {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the answer is never written")
			}
		}
	}
	taken := 0
	for p.Send(small) == nil {
		taken++
	}
	if want := limit + perPoll; taken != want { // as many as were there after the last burst, and the ordinary ones
		t.Errorf("%d frames on top of %d, want %d", taken, waiting, want)
	}
	p.wantClosed(t, engineio.SlowConsumer)
}
