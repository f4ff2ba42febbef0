package realtime_test

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/gateway"
	"parley/realtime/hub"
)

func tell(at event.Position, name string, durable bool) *hub.Fact {
	return &hub.Fact{Position: at, Room: "r-1", Make: func() []*hub.Push {
		data := fmt.Appendf(nil, `{"roomId":"r-1","content":"<b>&\u2028","position":"%d"}`, at)
		return []*hub.Push{hub.NewPush(wire.Push{Event: name, Room: "r-1", Data: data, Durable: durable}, at)}
	}}
}

func TestFramesOfBatches(t *testing.T) {
	t.Parallel()
	s := start(t, fixedMenu, gateway.Config{BatchSize: 3, BatchWindow: time.Minute})
	s.hub.Start(20)
	c := dial(t, s.url, nil)
	c.login("mia", `,"batch":true`)
	c.must("join-room", `"r-1"`)
	s.hub.Dispatch([]*hub.Fact{
		tell(21, "new-message", true), tell(22, "new-message", true), tell(23, "typing-started", false),
	})
	golden(t, "batch-new-message", c.next())
	golden(t, "batch-typing-started", c.next())
	s.hub.Dispatch([]*hub.Fact{tell(24, "new-message", true)})
	c.emit("unsubscribe-room", `"r-1"`)
	golden(t, "batch-of-one", c.next())
}

func TestPlainFramesOfBatches(t *testing.T) {
	t.Parallel()
	s := start(t, fixedMenu, gateway.Config{BatchSize: 2, BatchWindow: time.Minute})
	s.hub.Start(20)
	clients := map[string]*plainClient{
		"asked for in a frame":      loginPlain(t, s.url, "mia", `,"batch":true`),
		"asked for in the question": dialPlain(t, s.url, "?batch=true", bearerOf("mia")),
	}
	clients["asked for in the question"].until("session")
	for _, c := range clients {
		c.must("join-room", `"r-1"`)
	}
	s.hub.Dispatch([]*hub.Fact{tell(21, "new-message", true), tell(22, "new-message", true)})
	for _, c := range clients {
		golden(t, "plain-batch", c.next())
	}
}

// BenchmarkBatches tells a room of 100 sockets 50 messages, up to the loopback connections of clients
// that read them.
func BenchmarkBatches(b *testing.B) {
	for _, options := range []string{"", `,"batch":true`} {
		name := "single"
		if options != "" {
			name = "batched"
		}
		b.Run(name, func(b *testing.B) { benchmarkBatches(b, options) })
	}
}

func benchmarkBatches(b *testing.B, options string) {
	const sockets, messages = 100, 50
	s := start(b, fixedMenu, gateway.Config{BatchSize: messages})
	s.hub.Start(20)
	count := &counter{full: make(chan struct{}, 1)}
	var readers sync.WaitGroup
	defer readers.Wait()
	for i := range sockets {
		ws := listen(b, s.url, fmt.Sprint("user", i), options)
		defer ws.Close()
		readers.Go(func() { _, _ = io.Copy(count, ws.NetConn()) })
	}
	data := json.RawMessage(`{"id":"01890000-0000-7000-8000-000000000001","roomId":"r-1","seq":12,"content":"how is the tea?"}`)
	burst := func() []*hub.Push {
		pushes := make([]*hub.Push, messages)
		for i := range pushes {
			pushes[i] = hub.NewPush(wire.Push{Event: "new-message", Room: "r-1", Data: data, Durable: true}, 21)
		}
		return pushes
	}
	size := 0
	told := burst()
	if options != "" {
		told = []*hub.Push{hub.Batch(told)}
	}
	for _, p := range told {
		frame, err := p.SocketIO()
		if err != nil {
			b.Fatal(err)
		}
		size += frame.Size()
	}
	b.ReportAllocs()
	for b.Loop() {
		count.due.Store(count.read.Load() + int64(size*sockets))
		for _, p := range burst() {
			s.hub.Dispatch([]*hub.Fact{{Position: 21, Room: "r-1", Make: func() []*hub.Push { return []*hub.Push{p} }}})
		}
		<-count.full
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*messages*sockets), "ns/push")
	b.ReportMetric(float64(size), "B/socket")
}
