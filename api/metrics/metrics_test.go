package metrics_test

import (
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/api/metrics"
	"parley/domain"
)

// Percentiles are at most 3.2% off, whatever is counted.
func TestQuantiles(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var h metrics.Histogram
		var values []int64
		scale := int64(1) << random.IntN(36)
		for range 1 + random.IntN(1000) {
			v := random.Int64N(scale)
			values = append(values, v)
			h.Add(v)
		}
		slices.Sort(values)
		s := h.Snapshot()
		for _, q := range []float64{.5, .95, .99} {
			want := float64(values[max(int(q*float64(len(values))+.5), 1)-1])
			if got := s.Quantile(q); got < want*.968-1 || got > want*1.032+1 {
				t.Errorf("of %d values below %d the quantile %v is %v, counted as %v", len(values), scale, q, want, got)
			}
		}
		for bound, below := range s.Cumulative(0, 36, 1) {
			if want := uint64(slices.IndexFunc(append(values, 1<<40), func(v int64) bool { return v >= int64(bound) })); below != want {
				t.Errorf("%d values are below %v, counted as %d", want, bound, below)
			}
		}
		if int(s.Count) != len(values) {
			t.Errorf("%d values, counted as %d", len(values), s.Count)
		}
	}
}

func TestValuesOutOfBounds(t *testing.T) {
	t.Parallel()
	var h metrics.Histogram
	h.Add(-5)
	h.Add(1 << 62)
	h.Observe(-time.Second)
	if s := h.Snapshot(); s.Count != 3 || s.Quantile(.5) != 0 || s.Quantile(1) < 1<<36 {
		t.Errorf("%d values, half below %v, all below %v", s.Count, s.Quantile(.5), s.Quantile(1))
	}
	if s := new(metrics.Histogram).Snapshot(); s.Quantile(.5) != 0 || s.Mean() != 0 {
		t.Error("nothing has a size")
	}
}

// What is longer ago than 6 minutes does not count any more, but for totals.
func TestLately(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := metrics.NewTable("a", "b")
		go func() { _ = table.Run(t.Context()) }()
		table.Observe("a", domain.CodeForbidden, time.Second)
		for minute := range 10 {
			time.Sleep(time.Minute)
			synctest.Wait()
			table.Observe("b", "", time.Millisecond)
			lately := table.Lately()
			if _, there := lately["a"]; there != (minute < 5) {
				t.Errorf("after %d minutes: %v", minute+1, lately)
			}
			if n := lately["b"].Count; n != uint64(min(minute+1, 6)) {
				t.Errorf("after %d minutes: %v", minute+1, lately)
			}
		}
		if n := table.Errors()[domain.CodeForbidden]; n != 1 {
			t.Errorf("%d errors", n)
		}
	})
}

func TestConcurrentObservations(t *testing.T) {
	t.Parallel()
	table := metrics.NewTable("a")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				table.Observe("a", domain.CodeConflict, time.Millisecond)
			}
			table.Lately()
		})
	}
	wg.Wait()
	if n := table.Lately()["a"].Count; n != 8000 || table.Errors()[domain.CodeConflict] != 8000 {
		t.Errorf("counted %d and %v", n, table.Errors())
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	registry, err := metrics.NewRegistry(metrics.Build{Version: "v1", Node: "n1"}, slog.New(slog.DiscardHandler), func(out *metrics.Out) {
		out.Gauge("parley_x", "X.", 3, "kind", `odd "name"`)
	})
	if err != nil {
		t.Fatal(err)
	}
	for header, status := range map[string]int{"": 401, "Bearer": 401, "Bearer wrong": 401, "Basic the token": 401, "bearer the token": 200} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		registry.Handler("the token").ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%q: %d", header, w.Code)
		}
		if told := strings.Contains(w.Body.String(), `parley_x{kind="odd \"name\""} 3`); told != (status == 200) {
			t.Errorf("%q: %s", header, w.Body)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	table := metrics.NewTable("send-message")
	for b.Loop() {
		table.Observe("send-message", "", 1234*time.Microsecond)
	}
}
