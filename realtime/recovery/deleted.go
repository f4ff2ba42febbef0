package recovery

import (
	"context"
	"fmt"
	"time"

	"parley/domain/event"
	"parley/domain/message"
	"parley/realtime/hub"
)

// What a message has said is not told any more once it was deleted: who comes back late is told that it was
// there, and that it is gone.

// deleted are the messages that were deleted in what was read, and when. If there is no more, these are all.
func (g *Gap) deleted() map[string]time.Time {
	deleted := make(map[string]time.Time)
	for _, f := range g.facts {
		if f.Unsays != "" {
			deleted[f.Unsays] = f.At
		}
	}
	return deleted
}

// deletedLater adds those of the messages in the facts that were deleted since.
func (g *Gap) deletedLater(ctx context.Context, facts []*hub.Fact, deleted map[string]time.Time) error {
	said := make(map[event.ID]string)
	for _, f := range facts {
		if _, known := deleted[f.Says]; f.Says != "" && !known {
			said[message.DeletedID(f.Says)] = f.Says
		}
	}
	if len(said) == 0 {
		return nil
	}
	ids := make([]event.ID, 0, len(said))
	for id := range said {
		ids = append(ids, id)
	}
	found, err := g.past.log.ByID(ctx, ids...)
	if err != nil {
		return fmt.Errorf("find what was deleted: %w", err)
	}
	for _, r := range found {
		deleted[said[r.ID]] = r.RecordedAt
	}
	return nil
}
