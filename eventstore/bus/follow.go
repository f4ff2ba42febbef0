package bus

import (
	"context"
	"errors"
	"sync"

	"parley/domain/event"
)

// followBatch caps what one call of a handler gets from the ring.
const followBatch = 1000

// Follow calls handle with every event after a position; see eventstore.Follower. It fails with
// ErrHistory when the log has not got as far as that position, or has another history than what is
// in memory; that is read before the first event is handed on, so with Postgres away it waits.
func (b *Bus) Follow(ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error) error {
	b.followers.Add(1)
	defer b.followers.Add(-1)
	if err := b.admit(ctx, after); err != nil {
		return unlessEnded(ctx, err)
	}
	for ctx.Err() == nil {
		if err := b.tail.failed(); err != nil {
			return err
		}
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

// admit lets a follower in once the log has confirmed where it comes from and what is in memory. A
// view, say, that was restored together with the log must not get the forgotten past out of memory.
func (b *Bus) admit(ctx context.Context, after event.Position) error {
	for {
		err := b.confirm(ctx, after)
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrHistory) || errors.Is(err, errHole) {
			return err
		}
		pause(ctx, retryAfter)
	}
}

// unlessEnded hides the error of a handler that was told to end.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // hidden on purpose
	}
	return err
}

// catchUp hands on what the ring does not hold any more, and returns where it got to. While a page
// is handled the next one is decoded, and the one after that is read.
func (b *Bus) catchUp(
	ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error,
) (event.Position, error) {
	reading, cancel := context.WithCancel(ctx)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel()
	read, decoded := make(chan []event.Recorded), make(chan []event.Recorded)
	var failure error // read after decoded is closed, which follows on the end of reading
	helpers.Go(func() {
		defer close(read)
		failure = b.readAhead(reading, after, read)
	})
	helpers.Go(func() {
		defer close(decoded)
		for page := range read {
			decodePayloads(page)
			if !pass(reading, decoded, page) {
				return
			}
		}
	})
	for page := range decoded {
		if ctx.Err() != nil {
			return after, nil
		}
		if err := handle(ctx, page); err != nil {
			return after, err
		}
		after = page[len(page)-1].Position
	}
	if ctx.Err() != nil {
		return after, nil
	}
	return after, failure
}

// readAhead reads pages until the ring holds what follows. The error is that of a log that is damaged or
// has another history.
func (b *Bus) readAhead(ctx context.Context, after event.Position, pages chan<- []event.Recorded) error {
	limit := firstPage
	for ctx.Err() == nil {
		if err := b.tail.failed(); err != nil {
			return err
		}
		if _, _, inRing := b.tail.after(after, 0); inRing {
			return nil
		}
		page, err := b.page(ctx, after, limit)
		switch {
		case errors.Is(err, errHole):
			return err
		case err != nil || len(page) == 0:
			pause(ctx, retryAfter)
			continue
		}
		limit = nextLimit(limit, page)
		after = page[len(page)-1].Position
		pass(ctx, pages, page)
	}
	return nil
}

// pass hands a page on. It is false when ctx ended before.
func pass(ctx context.Context, to chan<- []event.Recorded, page []event.Recorded) bool {
	select {
	case to <- page:
		return true
	case <-ctx.Done():
		return false
	}
}
