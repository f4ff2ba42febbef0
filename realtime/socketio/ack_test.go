package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"parley/realtime/socketio"
)

func TestAcksToTheClient(t *testing.T) {
	t.Parallel()
	events := make(chan socketio.Event, 1)
	h := start(t, socketio.Config{}, &room{onEvent: func(_ *member, e socketio.Event) { events <- e }})
	c, m := h.connect(t)

	c.say(`42["no ack"]`)
	if e := <-events; e.HasAck() || e.AckID() != "" || e.Ack(1) != nil || e.AckRaw([]byte("nonsense")) != nil {
		t.Error("an event without ack id is acknowledged")
	}

	c.say(`42007["ack"]`)
	e := <-events
	if err := e.Ack(map[string]any{"success": true}, []byte("bin")); err != nil {
		t.Error(err)
	}
	c.want(`461-007[{"success":true},{"_placeholder":true,"num":0}]`)
	c.wantBinary("bin")
	if err := e.Ack(); !errors.Is(err, socketio.ErrAcked) {
		t.Errorf("the second time: %v", err)
	}

	c.say(`4217["ack"]`)
	e = <-events
	results := make(chan error, 10)
	for range cap(results) {
		go func() { results <- e.AckRaw([]byte(`[{"success":true}]`)) }()
	}
	sent := 0
	for range cap(results) {
		if err := <-results; err == nil {
			sent++
		} else if !errors.Is(err, socketio.ErrAcked) {
			t.Error(err)
		}
	}
	c.want(`4317[{"success":true}]`)
	if sent != 1 {
		t.Errorf("sent %d times", sent)
	}

	c.say(`421["ack"]`)
	e = <-events
	if err := e.AckRaw([]byte(`{}`)); err == nil {
		t.Error("what is no array was sent")
	}

	c.say(`422["ack"]`)
	e = <-events
	c.say(`41`)
	m.wantLeft(t, socketio.ClientNamespaceDisconnect)
	if err := e.Ack(); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("after leaving: %v", err)
	}
}

type outcome struct {
	reply socketio.Reply
	err   error
}

func ask(t *testing.T, m *member, timeout time.Duration) chan outcome {
	t.Helper()
	got := make(chan outcome, 4)
	if err := m.EmitAck(timeout, func(r socketio.Reply, err error) { got <- outcome{r, err} }, "ask"); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAcksFromTheClient(t *testing.T) {
	t.Parallel()
	c, m := start(t, socketio.Config{}, &room{}).connect(t)
	first, second := ask(t, m, 0), ask(t, m, 0)
	c.want(`420["ask"]`, `421["ask"]`)

	c.say(`437[]`, `43[]`, `43999999999999999999[]`) // ids that nobody waits for
	c.say(`431["b"]`, `431["twice"]`)
	c.say(`461-0[{"_placeholder":true,"num":0}]`)
	c.sayBinary("bin")

	if o := <-second; o.err != nil || len(o.reply.Args) != 1 || string(o.reply.Args[0]) != `"b"` {
		t.Errorf("got %+v", o)
	}
	o := <-first
	if b, ok := o.reply.Binary(0); !ok || string(b) != "bin" || o.err != nil {
		t.Errorf("got %q, %v", b, o.err)
	}
	if len(first)+len(second) != 0 {
		t.Error("a callback ran twice")
	}
}

func TestAcksOfOthersHaveNoEffect(t *testing.T) {
	t.Parallel()
	h := start(t, socketio.Config{}, &room{})
	c, m := h.connect(t)
	other, _ := h.connect(t)
	got := ask(t, m, 0)
	c.want(`420["ask"]`)
	other.say(`430["forged"]`)
	c.say(`430["real"]`)
	if o := <-got; string(o.reply.Args[0]) != `"real"` {
		t.Errorf("got %s", o.reply.Args)
	}
}

func TestAcksThatNeverCome(t *testing.T) {
	t.Parallel()
	h := start(t, socketio.Config{AckTimeout: 100 * time.Millisecond}, &room{})
	_, m := h.connect(t)
	if o := <-ask(t, m, 0); !errors.Is(o.err, socketio.ErrAckTimeout) {
		t.Errorf("got %v", o.err)
	}
	if o := <-ask(t, m, 10*time.Millisecond); !errors.Is(o.err, socketio.ErrAckTimeout) {
		t.Errorf("got %v", o.err)
	}
	gone := ask(t, m, time.Hour)
	m.Close("forced close")
	if o := <-gone; !errors.Is(o.err, socketio.ErrDisconnected) {
		t.Errorf("got %v", o.err)
	}
	if err := m.EmitAck(0, nil, "ask"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("got %v", err)
	}
}

func TestAwaitedAcksAreBounded(t *testing.T) {
	t.Parallel()
	c, m := start(t, socketio.Config{MaxPendingAcks: 3}, &room{}).connect(t)
	var waiting []chan outcome
	for range 3 {
		waiting = append(waiting, ask(t, m, 0))
	}
	if err := m.EmitAck(0, nil, "ask"); !errors.Is(err, socketio.ErrPendingAcks) {
		t.Errorf("got %v", err)
	}
	c.want(`420["ask"]`, `421["ask"]`, `422["ask"]`)
	c.say(`431[]`)
	<-waiting[1]
	ask(t, m, 0)
	c.want(`423["ask"]`)
}

func TestCall(t *testing.T) {
	t.Parallel()
	c, m := start(t, socketio.Config{}, &room{}).connect(t)
	var calls sync.WaitGroup
	for i := range 20 {
		calls.Go(func() {
			r, err := m.Call(t.Context(), "double", i)
			if err != nil || string(r.Args[0]) != strconv.Itoa(2*i) {
				t.Errorf("got %s, %v", r.Args, err)
			}
		})
	}
	for range 20 {
		var id, n int
		if _, err := fmt.Sscanf(c.text(), `42%d["double",%d]`, &id, &n); err != nil {
			t.Fatal(err)
		}
		c.say(fmt.Sprintf(`43%d[%d]`, id, 2*n))
	}
	calls.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.Call(ctx, "double", 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := m.Call(t.Context(), "double", func() {}); err == nil {
		t.Error("a function was encoded")
	}
}
