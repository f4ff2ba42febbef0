package metrics

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/domain"
)

// Unknown is the name of what has no other.
const Unknown = "unknown"

const (
	minute = time.Minute
	window = 6 // minutes, of which the last has just begun
)

// Table counts answers by name and code. Make one with NewTable. It is safe for concurrent use.
type Table struct {
	rows map[string]*row // never changes
	code map[domain.Code]int

	mu     sync.Mutex
	before []map[string]*Snapshot // at the end of each of the last minutes, the oldest first
}

type row struct {
	took  Histogram
	codes []atomic.Uint64 // the last one is success
}

// NewTable makes one for these names, and Unknown.
func NewTable(names ...string) *Table {
	t := &Table{rows: make(map[string]*row, len(names)+1), code: make(map[domain.Code]int)}
	for i, code := range domain.Codes() {
		t.code[code] = i
	}
	t.code[""] = len(domain.Codes())
	for _, name := range append(names, Unknown) {
		t.rows[name] = &row{codes: make([]atomic.Uint64, len(t.code))}
	}
	return t
}

// Observe counts an answer: its code, "" for success, and how long it took.
func (t *Table) Observe(name string, code domain.Code, took time.Duration) {
	r := t.rows[name]
	if r == nil {
		r = t.rows[Unknown]
	}
	i, ok := t.code[code]
	if !ok {
		i = t.code[domain.CodeInternal]
	}
	r.codes[i].Add(1)
	r.took.Observe(took)
}

// Run keeps what Lately needs until ctx ends, and returns nil.
func (t *Table) Run(ctx context.Context) error {
	ticks := time.NewTicker(minute)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
			t.keep()
		}
	}
}

func (t *Table) keep() {
	now := t.snapshots()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before = append(t.before, now); len(t.before) > window {
		t.before = slices.Delete(t.before, 0, 1)
	}
}

func (t *Table) snapshots() map[string]*Snapshot {
	all := make(map[string]*Snapshot, len(t.rows))
	for name, r := range t.rows {
		if s := r.took.Snapshot(); s.Count > 0 {
			all[name] = s
		}
	}
	return all
}

// Latency is how long answers took, in milliseconds.
type Latency struct {
	Count uint64  `json:"count"`
	Avg   float64 `json:"avg"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
}

// Lately is how long answers took by name, in the last 5 to 6 minutes. Names without any are left out.
func (t *Table) Lately() map[string]Latency {
	t.mu.Lock()
	var earlier map[string]*Snapshot
	if len(t.before) == window {
		earlier = t.before[0]
	}
	t.mu.Unlock()
	lately := map[string]Latency{}
	for name, now := range t.snapshots() {
		if s := now.since(earlier[name]); s.Count > 0 {
			lately[name] = Latency{s.Count, milli(s.Mean()), milli(s.Quantile(.5)), milli(s.Quantile(.95)), milli(s.Quantile(.99))}
		}
	}
	return lately
}

// milli makes milliseconds of microseconds.
func milli(micros float64) float64 { return float64(int64(micros+.5)) / 1000 }

// Errors counts the answers that were no success, by code, since the start.
func (t *Table) Errors() map[domain.Code]uint64 {
	errors := map[domain.Code]uint64{}
	for _, r := range t.rows {
		for code, i := range t.code {
			if n := r.codes[i].Load(); n > 0 && code != "" {
				errors[code] += n
			}
		}
	}
	return errors
}

// Tell tells how many answers there were, as NAME_total, and how long they took, as NAME_duration_seconds. label is what
// names are called.
func (t *Table) Tell(out *Out, name, label, help string) {
	for _, key := range slices.Sorted(maps.Keys(t.rows)) {
		r := t.rows[key]
		for code, i := range t.code {
			if n := r.codes[i].Load(); n > 0 {
				out.Count(name+"_total", help+", by code (OK for success).", float64(n), label, key, "code", codeLabel(code))
			}
		}
		if s := r.took.Snapshot(); s.Count > 0 {
			out.Durations(name+"_duration_seconds", help+": how long until it was answered.", s, label, key)
		}
	}
}

func codeLabel(code domain.Code) string {
	if code == "" {
		return "OK"
	}
	return string(code)
}
