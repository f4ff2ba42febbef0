package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/api"
	"parley/api/metrics"
	"parley/domain"
	"parley/domain/wire"
)

// fakeList tells what it was asked.
type fakeList struct{}

func (fakeList) List(_ context.Context, q wire.ConnectionQuery) (wire.Connections, error) {
	asked, _ := json.Marshal(q)
	return wire.Connections{ConnectionCount: wire.NewConnectionCount(), NextCursor: string(asked), Complete: true}, nil
}

func fakeDiagnostics() api.Diagnostics {
	return api.Diagnostics{
		Sockets:       fakeList{},
		SocketMetrics: func() api.SocketMetrics { return api.SocketMetrics{Node: "n1"} },
		Queues:        func() api.Queues { return api.Queues{} },
		Load: func(after time.Time) api.Load {
			return api.Load{Node: "n1", Lines: metrics.Lines{At: []int64{after.UnixMilli() + 1}}}
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) }),
	}
}

func withDiagnostics(d *api.Deps) { d.Diagnostics = fakeDiagnostics() }

func TestConnectionsAreAskedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t, api.Config{}, withDiagnostics)
	for query, want := range map[string]wire.ConnectionQuery{
		"":                     {Limit: 200},
		"?userId=ann&node=n1":  {UserID: "ann", Node: "n1", Limit: 200},
		"?limit=3&cursor=n1/x": {After: "n1/x", Limit: 3},
		"?transport=polling":   {Transport: "polling", Limit: 200},
	} {
		var got wire.Connections
		var asked wire.ConnectionQuery
		a := ask(t, f, request{method: "GET", path: "/debug/socket/connections" + query, token: "admin"})
		a.into(t, &got)
		if err := json.Unmarshal([]byte(got.NextCursor), &asked); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("%s asks for (-want +got):\n%s", query, diff)
		}
	}
	for _, query := range []string{"?limit=0", "?limit=201", "?transport=pigeon", "?userId=%00"} {
		a := ask(t, f, request{method: "GET", path: "/debug/socket/connections" + query, token: "admin"})
		a.want(t, query, 400, domain.CodeInvalidPayload)
	}
}

// Profiles are those of the runtime, and none that would tell how the program was called.
func TestProfiles(t *testing.T) {
	t.Parallel()
	f := newFake(t, api.Config{}, withDiagnostics)
	list := ask(t, f, request{method: "GET", path: "/debug/pprof/", token: "admin"})
	list.want(t, "list", 200, "")
	for line := range strings.Lines(string(list.body)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		a := ask(t, f, request{method: "GET", path: "/debug/pprof/" + name + "?debug=1&seconds=1", token: "user"})
		a.want(t, name+" as a user", 403, domain.CodeForbidden)
	}
	for path, status := range map[string]int{
		"goroutine?debug=2": 200, "heap": 200, "trace?seconds=1": 200, "cmdline": 404, "symbol": 404, "nonsense": 404, "heap?seconds=61": 400,
	} {
		ask(t, f, request{method: "GET", path: "/debug/pprof/" + path, token: "admin"}).want(t, path, status, "")
	}
}

// Whatever is asked for, routes are those of the table.
func TestRequestsAreObservedByRoute(t *testing.T) {
	t.Parallel()
	var seen []string
	f := newFake(t, api.Config{}, withDiagnostics, func(d *api.Deps) {
		d.Diagnostics.Observe = func(o api.Observed) {
			seen = append(seen, o.Route+" "+http.StatusText(o.Status)+" "+string(o.Code))
		}
	})
	for _, r := range []request{
		{method: "GET", path: "/healthz"},
		{method: "GET", path: "/api/v1/rooms/public", token: "user"},
		{method: "GET", path: "/debug/queues", token: "user"},
		{method: "GET", path: "/nonsense/1"},
		{method: "BREW", path: "/api/v1/rooms/1"},
	} {
		ask(t, f, r)
	}
	want := []string{
		"GET /healthz OK ", "GET /api/v1/rooms/:id OK ", "GET /debug/queues Forbidden FORBIDDEN",
		"unknown Not Found UNKNOWN_EVENT", "unknown Method Not Allowed UNKNOWN_EVENT",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("observed %q", seen)
	}
}

func TestMetricsTable(t *testing.T) {
	t.Parallel()
	table := metrics.NewTable("a")
	for range 98 {
		table.Observe("a", "", 2_000_000)
	}
	table.Observe("a", domain.CodeForbidden, 500_000_000)
	table.Observe("a", domain.CodeForbidden, 500_000_000)
	table.Observe("made up", "MADE_UP", 0)
	lately := table.Lately()
	if a := lately["a"]; a.Count != 100 || a.Avg != 11.96 || a.P50 < 1.93 || a.P50 > 2.07 || a.P99 < 480 || a.P99 > 520 {
		t.Errorf("%+v", a)
	}
	if len(lately) != 2 || lately[metrics.Unknown].Count != 1 {
		t.Errorf("%v", lately)
	}
	want := map[domain.Code]uint64{domain.CodeForbidden: 2, domain.CodeInternal: 1}
	if diff := cmp.Diff(want, table.Errors()); diff != "" {
		t.Error(diff)
	}
}
