package projectiontest_test

import (
	"testing"

	"parley/domain/event"
	"parley/projections/projectiontest"
)

// What no history holds no suite has tried.
func TestHistoryHoldsEveryType(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, r := range projectiontest.History(7, 700).Events() {
		seen[r.Type] = true
		if r.Position != event.Position(i+1) {
			t.Fatalf("event %d is at position %d", i+1, r.Position)
		}
	}
	for _, typ := range event.Types() {
		if !seen[typ] && typ != event.TypeUserErased { // the suite has a test of its own for it
			t.Errorf("no %s in it", typ)
		}
	}
}
