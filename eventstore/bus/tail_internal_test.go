package bus

import (
	"testing"
	"time"

	"parley/domain/event"
)

// history is consecutive events whose ids tell which history they are of.
func history(name byte, from, to event.Position) []event.Recorded {
	var events []event.Recorded
	for pos := from; pos <= to; pos++ {
		events = append(events, event.Recorded{
			Position: pos, ID: event.ID{0: name, 15: byte(pos)}, RecordedAt: time.UnixMilli(int64(pos)).UTC(),
		})
	}
	return events
}

// After a restore another node's commits take the place of some that this one remembers. What follows
// those would follow on what is remembered as well: only the log can tell.
func TestAfterAForeignBatchTheLogIsAskedFirst(t *testing.T) {
	t.Parallel()
	tail := newTail(100, 1<<20)
	tail.begin(0)
	if got := tail.offer(history('a', 1, 5)); got != taken {
		t.Fatalf("the first batch: %d", got)
	}
	if got := tail.offer(history('b', 5, 5)); got != foreign {
		t.Errorf("another event at a known position: %d, want foreign", got)
	}
	before := tail.doubted()
	if got := tail.offer(history('b', 6, 7)); got != foreign {
		t.Errorf("what follows a foreign batch: %d, want foreign", got)
	}
	if last, _ := tail.end(); last != 5 {
		t.Fatalf("the tail ends at %d: it took what follows a foreign batch", last)
	}

	if got := tail.offer(history('b', 4, 4)); got != foreign { // while the log is being asked
		t.Errorf("another event at a known position: %d, want foreign", got)
	}
	tail.settle(before)
	if got := tail.offer(history('b', 6, 7)); got != foreign {
		t.Errorf("an answer that is older than the last doubt settled it: %d", got)
	}
	tail.settle(tail.doubted())
	if got := tail.offer(history('a', 6, 7)); got != taken {
		t.Errorf("after the log has confirmed the history: %d, want taken", got)
	}
}
