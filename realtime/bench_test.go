package realtime_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

// counter counts bytes, and says when there are as many as are due.
type counter struct {
	read, due atomic.Int64
	full      chan struct{}
}

func (c *counter) Write(p []byte) (int, error) {
	now := c.read.Add(int64(len(p)))
	if due := c.due.Load(); now >= due && now-int64(len(p)) < due {
		c.full <- struct{}{}
	}
	return len(p), nil
}

// listen joins r-1 and then only counts what it gets.
func listen(b *testing.B, url, user string, more ...string) *websocket.Conn {
	b.Helper()
	ws, resp, err := websocket.DefaultDialer.DialContext(b.Context(),
		strings.Replace(url, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	for _, say := range []string{`40{"token":"` + user + `"` + strings.Join(more, "") + `}`, `421["join-room","r-1"]`} {
		_ = ws.WriteMessage(websocket.TextMessage, []byte(say))
	}
	for range 4 { // open, connected, session, joined
		if _, _, err := ws.ReadMessage(); err != nil {
			b.Fatal(err)
		}
	}
	return ws
}

// BenchmarkBroadcast tells a room of 1000 sockets something, up to the loopback connections
// of clients that read it. An iteration ends when all have read everything.
func BenchmarkBroadcast(b *testing.B) {
	const sockets = 1000
	s := start(b, fixedMenu, gateway.Config{})
	s.hub.Start(20)
	count := &counter{full: make(chan struct{}, 1)}
	var readers sync.WaitGroup
	defer readers.Wait()
	for i := range sockets {
		ws := listen(b, s.url, fmt.Sprint("user", i))
		defer ws.Close()
		readers.Go(func() { _, _ = io.Copy(count, ws.NetConn()) })
	}
	push := wire.Push{Event: "new-message", Room: "r-1", Data: json.RawMessage(
		`{"id":"01890000-0000-7000-8000-000000000001","roomId":"r-1","seq":12,"content":"how is the tea?"}`)}
	frame, err := hub.NewPush(push, 1).SocketIO()
	if err != nil {
		b.Fatal(err)
	}
	for _, burst := range []int{1, 16} {
		b.Run(fmt.Sprintf("burst=%d", burst), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				count.due.Store(count.read.Load() + int64(burst*sockets*frame.Size()))
				for range burst {
					s.hub.Dispatch([]*hub.Fact{{Position: 1, Room: "r-1", Make: func() []*hub.Push {
						return []*hub.Push{hub.NewPush(push, 1)}
					}}})
				}
				<-count.full
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*burst*sockets), "ns/delivery")
		})
	}
}

// sinkPeer is a connection to nowhere.
type sinkPeer struct{ done chan struct{} }

func (sinkPeer) ID() string                                     { return "AAAAAAAAAAAAAAAAAAAA" }
func (sinkPeer) Transport() string                              { return "websocket" }
func (sinkPeer) Queued() int                                    { return 0 }
func (p sinkPeer) Done() <-chan struct{}                        { return p.done }
func (sinkPeer) Deliver(p *hub.Push)                            { _, _ = p.SocketIO() }
func (sinkPeer) Emit(string, json.RawMessage)                   {}
func (sinkPeer) EmitAt(string, json.RawMessage, event.Position) {}
func (sinkPeer) Replay([]*hub.Push) func()                      { return func() {} }
func (sinkPeer) Recover(string)                                 {}
func (sinkPeer) Remove()                                        {}
func (sinkPeer) Close(gateway.Closing)                          {}

// BenchmarkSendMessage is everything between a socket's event and its answer but the
// connection: decode, decide, append to a log in memory, encode the answer, and the push
// to the one socket that hears the room. "alone" waits for each answer.
func BenchmarkSendMessage(b *testing.B) {
	c := newChat(b, "ann")
	session, err := c.gateway.Open(b.Context(), sinkPeer{}, &gateway.Handshake{}, gateway.Options{Token: "ann"})
	if err != nil {
		b.Fatal(err)
	}
	defer session.Closed()
	session.Handle("create-room", json.RawMessage(`{"id":"tea","name":"Tea","type":"public"}`), nil)
	payload := json.RawMessage(send("tea", "how is the tea?"))
	var answered sync.WaitGroup
	reply := func(a gateway.Answer) {
		if a.Err != nil {
			b.Error(a.Err)
		}
		a.AppendFields(nil)
		answered.Done()
	}
	b.Run("pipelined", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			answered.Add(1)
			session.Handle("send-message", payload, reply)
		}
		answered.Wait()
	})
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			answered.Add(1)
			session.Handle("send-message", payload, reply)
			answered.Wait()
		}
	})
}
