package engineio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/realtime/engineio"
)

// sink is a client that reads and counts bytes, as cheaply as possible.
func (h *host) sink(tb testing.TB) (*peer, net.Conn) {
	tb.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	upgrade(tb, conn)
	return <-h.peers, conn
}

// upgrade shakes hands and reads up to the end of the response's head.
func upgrade(tb testing.TB, conn net.Conn) {
	tb.Helper()
	_, _ = io.WriteString(conn, "GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
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

const idleServer = "PARLEY_TEST_IDLE_SERVER"

// BenchmarkIdleMemory reports what an idle session adds to the resident memory
// of a server, which runs in a process of its own.
func BenchmarkIdleMemory(b *testing.B) {
	const sessions = 5000
	cmd := exec.Command(os.Args[0], "-test.run=^TestIdleServer$", "-test.v")
	cmd.Env = append(os.Environ(), idleServer+"=1")
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	out := bufio.NewScanner(stdout)
	ask := func(question string) (answer string) {
		_, _ = io.WriteString(stdin, question+"\n")
		for out.Scan() {
			if rest, ok := strings.CutPrefix(out.Text(), "answer "); ok {
				return rest
			}
		}
		b.Fatal("the server has gone")
		return ""
	}
	addr := ask("addr")
	for b.Loop() {
		before, _ := strconv.Atoi(ask("rss"))
		conns := make([]net.Conn, sessions)
		for i := range conns {
			var err error
			if conns[i], err = net.Dial("tcp", addr); err != nil {
				b.Fatal(err)
			}
			upgrade(b, conns[i])
		}
		fresh, _ := strconv.Atoi(ask("rss"))
		later, _ := strconv.Atoi(ask("rss after collection"))
		b.ReportMetric(float64(fresh-before)/sessions, "B/session")
		b.ReportMetric(float64(later-before)/sessions, "B/session-collected")
		for _, c := range conns {
			c.Close()
		}
	}
	stdin.Close()
	_ = cmd.Wait()
}

// TestIdleServer is the process of BenchmarkIdleMemory.
func TestIdleServer(t *testing.T) {
	if os.Getenv(idleServer) == "" {
		t.Skip("only runs for BenchmarkIdleMemory")
	}
	server := engineio.NewServer(engineio.Config{}, func(*engineio.Session, *http.Request) engineio.Handler { return quiet{} })
	h := startServer(t, server)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "addr":
			fmt.Println("answer " + strings.TrimPrefix(h.url, "http://"))
		case "rss after collection":
			debug.FreeOSMemory()
			time.Sleep(100 * time.Millisecond)
			fallthrough
		default:
			fmt.Println("answer", resident(t))
		}
	}
}

type quiet struct{}

func (quiet) Message(engineio.Message) {}
func (quiet) Closed(engineio.Reason)   {}

func resident(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
