package bus

import (
	"context"
	"fmt"

	"parley/domain/event"
)

// How much is read at once, in events: few at first, then more while they are small, since nobody knows
// the size of what comes.
const (
	firstPage = 256
	maxPage   = 2048
	pageBytes = 16 << 20
)

// page reads events after a position: consecutive, and none only if the log ends there.
func (b *Bus) page(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error) {
	page, err := b.reader.All(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	for i := range page {
		if want := after + event.Position(i+1); page[i].Position != want {
			if i > 0 {
				return page[:i], nil // the next call meets the hole
			}
			return nil, fmt.Errorf("%w: %d", errHole, want)
		}
	}
	return page, nil
}

// nextLimit is how many events to ask for after a page that was read with that limit.
func nextLimit(limit int, page []event.Recorded) int {
	switch bytes := weigh(page); {
	case bytes > pageBytes:
		return max(1, len(page)*(pageBytes/2)/bytes)
	case bytes < pageBytes/4:
		return min(2*limit, maxPage)
	default:
		return limit
	}
}
