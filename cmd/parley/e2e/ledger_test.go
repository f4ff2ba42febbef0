package e2e_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// entry is what its writer knows of one message.
type entry struct {
	content  string // "<writer> <number>", also its clientMessageId
	writer   string
	number   int
	tries    int
	refused  int // answered with a code
	codes    []string
	unknown  int // sent, and the connection closed before an answer
	acked    bool
	id       string // from here on: of the ack
	seq      int64
	position int64
}

// ledger is the book of all that writers tried in one room, against which the room's
// history is balanced.
type ledger struct {
	mu      sync.Mutex
	entries []*entry
	flying  int // sent and not answered at this moment
	acked   int
	top     int64 // the highest position that was acknowledged
	slowest time.Duration
	codes   map[string]int
	changed chan struct{} // closed and replaced at every answer
}

func newLedger() *ledger {
	return &ledger{codes: map[string]int{}, changed: make(chan struct{})}
}

// open enters a message that will be tried.
func (l *ledger) open(writer string, number int) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &entry{content: fmt.Sprintf("%s %06d", writer, number), writer: writer, number: number}
	l.entries = append(l.entries, e)
	return e
}

// send notes that a try is on its way.
func (l *ledger) send(e *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.tries++
	l.flying++
}

// settle notes how a try ended.
func (l *ledger) settle(r result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flying--
	e := r.entry
	switch {
	case r.err != nil:
		e.unknown++
	case !r.ack.Success:
		e.refused++
		e.codes = append(e.codes, r.ack.Code)
		l.codes[r.ack.Code]++
		l.slowest = max(l.slowest, r.took)
	default:
		l.acked++
		l.slowest = max(l.slowest, r.took)
		e.acked, e.id, e.seq, e.position = true, r.message.ID, r.message.Seq, toPosition(r.message.Position)
		l.top = max(l.top, e.position)
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// inFlight is how many tries are unanswered now.
func (l *ledger) inFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flying
}

// count is a snapshot of the sums.
func (l *ledger) count() tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	var t tally
	for _, e := range l.entries {
		t.attempted++
		t.refused += e.refused
		t.unknown += e.unknown
		if e.acked {
			t.acked++
		}
	}
	return t
}

// await waits until the sums are as wanted.
func (l *ledger) await(t testing.TB, what string, limit time.Duration, wanted func(tally) bool) {
	t.Helper()
	deadline := time.After(limit)
	for {
		l.mu.Lock()
		changed := l.changed
		l.mu.Unlock()
		if wanted(l.count()) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no %s within %s: %s", what, limit, l.count())
		}
	}
}

// head is the position of the last acknowledged message.
func (l *ledger) head() string {
	return strconv.FormatInt(l.highest(), 10)
}

// highest is head as a number.
func (l *ledger) highest() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.top
}

// tally is the sums: of the writers, and after balance of the room.
type tally struct {
	attempted, acked, refused, unknown    int
	lost, repeated, reordered, unexpected int
}

func (t tally) String() string {
	return fmt.Sprintf("attempted %d, acked %d, refused %d, unknown %d; lost %d, repeated %d, reordered %d, unexpected %d",
		t.attempted, t.acked, t.refused, t.unknown, t.lost, t.repeated, t.reordered, t.unexpected)
}

// balance compares what writers know with the room's history:
//
//   - lost: acknowledged and not there, or not as it was acknowledged
//   - repeated: there more than once
//   - reordered: not in the order of seq and position, a gap in seq, or two messages of one
//     writer the other way round although neither was ever refused
//   - unexpected: never tried
func (l *ledger) balance(t testing.TB, history []message) tally {
	t.Helper()
	sums := l.count()
	l.mu.Lock()
	defer l.mu.Unlock()
	sums.reordered = outOfOrder(t, history)
	stored := map[string]message{}
	for _, m := range history {
		if _, twice := stored[m.Content]; twice {
			sums.repeated++
			t.Logf("repeated: %q", m.Content)
		}
		stored[m.Content] = m
	}
	last := map[string]message{} // by writer, of the never refused
	for _, e := range l.entries {
		m, there := stored[e.content]
		delete(stored, e.content)
		if e.acked && (!there || m.ID != e.id || m.Seq != e.seq || toPosition(m.Position) != e.position) {
			sums.lost++
			t.Logf("lost: %+v, stored %+v", *e, m)
		}
		if !there || e.refused > 0 {
			continue
		}
		if before := last[e.writer]; before.Seq >= m.Seq {
			sums.reordered++
			t.Logf("reordered: %q (%d) after %q (%d)", m.Content, m.Seq, before.Content, before.Seq)
		}
		last[e.writer] = m
	}
	for content := range stored {
		sums.unexpected++
		t.Logf("unexpected: %q", content)
	}
	return sums
}

func outOfOrder(t testing.TB, history []message) (wrong int) {
	t.Helper()
	var position int64
	for i, m := range history {
		if m.Seq != int64(i+1) || toPosition(m.Position) <= position {
			wrong++
			t.Logf("message %d of the history has seq %d and position %s, after position %d", i+1, m.Seq, m.Position, position)
		}
		position = toPosition(m.Position)
	}
	return wrong
}

// settled fails the test unless the books balance and every message was accepted in the end.
func (l *ledger) settled(t testing.TB, history []message) {
	t.Helper()
	sums := l.balance(t, history)
	t.Logf("%s; codes %v, slowest answer %s", sums, l.codes, l.slowest.Round(time.Millisecond))
	if sums.lost+sums.repeated+sums.reordered+sums.unexpected > 0 {
		t.Errorf("the books do not balance: %s", sums)
	}
	if sums.acked != sums.attempted || len(history) != sums.attempted {
		t.Errorf("%d attempted, %d accepted in the end, %d stored", sums.attempted, sums.acked, len(history))
	}
}

// heard fails the test unless the pushes are exactly the history, each once, in order.
func heard(t testing.TB, who string, pushes []message, history []message) {
	t.Helper()
	same := slices.EqualFunc(pushes, history, func(a, b message) bool { return a.ID == b.ID && a.Seq == b.Seq })
	if same {
		return
	}
	var first strings.Builder
	for i := range max(len(pushes), len(history)) {
		if i >= len(pushes) || i >= len(history) || pushes[i].Seq != history[i].Seq {
			fmt.Fprintf(&first, "from message %d on", i+1)
			if i < len(pushes) {
				fmt.Fprintf(&first, " (got seq %d)", pushes[i].Seq)
			}
			break
		}
	}
	t.Errorf("%s got %d pushes that differ from the %d messages of the history %s", who, len(pushes), len(history), &first)
}

// The books can be out of balance: each kind of wrong is found.
func TestLedgerFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	right := func() (*ledger, []message) {
		l := newLedger()
		var history []message
		for i := range 4 {
			e := l.open("w", i+1)
			m := message{ID: fmt.Sprint("id", i), Seq: int64(i + 1), Position: strconv.Itoa(10 + i), Content: e.content}
			l.send(e)
			l.settle(result{entry: e, ack: ack{Success: true}, message: m})
			history = append(history, m)
		}
		return l, history
	}
	for _, c := range []struct {
		name  string
		spoil func([]message) []message
		want  tally // of lost, repeated, reordered, unexpected: 0 or not
	}{
		{"nothing", func(h []message) []message { return h }, tally{}},
		{"the last is missing", func(h []message) []message { return h[:3] }, tally{lost: 1}},
		{"one in the middle is missing", func(h []message) []message { return slices.Delete(h, 1, 2) }, tally{lost: 1, reordered: 1}},
		{"another id", func(h []message) []message { h[1].ID = "x"; return h }, tally{lost: 1}},
		{"another position", func(h []message) []message { h[3].Position = "99"; return h }, tally{lost: 1}},
		{"one comes twice", func(h []message) []message {
			return append(h, message{ID: "again", Seq: 5, Position: "20", Content: h[0].Content})
		}, tally{repeated: 1, lost: 1, reordered: 1}},
		{"one nobody sent", func(h []message) []message {
			return append(h, message{ID: "x", Seq: 5, Position: "20", Content: "x"})
		}, tally{unexpected: 1}},
		{"two changed places", func(h []message) []message {
			h[1].Content, h[2].Content = h[2].Content, h[1].Content
			return h
		}, tally{lost: 1, reordered: 1}},
	} {
		l, history := right()
		sums := l.balance(t, c.spoil(history))
		found := tally{lost: min(1, sums.lost), repeated: min(1, sums.repeated), reordered: min(1, sums.reordered), unexpected: min(1, sums.unexpected)}
		if found != c.want {
			t.Errorf("%s: found %s", c.name, sums)
		}
	}
}
