package replay

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"parley/domain/event"
)

func recorded(from, to int) []event.Recorded {
	var events []event.Recorded
	for p := from; p <= to; p++ {
		events = append(events, event.Recorded{
			Position: event.Position(p), Stream: "messages-r", Type: event.TypeMessageSent,
			Data: json.RawMessage(`{"content":"` + strings.Repeat("x", 100) + `"}`),
		})
	}
	return events
}

func follow(s *lanes, request Request) *lane {
	l, _ := s.join(&Plan{Request: request})
	return l
}

// One encodes a block, the others get the same bytes; who has a part of it, or more, plays alone to where the block ends.
func TestFollowersShareBlocks(t *testing.T) {
	t.Parallel()
	s := &lanes{size: 1 << 20, of: map[string]*lane{}}
	request := Request{Follow: true, Format: NDJSON}
	l := follow(s, request)
	events := recorded(11, 40)
	if b, n := s.next(l, events); b != nil || n != 30 {
		t.Errorf("alone: %v, %d", b, n)
	}
	if other := follow(s, request); other != l {
		t.Error("the same request is not in the same lane")
	}
	first, n := s.next(l, events[:10])
	if first == nil || n != 10 {
		t.Fatalf("the first: %v, %d", first, n)
	}
	text, count := first.lines()
	if count != 10 || bytes.Count(text, []byte("\n")) != 10 {
		t.Errorf("%d events are %s", count, text)
	}
	for name, c := range map[string]struct {
		handed []event.Recorded
		shared bool
		n      int
	}{
		"the same":              {events[:10], true, 10},
		"more":                  {events, true, 10},
		"the beginning":         {events[:4], false, 4},
		"the end":               {events[4:10], false, 6},
		"the end and more":      {events[4:], false, 6},
		"from before it":        {append(recorded(8, 10), events...), false, 3},
		"long before it":        {recorded(1, 5), false, 5},
		"read from the log":     {recorded(11, 20), false, 10},
		"and some of it erased": {append(recorded(11, 11), events[1:]...), false, 10},
	} {
		if b, n := s.next(l, c.handed); b != nil != c.shared || b != nil && b != first || n != c.n {
			t.Errorf("%s: %v, %d", name, b, n)
		}
	}
}

// What an erasure may have changed is let go, and so is what is old.
func TestBlocksAreLetGo(t *testing.T) {
	t.Parallel()
	s := &lanes{size: 10_000, of: map[string]*lane{}}
	request := Request{Follow: true, Format: SSE}
	l := follow(s, request)
	_, leave := s.join(&Plan{Request: request})
	events := recorded(1, 1000)
	for at := 0; at < len(events); {
		b, n := s.next(l, events[at:])
		if b == nil || b.bytes > s.size+1000 || l.bytes > keptBlocks*s.size {
			t.Fatalf("at %d: %v, %d bytes in the lane", at, b, l.bytes)
		}
		at += n
	}
	if len(l.blocks) < keptBlocks-1 {
		t.Errorf("%d blocks are kept", len(l.blocks))
	}
	erasure := recorded(1001, 1001)
	erasure[0].Type = event.TypeUserErased
	if _, _ = s.next(l, erasure); len(l.blocks) != 1 || l.bytes != l.blocks[0].bytes {
		t.Errorf("behind an erasure there are %d blocks of %d bytes", len(l.blocks), l.bytes)
	}
	leave()
	if len(l.blocks) > 0 || l.bytes > 0 {
		t.Error("one follower keeps what others do not share")
	}
}

// Who has an end plays alone, and who wants something else is elsewhere.
func TestLanes(t *testing.T) {
	t.Parallel()
	s := &lanes{size: 1000, of: map[string]*lane{}}
	all := follow(s, Request{Follow: true, Format: NDJSON})
	for name, p := range map[string]Plan{
		"a limit":         {Request: Request{Format: NDJSON, Limit: 3}},
		"a last position": {Request: Request{Format: NDJSON, To: 3}},
		"a last time":     {Request: Request{Format: NDJSON, Until: time.Now()}},
	} {
		if l, _ := s.join(&p); l != nil {
			t.Errorf("who has %s has a lane", name)
		}
	}
	for name, r := range map[string]Request{
		"format": {Format: SSE}, "types": {Format: NDJSON, Types: []string{event.TypeMessageSent}},
		"streams": {Format: NDJSON, Streams: []event.Stream{"room-r"}}, "categories": {Format: NDJSON, Categories: []string{"room"}},
	} {
		l, leave := s.join(&Plan{Request: r})
		if l == nil || l == all {
			t.Errorf("another %s is in the same lane", name)
		}
		if leave(); len(s.of) != 1 {
			t.Errorf("%d lanes are left", len(s.of))
		}
	}
}
