package load

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestWhatIsHeardIsJudged(t *testing.T) {
	for name, c := range map[string]struct {
		numbers              []uint32
		late, repeated, lost int
	}{
		"in order":             {[]uint32{0, 1, 2, 3, 4, 5}, 0, 0, 0},
		"nothing":              {nil, 0, 0, 6},
		"the last are lost":    {[]uint32{0, 1, 2}, 0, 0, 3},
		"one is lost":          {[]uint32{0, 1, 2, 4, 5}, 0, 0, 1},
		"two change places":    {[]uint32{0, 2, 1, 3, 4, 5}, 1, 0, 0},
		"backwards":            {[]uint32{5, 4, 3, 2, 1, 0}, 5, 0, 0},
		"one twice":            {[]uint32{0, 1, 1, 2, 3, 4, 5}, 0, 1, 0},
		"a late one twice":     {[]uint32{0, 2, 1, 1, 3, 4, 5}, 1, 1, 0},
		"within a gap":         {[]uint32{0, 5, 3, 2, 4, 3}, 3, 1, 1},
		"all of it, at random": {[]uint32{3, 0, 5, 1, 4, 2}, 4, 0, 0},
	} {
		s := &stream{sent: 6}
		for n := range s.sent {
			s.stored.add(n)
		}
		var h heard
		counts := map[verdict]int{}
		for _, n := range c.numbers {
			counts[h.take(n)]++
		}
		if counts[late] != c.late || counts[repeated] != c.repeated || h.lost(s) != c.lost {
			t.Errorf("%s: late %d, repeated %d, lost %d; want %d, %d, %d", name, counts[late], counts[repeated], h.lost(s), c.late, c.repeated, c.lost)
		}
	}
}

// What was refused, or not acknowledged, is not missed by anybody.
func TestOnlyWhatWasStoredCanBeLost(t *testing.T) {
	s := &stream{sent: 200}
	for n := range s.sent {
		if n%2 == 0 {
			s.stored.add(n)
		}
	}
	var h heard
	h.take(0)
	h.take(101) // a gap with 50 of them; 49 follow
	if got := h.lost(s); got != 99 {
		t.Errorf("%d are lost, want 99", got)
	}
}

func TestAServerThatLosesMuchCostsLittleMemory(t *testing.T) {
	const sent = 4 * maxGaps
	s := &stream{sent: sent}
	var h heard
	for n := range uint32(sent) {
		if s.stored.add(n); n%2 == 1 {
			h.take(n)
		}
	}
	if got := h.lost(s); got != sent/2 || len(h.gaps) != maxGaps {
		t.Errorf("%d are lost with %d gaps, want %d and %d", got, len(h.gaps), sent/2, maxGaps)
	}
}

func TestNumbersHeardInAnyOrderLeaveNoGap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var h heard
		for _, n := range random.Perm(50) {
			if h.take(uint32(n)) == repeated {
				t.Fatalf("%d was heard once", n)
			}
		}
		if h.next != 50 || len(h.gaps) > 0 {
			t.Fatalf("%+v", h)
		}
	}
}

func TestAnswersInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var p pending
	var open []uint32
	for i := range int64(5000) {
		if len(open) == 0 || random.IntN(2) == 0 && !p.full() {
			open = append(open, p.add(command{at: i}))
			continue
		}
		j := random.IntN(len(open))
		ack := open[j]
		open = slices.Delete(open, j, j+1)
		if _, ok := p.take(ack); !ok {
			t.Fatalf("%d was not known", ack)
		}
		if _, ok := p.take(ack); ok {
			t.Fatalf("%d was known twice", ack)
		}
	}
	if p.len() != len(open) {
		t.Errorf("%d wait, want %d", p.len(), len(open))
	}
	if _, ok := p.take(firstAck + p.next); ok {
		t.Error("an answer to what was never sent")
	}
}

func TestAClosedLoopWaitsForTheLastDelivery(t *testing.T) {
	s := &stream{window: make([]flight, 2)}
	for range 2 {
		if !s.free() {
			t.Fatal("there is room for two")
		}
		s.launch(3)
		s.sent++
	}
	for i, number := range []uint32{0, 1, 0, 7, 1} {
		if s.landed(number) || s.free() {
			t.Fatalf("landing %d: nothing is complete yet", i)
		}
	}
	if !s.landed(0) || !s.free() {
		t.Error("0 has landed")
	}
}

// A late pacer catches up, and each time says when it should have acted.
func TestAPacerKeepsTheTimesThatWereMeant(t *testing.T) {
	var at []int64
	ready := true
	p := &pacer{interval: 10, from: 100, to: 150, fire: func(_, when int64) bool {
		if ready {
			at = append(at, when)
		}
		return ready
	}}
	p.act(99)
	p.act(100)
	ready = false
	p.act(112)
	ready = true
	p.act(1000)
	if want := []int64{100, 110, 120, 130, 140}; !slices.Equal(at, want) || p.due() != 0 {
		t.Errorf("acted at %v, due %d; want %v and no more", at, p.due(), want)
	}
}
