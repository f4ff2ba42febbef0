package metrics

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"parley/domain"
)

// HistoryConfig says how much a History keeps. The zero value works.
type HistoryConfig struct {
	// Every is the time between two looks. Zero means 2 s.
	Every time.Duration
	// Keep is how many are kept. Zero means 300: ten minutes.
	Keep int
}

// History keeps what a node did in the last minutes, for who looks at it without Prometheus. Run has to run. It is safe for
// concurrent use.
type History struct {
	cfg  HistoryConfig
	look func(*Look)

	// What follows is of Run alone.
	last   time.Time
	counts map[string]float64
	took   map[string]*Snapshot

	mu    sync.Mutex
	at    []time.Time // the oldest first
	lines map[string][]*float64
}

// NewHistory makes one that asks look, which names the same lines each time.
func NewHistory(cfg HistoryConfig, look func(*Look)) *History {
	if cfg.Every <= 0 {
		cfg.Every = 2 * time.Second
	}
	if cfg.Keep <= 0 {
		cfg.Keep = 300
	}
	return &History{cfg: cfg, look: look, counts: map[string]float64{}, took: map[string]*Snapshot{}, lines: map[string][]*float64{}}
}

// Look is what there is at one time.
type Look struct {
	h     *History
	span  float64 // seconds since the last one, 0 for the first
	lines map[string]*float64
}

// Gauge tells a number that goes up and down.
func (l *Look) Gauge(line string, value float64) { l.lines[line] = &value }

// Rate tells a number that only grows; the line has how much it grew in a second. NaN is one that is not known yet.
func (l *Look) Rate(line string, count float64) {
	before, known := l.h.counts[line]
	l.h.counts[line] = count
	if !known || l.span <= 0 || math.IsNaN(count-before) {
		l.lines[line] = nil
		return
	}
	l.Gauge(line, max(count-before, 0)/l.span)
}

// Took tells durations. There are three lines, with P50, P95 and P99 behind the name, in milliseconds; they have gaps where
// nothing was observed.
func (l *Look) Took(line string, s *Snapshot) {
	lately := s.since(l.h.took[line])
	l.h.took[line] = s
	for suffix, q := range map[string]float64{"P50": .5, "P95": .95, "P99": .99} {
		l.lines[line+suffix] = nil
		if lately.Count > 0 && l.span > 0 {
			l.Gauge(line+suffix, milli(lately.Quantile(q)))
		}
	}
}

// Run looks until ctx ends, and returns nil.
func (h *History) Run(ctx context.Context) error {
	ticks := time.NewTicker(h.cfg.Every)
	defer ticks.Stop()
	h.take(time.Now())
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
			h.take(time.Now())
		}
	}
}

func (h *History) take(now time.Time) {
	l := &Look{h: h, lines: map[string]*float64{}}
	if !h.last.IsZero() {
		l.span = now.Sub(h.last).Seconds()
	}
	h.last = now
	h.look(l)

	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = shorten(append(h.at, now), h.cfg.Keep)
	for name, value := range l.lines {
		h.lines[name] = shorten(append(h.lines[name], value), h.cfg.Keep)
	}
}

// shorten leaves out the oldest.
func shorten[T any](list []T, keep int) []T {
	return slices.Delete(list, 0, max(len(list)-keep, 0))
}

// Lines are numbers over time.
type Lines struct {
	// EveryMS is the time between two looks, in milliseconds.
	EveryMS int64 `json:"everyMs"`
	// At are the times of the looks, in milliseconds since 1970.
	At []int64 `json:"at"`
	// Series has a number for each time, null where there was nothing to tell.
	Series map[string][]*float64 `json:"series"`
}

// Since is what was seen after a time.
func (h *History) Since(after time.Time) Lines {
	h.mu.Lock()
	defer h.mu.Unlock()
	first, _ := slices.BinarySearchFunc(h.at, after.Add(time.Millisecond), time.Time.Compare) // who asks knows milliseconds
	lines := Lines{EveryMS: h.cfg.Every.Milliseconds(), At: []int64{}, Series: map[string][]*float64{}}
	for _, at := range h.at[first:] {
		lines.At = append(lines.At, at.UnixMilli())
	}
	for name, line := range h.lines {
		lines.Series[name] = slices.Clone(line[first:])
	}
	return lines
}

// Sum is all answers of a table: how long they took, how many were refusals, and how many failed by no fault of who asked.
func (t *Table) Sum() (took *Snapshot, refused, failed uint64) {
	took = &Snapshot{}
	for _, r := range t.rows {
		s := r.took.Snapshot()
		for i, n := range s.counts {
			took.counts[i] += n
		}
		took.Count += s.Count
		took.Sum += s.Sum
	}
	for code, n := range t.Errors() {
		switch code {
		case domain.CodeInternal, domain.CodeUnavailable, domain.CodeStale:
			failed += n
		default:
			refused += n
		}
	}
	return took, refused, failed
}
