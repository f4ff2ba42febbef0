package engineio_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"parley/realtime/engineio"
)

// sink is a client that reads and counts bytes, as cheaply as possible.
func (h *host) sink(tb testing.TB, header ...string) (*peer, net.Conn) {
	tb.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	upgrade(tb, conn, header...)
	return <-h.peers, conn
}

// upgrade shakes hands and reads up to the end of the response's head.
func upgrade(tb testing.TB, conn net.Conn, header ...string) {
	tb.Helper()
	_, _ = io.WriteString(conn, "GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+strings.Join(append(header, "\r\n"), "\r\n"))
	for head := make([]byte, 0, 256); !strings.HasSuffix(string(head), "\r\n\r\n"); {
		var b [1]byte
		if _, err := io.ReadFull(conn, b[:]); err != nil {
			tb.Fatal(err)
		}
		head = append(head, b[0])
	}
}

func discard(conn net.Conn) { go func() { _, _ = io.Copy(io.Discard, struct{ io.Reader }{conn}) }() }

var text200 = engineio.NewText(make([]byte, 200))

// One frame at a time on a connection that has nothing to write.
func BenchmarkSendIdle(b *testing.B) {
	p, conn := start(b, engineio.Config{}, nil).sink(b)
	discard(conn)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		_ = p.Send(text200)
		if p.Flush(ctx) != nil {
			b.Fatal("closed")
		}
	}
}

// Frames in a row on one connection, as fast as it takes them.
func BenchmarkSendBusy(b *testing.B) {
	p, conn := start(b, engineio.Config{}, nil).sink(b)
	discard(conn)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if !p.SendVolatile(text200) {
			if p.Flush(ctx) != nil {
				b.Fatal("closed")
			}
		}
	}
}

// The same frame to 1,000 sessions; the clients read it in this process, too.
func BenchmarkBroadcast1000(b *testing.B) {
	h := start(b, engineio.Config{}, nil)
	peers := make([]*peer, 1000)
	for i := range peers {
		var conn net.Conn
		peers[i], conn = h.sink(b)
		discard(conn)
	}
	ctx := context.Background()
	for _, burst := range []int{1, 8} {
		b.Run(fmt.Sprintf("burst=%d", burst), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for range burst {
					for _, p := range peers {
						_ = p.Send(text200)
					}
				}
				for _, p := range peers {
					if p.Flush(ctx) != nil {
						b.Fatal("closed")
					}
				}
			}
			b.ReportMetric(float64(b.N*burst*len(peers))/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// A new message of 2 KB to 1,000 sessions, which take it compressed or not.
func BenchmarkBroadcastCompressed1000(b *testing.B) {
	text := make([]byte, 2000)
	for i := range text {
		text[i] = "0123456789abcdef"[rand.Uint32()%16]
	}
	for name, offer := range map[string]string{"plain": "", "deflate": "Sec-WebSocket-Extensions: permessage-deflate"} {
		b.Run(name, func(b *testing.B) {
			h := start(b, engineio.Config{CompressAbove: 1024}, nil)
			peers := make([]*peer, 1000)
			for i := range peers {
				var conn net.Conn
				peers[i], conn = h.sink(b, slices.DeleteFunc([]string{offer}, func(s string) bool { return s == "" })...)
				discard(conn)
			}
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				f := engineio.NewText(text)
				for _, p := range peers {
					_ = p.Send(f)
				}
				for _, p := range peers {
					if p.Flush(ctx) != nil {
						b.Fatal("closed")
					}
				}
			}
			b.ReportMetric(float64(b.N*len(peers))/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}
