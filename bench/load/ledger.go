package load

import (
	"slices"
	"sync/atomic"
)

// stream is what one client says in its room: messages numbered from 0. Its sender's loop writes it.
type stream struct {
	index    uint32
	slot     int // among the streams of its room
	room     *chatRoom
	sender   *client
	template *template

	sent   uint32
	limit  uint32 // how many it says at most in a closed loop, 0 for no limit
	stored bitset // numbers that were acknowledged
	window []flight
	moved  int64 // when the window last moved
}

// flight is a message that a closed loop waits for. Deliveries are counted by the receivers' loops.
type flight struct {
	number atomic.Uint32
	left   atomic.Int32 // acks or deliveries that it still waits for
}

// chatRoom is a room and who is in it.
type chatRoom struct {
	id      string
	members []*client
	streams []*stream
	present atomic.Int32 // members whose connection stands
}

// free says whether a closed loop has room for another message.
func (s *stream) free() bool {
	return (s.limit == 0 || s.sent < s.limit) && s.window[int(s.sent)%len(s.window)].left.Load() <= 0
}

// launch notes that the next message waits for so many.
func (s *stream) launch(left int32) {
	f := &s.window[int(s.sent)%len(s.window)]
	f.number.Store(s.sent)
	f.left.Store(left)
}

// landed counts one that a message waited for, and says whether it was the last.
func (s *stream) landed(number uint32) bool {
	f := &s.window[int(number)%len(s.window)]
	return f.number.Load() == number && f.left.Add(-1) == 0
}

// heard is what one receiver has heard of one stream.
type heard struct {
	next uint32 // after the highest number
	gaps []gap  // numbers below that are missing, ascending
	gone int    // numbers of gaps that were too many to keep
}

// maxGaps bounds what a server that loses much makes the generator keep.
const maxGaps = 4096

type gap struct{ from, to uint32 }

// verdict is how a delivery fits to those before it.
type verdict int

const (
	inOrder verdict = iota
	late            // after one that was sent later
	repeated
)

func (h *heard) take(number uint32) verdict {
	switch {
	case number == h.next:
		h.next++
		return inOrder
	case number > h.next:
		if len(h.gaps) == maxGaps {
			h.gone += int(h.gaps[0].to - h.gaps[0].from)
			h.gaps = slices.Delete(h.gaps, 0, 1)
		}
		h.gaps = append(h.gaps, gap{h.next, number})
		h.next = number + 1
		return inOrder
	default:
		return h.fill(number)
	}
}

// fill takes a number out of the gaps.
func (h *heard) fill(number uint32) verdict {
	for i, g := range slices.Backward(h.gaps) {
		if number < g.from || number >= g.to {
			continue
		}
		left := slices.DeleteFunc([]gap{{g.from, number}, {number + 1, g.to}}, func(part gap) bool { return part.from == part.to })
		h.gaps = slices.Replace(h.gaps, i, i+1, left...)
		return late
	}
	return repeated
}

// lost counts what was stored and not heard.
func (h *heard) lost(s *stream) (n int) {
	for _, g := range h.gaps {
		n += s.stored.count(g.from, g.to)
	}
	return n + h.gone + s.stored.count(h.next, s.sent)
}

// bitset is a set of numbers.
type bitset []uint64

func (b *bitset) add(n uint32) {
	for len(*b) <= int(n/64) {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b bitset) has(n uint32) bool {
	return int(n/64) < len(b) && b[n/64]&(1<<(n%64)) != 0
}

// count counts the numbers from one to another, which is not counted.
func (b bitset) count(from, to uint32) (n int) {
	for ; from < to; from++ {
		if b.has(from) {
			n++
		}
	}
	return n
}
