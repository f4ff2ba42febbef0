package realtime_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

// BenchmarkPlainPush is what a push costs for the first socket of the plain door, and for every other.
func BenchmarkPlainPush(b *testing.B) {
	push := wire.Push{Event: "new-message", Room: "r-1", Data: json.RawMessage(
		`{"id":"01890000-0000-7000-8000-000000000001","roomId":"r-1","seq":12,"content":"how is the tea?"}`)}
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = hub.NewPush(push, 1).Plain()
		}
	})
	b.Run("other", func(b *testing.B) {
		p := hub.NewPush(push, 1)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = p.Plain()
		}
	})
}

// BenchmarkIdle opens connections that let themselves in and then are quiet. The clients are bare
// TCP connections of this process, which are counted, too: the same for both doors.
func BenchmarkIdle(b *testing.B) {
	const sockets = 1000
	for _, door := range []struct{ name, path, frame string }{
		{"socketio", "/socket.io/?EIO=4&transport=websocket", `40{"token":"user%d"}`},
		{"plain", "/ws", `{"event":"authenticate","data":{"token":"user%d"}}`},
	} {
		b.Run(door.name, func(b *testing.B) {
			s := start(b, fixedMenu, gateway.Config{})
			s.hub.Start(20)
			var opened, before runtime.MemStats
			for b.Loop() {
				inUse(&before)
				conns := make([]net.Conn, sockets)
				for i := range conns {
					conns[i] = knock(b, s.url, door.path, fmt.Sprintf(door.frame, i))
				}
				for s.hub.Count() < sockets {
					runtime.Gosched()
				}
				inUse(&opened)
				for _, conn := range conns {
					conn.Close()
				}
				for s.hub.Count() > 0 {
					runtime.Gosched()
				}
			}
			b.ReportMetric(float64(opened.HeapInuse+opened.StackInuse-before.HeapInuse-before.StackInuse)/sockets, "B/socket")
		})
	}
}

// inUse is what is in use when garbage is gone.
func inUse(m *runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(m)
}

// knock opens a WebSocket by hand and says one thing, of less than 126 bytes.
func knock(b *testing.B, url, path, text string) net.Conn {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path)
	for head := ""; !strings.HasSuffix(head, "\r\n\r\n"); {
		var one [1]byte
		if _, err := io.ReadFull(conn, one[:]); err != nil {
			b.Fatal(err)
		}
		head += string(one[:])
	}
	if _, err := conn.Write(frame); err != nil {
		b.Fatal(err)
	}
	return conn
}
