package commands

import (
	"context"
	"fmt"

	"parley/commands/together"
	"parley/domain/event"
	"parley/eventstore"
)

// tails reads the ends of streams for many who ask at once. When a thousand users come back to a node that has just started, that is
// ten queries.
type tails struct {
	*together.Reads[string, []event.Recorded]

	length int // of a tail, in events
}

func newTails(r eventstore.Reader, stream func(string) event.Stream, length int) *tails {
	return &tails{together.New(func(ctx context.Context, keys []string) (map[string][]event.Recorded, error) {
		streams := make([]event.Stream, len(keys))
		for i, key := range keys {
			streams[i] = stream(key)
		}
		events, err := r.Tails(ctx, streams, length)
		if err != nil {
			return nil, fmt.Errorf("read the ends of %d streams: %w", len(streams), err)
		}
		ends := make(map[string][]event.Recorded, len(keys))
		for _, e := range events {
			key := e.Stream.Key()
			ends[key] = append(ends[key], e)
		}
		return ends, nil
	}, together.Config{}), length}
}
