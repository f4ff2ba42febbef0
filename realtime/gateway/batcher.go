package gateway

import (
	"encoding/json"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/domain/event"
	"parley/realtime/hub"
)

// batching gathers pushes for the clients that asked for batches. Each of them waits for a
// window that begins with the first push and ends Config.BatchWindow later, or as soon as
// Config.BatchSize pushes wait.
//
// A client keeps one cursor over all its rooms, so what is gathered leaves in the order it came:
// a batch is a stretch of consecutive pushes of one event, whatever their rooms. Wherever a
// connection breaks, nothing is missing below the highest position that the client has seen.
type batching struct {
	size   int
	loops  []windows
	serial atomic.Uint64
	piles  sync.Pool // of *pile
}

// maxBatchBytes of payloads in one batch, unless a single one has more.
const maxBatchBytes = 64 << 10

func newBatching(window time.Duration, size int) *batching {
	b := &batching{size: size, loops: make([]windows, runtime.GOMAXPROCS(0))}
	for i := range b.loops {
		b.loops[i].length = window
	}
	b.piles.New = func() any { return new(pile) }
	return b
}

// wrap returns the peer as one that gets batches.
func (b *batching) wrap(p Peer) *batcher {
	return &batcher{Peer: p, batching: b, windows: &b.loops[b.serial.Add(1)%uint64(len(b.loops))]}
}

// pile is what waits for a window to end.
type pile struct {
	pushes []*hub.Push
	bytes  int
}

// batcher is a Peer that gathers what is delivered. All else that it is told stands
// behind what waits, which is sent first; only answers to commands may overtake it.
type batcher struct {
	Peer
	batching *batching
	windows  *windows

	mu     sync.Mutex
	pile   *pile  // nil when nothing waits
	window uint64 // numbers the windows, so that one that is over is not ended again
}

// Deliver gathers a push.
func (b *batcher) Deliver(p *hub.Push) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pile != nil && b.pile.bytes+len(p.Data) > maxBatchBytes {
		b.send()
	}
	first := b.pile == nil
	if first {
		b.pile, _ = b.batching.piles.Get().(*pile)
	}
	b.pile.pushes = append(b.pile.pushes, p)
	b.pile.bytes += len(p.Data)
	switch {
	case len(b.pile.pushes) >= b.batching.size, b.pile.bytes >= maxBatchBytes:
		b.send()
	case first:
		b.window++
		b.windows.open(b, b.window)
	}
}

// Emit implements Peer.
func (b *batcher) Emit(event string, data json.RawMessage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send()
	b.Peer.Emit(event, data)
}

// EmitAt implements Peer.
func (b *batcher) EmitAt(name string, data json.RawMessage, at event.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send()
	b.Peer.EmitAt(name, data, at)
}

// Replay implements Peer. What was missed does not wait for a window.
func (b *batcher) Replay(missed []*hub.Push) (send func()) {
	replay := b.Peer.Replay(slices.Collect(b.batching.cut(missed)))
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.send()
		replay()
	}
}

// Remove implements Peer.
func (b *batcher) Remove() {
	b.flush()
	b.Peer.Remove()
}

// Close implements Peer. What waits is sent only if the connection is closed in good order; a
// client that could not take what was sent would not take this.
func (b *batcher) Close(why Closing) {
	if why == CloseDraining {
		b.flush()
	}
	b.Peer.Close(why) // before what waits is dropped: nothing may be sent from behind it
	b.drop()
}

// Queued implements Peer.
func (b *batcher) Queued() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pile == nil {
		return b.Peer.Queued()
	}
	return b.pile.bytes + b.Peer.Queued()
}

// flush sends what waits.
func (b *batcher) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.send()
}

// expire sends what waits for that window to end.
func (b *batcher) expire(window uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.window == window {
		b.send()
	}
}

// drop forgets what waits.
func (b *batcher) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free()
}

func (b *batcher) send() {
	if b.pile == nil {
		return
	}
	for whole := range b.batching.cut(b.pile.pushes) {
		b.Peer.Deliver(whole)
	}
	b.free()
}

// cut makes batches of pushes.
func (b *batching) cut(list []*hub.Push) iter.Seq[*hub.Push] {
	return func(yield func(*hub.Push) bool) {
		for len(list) > 0 {
			n := b.stretch(list)
			if !yield(hub.Batch(list[:n])) {
				return
			}
			list = list[n:]
		}
	}
}

// stretch is how many pushes from the first on are of one event and fit into a batch.
func (b *batching) stretch(list []*hub.Push) int {
	bytes := 0
	for i, p := range list {
		bytes += len(p.Data)
		if i > 0 && (i == b.size || p.Event != list[0].Event || bytes > maxBatchBytes) {
			return i
		}
	}
	return len(list)
}

func (b *batcher) free() {
	if b.pile == nil {
		return
	}
	clear(b.pile.pushes)
	b.pile.pushes, b.pile.bytes = b.pile.pushes[:0], 0
	b.batching.piles.Put(b.pile)
	b.pile = nil
}

// flush sends what waits for a batch, so that what is queued next stands behind it.
func (s *Session) flush() {
	if b, ok := s.peer.(*batcher); ok {
		b.flush()
	}
}

// drop forgets what waits for a batch.
func (s *Session) drop() {
	if b, ok := s.peer.(*batcher); ok {
		b.drop()
	}
}
