package metrics

import (
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	subBits = 4 // each power of two is divided into 16
	subs    = 1 << subBits
	topBit  = 36
	buckets = (topBit-subBits+2)*subs + 1
)

// Histogram counts values by size. The zero value is empty. It is safe for concurrent use.
type Histogram struct {
	counts [buckets]atomic.Uint64
	sum    atomic.Int64
}

// Add counts a value. One below 0 counts as 0.
func (h *Histogram) Add(value int64) {
	value = max(value, 0)
	h.counts[bucketOf(value)].Add(1)
	h.sum.Add(value)
}

// Observe counts a duration, in microseconds.
func (h *Histogram) Observe(d time.Duration) { h.Add(d.Microseconds()) }

// bucketOf is 0 to 15 for themselves, and then 16 buckets for each power of two.
func bucketOf(value int64) int {
	if value < subs {
		return int(value)
	}
	exponent := bits.Len64(uint64(value)) - 1
	if exponent > topBit {
		return buckets - 1
	}
	return (exponent-subBits+1)*subs + int(value>>(exponent-subBits))&(subs-1)
}

// lowest is the least value of a bucket.
func lowest(bucket int) int64 {
	if bucket < subs {
		return int64(bucket)
	}
	exponent := bucket/subs + subBits - 1
	return int64(subs+bucket%subs) << (exponent - subBits)
}

// Snapshot is a Histogram at one time.
type Snapshot struct {
	counts [buckets]uint64
	// Count is how many values there are, and Sum what they add up to.
	Count uint64
	Sum   int64
}

// Snapshot copies the counts.
func (h *Histogram) Snapshot() *Snapshot {
	s := &Snapshot{Sum: h.sum.Load()}
	for i := range h.counts {
		s.counts[i] = h.counts[i].Load()
		s.Count += s.counts[i]
	}
	return s
}

// since is what has come after an earlier snapshot; nil is the beginning.
func (s *Snapshot) since(earlier *Snapshot) *Snapshot {
	if earlier == nil {
		return s
	}
	d := &Snapshot{Count: s.Count - earlier.Count, Sum: s.Sum - earlier.Sum}
	for i := range s.counts {
		d.counts[i] = s.counts[i] - earlier.counts[i]
	}
	return d
}

// Mean is the average, 0 of nothing.
func (s *Snapshot) Mean() float64 {
	if s.Count == 0 {
		return 0
	}
	return float64(s.Sum) / float64(s.Count)
}

// Quantile is a value that the share q of all is not above, 0 of nothing.
func (s *Snapshot) Quantile(q float64) float64 {
	rank := max(uint64(q*float64(s.Count)+0.5), 1)
	for i, n := range s.counts {
		if n < rank {
			rank -= n
			continue
		}
		if i < subs {
			return float64(i)
		}
		return float64(lowest(i)+lowest(i+1)) / 2
	}
	return 0
}

// Cumulative is how many values are below each power of two from 2^from to 2^to, by the bound divided by unit, as
// Prometheus has it.
func (s *Snapshot) Cumulative(from, to int, unit float64) map[float64]uint64 {
	bounds := make(map[float64]uint64, to-from+1)
	sum, bucket := uint64(0), 0
	for exponent := from; exponent <= to; exponent++ {
		for bound := int64(1) << exponent; lowest(bucket) < bound; bucket++ {
			sum += s.counts[bucket]
		}
		bounds[float64(int64(1)<<exponent)/unit] = sum
	}
	return bounds
}
