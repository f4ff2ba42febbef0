package projections

import (
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"parley/domain/event"
)

// State is what this node does about a view.
type State string

// The states.
const (
	// StateStarting tries to begin, or to begin again after Postgres was away.
	StateStarting State = "starting"
	// StateStandby waits while another node writes the view.
	StateStandby State = "standby"
	// StateActive writes the view.
	StateActive State = "active"
	// StateFailed stands below an event that cannot be applied.
	StateFailed State = "failed"
	// StateStopped is before and after Run.
	StateStopped State = "stopped"
)

// Status says how far a view is.
type Status struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Position is the last one known: on a node that stands by it is read once a second.
	Position event.Position `json:"position"`
	// Head is that of the log.
	Head event.Position `json:"head"`
	// Lag is the number of events between the two.
	Lag int64 `json:"lag"`
	// Rate is how many events this node has applied lately, per second.
	Rate float64 `json:"rate"`
	// Drift is how many differences from the log are known. It is for who fills it in: a Runner does not.
	Drift int64 `json:"drift"`
	// Error is why the view failed or starts again.
	Error string `json:"error,omitempty"`
	// LastError is the last one that there was on this node, also when all is well again, and LastErrorAt its time.
	LastError   string     `json:"lastError,omitempty"`
	LastErrorAt *time.Time `json:"lastErrorAt,omitempty"`
}

// Status lists the views by name.
func (r *Runner) Status() []Status {
	list := r.board.statuses()
	for i := range list {
		s := &list[i]
		if r.cfg.Head != nil {
			s.Head = max(s.Head, r.cfg.Head())
		}
		s.Head = max(s.Head, s.Position)
		s.Lag = int64(s.Head - s.Position)
	}
	return list
}

// board is what the goroutines of a Runner tell each other.
type board struct {
	mu    sync.Mutex
	views map[string]*entry
	top   event.Position
	// moved is closed and made anew when a view has moved or changed hands.
	moved chan struct{}
	// waiting counts who waits; wanted starts the poller for them, and hurry is closed while there are any.
	waiting int
	wanted  chan struct{}
	hurry   chan struct{}
}

type entry struct {
	Status
	// read is the position that a replica has shown.
	read event.Position
	rate rate
}

// rate is a number per second, of which what was long ago counts less and less.
type rate struct {
	perSecond float64
	at        time.Time
}

// rateSpan is for how long something counts, about.
const rateSpan = 10 * time.Second

// add counts n more; 0 tells what the rate is now.
func (r *rate) add(n int, now time.Time) float64 {
	if passed := now.Sub(r.at); !r.at.IsZero() && passed > 0 {
		r.perSecond *= math.Exp(-passed.Seconds() / rateSpan.Seconds())
	}
	r.at = now
	r.perSecond += float64(n) / rateSpan.Seconds()
	return r.perSecond
}

func newBoard(names []string) *board {
	b := &board{views: map[string]*entry{}, moved: make(chan struct{}), wanted: make(chan struct{}, 1), hurry: make(chan struct{})}
	for _, name := range names {
		b.views[name] = &entry{Status: Status{Name: name, State: StateStopped}}
	}
	return b
}

func (b *board) statuses() []Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Status, 0, len(b.views))
	for _, name := range slices.Sorted(maps.Keys(b.views)) {
		e := b.views[name]
		s := e.Status
		s.Head = b.top
		s.Rate = math.Round(10*e.rate.add(0, time.Now())) / 10
		list = append(list, s)
	}
	return list
}

// set changes a view's status and wakes who waits.
func (b *board) set(name string, change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.views[name].Status)
	b.wake()
}

func (b *board) wake() {
	close(b.moved)
	b.moved = make(chan struct{})
}

// applied notes that this node has applied n events, up to a position.
func (b *board) applied(name string, n int, position event.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.views[name]
	e.State, e.Position, e.Error = StateActive, position, ""
	e.rate.add(n, time.Now())
	b.wake()
}

// failed notes why a view stands still.
func (b *board) failed(name string, state State, err error) {
	now := time.Now()
	b.set(name, func(s *Status) {
		s.State, s.Error = state, err.Error()
		s.LastError, s.LastErrorAt = s.Error, &now
	})
}

// head notes how far the log is known to be.
func (b *board) head(position event.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.top = max(b.top, position)
}

// seen notes a checkpoint that was read from the primary: also a lower one, as after a crash of Postgres.
func (b *board) seen(name string, position event.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.views[name]; ok && e.State != StateActive && position != e.Position {
		e.Position = position
		b.wake()
	}
}

// seenByReaders notes a checkpoint that was read where queries read.
func (b *board) seenByReaders(name string, position event.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.views[name]; ok && position != e.read {
		e.read = position
		b.wake()
	}
}
