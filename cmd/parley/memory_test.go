package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestMemoryIsGivenBackWhenANodeIsQuiet(t *testing.T) {
	const mb = 1 << 20
	before := heap{allocated: 100 * mb}
	for name, c := range map[string]struct {
		now  heap
		want bool
	}{
		"busy":         {heap{allocated: 105 * mb, live: 40 * mb, objects: 80 * mb}, false},
		"garbage":      {heap{allocated: 100*mb + 1, live: 40 * mb, objects: 60 * mb}, true},
		"free":         {heap{allocated: 100*mb + 1, live: 40 * mb, objects: 41 * mb, free: 20 * mb}, true},
		"little to do": {heap{allocated: 100*mb + 1, live: 100 * mb, objects: 110 * mb, free: 10 * mb}, false},
		"small":        {heap{allocated: 100*mb + 1, live: 4 * mb, objects: 9 * mb}, false},
	} {
		if got := c.now.mayShrink(before); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What readHeap reads is there, and says that it is worth the while before and not after.
func TestReadHeap(t *testing.T) {
	runtime.KeepAlive(make([]byte, 64<<20))
	debug.FreeOSMemory()
	after := readHeap()
	if after.live == 0 || after.allocated < 64<<20 || after.mayShrink(after) {
		t.Errorf("after a collection: %+v", after)
	}
}
