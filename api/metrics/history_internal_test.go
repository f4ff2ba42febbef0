package metrics

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/domain"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	var took Histogram
	count := 0.0
	h := NewHistory(HistoryConfig{Every: time.Second, Keep: 3}, func(l *Look) {
		l.Gauge("gauge", count)
		l.Rate("rate", count)
		l.Took("took", took.Snapshot())
	})
	at := time.UnixMilli(1000)
	step := func(by float64, observed ...time.Duration) {
		count += by
		for _, d := range observed {
			took.Observe(d)
		}
		h.take(at)
		at = at.Add(2 * time.Second)
	}
	some := func(values ...float64) (list []*float64) {
		for _, v := range values {
			list = append(list, &v)
		}
		return list
	}
	step(5, time.Hour) // before anybody looked
	step(4, time.Millisecond)
	step(-9)
	want := Lines{EveryMS: 1000, At: []int64{1000, 3000, 5000}, Series: map[string][]*float64{
		"gauge":   some(5, 9, 0),
		"rate":    append([]*float64{nil}, some(2, 0)...),
		"tookP50": {nil, some(1.008)[0], nil}, "tookP95": {nil, some(1.008)[0], nil}, "tookP99": {nil, some(1.008)[0], nil},
	}}
	if diff := cmp.Diff(want, h.Since(time.Time{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	step(1)
	if got := h.Since(time.Time{}); got.At[0] != 3000 || len(got.At) != 3 || len(got.Series["rate"]) != 3 {
		t.Errorf("what is old is kept: %v", got.At)
	}
	if got := h.Since(time.UnixMilli(5000)); len(got.At) != 1 || got.At[0] != 7000 || *got.Series["rate"][0] != .5 {
		t.Errorf("after 5000: %v", got)
	}
	count = math.NaN()
	if step(0); h.Since(time.UnixMilli(7000)).Series["rate"][0] != nil {
		t.Error("there is a rate of what is not known")
	}
	if got := h.Since(at); len(got.At) != 0 || got.At == nil || got.Series["rate"] == nil {
		t.Errorf("nothing has happened since: %+v", got)
	}
}

func TestSumOfATable(t *testing.T) {
	t.Parallel()
	table := NewTable("a", "b")
	table.Observe("a", "", time.Millisecond)
	table.Observe("b", domain.CodeForbidden, time.Millisecond)
	table.Observe("b", domain.CodeUnavailable, 3*time.Millisecond)
	if took, refused, failed := table.Sum(); took.Count != 3 || took.Sum != 5000 || refused != 1 || failed != 1 {
		t.Errorf("%d answers in %d µs, %d refused, %d failed", took.Count, took.Sum, refused, failed)
	}
}
