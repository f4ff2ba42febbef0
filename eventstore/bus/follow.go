package bus

import (
	"context"
	"sync"

	"parley/domain/event"
	"parley/eventstore"
)

// followBatch caps what one call of a handler gets from the ring.
const followBatch = 1000

// Follow calls handle with every event after a position; see eventstore.Follower.
func (b *Bus) Follow(ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error) error {
	b.followers.Add(1)
	defer b.followers.Add(-1)
	for ctx.Err() == nil {
		events, wait, ok := b.tail.after(after, followBatch)
		switch {
		case !ok:
			var err error
			if after, err = b.catchUp(ctx, after, handle); err != nil {
				return unlessEnded(ctx, err)
			}
		case len(events) > 0:
			if err := handle(ctx, events); err != nil {
				return unlessEnded(ctx, err)
			}
			after = events[len(events)-1].Position
		default:
			select {
			case <-wait:
			case <-ctx.Done():
			}
		}
	}
	return nil
}

// unlessEnded hides the error of a handler that was told to end.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// catchUp hands on what the ring does not hold any more, and returns where it got to. While a page
// is handled the next one is read and decoded.
func (b *Bus) catchUp(
	ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error,
) (event.Position, error) {
	reading, cancel := context.WithCancel(ctx)
	pages := make(chan []event.Recorded)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel()
	reader.Go(func() { b.readAhead(reading, after, pages) })
	for page := range pages {
		if ctx.Err() != nil {
			return after, nil
		}
		if err := handle(ctx, page); err != nil {
			return after, err
		}
		after = page[len(page)-1].Position
	}
	return after, nil
}

// readAhead reads pages until the ring holds what follows.
func (b *Bus) readAhead(ctx context.Context, after event.Position, pages chan<- []event.Recorded) {
	defer close(pages)
	for ctx.Err() == nil {
		if _, _, inRing := b.tail.after(after, 0); inRing {
			return
		}
		page, err := b.reader.All(ctx, after, eventstore.MaxPage)
		if err != nil || len(page) == 0 {
			pause(ctx, retryAfter)
			continue
		}
		decodePayloads(page)
		after = page[len(page)-1].Position
		select {
		case pages <- page:
		case <-ctx.Done():
		}
	}
}
