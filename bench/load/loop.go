package load

import (
	"sync"
	"time"
)

// loop is a thread of the generator: one goroutine that serves many sockets. What it keeps needs no locks.
type loop struct {
	index   int
	epoch   time.Time // when the run began
	poll    *poller
	pacer   *pacer // what has to be done at certain times, nil if nothing has
	tally   *tally
	sending bool // closed loops go on

	mu    sync.Mutex
	tasks []func()
	ended bool
	done  chan struct{}
	err   error // why it ended; read after done
}

func startLoop(index int, epoch time.Time) (*loop, error) {
	poll, err := newPoller()
	if err != nil {
		return nil, err
	}
	l := &loop{index: index, epoch: epoch, poll: poll, tally: newTally(), done: make(chan struct{})}
	go l.run()
	return l, nil
}

// now is the time in nanoseconds since the run began.
func (l *loop) now() int64 { return int64(time.Since(l.epoch)) }

func (l *loop) run() {
	defer close(l.done)
	defer l.end()
	for l.err == nil && l.perform() {
		l.err = l.poll.wait(l.pacer.due(), l.now)
		if l.pacer != nil {
			l.pacer.act(l.now())
		}
	}
}

// end lets nobody wake a poller that is closed.
func (l *loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.poll.close()
}

// do has f called by the loop. After its end nothing is called.
func (l *loop) do(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.tasks = append(l.tasks, f)
	if len(l.tasks) == 1 {
		l.poll.wake()
	}
}

// call is do, and waits until it is done.
func (l *loop) call(f func()) {
	called := make(chan struct{})
	l.do(func() {
		f()
		close(called)
	})
	select {
	case <-called:
	case <-l.done:
	}
}

// perform does what others asked for, and says whether the loop goes on.
func (l *loop) perform() bool {
	l.mu.Lock()
	tasks, ended := l.tasks, l.ended
	l.tasks = nil
	l.mu.Unlock()
	for _, task := range tasks {
		task()
	}
	return !ended
}

// stop ends the loop after what it was asked to do.
func (l *loop) stop() {
	l.mu.Lock()
	if !l.ended {
		l.ended = true
		l.poll.wake()
	}
	l.mu.Unlock()
	<-l.done
}

// pacer acts at even intervals, whatever becomes of what it did: an open loop. Who is late is late against the
// time that was meant, which is what act is told.
type pacer struct {
	interval float64 // nanoseconds
	from, to int64
	count    int64
	fire     func(count, at int64) (ok bool) // not ok: not now, ask again later
	again    int64                           // when that is
}

// askAgain is after how many nanoseconds.
const askAgain = 1e6

// due is when it acts next, 0 if it does not.
func (p *pacer) due() int64 {
	if p == nil {
		return 0
	}
	at := p.at()
	if at >= p.to {
		return 0
	}
	return max(at, p.again, 1)
}

func (p *pacer) at() int64 { return p.from + int64(float64(p.count)*p.interval) }

// act does what is due by now.
func (p *pacer) act(now int64) {
	for at := p.at(); at <= now && at < p.to; at = p.at() {
		if !p.fire(p.count, at) {
			p.again = now + askAgain
			return
		}
		p.count++
	}
}
