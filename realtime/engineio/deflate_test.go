package engineio_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parley/realtime/engineio"
)

var compressing = engineio.Config{CompressAbove: 100}

const agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

func TestWhichCompressionIsAgreedOn(t *testing.T) {
	t.Parallel()
	on, off := start(t, compressing, echo), start(t, engineio.Config{}, echo)
	for offer, want := range map[string]string{
		"":                   "",
		"permessage-deflate": agreed,
		"permessage-deflate; client_max_window_bits":                             agreed, // browsers
		"permessage-deflate; client_max_window_bits=10":                          agreed,
		`permessage-deflate;client_max_window_bits="10"`:                         agreed,
		"permessage-deflate; client_no_context_takeover":                         agreed,
		"permessage-deflate; server_no_context_takeover":                         agreed,
		"permessage-deflate; server_max_window_bits=15":                          agreed + "; server_max_window_bits=15",
		"permessage-deflate; server_max_window_bits=12":                          agreed + "; server_max_window_bits=12", // Python's websockets
		"x-webkit-deflate-frame, permessage-deflate":                             agreed,
		"permessage-deflate; unknown, permessage-deflate":                        agreed,
		"permessage-deflate; server_max_window_bits":                             "",
		"permessage-deflate; server_max_window_bits=7":                           "",
		"permessage-deflate; server_max_window_bits=16":                          "",
		"permessage-deflate; server_max_window_bits=08":                          "",
		"permessage-deflate; server_max_window_bits=+9":                          "",
		"permessage-deflate; client_max_window_bits=x":                           "",
		"permessage-deflate; client_max_window_bits=":                            "",
		"permessage-deflate; client_no_context_takeover=1":                       "",
		"permessage-deflate; server_no_context_takeover=":                        "",
		"permessage-deflate; unknown":                                            "",
		"permessage-deflate; client_max_window_bits; ":                           "",
		"permessage-deflate; server_max_window_bits=9; server_max_window_bits=9": "",
		"permessage-deflat":                                                      "",
		"permessage-deflate-x":                                                   "",
		`permessage-deflate; x="a,b"`:                                            "",
		strings.Repeat("permessage-deflate; a=b, ", 300):                         "",
	} {
		for h, want := range map[*host]string{on: want, off: ""} {
			res, err := http.DefaultTransport.RoundTrip(request(t, h, "Sec-Websocket-Extensions", offer))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if got := res.Header.Get("Sec-Websocket-Extensions"); res.StatusCode != 101 || got != want {
				t.Errorf("%.80q: %d, %q", offer, res.StatusCode, got)
			}
		}
	}
}

// compressed dials with compression, which the server has to agree to.
func (h *host) compressed(t testing.TB, query string) *client {
	t.Helper()
	dialer := websocket.Dialer{EnableCompression: true}
	conn, res, err := dialer.Dial("ws"+strings.TrimPrefix(h.url, "http")+"/?EIO=4&transport=websocket"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if got := res.Header.Get("Sec-Websocket-Extensions"); got != agreed {
		t.Fatalf("agreed on %q", got)
	}
	conn.EnableWriteCompression(true)
	return &client{TB: t, Conn: conn}
}

func TestCompressedMessagesAreEchoed(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{CompressAbove: 100, QueueBytes: 8 << 20}, echo)
	c := h.compressed(t, "")
	c.text()
	random := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int{0, 1, 99, 100, 101, 125, 126, 1000, 4095, 4096, 65535, 65536, 100_000, 999_999} {
		noise := make([]byte, size)
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		for _, data := range []string{strings.Repeat("é", size/2) + strings.Repeat("x", size%2), string(noise)} {
			if strings.ToValidUTF8(data, "") == data {
				c.say("4" + data)
				c.want("4" + data)
			}
			c.sayBinary(data)
			if kind, got := c.read(); kind != websocket.BinaryMessage || got != data {
				t.Fatalf("%d bytes came back as %d of kind %d", len(data), len(got), kind)
			}
		}
	}
}

func TestCompressionSurvivesTheUpgrade(t *testing.T) {
	t.Parallel()
	h := start(t, compressing, echo)
	c, p := h.poll(t)
	ws := h.compressed(t, "&sid="+c.sid)
	ws.say("2probe") // compressed
	ws.want("3probe")
	ws.say("5")
	text := strings.Repeat("long ", 1000)
	ws.say("4" + text)
	ws.want("4" + text)
	if p.Transport() != "websocket" {
		t.Error("the session did not move")
	}
}

// wire is a connection that is read byte by byte.
type wire struct {
	testing.TB
	net.Conn
	in *bufio.Reader
}

func (h *host) wire(t testing.TB, offer string) (*wire, *peer) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	req := request(t, h, "Sec-Websocket-Extensions", offer)
	in := bufio.NewReader(conn)
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	if res, err := http.ReadResponse(in, req); err != nil || res.StatusCode != 101 {
		t.Fatalf("%v %v", res, err)
	}
	w := &wire{t, conn, in}
	w.frame() // open packet
	return w, <-h.peers
}

// frame reads a frame: its first byte and its payload as it is.
func (w *wire) frame() (first byte, payload string) {
	w.Helper()
	head := w.bytes(2)
	size := int(head[1])
	switch size {
	case 126:
		size = int(binary.BigEndian.Uint16(w.bytes(2)))
	case 127:
		size = int(binary.BigEndian.Uint64(w.bytes(8)))
	}
	return head[0], string(w.bytes(size))
}

func (w *wire) bytes(n int) []byte {
	w.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(w.in, b); err != nil {
		w.Fatal(err)
	}
	return b
}

const (
	textFrame, packedText     = 0x81, 0xc1
	binaryFrame, packedBinary = 0x82, 0xc2
)

// unpack is what a peer makes of a compressed message.
func unpack(t testing.TB, payload string) string {
	t.Helper()
	text, err := io.ReadAll(flate.NewReader(strings.NewReader(payload + "\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

var packers = sync.Pool{New: func() any {
	z, _ := flate.NewWriter(nil, flate.BestSpeed)
	return z
}}

func pack(text string) string {
	var out bytes.Buffer
	z := packers.Get().(*flate.Writer)
	defer packers.Put(z)
	z.Reset(&out)
	_, _ = io.WriteString(z, text)
	_ = z.Flush()
	return strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
}

// Only data messages that are longer than the threshold and gain by it are compressed, each by itself,
// and only for those that agreed.
func TestWhatIsCompressed(t *testing.T) {
	t.Parallel()
	h := start(t, compressing, echo)
	noise := make([]byte, 2000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	const threshold = 100
	for _, tc := range []struct {
		name, offer string
		frame       *engineio.Frame
		first       []byte // of each frame on the wire
	}{
		{"short", agreed, engineio.NewTextString(strings.Repeat("x", threshold-1)), []byte{textFrame}},
		{"long", agreed, engineio.NewTextString(strings.Repeat("x", threshold)), []byte{packedText}},
		{"long, binary", agreed, engineio.NewBinary(make([]byte, threshold+1)), []byte{packedBinary}},
		{"noise", agreed, engineio.NewBinary(noise), []byte{binaryFrame}},
		{"not agreed", "", engineio.NewTextString(strings.Repeat("x", 5000)), []byte{textFrame}},
		{"within the window", agreed + "; server_max_window_bits=12", engineio.NewTextString(strings.Repeat("x", 4095)), []byte{packedText}},
		{"beyond the window", agreed + "; server_max_window_bits=12", engineio.NewTextString(strings.Repeat("x", 4096)), []byte{textFrame}},
		{
			"several", agreed, engineio.Batch(
				engineio.NewTextString("event"), engineio.NewBinary(make([]byte, 500)), engineio.NewBinary(noise), engineio.NewTextString(strings.Repeat("y", 70_000)),
				engineio.NewTextString("end"),
			),
			[]byte{textFrame, packedBinary, binaryFrame, packedText, textFrame},
		},
		{"several short ones", agreed, engineio.Batch(slices.Repeat([]*engineio.Frame{engineio.NewTextString(strings.Repeat("x", 90))}, 3)...), []byte{textFrame, textFrame, textFrame}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plain, p := h.wire(t, "")
			_ = p.Send(tc.frame)
			w, p := h.wire(t, tc.offer)
			_ = p.Send(tc.frame)
			for i, want := range tc.first {
				_, text := plain.frame()
				first, got := w.frame()
				if first&0x40 != 0 {
					if len(got) >= len(text) {
						t.Errorf("message %d has become %d bytes of %d", i, len(got), len(text))
					}
					got = unpack(t, got)
				}
				if first != want || got != text {
					t.Errorf("message %d is %x, %d bytes; want %x, %d", i, first, len(got), want, len(text))
				}
			}
			_, _ = w.Write(clientFrame(0x89, strings.Repeat("p", 125), 1)) // a ping: longer than the threshold
			if first, got := w.frame(); first != 0x8a || len(got) != 125 {
				t.Errorf("the pong is %x, %d bytes", first, len(got))
			}
		})
	}
}

// What was compressed for one is there for all: no more memory for a thousand than for one.
func TestAFrameIsCompressedOnce(t *testing.T) { //nolint:paralleltest // counts what the process allocates
	h := start(t, compressing, nil)
	const count = 200
	var wires [count]*wire
	var peers [count]*peer
	for i := range wires {
		wires[i], peers[i] = h.wire(t, agreed)
	}
	text := make([]byte, 100_000)
	for i := range text {
		text[i] = "0123456789abcdef"[rand.Uint32()%16] // halves
	}
	send := func(f *engineio.Frame) {
		for _, p := range peers {
			_ = p.Send(f)
		}
		for i, p := range peers {
			if first, _ := wires[i].frame(); first != packedText {
				t.Fatalf("got %x", first)
			}
			_ = p.Flush(t.Context())
		}
	}
	send(engineio.NewText(text))
	f := engineio.NewText(text)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	send(f)
	runtime.ReadMemStats(&after)
	each := (after.TotalAlloc - before.TotalAlloc) / count
	if own := uint64(2 * len(text)); each > own { // this end reads 50 KB of each
		t.Errorf("%d bytes were allocated for each of %d sessions", each, count)
	}
}

func TestWhatACompressedMessageMayBe(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{CompressAbove: 100, MaxPayload: 1000}, echo)
	const compressed, first, last = 0xc1, 0x41, 0x80
	frame := func(first byte, payload string) string { return string(clientFrame(first, payload, 0x12345678)) }
	long := "4" + strings.Repeat("long ", 199) + "end!"
	for _, tc := range []struct {
		name, frames string
		reason       engineio.Reason // none: it is echoed
		code         int
	}{
		{"one frame", frame(compressed, pack("4abc")), "", 0},
		{"as large as may be", frame(compressed, pack(long)), "", 0},
		{"fragments with a ping between", frame(first, pack(long)[:5]) + frame(0x8a, "") + frame(0, pack(long)[5:9]) + frame(last, pack(long)[9:]), "", 0},
		{"an empty fragment at last", frame(first, pack(long)) + frame(last, ""), "", 0},
		{"not compressed", frame(0x81, "4abc"), "", 0},
		{"in a last block", frame(compressed, "\x33\xc9\x48\xcd\xc9\xc9\x07\x00\x00"), "", 0},
		{"in a last block, without more", frame(compressed, "\x33\xc9\x48\xcd\xc9\xc9\x07\x00"), "", 0},
		{"in a block that is not compressed", frame(compressed, "\x00\x02\x00\xfd\xff4a\x00"), "", 0},

		{"one byte too large", frame(compressed, pack(long+"!")), engineio.TransportError, 1009},
		{"a bomb", frame(compressed, pack("4"+strings.Repeat("x", 900_000))), engineio.TransportError, 1009},
		{"a bomb in fragments", frame(first, pack("4" + strings.Repeat("x", 400_000))[:200]) + frame(last, pack("4" + strings.Repeat("x", 400_000))[200:]), engineio.TransportError, 1009},
		{"too large as it is", frame(compressed, strings.Repeat("\x00", 1100)), engineio.TransportError, 1009},
		{"invalid UTF-8", frame(compressed, pack("4\xff\xfe")), engineio.ParseError, 1007},
		{"no packet", frame(compressed, pack("abc")), engineio.ParseError, 1002},
		{"an empty message", frame(compressed, "\x00"), engineio.ParseError, 1002},
		{"nothing", frame(compressed, ""), engineio.TransportError, 1007},
		{"garbage", frame(compressed, "\xff\xff\xff\xff"), engineio.TransportError, 1007},
		{"broken off", frame(compressed, pack(long)[:8]), engineio.TransportError, 1007},
		{"more behind the last block", frame(compressed, "\x33\xc9\x48\xcd\xc9\xc9\x07\x00\x00\x00"), engineio.TransportError, 1007},
		{"empty last blocks", frame(compressed, strings.Repeat("\x03\x00", 400)), engineio.TransportError, 1007},
		{"a compressed continuation", frame(first, pack("4abc")) + frame(0xc0, ""), engineio.TransportError, 1002},
		{"a compressed ping", frame(0xc9, ""), engineio.TransportError, 1002},
		{"a compressed close frame", frame(0xc8, ""), engineio.TransportError, 1002},
		{"another reserved bit", frame(0xa1, "4a"), engineio.TransportError, 1002},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := h.compressed(t, "")
			c.text()
			_, _ = io.WriteString(c.NetConn(), tc.frames)
			if tc.code != 0 {
				if code := c.closeCode(); code != tc.code {
					t.Errorf("close code is %d, want %d", code, tc.code)
				}
				return
			}
			c.say("4end")
			if got := c.text(); got[0] != '4' || got == "4end" {
				t.Errorf("got %q", got)
			}
			c.want("4end")
		})
	}
}

// A message that grows beyond all bounds costs no more than the largest one that may be.
func TestABombCostsLittle(t *testing.T) { //nolint:paralleltest // counts what the process allocates
	h := start(t, engineio.Config{CompressAbove: 1024}, nil)
	bomb := clientFrame(0xc1, pack(strings.Repeat("x", 8<<20)), 1)
	const count = 20
	var clients [count]*client
	var peers [count]*peer
	for i := range clients {
		clients[i], peers[i] = h.compressed(t, ""), <-h.peers
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for i, c := range clients {
		_, _ = c.NetConn().Write(bomb)
		peers[i].wantClosed(t, engineio.TransportError)
	}
	runtime.ReadMemStats(&after)
	each, took := (after.TotalAlloc-before.TotalAlloc)/count, time.Since(began)/count
	t.Logf("%d bytes on the wire: %d allocated, %v", len(bomb), each, took)
	if each > 5<<20 { // 8 KB as it came, and up to 1 MB twice and a half while it grew
		t.Errorf("%d bytes were allocated for each bomb", each)
	}
}
