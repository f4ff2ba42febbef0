package engineio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/realtime/engineio"
)

func TestOpenPacketHasExactlyTheProtocolsKeys(t *testing.T) {
	t.Parallel()
	c := start(t, suite, echo).dial(t, "EIO=4&transport=websocket")
	text := c.text()
	if text[0] != '0' {
		t.Fatalf("first packet is %q", text)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(text[1:]), &got); err != nil {
		t.Fatal(err)
	}
	sid, _ := got["sid"].(string)
	if len(sid) != 22 {
		t.Errorf("sid %q is not 128 bits of base64url", sid)
	}
	delete(got, "sid")
	want := `{"maxPayload":1000000,"pingInterval":300,"pingTimeout":200,"upgrades":[]}`
	if b, _ := json.Marshal(got); string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
}

func TestMessagesAreEchoed(t *testing.T) {
	t.Parallel()
	// The client may have an answer, and send again, before the server counts it as written.
	c, p := start(t, engineio.Config{QueueBytes: 4 << 20}, echo).connect(t)
	for _, size := range []int{0, 1, 124, 125, 126, 127, 500, 65534, 65535, 65536, 999_999} {
		text := "4" + strings.Repeat("é", size/2) + strings.Repeat("x", size%2)
		c.say(text)
		if got := c.text(); got != text {
			t.Fatalf("%d bytes of text came back as %d", len(text), len(got))
		}
		c.sayBinary(text)
		if kind, data := c.read(); kind != websocket.BinaryMessage || data != text {
			t.Fatalf("%d binary bytes came back as kind %d, %d", len(text), kind, len(data))
		}
	}
	if got := p.Transport(); got != "websocket" {
		t.Errorf("transport is %q", got)
	}
	if p.ID() != c.sid {
		t.Error("the session does not have the id that the client was told")
	}
	if p.RemoteAddr() != c.LocalAddr().String() {
		t.Errorf("remote address is %s, want %s", p.RemoteAddr(), c.LocalAddr())
	}
	if age := time.Since(p.OpenedAt()); age < 0 || age > time.Minute {
		t.Errorf("opened %v ago", age)
	}
}

func TestBinaryAsBase64(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	c := h.dial(t, "EIO=4&transport=websocket&b64=1")
	c.text()
	c.sayBinary("\x01\x02\x03\x04")
	c.want("bAQIDBA==")
	c.say("bAQIDBA==")
	c.want("bAQIDBA==")
	p := <-h.peers
	if err := p.Send(engineio.Batch(engineio.NewText([]byte("a")), engineio.NewBinary([]byte{5}), engineio.NewText([]byte("b")))); err != nil {
		t.Fatal(err)
	}
	c.want("4a")
	c.want("bBQ==")
	c.want("4b")

	plain, _ := h.connect(t)
	plain.say("bAQIDBA==")
	if kind, data := plain.read(); kind != websocket.BinaryMessage || data != "\x01\x02\x03\x04" {
		t.Errorf("got kind %d, %q", kind, data)
	}
}

func TestWhatEndsASession(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{MaxPayload: 1000, MaxPings: 3}, echo)
	frame := func(raw string) func(*client) {
		return func(c *client) { _, _ = c.NetConn().Write([]byte(raw)) }
	}
	text := func(s string) func(*client) { return func(c *client) { c.say(s) } }
	const mask = "\x00\x00\x00\x00" // masking with zeros changes nothing
	for _, tc := range []struct {
		name   string
		do     func(*client)
		reason engineio.Reason
		code   int
	}{
		{"unknown type", text("abc"), engineio.ParseError, 1002},
		{"type 7", text("7"), engineio.ParseError, 1002},
		{"empty text", text(""), engineio.ParseError, 1002},
		{"bad base64", text("b!!!!"), engineio.ParseError, 1002},
		{"close packet", text("1"), engineio.TransportClose, 1000},
		{"ping packet from a client", text("2"), engineio.TransportError, 1002},
		{"probe from a client", text("2probe"), engineio.TransportError, 1002},
		{"invalid UTF-8", text("4\xff\xfe"), engineio.ParseError, 1007},
		{"too large", text("4" + strings.Repeat("x", 1000)), engineio.TransportError, 1009},
		{"too large in one frame's header", frame("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + mask), engineio.TransportError, 1009},
		{"negative length", frame("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + mask), engineio.TransportError, 1009},
		{"too large in fragments", frame("\x01\x80" + mask + strings.Repeat("\x00\xfe\x01\x00"+mask+strings.Repeat("x", 256), 4)), engineio.TransportError, 1009},
		{"unmasked frame", frame("\x81\x024a"), engineio.TransportError, 1002},
		{"reserved bit 1", frame("\xc1\x82" + mask + "4a"), engineio.TransportError, 1002},
		{"reserved bit 2", frame("\xa1\x82" + mask + "4a"), engineio.TransportError, 1002},
		{"reserved opcode", frame("\x83\x82" + mask + "4a"), engineio.TransportError, 1002},
		{"long control frame", frame("\x89\xfe\x00\x7e" + mask), engineio.TransportError, 1002},
		{"fragmented control frame", frame("\x09\x80" + mask), engineio.TransportError, 1002},
		{"continuation of nothing", frame("\x80\x80" + mask), engineio.TransportError, 1002},
		{"message within a message", frame("\x01\x82" + mask + "4a" + "\x81\x82" + mask + "4a"), engineio.TransportError, 1002},
		{"close frame", func(c *client) {
			_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4001, ""))
		}, engineio.TransportClose, 4001},
		{"empty close frame", frame("\x88\x80" + mask), engineio.TransportClose, 1000},
		{"half-closed", func(c *client) { _ = c.NetConn().(*net.TCPConn).CloseWrite() }, engineio.TransportClose, 1006},
		{"half-closed within a frame", func(c *client) {
			_, _ = c.NetConn().Write([]byte("\x81\x8a" + mask + "4a"))
			_ = c.NetConn().(*net.TCPConn).CloseWrite()
		}, engineio.TransportClose, 1006},
		{"flood of WebSocket pings", func(c *client) {
			for range 9 { // the count may begin anew with a second
				_ = c.WriteMessage(websocket.PingMessage, nil)
			}
		}, engineio.TransportError, 1008},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, p := h.connect(t)
			c.SetPongHandler(func(string) error { return nil })
			tc.do(c)
			if got := c.closeCode(); got != tc.code {
				t.Errorf("close code %d, want %d", got, tc.code)
			}
			c.Close()
			p.wantClosed(t, tc.reason)
			if err := p.Send(engineio.NewText(nil)); !errors.Is(err, engineio.ErrClosed) {
				t.Errorf("Send after the end returned %v", err)
			}
		})
	}
}

func TestWhatAnOpenSessionIgnores(t *testing.T) {
	t.Parallel()
	c, _ := start(t, engineio.Config{}, echo).connect(t)
	for _, text := range []string{"0", "0{}", "3", "3probe", "5", "6"} {
		c.say(text)
	}
	_ = c.WriteMessage(websocket.PongMessage, []byte("unasked"))
	c.say("4here")
	c.want("4here")
}

func TestWebSocketPingIsAnswered(t *testing.T) {
	t.Parallel()
	c, _ := start(t, engineio.Config{}, echo).connect(t)
	pong := make(chan string, 1)
	c.SetPongHandler(func(data string) error { pong <- data; return nil })
	_ = c.WriteMessage(websocket.PingMessage, []byte("are you there"))
	c.say("4x")
	c.want("4x")
	if got := <-pong; got != "are you there" {
		t.Errorf("pong says %q", got)
	}
}

func TestCloseStillWritesWhatIsQueued(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, nil)
	for range 20 {
		c, p := h.connect(t)
		for i := range 100 {
			if err := p.Send(engineio.NewText(fmt.Append(nil, i))); err != nil {
				t.Fatal(err)
			}
		}
		p.Close(engineio.ForcedClose)
		c.say("4unread input must not destroy what was sent")
		p.wantClosed(t, engineio.ForcedClose)
		for i := range 100 {
			c.want(fmt.Sprint("4", i))
		}
		if got := c.closeCode(); got != websocket.CloseNormalClosure {
			t.Errorf("close code is %d", got)
		}
	}
}

func TestFirstReasonWinsAndClosedIsCalledOnce(t *testing.T) {
	t.Parallel()
	c, p := start(t, engineio.Config{}, nil).connect(t)
	done := p.Done()
	p.Close(engineio.ForcedServerClose)
	p.Close(engineio.ForcedClose)
	<-done
	<-p.Done()
	c.closeCode()
	c.Close()
	p.wantClosed(t, engineio.ForcedServerClose)
	select {
	case again := <-p.closed:
		t.Errorf("Closed was called again with %q", again)
	default:
	}
}

func TestFramesStayInOrderUnderConcurrentSenders(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 400
	c, p := start(t, engineio.Config{QueueFrames: 1 << 20, QueueBytes: 1 << 30}, nil).connect(t)
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				size := (i % 7) * (i % 7) * 400 // some larger than what is joined
				pad := strings.Repeat("x", size)
				a := engineio.NewText(fmt.Appendf(nil, "%d %d a %s", s, i, pad))
				b := engineio.NewText(fmt.Appendf(nil, "%d %d b %s", s, i, pad))
				if err := p.SendAll(a, b); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	next := make([]int, senders)
	for range senders * each {
		var s, i int
		first, second := c.text(), c.text()
		if _, err := fmt.Sscanf(first, "4%d %d a", &s, &i); err != nil {
			t.Fatalf("%.20q: %v", first, err)
		}
		if want := fmt.Sprintf("4%d %d b", s, i); !strings.HasPrefix(second, want) {
			t.Fatalf("%.20q is followed by %.20q", first, second)
		}
		if next[s] != i {
			t.Fatalf("sender %d: got %d, want %d", s, i, next[s])
		}
		next[s]++
	}
	all.Wait()
	if err := p.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if bytes, frames := p.Queued(); bytes != 0 || frames != 0 {
		t.Errorf("%d bytes, %d frames left", bytes, frames)
	}
}

// stuff fills the connection until the kernel takes no more and something stays
// queued.
func stuff(t *testing.T, p *peer, f *engineio.Frame) {
	t.Helper()
	for stuck := 0; stuck < 3; {
		if err := p.Send(f); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if p.Flush(ctx) != nil {
			stuck++
		} else {
			stuck = 0
		}
		cancel()
	}
}

func TestSlowConsumerIsClosedAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	f := engineio.NewText(make([]byte, 500_000))
	h := start(t, engineio.Config{QueueBytes: 8 * f.Size(), QueueFrames: 64}, nil)
	_, p := h.connect(t) // never reads
	stuff(t, p, f)
	var err error
	for range 20 {
		if err = p.Send(f); err != nil {
			break
		}
	}
	if !errors.Is(err, engineio.ErrSlowConsumer) {
		t.Fatalf("Send returned %v", err)
	}
	p.wantClosed(t, engineio.SlowConsumer)
	if err := p.Send(f); !errors.Is(err, engineio.ErrClosed) {
		t.Errorf("then %v", err)
	}
	if err := p.Flush(t.Context()); !errors.Is(err, engineio.ErrClosed) {
		t.Errorf("Flush returned %v", err)
	}
}

func TestVolatileFramesGoWhenTheQueueIsHalfFull(t *testing.T) {
	t.Parallel()
	f := engineio.NewText(make([]byte, 500_000))
	small := engineio.NewText([]byte("typing"))
	_, p := start(t, engineio.Config{QueueBytes: 6 * f.Size(), QueueFrames: 1024}, nil).connect(t)
	if !p.SendVolatile(small) {
		t.Error("refused although nothing is queued")
	}
	stuff(t, p, f) // three or more wait
	if err := p.Send(f); err != nil {
		t.Fatal(err)
	}
	if p.SendVolatile(small) {
		t.Error("taken although the queue is half full")
	}
	if err := p.Send(small); err != nil {
		t.Errorf("what is not volatile was refused: %v", err)
	}
}

func TestQueueIsBoundedByCount(t *testing.T) {
	t.Parallel()
	big := engineio.NewText(make([]byte, 4_000_000))
	_, p := start(t, engineio.Config{QueueBytes: 1 << 30, QueueFrames: 10}, nil).connect(t)
	stuff(t, p, big)
	var err error
	for range 10 {
		err = errors.Join(err, p.Send(engineio.NewText(nil)))
	}
	if !errors.Is(err, engineio.ErrSlowConsumer) {
		t.Errorf("got %v", err)
	}
}

func TestWriteTimeoutEndsASession(t *testing.T) {
	t.Parallel()
	_, p := start(t, engineio.Config{WriteTimeout: 100 * time.Millisecond, QueueBytes: 1 << 30}, nil).connect(t)
	for range 4 {
		_ = p.Send(engineio.NewText(make([]byte, 4_000_000)))
	}
	p.wantClosed(t, engineio.TransportError)
}

func TestRunEndsWithEverySession(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	reading, p := h.connect(t)
	_, deaf := h.connect(t)
	code := make(chan int)
	go func() { code <- reading.closeCode() }()
	h.stop()
	p.wantClosed(t, engineio.ServerShuttingDown)
	deaf.wantClosed(t, engineio.ServerShuttingDown)
	if got := <-code; got != websocket.CloseGoingAway {
		t.Errorf("close code is %d", got)
	}
	if h.Count() != 0 {
		t.Errorf("%d sessions left", h.Count())
	}
}

func TestPanicEndsThatSessionOnly(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, func(p *peer, m engineio.Message) {
		if string(m.Data) == "panic" {
			panic("told to")
		}
		echo(p, m)
	})
	bad, p := h.connect(t)
	good, _ := h.connect(t)
	bad.say("4panic")
	if got := bad.closeCode(); got != websocket.CloseInternalServerErr {
		t.Errorf("close code is %d", got)
	}
	p.wantClosed(t, engineio.ForcedClose)
	good.say("4fine")
	good.want("4fine")
}

func TestSessionsThatAreNotAccepted(t *testing.T) {
	t.Parallel()
	for name, accept := range map[string]engineio.AcceptFunc{
		"nil":   func(*engineio.Session, *http.Request) engineio.Handler { return nil },
		"panic": func(*engineio.Session, *http.Request) engineio.Handler { panic("told to") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startServer(t, engineio.NewServer(engineio.Config{}, accept))
			c := h.dial(t, "EIO=4&transport=websocket")
			c.text()
			c.closeCode()
		})
	}
}

func TestChurnLeavesNothing(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 125 {
				c := h.dial(t, "EIO=4&transport=websocket")
				c.text()
				c.say("4x")
				switch i % 4 {
				case 0:
					c.say("1")
				case 1:
					c.want("4x")
				case 2:
					_ = c.NetConn().(*net.TCPConn).SetLinger(0)
				}
				c.Close()
			}
		})
	}
	all.Wait()
	for range 1000 {
		p := <-h.peers
		select {
		case <-p.closed:
		case <-time.After(10 * time.Second):
			t.Fatal("a session was never closed")
		}
	}
	if h.Count() != 0 {
		t.Errorf("%d sessions left", h.Count())
	}
}
