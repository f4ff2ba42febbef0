package trace

import (
	"hash/maphash"
	"sync"
	"time"

	"parley/domain/wire"
)

// arrivals keeps when the last commands came to this node and were answered, by what their events are correlated with.
type arrivals struct {
	seed maphash.Seed
	mu   sync.Mutex
	ring []arrival
	next int
}

type arrival struct {
	correlation    uint64 // its hash
	began, settled int64  // µs
}

// Arrived notes that a command which came at a time was answered.
func (t *Trace) Arrived(correlation string, began time.Time, took time.Duration) {
	a := &t.arrivals
	came := arrival{maphash.String(a.seed, correlation), began.UnixMicro(), began.Add(took).UnixMicro()}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ring[a.next] = came
	a.next = (a.next + 1) % len(a.ring)
}

// Arrival is when a command came to this node; nil when it did not, or that is not remembered.
func (t *Trace) Arrival(correlation string) *wire.Arrival {
	a := &t.arrivals
	wanted := maphash.String(a.seed, correlation)
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.ring {
		if came := a.ring[i]; came.correlation == wanted && came.settled != 0 {
			return &wire.Arrival{
				ReceivedAt: wire.Time(time.UnixMicro(came.began)), AnsweredAt: wire.Time(time.UnixMicro(came.settled)),
			}
		}
	}
	return nil
}
