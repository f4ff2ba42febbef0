package verify

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// WatchConfig says how much a Watch looks at. The zero value works.
type WatchConfig struct {
	// Every is the time between two looks. Zero means 1 min.
	Every time.Duration
	// Things is how many are compared at each look. Zero means 3.
	Things int
	// MaxEvents is the size of a thing that is passed over, lest a look costs what others would feel. Zero means 20,000.
	MaxEvents int
	// Logger hears of drift. Zero means nobody does.
	Logger *slog.Logger
}

// Watch compares a few things now and then: a standing check that the views are what the log says. Run has to run.
type Watch struct {
	verifier *Verifier
	cfg      WatchConfig

	mu    sync.Mutex
	drift map[Thing]map[string]int64 // by view; of things that differed when they were last looked at
}

// NewWatch makes one.
func NewWatch(v *Verifier, cfg WatchConfig) *Watch {
	if cfg.Every <= 0 {
		cfg.Every = time.Minute
	}
	if cfg.Things <= 0 {
		cfg.Things = 3
	}
	if cfg.MaxEvents <= 0 {
		cfg.MaxEvents = 20_000
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	limited := *v
	limited.maxEvents = cfg.MaxEvents
	return &Watch{verifier: &limited, cfg: cfg, drift: map[Thing]map[string]int64{}}
}

// Drift is how many differences there are in a view, in what has been looked at.
func (w *Watch) Drift(view string) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	sum := int64(0)
	for _, views := range w.drift {
		sum += views[view]
	}
	return sum
}

// Run looks until ctx ends. It does not fail: what cannot be read now is looked at another time.
func (w *Watch) Run(ctx context.Context) error {
	ticks := time.NewTicker(w.cfg.Every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
			w.Look(ctx)
		}
	}
}

// Look compares a few things that are picked at random, and those that differed before.
func (w *Watch) Look(ctx context.Context) {
	things, err := w.verifier.Sample(ctx, w.cfg.Things, rand.Uint64()) //nolint:gosec // chooses what to look at, protects nothing
	if err != nil {
		w.cfg.Logger.DebugContext(ctx, "views are not verified", "error", err)
		return
	}
	for _, t := range append(things, w.differed()...) {
		found, _, err := w.verifier.Thing(ctx, t)
		if err != nil {
			if !errors.Is(err, errTooBig) {
				w.cfg.Logger.DebugContext(ctx, "not verified", "kind", t.Kind, "id", t.ID, "error", err)
			}
			continue
		}
		w.note(ctx, t, found)
	}
}

// maxAgain bounds how many of those that differed are looked at again.
const maxAgain = 100

func (w *Watch) differed() []Thing {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Thing
	for t := range w.drift {
		if list = append(list, t); len(list) == maxAgain {
			break
		}
	}
	return list
}

func (w *Watch) note(ctx context.Context, t Thing, found []Difference) {
	views := map[string]int64{}
	for _, d := range found {
		views[d.View]++
	}
	w.mu.Lock()
	_, known := w.drift[t]
	delete(w.drift, t)
	if len(found) > 0 {
		w.drift[t] = views
	}
	w.mu.Unlock()
	if len(found) > 0 && !known {
		// The rows hold what people have said: only the names are logged.
		w.cfg.Logger.ErrorContext(ctx, "a view is not what the log says: see parley verify, parley rebuild",
			"view", found[0].View, "what", found[0].What, "differences", len(found))
	}
}
