package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"parley/domain"
	"parley/domain/wire"
)

const (
	batchUpdateName = "batch-update"
	// maxBatch is how many commands one batch-update may hold.
	maxBatch = 100
	// maxEventName is the longest name of an event within a batch, in bytes.
	maxEventName = 128
	// batchPatience is after how many times Config.CommandTimeout no more commands of a batch are begun.
	batchPatience = 2
)

// batchUpdate runs the commands of a list as if each had come alone: in their order, those that are
// pipelined without waiting, and each counted by the session's rate. The list is one command
// in flight, and a session has one list in flight at a time.
//
// Only of sync, whose answers are large, there are no more once enough is to be answered.
//
// The answer comes when all of them are answered. So what an answer within it says about a
// position in the stream (join-room) does not hold for the place where the list is answered.
func (g *Gateway) batchUpdate(ctx context.Context, c *call, payload json.RawMessage) {
	items, err := batchItems(payload)
	if err != nil {
		c.done(nil, err)
		return
	}
	s := c.session
	if !s.awaitBatch() {
		c.done(nil, domain.Unavailable(context.Canceled))
		return
	}
	b := &batch{call: c, answers: make([]Answer, len(items)), missing: len(items) + 1, over: make(chan struct{})}
	s.batch = b.over
	until := c.started.Add(batchPatience * g.cfg.CommandTimeout)
	for i, item := range items {
		name, data, err := readItem(item)
		part := s.newCall(name, nil)
		part.reply = func(a Answer) { b.take(i, part.event, a) }
		if err == nil && part.started.After(until) {
			err = domain.Unavailable(context.DeadlineExceeded)
		}
		if err == nil && name == syncName && b.size() > syncBytes {
			err = domain.Errorf(domain.CodeUnavailable, "what was asked for before is much already: ask for this later")
		}
		s.runPart(ctx, part, data, err)
	}
	b.settle() // all have begun
}

// awaitBatch waits for the end of the batch before. It returns false when the connection closes meanwhile.
func (s *Session) awaitBatch() bool {
	if s.batch == nil {
		return true
	}
	select {
	case <-s.batch:
		return true
	case <-s.peer.Done():
		return false
	}
}

// runPart does for a part what Handle does for a command that came alone. wrong is what is wrong with it.
func (s *Session) runPart(ctx context.Context, c *call, data json.RawMessage, wrong error) {
	known, ok := s.gateway.table[c.event]
	if ok && wrong == nil {
		c.name = known.name
	}
	err := s.refuse(c, ok || wrong != nil) // also what is wrong counts
	if err == nil {
		err = wrong
	}
	if err != nil {
		c.done(nil, err)
		return
	}
	known.run(ctx, c, data)
}

// batchItems splits a list; it fails with INVALID_PAYLOAD for what is none, or too long.
func batchItems(payload json.RawMessage) ([]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(payload))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, domain.Invalid("payload", "must be an array")
	}
	var items []json.RawMessage
	for dec.More() {
		if len(items) == maxBatch {
			return nil, domain.Invalid("payload", "must hold at most 100 commands")
		}
		var item json.RawMessage
		if err := dec.Decode(&item); err != nil {
			return nil, domain.Invalid("payload", "must be valid JSON")
		}
		items = append(items, item)
	}
	if _, err := dec.Token(); err != nil {
		return nil, domain.Invalid("payload", "must be valid JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, domain.Invalid("payload", "must be an array and nothing else")
	}
	return items, nil
}

// readItem reads {event, data}. name is "" if it cannot be told.
func readItem(item json.RawMessage) (name string, data json.RawMessage, err error) {
	part, err := decode[struct {
		Event string          `json:"event"`
		Data  json.RawMessage `json:"data"`
	}](item)
	switch {
	case err != nil:
		return "", nil, err
	case part.Event == "":
		return "", nil, domain.Invalid("event", "is required")
	case len(part.Event) > maxEventName:
		return "", nil, domain.Invalid("event", "must have at most 128 bytes")
	case part.Event == batchUpdateName:
		return part.Event, nil, domain.Invalid("event", "must not be "+batchUpdateName)
	}
	return part.Event, part.Data, nil
}

// batch gathers the answers to the commands of a list.
type batch struct {
	call *call
	over chan struct{} // closed after the answer

	mu      sync.Mutex
	answers []Answer
	bytes   int // of their data
	missing int // one more than answers, until all have begun
}

// size is that of what is answered already.
func (b *batch) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// take takes the answer to command i. If the client wants no answer, a failure becomes an event error.
func (b *batch) take(i int, event string, a Answer) {
	if a.Err != nil && b.call.reply == nil {
		b.call.session.peer.Emit(wire.EventError, errorEvent(event, a.Err))
	}
	b.mu.Lock()
	b.answers[i] = a
	b.bytes += len(a.Data)
	b.mu.Unlock()
	b.settle()
}

// settle counts, and answers the whole at last.
func (b *batch) settle() {
	b.mu.Lock()
	b.missing--
	last := b.missing == 0
	b.mu.Unlock()
	if !last {
		return
	}
	b.call.record(nil)
	b.call.send(Answer{Data: b.encoded()})
	close(b.over)
}

// encoded is the array of the answers.
func (b *batch) encoded() json.RawMessage {
	size := 2
	for _, a := range b.answers {
		size += len(a.Data) + ackSize
	}
	dst := append(make([]byte, 0, size), '[')
	for i, a := range b.answers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(a.AppendFields(append(dst, '{')), '}')
	}
	return append(dst, ']')
}
