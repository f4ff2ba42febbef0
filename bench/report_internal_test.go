package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/bench/load"
)

// noted is a bench that has measured rooms of 100: Parley with 300,000 deliveries/s at 4 µs, or what is given, and the others.
func noted(t *testing.T, ours ...*result) *bench {
	t.Helper()
	b := &bench{options: options{rounds: len(ours), events: 10_000}}
	for _, r := range ours {
		b.journal.note(fanout, ofRooms(100), nodePeer, &result{DeliveriesPerSecond: 70_000, ServerCPUMicrosPerDelivery: 13, Deliveries: 7, Reordered: 2})
		b.journal.note(fanout, ofRooms(100), parley, r)
		b.journal.note(fanout, ofRooms(100), barePeer, &result{DeliveriesPerSecond: 400_000, ServerCPUMicrosPerDelivery: 3.2})
	}
	return b
}

func fast() *result {
	return &result{DeliveriesPerSecond: 300_000, ServerCPUMicrosPerDelivery: 4.8, Deliveries: 1_200_000, Latency: &load.Latency{P50: 900, P99: 4000, Max: 9000}}
}

func rowOf(t *testing.T, rows []row, work string) row {
	t.Helper()
	for _, r := range rows {
		if strings.HasPrefix(r.work, work) {
			return r
		}
	}
	t.Fatalf("no row %q in %v", work, rows)
	return row{}
}

func TestBudgetsAreJudged(t *testing.T) {
	slow := fast()
	slow.DeliveriesPerSecond = 140_000
	rows := noted(t, slow, fast(), fast()).fanoutRows()
	if r := rowOf(t, rows, "fan-out, rooms of 100: deliveries/s"); !r.met || !strings.HasPrefix(r.figure, "4.29 times (300,000/s over 70,000/s") {
		t.Errorf("the median of three rounds: %+v", r)
	}
	r := rowOf(t, rows, "fan-out, rooms of 100: server CPU")
	if r.met || !strings.HasPrefix(r.figure, "1.50 times (4.80 µs over 3.20 µs") || !strings.HasSuffix(r.figure, ", 20% over") {
		t.Errorf("a ceiling that is exceeded: %+v", r)
	}
	if r := rowOf(t, rows, "fan-out, rooms of 1000: deliveries/s"); r.met {
		t.Errorf("nothing measured meets nothing: %+v", r)
	}
}

func TestOneWrongDeliveryIsTold(t *testing.T) {
	flawed := fast()
	flawed.Lost = 1
	for _, c := range []struct {
		last *result
		met  bool
	}{{fast(), true}, {flawed, false}} {
		rows := noted(t, fast(), fast(), c.last).journal.correctness()
		if len(rows) != 1 || rows[0].met != c.met || !strings.Contains(rows[0].figure, "of 3,600,000 deliveries; Node 6 of 21") {
			t.Errorf("met %v wanted: %+v", c.met, rows)
		}
	}
}

func TestResultsAreWritten(t *testing.T) {
	b := noted(t, fast())
	path := filepath.Join(t.TempDir(), "results.md")
	rows := append(b.fanoutRows(), row{"more", "7", "", false})
	if err := b.writeResults(path, rows, []fact{{"Go", "go1.26"}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"## Against the budgets", "### Not met\n\n- **fan-out, rooms of 1000: deliveries/s over Node's**: ",
		"### Fan-out\n", "| rooms of 100 | Parley | 300,000 | 4.80 µs | – | 0.90 ms | 4.00 ms | 9.00 ms | 0, 0, 0, 0 |",
		"![Deliveries per second, as much as goes](results/deliveries.svg)", "| Go | go1",
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	for _, plot := range []string{"deliveries", "latency", "log"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "results", plot+".svg")); err != nil {
			t.Error(err)
		}
	}
}

func TestScenariosAreChosen(t *testing.T) {
	names := func(only string) (names []string) {
		for _, s := range chosen(only) {
			names = append(names, s.name)
		}
		return names
	}
	if all, compared := names("all"), names(""); len(all) != len(scenarios()) || len(compared) >= len(all) || compared[0] != fanout {
		t.Errorf("all: %v, compared: %v", all, compared)
	}
	if one, none := names("storm"), names("nonsense"); len(one) != 1 || len(none) != 0 {
		t.Errorf("one: %v, none: %v", one, none)
	}
}

func TestNumbersAreGrouped(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.8: "1,234,568"} {
		if got := grouped(value); got != want {
			t.Errorf("%v is written %s, want %s", value, got, want)
		}
	}
}
