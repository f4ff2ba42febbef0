package postgres_test

import (
	"testing"

	"parley/eventstore/postgres"
	"parley/eventstore/testenv"
)

// Each commit is told of once it is answered, in order, with all of its events.
func TestCommitsAreToldOf(t *testing.T) {
	t.Parallel()
	told := make(chan postgres.Batch, 100)
	store := run(t, testenv.Pool(t), postgres.Config{OnBatch: func(b postgres.Batch) { told <- b }, QueueCommands: 7})
	for i := range 3 {
		if _, err := store.Append(t.Context(), sent(t, "room")); err != nil {
			t.Fatal(err)
		}
		b := <-told
		if len(b.Events) != 1 || int(b.Events[0].Position) != i+1 || b.Appends != 1 || b.Began.IsZero() || b.Took <= 0 {
			t.Errorf("commit %d: %+v", i, b)
		}
	}
	eventually(t, "the queue is empty", func() bool { return store.Stats().Queued == 0 })
	if s := store.Stats(); s.QueuedBytes != 0 || s.MaxQueued != 7 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
}
