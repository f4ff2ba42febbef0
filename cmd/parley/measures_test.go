package main

import (
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"parley/api"
	"parley/eventstore/testenv"
)

// The dashboard, the alerts and docs/operations.md speak of the metrics that there are, and the latter of all.
func TestOperatorsDocuments(t *testing.T) {
	t.Parallel()
	s, err := env.ParseAsWithOptions[settings](env.Options{Environment: map[string]string{
		"DATABASE_URL": testenv.DSN(t), "REDIS_URL": testenv.RedisURL(t), "JWT_SECRET": testSecret, "ALLOW_UNSAFE_POSTGRES": "true",
	}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := newNode(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.close)
	n.measures.commands.Observe("send-message", "", time.Millisecond)
	n.measures.Observe("send-message", "", time.Millisecond)
	n.measures.request(api.Observed{Route: "GET /healthz"})

	registry, err := n.registry()
	if err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	known := map[string]bool{"up": true}
	for _, f := range families {
		known[f.GetName()] = true
		if strings.HasPrefix(f.GetName(), "parley_") {
			ours = append(ours, f.GetName())
		}
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}

	named := regexp.MustCompile(`\b(?:parley|process|go)_[a-z_]*[a-z]\b`)
	for _, path := range []string{"../../deploy/grafana/parley.json", "../../deploy/prometheus/alerts.yml", "../../docs/operations.md"} {
		text := read(t, path)
		if strings.HasSuffix(path, ".json") && !json.Valid([]byte(text)) {
			t.Errorf("%s is no JSON", path)
		}
		for _, name := range named.FindAllString(text, -1) {
			if !known[name] && !known[trimmed(name)] {
				t.Errorf("%s speaks of %s, which there is not", path, name)
			}
		}
	}
	operations := read(t, "../../docs/operations.md")
	for _, name := range ours {
		if !strings.Contains(operations, "| `"+name+"` |") {
			t.Errorf("docs/operations.md does not list %s", name)
		}
	}
	alerts := regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(read(t, "../../deploy/prometheus/alerts.yml"), -1)
	if len(alerts) == 0 {
		t.Error("there are no alerts")
	}
	for _, alert := range alerts {
		if !strings.Contains(operations, "`"+alert[1]+"`") {
			t.Errorf("docs/operations.md does not say what to do about %s", alert[1])
		}
	}
}

// trimmed is what a series of a histogram belongs to.
func trimmed(name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if whole, ok := strings.CutSuffix(name, suffix); ok {
			return whole
		}
	}
	return name
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is named in labels is known when a node starts.
func TestMadeUpNamesAreUnknown(t *testing.T) {
	t.Parallel()
	m := newMeasures()
	m.commands.Observe("made up", "MADE_UP", time.Millisecond)
	if names := slices.Collect(maps.Keys(m.commands.Lately())); !slices.Equal(names, []string{"unknown"}) {
		t.Errorf("counted as %q", names)
	}
}
