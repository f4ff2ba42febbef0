package hub

import (
	"encoding/json"
	"slices"
	"sync"
	"weak"

	"parley/domain/wire"
)

// Batch is several pushes of one event told as one: the event "batch:<event>" with the array of
// their payloads. Its position is that of the last durable one. There must be one push at least.
// The slice is not kept.
//
// Sockets that have the same pushes to hear get the same *Push, and so share its wire forms.
func Batch(pushes []*Push) *Push { return pushes[0].batches.of(pushes) }

// batches are those that begin with one push. It does not keep them alive: who has just told
// one has it, and pushes may be kept for long.
type batches struct {
	mu   sync.Mutex
	made []weak.Pointer[Push]
}

// maxBatches is how many batches that begin with one push are remembered for others. There are a
// few even in one busy room, since windows do not begin at once for all; sockets with
// different rooms share little, and looking must stay cheap for them.
const maxBatches = 8

func (b *batches) of(pushes []*Push) *Push {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, made := range b.made {
		if whole := made.Value(); whole != nil && whole.tells(pushes) {
			return whole
		}
	}
	whole := join(pushes)
	if len(b.made) < maxBatches {
		b.made = append(b.made, weak.Make(whole))
	}
	return whole
}

// tells reports whether the batch is of these pushes. The last one tells most apart at a glance.
func (p *Push) tells(pushes []*Push) bool {
	last := len(pushes) - 1
	return len(p.parts) == len(pushes) && p.parts[last] == pushes[last] && slices.Equal(p.parts, pushes)
}

func join(pushes []*Push) *Push {
	whole := &Push{Event: wire.BatchPrefix + pushes[0].Event, parts: slices.Clone(pushes)}
	for _, p := range pushes {
		if p.Durable {
			whole.Position, whole.Durable = p.Position, true
		}
	}
	return whole
}

// Payload is the encoded payload, of a batch the array of those of its pushes. It must not be changed.
func (p *Push) Payload() json.RawMessage {
	if p.parts == nil {
		return p.Data
	}
	return p.appendPayload(make([]byte, 0, p.size()))
}

func (p *Push) appendPayload(dst []byte) []byte {
	if p.parts == nil {
		return append(dst, p.Data...)
	}
	dst = append(dst, '[')
	for i, part := range p.parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, part.Data...)
	}
	return append(dst, ']')
}

// size is that of the payload.
func (p *Push) size() int {
	if p.parts == nil {
		return len(p.Data)
	}
	size := len("[]") + len(p.parts) - 1
	for _, part := range p.parts {
		size += len(part.Data)
	}
	return size
}
