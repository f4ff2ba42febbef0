package metrics

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Source tells numbers when they are asked for. It may be called concurrently.
type Source func(out *Out)

// Out is where a Source puts its numbers. Labels alternate name and value. A metric must have the same help and names of
// labels each time.
type Out struct{ to chan<- prometheus.Metric }

// Count tells a number that only grows. Its name ends in _total.
func (o *Out) Count(name, help string, value float64, labels ...string) {
	o.tell(prometheus.CounterValue, name, help, value, labels)
}

// Gauge tells a number that goes up and down.
func (o *Out) Gauge(name, help string, value float64, labels ...string) {
	o.tell(prometheus.GaugeValue, name, help, value, labels)
}

func (o *Out) tell(kind prometheus.ValueType, name, help string, value float64, labels []string) {
	names, values := split(labels)
	o.send(prometheus.NewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...))
}

// The bounds of durations: from 128 µs to 8.4 s, each twice the one before.
const shortest, longest = 7, 23

// Durations tells a histogram of microseconds, in seconds.
func (o *Out) Durations(name, help string, s *Snapshot, labels ...string) {
	o.histogram(name, help, s, shortest, longest, 1e6, labels)
}

// Sizes tells a histogram of numbers, up to 4096.
func (o *Out) Sizes(name, help string, s *Snapshot, labels ...string) {
	o.histogram(name, help, s, 1, 12, 1, labels)
}

func (o *Out) histogram(name, help string, s *Snapshot, from, to int, unit float64, labels []string) {
	names, values := split(labels)
	o.send(prometheus.NewConstHistogram(prometheus.NewDesc(name, help, names, nil),
		s.Count, float64(s.Sum)/unit, s.Cumulative(from, to, unit), values...))
}

func (o *Out) send(m prometheus.Metric, err error) {
	if err != nil {
		m = prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	o.to <- m
}

func split(labels []string) (names, values []string) {
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	return names, values
}

// Registry is all that a node tells. Make one with NewRegistry.
type Registry struct {
	*prometheus.Registry
	logger *slog.Logger
}

// Build says what runs.
type Build struct{ Version, Node string }

// NewRegistry has the numbers of the Go runtime, the process and the build, and those of the sources.
func NewRegistry(build Build, logger *slog.Logger, sources ...Source) (*Registry, error) {
	r := &Registry{prometheus.NewRegistry(), logger}
	about := func(out *Out) {
		out.Gauge("parley_build_info", "1, with what runs here.", 1,
			"version", build.Version, "node", build.Node, "goversion", runtime.Version())
	}
	all := []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collector(about),
	}
	for _, s := range sources {
		all = append(all, collector(s))
	}
	for _, c := range all {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return r, nil
}

// collector is a Source as Prometheus wants it. It describes nothing beforehand: what there is shows when it is read, and is
// checked then.
type collector Source

func (c collector) Describe(chan<- *prometheus.Desc) {}

func (c collector) Collect(to chan<- prometheus.Metric) { c(&Out{to}) }

// scrapes is how many may be under way at once.
const scrapes = 3

// Handler answers with everything. A token that is not "" has to be sent as a bearer token.
func (r *Registry) Handler(token string) http.Handler {
	tell := promhttp.HandlerFor(r.Registry, promhttp.HandlerOpts{
		ErrorLog: errorLog{r.logger}, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapes,
	})
	if token == "" {
		return tell
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		scheme, sent, _ := strings.Cut(req.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(sent))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "metrics need their token", http.StatusUnauthorized)
			return
		}
		tell.ServeHTTP(w, req)
	})
}

var errCollect = errors.New("a metric cannot be told")

// errorLog hears of what cannot be told.
type errorLog struct{ logger *slog.Logger }

func (l errorLog) Println(args ...any) {
	l.logger.Error("metrics are not complete", slog.Any("error", fmt.Errorf("%w: %s", errCollect, fmt.Sprint(args...))))
}
