package bus

import (
	"runtime"
	"slices"
	"sync"

	"parley/domain/event"
)

const (
	// decodeChunk is the least that is worth a goroutine of its own.
	decodeChunk = 256
	// maxDecoders leaves the other cores of a large machine to others.
	maxDecoders = 4
)

// decodePayloads decodes each event once for all followers, in place. It is most of what
// catching up costs, so a long page is shared among a few cores.
func decodePayloads(events []event.Recorded) {
	workers := min(runtime.GOMAXPROCS(0), maxDecoders, 1+len(events)/decodeChunk)
	if workers == 1 {
		decodeInPlace(events)
		return
	}
	var wg sync.WaitGroup
	for part := range slices.Chunk(events, (len(events)+workers-1)/workers) {
		wg.Go(func() { decodeInPlace(part) })
	}
	wg.Wait()
}

func decodeInPlace(events []event.Recorded) {
	for i := range events {
		events[i] = events[i].Decoded()
	}
}
