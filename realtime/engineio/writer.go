package engineio

import (
	"bytes"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// writers write what waits for the WebSocket sessions of a server. A session belongs to one of them.
type writers struct {
	all    []*writer
	serial atomic.Uint64

	running sync.WaitGroup
}

const maxWriters = 16

func newWriters() *writers {
	w := &writers{all: make([]*writer, min(runtime.GOMAXPROCS(0), maxWriters))}
	for i := range w.all {
		w.all[i] = &writer{running: &w.running}
		w.all[i].poll = w.all[i].writable
	}
	return w
}

// next is the writer of one more session.
func (w *writers) next() *writer { return w.all[w.serial.Add(1)%uint64(len(w.all))] }

// writer goes round the sessions that have something to write, in the order in which they came to have it, and
// writes all that waits for one with as few system calls as its size allows. It is a goroutine only while there are such
// sessions.
//
// A write costs ten times what is written, so what counts is how much one of them takes. Who is alone is written to at once. After
// crowd writes within the time gather the writer rests until that is over: what comes meanwhile for
// one session goes out together. When there is more to do than that, the round itself takes long enough to gather.
//
// It never waits for a connection: one that takes no more at the moment gets a goroutine of its own until its
// queue is empty.
type writer struct {
	running *sync.WaitGroup

	mu      sync.Mutex
	waiting []*socket // each once
	awake   bool      // the goroutine is there

	// What follows is the goroutine's alone.
	round  []*socket
	buf    [joinBytes]byte // joins small frames into one system call
	began  time.Time       // of the time that is measured with gather
	writes int             // since then

	// One write: what, and what came of it.
	poll func(fd uintptr) bool
	from []byte
	n    int
	err  error
}

const (
	joinBytes = 16 << 10 // frames are joined up to this size; larger ones are written as they are

	gather = time.Millisecond
	crowd  = 32
	// yieldEvery is after how many writes others have their turn: the more of them wait, the more the next round joins.
	yieldEvery = 32
)

// add says that something waits for a session for which nothing waited.
func (w *writer) add(t *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, t)
	if !w.awake {
		w.awake = true
		w.running.Go(w.run)
	}
}

func (w *writer) run() {
	for w.next() {
		for i, t := range w.round {
			w.write(t)
			w.round[i] = nil
			if i%yieldEvery == yieldEvery-1 {
				runtime.Gosched()
			}
		}
		w.rest(len(w.round))
	}
}

// next takes the sessions of the next round. It is false if there are none: then the goroutine has to end.
func (w *writer) next() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.round, w.waiting = w.waiting, w.round[:0]
	w.awake = len(w.round) > 0
	return w.awake
}

// rest lets more gather if there was much to write.
func (w *writer) rest(writes int) {
	passed := time.Since(w.began)
	if passed >= gather {
		w.began, w.writes = time.Now(), writes
		return
	}
	if w.writes += writes; w.writes >= crowd {
		time.Sleep(gather - passed)
	}
}

// write writes what waits for t.
func (w *writer) write(t *socket) {
	o := t.session.take()
	if o == nil {
		return
	}
	for rest := o.taken; len(rest) > 0; {
		b, n := t.join(w.buf[:0], rest)
		rest = rest[n:]
		taken, err := w.offer(t, b)
		switch {
		case err != nil:
			t.fail()
			return
		case taken < len(b):
			go t.write(bytes.Clone(b[taken:]), rest)
			return
		}
	}
	if t.session.wrote() {
		w.add(t)
	}
}

// offer writes as much as the connection takes at once.
func (w *writer) offer(t *socket, b []byte) (n int, err error) {
	t.session.server.counts.write(len(b))
	w.from, w.n, w.err = b, 0, nil
	err = t.in.raw.Write(w.poll)
	w.from = nil
	return w.n, errors.Join(err, w.err)
}

// writable writes once. It always returns true: not to be called again.
func (w *writer) writable(fd uintptr) bool {
	n, err := writeFD(fd, w.from)
	if !errors.Is(err, syscall.EAGAIN) {
		w.err = err
	}
	w.n = max(n, 0)
	return true
}
