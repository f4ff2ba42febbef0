package gateway

import (
	"sync"
	"time"
)

// windows ends the windows of many batchers, with one timer that runs only while one is open.
//
// Those that begin at about the same time, within a sixteenth of their length, end together, with
// the first of them. It saves timers, and keeps the sockets of a room in step: they have
// the same pushes in a batch, which is then encoded once.
type windows struct {
	length time.Duration

	mu     sync.Mutex
	groups []*group // in the order in which they end
	timer  *time.Timer
}

// group is the windows that end together.
type group struct {
	opened time.Time
	list   []window
}

type window struct {
	of     *batcher
	number uint64
}

// open sees to it that b.expire(number) is called when the window ends.
func (w *windows) open(b *batcher, number uint64) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.groups) - 1
	if last < 0 || now.Sub(w.groups[last].opened) >= w.length/16 {
		w.groups = append(w.groups, &group{opened: now})
		last++
		if last == 0 {
			w.arm(w.length)
		}
	}
	g := w.groups[last]
	g.list = append(g.list, window{b, number})
}

// arm sets the timer for the first group.
func (w *windows) arm(after time.Duration) {
	if w.timer == nil {
		w.timer = time.AfterFunc(after, w.end)
	} else {
		w.timer.Reset(after)
	}
}

// end ends what is due.
func (w *windows) end() {
	for _, g := range w.due(time.Now()) {
		for _, o := range g.list {
			o.of.expire(o.number)
		}
	}
}

func (w *windows) due(now time.Time) []*group {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < len(w.groups) && now.Sub(w.groups[n].opened) >= w.length {
		n++
	}
	over := append([]*group(nil), w.groups[:n]...)
	clear(w.groups[:n])
	w.groups = append(w.groups[:0], w.groups[n:]...)
	if len(w.groups) > 0 {
		w.arm(w.groups[0].opened.Add(w.length).Sub(now))
	}
	return over
}
