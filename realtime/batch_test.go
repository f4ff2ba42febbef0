package realtime_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	c.madeUp = true
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

// batch is a frame of messages as a client with batches and recovery reads it.
type batch struct {
	Messages []struct{ Content, Position string }
	Offset   string
}

// untilBatch reads on to the next messages.
func (c *client) untilBatch() batch {
	c.t.Helper()
	for {
		f := c.next()
		if f == "" {
			c.t.Fatal("closed while waiting for a batch")
		}
		if rest, ok := strings.CutPrefix(f, `42["batch:new-message",`); ok {
			var b batch
			if err := json.Unmarshal([]byte("["+rest), &[]any{&b.Messages, &b.Offset}); err != nil || len(b.Messages) == 0 {
				c.t.Fatalf("batch %s: %v", f, err)
			}
			return b
		}
	}
}

// A client with batches that is cut off between any two frames reads every message once and in order, if it
// names the last position that it read. What it has missed comes in batches, too.
func TestCutsBetweenBatchesLoseNothing(t *testing.T) {
	t.Parallel()
	const messages = 800
	one := newChat(t, "ann", "bob")
	two := one.another()
	bob := one.login("bob")
	for _, room := range []string{"tea", "rum"} {
		bob.must("create-room", fmt.Sprintf(`{"id":%q,"name":"x","type":"public","memberIds":["ann"]}`, room))
	}
	const options = `,"rooms":["tea","rum"],"batch":true,"offset":"`
	cursor := session(t, dialAnd(t, one.url, "ann", `,"rooms":["tea","rum"]`)).Position
	var talking sync.WaitGroup
	ahead := make(chan struct{}, 400) // less than one may catch up on
	talking.Go(func() {
		for i := range messages {
			ahead <- struct{}{}
			[]*chat{one, two}[i%2].send("bob", []string{"tea", "rum"}[rand.IntN(2)], strconv.Itoa(i))
		}
	})
	defer talking.Wait()

	var got []string
	cuts := 0
	for ; len(got) < messages; cuts++ {
		c := dial(t, []*chat{one, two}[rand.IntN(2)].url, nil)
		if hello := session(t, c.login("ann", options+cursor+`"`)); hello.Position != cursor {
			cursor = hello.Position // nothing was missed
		}
		for range rand.IntN(5) {
			if len(got) >= messages {
				break
			}
			b := c.untilBatch()
			for _, m := range b.Messages {
				<-ahead
				got = append(got, m.Content)
			}
			cursor = b.Messages[len(b.Messages)-1].Position
		}
		c.ws.Close()
	}
	want := make([]string, messages)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after %d cuts (-sent +read):\n%s", cuts, diff)
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
