package load

import (
	"maps"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally is what one loop has counted.
type tally struct {
	from, to int64 // the measured stretch

	sent, acks, deliveries int64 // in the stretch
	within, across         *hdrhistogram.Histogram
	answers                map[string]*hdrhistogram.Histogram // by command
	arrivals               *hdrhistogram.Histogram            // connections, or clients that caught up

	// Of the whole run.
	heard, acked, repeated, late, strange int64
	disconnected                          int64
	errors                                map[string]int64
}

func newTally() *tally {
	return &tally{
		within: newHistogram(), across: newHistogram(), arrivals: newHistogram(),
		answers: map[string]*hdrhistogram.Histogram{}, errors: map[string]int64{},
	}
}

const maxLatency = 120e6 // microseconds

// newHistogram is one of microseconds.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, maxLatency, 3) }

func record(h *hdrhistogram.Histogram, nanoseconds int64) {
	_ = h.RecordValue(min(max(nanoseconds/1000, 0), maxLatency)) // it is in range
}

// measures says whether a time lies in the measured stretch.
func (t *tally) measures(at int64) bool { return at >= t.from && at < t.to }

func (t *tally) answered(c command, now int64) {
	t.acked++
	if t.measures(now) {
		t.acks++
	}
	if !t.measures(c.at) {
		return
	}
	h := t.answers[c.kind]
	if h == nil {
		h = newHistogram()
		t.answers[c.kind] = h
	}
	record(h, now-c.at)
}

// delivered counts a delivery of a message that was to be sent at a time.
func (t *tally) delivered(at, now int64, across bool) {
	t.heard++
	if t.measures(now) {
		t.deliveries++
	}
	if !t.measures(at) {
		return
	}
	if across {
		record(t.across, now-at)
	} else {
		record(t.within, now-at)
	}
}

func (t *tally) judge(v verdict) {
	switch v {
	case late:
		t.late++
	case repeated:
		t.repeated++
	case inOrder:
	}
}

// add adds what another loop has counted.
func (t *tally) add(o *tally) {
	t.sent += o.sent
	t.acks += o.acks
	t.deliveries += o.deliveries
	t.within.Merge(o.within)
	t.across.Merge(o.across)
	t.arrivals.Merge(o.arrivals)
	for kind, h := range o.answers {
		if t.answers[kind] == nil {
			t.answers[kind] = newHistogram()
		}
		t.answers[kind].Merge(h)
	}
	t.heard += o.heard
	t.acked += o.acked
	t.repeated += o.repeated
	t.late += o.late
	t.strange += o.strange
	t.disconnected += o.disconnected
	for code, n := range maps.All(o.errors) {
		t.errors[code] += n
	}
}
