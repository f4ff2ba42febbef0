package ratelimit

import "time"

// A lot is what a node takes at once for a key that acts often, to use it up without asking again. Redis counts all of it
// as if it happened when the lot ends, so no use of it is ever forgotten too early. What is not used by then is given back
// with the next question.
type lot struct {
	left  int
	until time.Time // by this process's clock
	// latest is the same by Redis's clock, in microseconds: what the lot is found by.
	latest int64
	// asked is when the one was asked for that has not come yet: others ask for single actions meanwhile, for a life at most.
	asked time.Time
}

const (
	// maxLot bounds what a key loses on other nodes by a lot that is not used.
	maxLot = 64
	// maxLife is for how long a lot lasts at most; in short windows it is shorter.
	maxLife     = time.Second
	livesWindow = 64
)

// life is for how long a lot lasts.
func life(length time.Duration) time.Duration { return min(maxLife, length/livesWindow) }

// question is what Redis is asked for a key.
type question struct {
	wanted int
	asked  time.Time
	// unused are actions of the last lot that come back, and latest names it.
	unused int
	latest int64
}

// begin answers without Redis if it can: what this process has allowed was counted by Redis too, so a flood ends here;
// and a lot may be left. Else it returns what to ask.
func (l *Local) begin(key string, limit int, length time.Duration) (wait time.Duration, ask *question) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	w := l.window(key)
	if wait := w.wait(now, limit, length); wait > 0 {
		return wait, nil
	}
	if w.lot.left > 0 && now.Before(w.lot.until) {
		w.lot.left--
		w.times = append(w.times, now)
		return 0, nil
	}
	return 0, w.question(now, life(length))
}

// question gives back what is left of a lot that has ended, and asks for as much as the key did in a life.
func (w *window) question(now time.Time, life time.Duration) *question {
	q := &question{wanted: 1, asked: now, unused: w.lot.left, latest: w.lot.latest}
	w.lot.left = 0
	if now.Sub(w.lot.asked) < life { // another asks for a lot
		return q
	}
	for i := len(w.times) - 1; i >= 0 && q.wanted < maxLot && now.Sub(w.times[i]) < life; i-- {
		q.wanted++
	}
	if q.wanted > 1 {
		w.lot.asked = now
	}
	return q
}

// took counts an action that Redis has allowed, and keeps the rest of a lot.
func (l *Local) took(key string, q *question, taken int, latest int64, length time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.window(key)
	w.times = append(w.times, l.now())
	if q.wanted > 1 {
		w.lot = lot{left: taken - 1, latest: latest, until: q.asked.Add(life(length))}
	}
}
