package e2e_test

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	window  = 8                // sends that a writer has in flight
	settle  = 40 * time.Second // patience with a system that was broken, on a slow machine
	redial  = 40 * time.Millisecond
	apology = 50 * time.Millisecond // pause after a refusal
)

// load is a room under way: writers that never give up, readers that write everything down.
type load struct {
	t      testing.TB
	room   string
	ledger *ledger
	pace   time.Duration // a writer's pause between two windows full of messages; 0: it never pauses

	ctx      context.Context
	stopping atomic.Bool
	workers  sync.WaitGroup
	readers  []*reader
}

// startLoad opens a public room at home.
func startLoad(t testing.TB, home *node) *load {
	t.Helper()
	return startLoadIn(t, home.as(t, "host").createRoom("public", "under load"), 0)
}

// startLoadIn is startLoad in a public room that is open already.
func startLoadIn(t testing.TB, room string, pace time.Duration) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{t: t, room: room, ledger: newLedger(), pace: pace, ctx: ctx}
	t.Cleanup(func() {
		cancel()
		l.workers.Wait()
		for _, r := range l.readers {
			r.socket.close()
		}
	})
	return l
}

// write starts count writers at a node. They are members before it returns.
func (l *load) write(n *node, count int) {
	l.t.Helper()
	for range count {
		w := &writer{load: l, node: n, name: unique("writer")}
		w.token = tokenOf(w.name)
		s, err := l.join(n, w.token, nil)
		if err != nil {
			l.t.Fatalf("writer at node %s: %v", n.name, err)
		}
		s.close()
		l.workers.Go(w.run)
	}
}

// read starts a reader at a node, which hears the room when it returns.
func (l *load) read(n *node) *reader {
	l.t.Helper()
	r := &reader{changed: make(chan struct{}), names: map[string]int{}}
	s, err := l.join(n, tokenOf(unique("reader")), r.take)
	if err != nil {
		l.t.Fatalf("reader at node %s: %v", n.name, err)
	}
	r.socket = s
	l.readers = append(l.readers, r)
	return r
}

func (l *load) join(n *node, token string, onEvent func(string, json.RawMessage)) (*socket, error) {
	s, err := dial(l.ctx, n.URL, token, onEvent)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(l.ctx, settle)
	defer cancel()
	if _, err := s.must(ctx, "join-room", object{"roomId": l.room}); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// more waits until count more messages were accepted.
func (l *load) more(what string, count int) {
	l.t.Helper()
	goal := l.ledger.count().acked + count
	l.ledger.await(l.t, what, settle, func(t tally) bool { return t.acked >= goal })
}

// finish lets the writers end: each sends what it began until it is accepted.
func (l *load) finish() {
	l.t.Helper()
	l.stopping.Store(true)
	l.ledger.await(l.t, "end of the writers", settle, func(t tally) bool { return t.acked == t.attempted })
	l.workers.Wait()
}

// history is the room as a node tells it, with all that was accepted.
func (l *load) history(n *node) []message {
	l.t.Helper()
	return n.as(l.t, "host").history(l.room, l.ledger.head())
}

// writer sends messages, several at a time, each until it is accepted.
type writer struct {
	load  *load
	node  *node
	name  string
	token string

	number int
	again  []*entry // to be tried again, in the order of their numbers
}

// result is how a try ended.
type result struct {
	entry   *entry
	ack     ack
	message message
	err     error
	took    time.Duration
}

func (w *writer) run() {
	for w.load.ctx.Err() == nil && !w.idle() {
		s, err := dial(w.load.ctx, w.node.URL, w.token, nil)
		if err != nil {
			w.wait(redial)
			continue
		}
		w.session(s)
		s.close()
	}
}

// idle tells whether there is nothing left to do.
func (w *writer) idle() bool { return w.load.stopping.Load() && len(w.again) == 0 }

// session sends on one connection until it closes or nothing is left.
func (w *writer) session(s *socket) {
	results := make(chan result, window)
	var flying []*entry
	closed, full := false, false
	for {
		if len(flying) == 0 && full && !closed {
			w.wait(w.load.pace)
			full, closed = false, s.gone()
		}
		for len(flying) < window && !closed && !full {
			e := w.next()
			if e == nil {
				break
			}
			flying = append(flying, e)
			w.send(s, e, results)
		}
		full = w.load.pace > 0
		if len(flying) == 0 {
			return
		}
		r := w.collect(s, results)
		w.load.ledger.settle(r)
		flying = without(flying, r.entry)
		switch {
		case r.err != nil:
			closed = true
			w.retry(r.entry)
		case !r.ack.Success:
			w.retry(r.entry)
			w.wait(apology)
		}
	}
}

// collect waits for a result. A test that ends closes the connection, which settles all.
func (w *writer) collect(s *socket, results <-chan result) result {
	select {
	case r := <-results:
		return r
	case <-w.load.ctx.Done():
		_ = s.conn.Close()
		return <-results
	}
}

func (w *writer) send(s *socket, e *entry, results chan<- result) {
	w.load.ledger.send(e)
	sent := time.Now()
	payload := object{"roomId": w.load.room, "content": e.content, "clientMessageId": e.content}
	s.emit("send-message", payload, func(a ack, err error) {
		r := result{entry: e, ack: a, err: err, took: time.Since(sent)}
		if err == nil && a.Success {
			r.err = json.Unmarshal(a.Data, &r.message)
		}
		results <- r // never blocks: window many fit
	})
}

// next is the oldest message to try again, else a new one, else nil.
func (w *writer) next() *entry {
	if len(w.again) > 0 {
		e := w.again[0]
		w.again = w.again[1:]
		return e
	}
	if w.load.stopping.Load() || w.load.ctx.Err() != nil {
		return nil
	}
	w.number++
	return w.load.ledger.open(w.name, w.number)
}

func (w *writer) retry(e *entry) {
	at := len(w.again)
	for at > 0 && w.again[at-1].number > e.number {
		at--
	}
	w.again = append(w.again[:at], append([]*entry{e}, w.again[at:]...)...)
}

func (w *writer) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.load.ctx.Done():
	}
}

func without(entries []*entry, gone *entry) []*entry {
	for i, e := range entries {
		if e == gone {
			return append(entries[:i], entries[i+1:]...)
		}
	}
	return entries
}

// reader writes down every message that is pushed to it.
type reader struct {
	socket *socket

	mu      sync.Mutex
	got     []message
	names   map[string]int // all events by name
	changed chan struct{}
}

func (r *reader) take(name string, data json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[name]++
	if name == "new-message" {
		var m message
		if json.Unmarshal(data, &m) == nil {
			r.got = append(r.got, m)
		}
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// saw tells how many events of a name came.
func (r *reader) saw(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[name]
}

// upTo waits for the push of the message with that seq and returns all pushes until now.
func (r *reader) upTo(t testing.TB, seq int) []message {
	t.Helper()
	deadline := time.After(settle)
	for {
		r.mu.Lock()
		got, changed := r.got, r.changed
		r.mu.Unlock()
		if len(got) > 0 && got[len(got)-1].Seq >= int64(seq) {
			return got
		}
		select {
		case <-changed:
		case <-r.socket.done:
			t.Errorf("a reader's connection closed after %d pushes", len(got))
			return got
		case <-deadline:
			t.Errorf("a reader got %d pushes and not the one of seq %d", len(got), seq)
			return got
		}
	}
}

// strike breaks something in the middle of the work. A fault that by chance hit nothing that
// was under way proves nothing: it is tried again, a bounded number of times.
func (l *load) strike(what string, hit func(flying, failed int) bool, fault func()) {
	l.t.Helper()
	const tries = 3
	for range tries {
		l.more("messages before the fault", 100)
		before := l.ledger.count()
		flying := l.ledger.inFlight()
		fault()
		after := l.ledger.count()
		failed := after.refused + after.unknown - before.refused - before.unknown
		l.t.Logf("%s: %d in flight, %d refused or unknown", what, flying, failed)
		if hit(flying, failed) {
			return
		}
	}
	l.t.Fatalf("void: %s hit nothing under way in %d tries", what, tries)
}

// requestsFailed is the hit of a fault that clients must notice.
func requestsFailed(_, failed int) bool { return failed > 0 }

// requestsFlying is the hit of a fault that clients should not notice.
func requestsFlying(flying, _ int) bool { return flying > 0 }
