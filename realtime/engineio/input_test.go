package engineio_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/realtime/engineio"
)

// clientFrame is a masked frame.
func clientFrame(first byte, payload string, mask uint32) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := binary.LittleEndian.AppendUint32(nil, mask)
	b = append(b, key...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

// However a message is cut into frames, and frames into segments, it arrives as it was sent.
func TestMessagesComeWholeHoweverTheyAreCut(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, 13, 125, 126, 4081, 4082, 4090, 4096, 5000, 70_000} {
		c, _ := h.connect(t)
		message := "4" + strings.Repeat("0123456789", size/10+1)[:size-1]
		for _, most := range []int{1 << 20, 4096, 1000, 7} {
			if size/most > 1000 {
				continue
			}
			wire, first, rest := []byte(nil), byte(0x1), message
			for {
				n := min(len(rest), random.IntN(most)+1)
				if n == len(rest) {
					wire = append(wire, clientFrame(first|0x80, rest, random.Uint32())...)
					break
				}
				wire = append(wire, clientFrame(first, rest[:n], random.Uint32())...)
				wire = append(wire, clientFrame(0x8a, "pong", random.Uint32())...) // may stand between
				first, rest = 0, rest[n:]
			}
			segment := max(len(wire)/(random.IntN(40)+1), 1)
			for len(wire) > 0 {
				n := min(segment, len(wire))
				if _, err := c.NetConn().Write(wire[:n]); err != nil {
					t.Fatal(err)
				}
				wire = wire[n:]
			}
			c.want(message)
		}
	}
}

// Messages that arrive together are read together, and none is lost.
func TestManyMessagesInOneSegment(t *testing.T) {
	t.Parallel()
	c, _ := start(t, engineio.Config{}, echo).connect(t)
	var wire []byte
	for i := range 500 {
		wire = append(wire, clientFrame(0x81, "4"+strings.Repeat("x", i), uint32(i)*2654435761)...)
	}
	go func() { _, _ = c.NetConn().Write(wire) }()
	for i := range 500 {
		c.want("4" + strings.Repeat("x", i))
	}
}

// A message in frames of a byte each costs in proportion to its size.
func TestTinyFragments(t *testing.T) {
	t.Parallel()
	c, _ := start(t, engineio.Config{}, echo).connect(t)
	message := "4" + strings.Repeat("x", 400_000)
	wire := clientFrame(0x1, message[:1], 1)
	for i := range len(message) - 1 {
		wire = append(wire, clientFrame(0, message[i+1:i+2], uint32(i))...)
	}
	wire = append(wire, clientFrame(0x80, "", 1)...)
	go func() { _, _ = c.NetConn().Write(wire) }()
	c.want(message)
}

func TestSessionOverTLS(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, echo)
	web := httptest.NewTLSServer(h.Server)
	t.Cleanup(web.Close)
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	conn, resp, err := dialer.Dial("wss"+strings.TrimPrefix(web.URL, "https")+"/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	c := &client{TB: t, Conn: conn}
	c.text()
	for _, size := range []int{1, 100, 4096, 100_000} {
		c.say("4" + strings.Repeat("x", size))
		c.want("4" + strings.Repeat("x", size))
	}
	c.Close()
	(<-h.peers).wantClosed(t, engineio.TransportClose)
}

// A close frame answers the peer's. One that only stopped sending gets none of the codes
// that must not be on the wire.
func TestHalfClosedPeerGetsNoAbnormalCode(t *testing.T) {
	t.Parallel()
	c, p := start(t, engineio.Config{}, nil).connect(t)
	_ = c.NetConn().(*net.TCPConn).CloseWrite()
	_ = c.NetConn().SetReadDeadline(time.Now().Add(5 * time.Second))
	rest, err := io.ReadAll(c.NetConn())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(rest, []byte("\x88\x02\x03\xee")) {
		t.Errorf("the close frame has code 1006: %x", rest)
	}
	p.wantClosed(t, engineio.TransportClose)
}

func TestCloseFramesThatAreNone(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{}, nil)
	for name, tc := range map[string]struct {
		payload string
		code    int
	}{
		"one byte":              {"\x03", 1002},
		"code 999":              {"\x03\xe7", 1002},
		"code 1005":             {"\x03\xed", 1002},
		"code 1006":             {"\x03\xee", 1002},
		"code 1015":             {"\x03\xf7", 1002},
		"code 2999":             {"\x0b\xb7", 1002},
		"text that is no UTF-8": {"\x03\xe8\xff", 1007},
	} {
		t.Run(name, func(t *testing.T) {
			c, p := h.connect(t)
			_, _ = c.NetConn().Write(clientFrame(0x88, tc.payload, 77))
			if got := c.closeCode(); got != tc.code {
				t.Errorf("answered with %d, want %d", got, tc.code)
			}
			c.Close()
			<-p.closed
		})
	}
}

// A peer that announces much and sends little costs little.
func TestAnnouncedBytesAreNotReserved(t *testing.T) { //nolint:paralleltest // counts what the process allocates
	h := start(t, engineio.Config{}, nil)
	const count = 50
	clients, peers := make([]*client, count), make([]*peer, count)
	for i := range clients {
		clients[i], peers[i] = h.connect(t)
	}
	beginning := clientFrame(0x81, "4"+strings.Repeat("x", 999_999), 1)[:5000]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i, c := range clients {
		_, _ = c.NetConn().Write(beginning)
		_ = c.NetConn().(*net.TCPConn).CloseWrite()
		peers[i].wantClosed(t, engineio.TransportClose)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / count; each > 64<<10 {
		t.Errorf("%d bytes were allocated for each message that has not come", each)
	}
}
