package replay

import (
	"context"

	"parley/domain/event"
)

// live writes what is new, and then lets more gather: at once while little happens, seldom while much does.
func (r *run) live(ctx context.Context, events []event.Recorded) error {
	b := r.batches[0]
	enough := false
	wrote := false
	for len(events) > 0 && !enough {
		n := 0
		for n < len(events) && !enough && !b.full() {
			e := &events[n]
			if e.Position > r.plan.Past.After && r.plan.Past.Wants(e) {
				enough = r.take(e, b)
			}
			n++
		}
		wrote = wrote || b.len() > 0
		if err := r.write(ctx, b, events[n-1].Position); err != nil {
			return err
		}
		b.clear()
		events = events[n:]
	}
	switch {
	case enough:
		return errEnough
	case !wrote:
		return nil
	}
	if err := r.out.Flush(); err != nil {
		return err
	}
	return pause(ctx, r.cfg.Gather)
}
