package erasure_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"parley/domain/event"
	"parley/eventstore/erasure"
	"parley/eventstore/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a log with one erasure, at position 30, and what else remembers people. It writes down what is done.
type world struct {
	mu    sync.Mutex
	x     postgres.Erasure
	steps []string
	fails string // the step that fails, once
}

var errBroken = errors.New("broken")

func (w *world) step(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, name)
	if w.fails == name {
		w.fails = ""
		return errBroken
	}
	return nil
}

func (w *world) done() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.steps)
}

func (w *world) Erasures(context.Context, event.Position) ([]postgres.Erasure, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []postgres.Erasure{w.x}, nil
}

func (w *world) Sweep(_ context.Context, x postgres.Erasure) (postgres.Erasure, error) {
	if err := w.step(fmt.Sprint("sweep ", x.Swept)); err != nil {
		return x, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	x.Swept += 10
	w.x.Swept = x.Swept
	return x, nil
}

func (w *world) FinishErasure(context.Context, event.Position) error {
	if err := w.step("note"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.x.DoneAt = time.Now()
	return nil
}

func (w *world) Vacuum(context.Context, ...string) error { return w.step("vacuum") }

func (w *world) eraser() *erasure.Eraser {
	return erasure.New(w, erasure.Config{
		Forget: func(_ context.Context, userID string) error { return w.step("forget " + userID) },
		Settle: func(context.Context, event.Position) error { return w.step("settle") },
		Drop:   func(context.Context) error { return w.step("drop") },
	})
}

func newWorld(fails string) *world {
	return &world{x: postgres.Erasure{Position: 30, UserID: "ann"}, fails: fails}
}

func TestStepsAreInOrderAndOnlyOnce(t *testing.T) {
	t.Parallel()
	w := newWorld("")
	for range 2 {
		if err := w.eraser().Finish(t.Context(), 30, nil); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"forget ann", "sweep 0", "sweep 10", "sweep 20", "settle", "drop", "note"}
	if got := w.done(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// Wherever an erasure breaks off, another one goes on with it, and sweeps nothing twice.
func TestAnotherFinishesWhatBrokeOff(t *testing.T) {
	t.Parallel()
	for _, fails := range []string{"forget ann", "sweep 0", "sweep 20", "settle", "drop", "note"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(fails)
			if err := w.eraser().Finish(t.Context(), 30, nil); !errors.Is(err, errBroken) {
				t.Fatalf("%s: %v", fails, err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- w.eraser().Run(ctx) }()
			synctest.Wait()
			stop()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			got := w.done()
			if n := len(got); n < 2 || got[n-2] != "note" || got[n-1] != "vacuum" {
				t.Errorf("%s: it ends with %q", fails, got)
			}
			if n := slices.Index(got[slices.Index(got, "sweep 10")+1:], "sweep 10"); n >= 0 {
				t.Errorf("%s: swept twice: %q", fails, got)
			}
		})
	}
}

func TestRunTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("drop")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.eraser().Run(ctx) }()
		time.Sleep(61 * time.Second)
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if got := w.done(); got[len(got)-1] != "vacuum" || w.x.DoneAt.IsZero() {
			t.Errorf("%q", got)
		}
	})
}
