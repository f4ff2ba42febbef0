package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What a node took while it was busy it gives back to the system as soon as it is quiet, with a collection of garbage, for which it
// has the time then. Go by itself does so slowly, and only as far as the next collection is expected to need: after a
// thousand clients have come, twice of what they hold.
const (
	lookAtMemory = 500 * time.Millisecond
	quietBytes   = 4 << 20 // allocated since the last look; more is busy
	littleBytes  = 8 << 20 // not worth a collection
)

// giveBackMemory looks after that until ctx ends. It returns nil.
func giveBackMemory(ctx context.Context) error {
	tick := time.NewTicker(lookAtMemory)
	defer tick.Stop()
	before := readHeap()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := readHeap()
		if now.mayShrink(before) {
			runtime.GC() // after which pools still have what was in them, until the next
			debug.FreeOSMemory()
			now = readHeap()
		}
		before = now
	}
}

// heap is what is known of it without stopping anything, in bytes.
type heap struct {
	allocated uint64 // since the start
	live      uint64 // by the last collection
	objects   uint64 // with those that have died since
	free      uint64 // but not given back
}

func readHeap() heap {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	return heap{samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64(), samples[3].Value.Uint64()}
}

// mayShrink says that little was allocated since before, and that a collection would free much.
func (h heap) mayShrink(before heap) bool {
	return h.allocated-before.allocated < quietBytes && h.objects+h.free > h.live+max(h.live/4, littleBytes)
}
