package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"parley/eventstore/testenv"
)

const (
	said         = "the cat sleeps on the warm windowsill" // by users; must appear in no diagnostic
	metricsToken = "a token for the metrics"
)

// What operators may see of two nodes, that nobody else may, and that nothing of what people say is in it.
func TestDiagnostics(t *testing.T) {
	inParallel(t)
	traces := collectTraces(t)
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL).with(settings{
		"OTEL_EXPORTER_OTLP_ENDPOINT": traces.URL, "OTEL_TRACES_SAMPLER_ARG": "1", "OTEL_BSP_SCHEDULE_DELAY": "200",
	})
	one := startNode(t, "one", shared)
	two := startNode(t, "two", shared.with(settings{"METRICS_TOKEN": metricsToken}))

	account := object{"username": "dora", "password": password}
	one.anonymous(t).call("POST", "/api/v1/auth/register", account).want(201)
	one.anonymous(t).call("POST", "/api/v1/auth/login", account).want(200)
	ann, heard := joinAs(t, one, object{"token": tokenOf("ann")}, func(told) {}), make(chan string, 100)
	bob, err := dialPlainAs(t.Context(), two.URL, object{"token": tokenOf("bob")}, func(e told) { heard <- e.name })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bob.close)
	room := one.as(t, "ann").createRoom("public", "here", "bob")
	for name, s := range map[string]*socket{"ann": ann, "bob": bob} {
		if _, err := s.must(t.Context(), "join-room", object{"roomId": room}); err != nil {
			t.Fatalf("%s joins: %v", name, err)
		}
	}
	for range 5 {
		if _, err := ann.must(t.Context(), "send-message", object{"roomId": room, "content": said}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // names that nobody knows are one name
		_, _ = ann.ask(t.Context(), unique(said), object{"token": tokenOf("ann")})
	}
	_, _ = ann.ask(t.Context(), "send-message", object{"roomId": "nowhere", "content": said})
	for received := 0; received < 5; {
		select {
		case name := <-heard:
			if name == "new-message" {
				received++
			}
		case <-time.After(soon):
			t.Fatal("bob hears nothing")
		}
	}

	t.Run("closed to users", func(t *testing.T) { testDiagnosticsAreClosed(t, one, two) })
	t.Run("numbers", func(t *testing.T) { testNumbers(t, one) })
	t.Run("connections", func(t *testing.T) { testConnections(t, one) })
	t.Run("nothing that was said", func(t *testing.T) { testNothingSaid(t, one, two) })
	t.Run("traces", func(t *testing.T) { traces.await(t) })
}

func testDiagnosticsAreClosed(t *testing.T, one, two *node) {
	for _, path := range diagnostics() {
		if path == "/metrics" {
			continue
		}
		one.anonymous(t).call("GET", path, nil).problem(401, "UNAUTHENTICATED")
		one.as(t, "ann").call("GET", path, nil).problem(403, "FORBIDDEN")
		one.as(t, "ana", "analyst").call("GET", path, nil).problem(403, "FORBIDDEN")
		one.as(t, "root", "admin").call("GET", path, nil).want(200)
	}
	one.anonymous(t).call("GET", "/metrics", nil).want(200)
	two.anonymous(t).call("GET", "/metrics", nil).want(401)
	two.bearing(t, tokenOf("root", "admin")).call("GET", "/metrics", nil).want(401)
	two.bearing(t, metricsToken).call("GET", "/metrics", nil).want(200)
}

func diagnostics() []string {
	return []string{
		"/metrics", "/debug/projections", "/debug/socket/connections", "/debug/socket/metrics", "/debug/queues", "/debug/pprof/",
		"/debug/pprof/heap?debug=1", "/debug/pprof/goroutine?debug=2", "/debug/pprof/trace?seconds=1",
	}
}

func testNumbers(t *testing.T, n *node) {
	numbers := scrape(t, n.anonymous(t))
	for name, want := range map[string]float64{
		`parley_socket_events_total{code="OK",event="send-message"}`:             5,
		`parley_socket_events_total{code="ROOM_NOT_FOUND",event="send-message"}`: 1,
		`parley_socket_events_total{code="UNKNOWN_EVENT",event="unknown"}`:       3,
		`parley_socket_events_total{code="OK",event="join-room"}`:                1,
		`parley_socket_events_duration_seconds_count{event="send-message"}`:      6,
		`parley_http_requests_total{code="OK",route="POST /api/v1/auth/login"}`:  1,
		`parley_commands_total{code="OK",command="send-message"}`:                5,
		`parley_connections{door="socketio",transport="websocket"}`:              1,
		`parley_connections{door="ws",transport="websocket"}`:                    0,
		`parley_arrivals_total{kind="new"}`:                                      1,
		`parley_sockets`:                                                         1,
		`parley_rooms`:                                                           1,
		`parley_append_queue_commands`:                                           0,
		`parley_bus_redis_up`:                                                    1,
		`parley_publish_total{result="dropped"}`:                                 0,
		`parley_view_drift{view="messages"}`:                                     0,
	} {
		if got, ok := numbers[name]; !ok || got != want {
			t.Errorf("%s is %v (%v), want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{
		"parley_append_batch_events_sum", "parley_push_delay_seconds_count", "parley_publish_duration_seconds_count",
		"parley_deliveries_total", "go_goroutines", "process_open_fds",
	} {
		if numbers[name] <= 0 {
			t.Errorf("%s is %v", name, numbers[name])
		}
	}

	var m struct {
		Node        string
		Connections struct {
			Total       int
			ByTransport map[string]int
		}
		Rooms   int
		Latency map[string]map[string]float64
		Errors  map[string]int
	}
	body := n.as(t, "root", "admin").call("GET", "/debug/socket/metrics", nil).want(200)
	if err := json.Unmarshal(body.raw, &m); err != nil {
		t.Fatal(err)
	}
	equal(t, "connections", m.Connections.Total, 1)
	equal(t, "websockets", m.Connections.ByTransport["websocket"], 1)
	equal(t, "pollers", m.Connections.ByTransport["polling"], 0)
	equal(t, "rooms", m.Rooms, 1)
	equal(t, "unknown events", m.Errors["UNKNOWN_EVENT"], 3)
	equal(t, "unknown rooms", m.Errors["ROOM_NOT_FOUND"], 1)
	sent := m.Latency["send-message"]
	if sent["count"] != 6 || sent["avg"] <= 0 || sent["p50"] <= 0 || sent["p99"] < sent["p95"] || sent["p95"] < sent["p50"] {
		t.Errorf("latency of send-message: %v", sent)
	}
}

// scrape reads metrics by name and labels, these in order.
func scrape(t *testing.T, c caller) map[string]float64 {
	t.Helper()
	numbers := map[string]float64{}
	for line := range strings.Lines(string(c.call("GET", "/metrics", nil).want(200).raw)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(strings.TrimSpace(line[at+1:]), 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		numbers[line[:at]] = value
	}
	return numbers
}

// socketPage is what /debug/socket/connections answers.
type socketPage struct {
	Total       int
	ByTransport map[string]int
	Complete    bool
	NextCursor  string
	Connections []struct {
		ID, UserID, Transport, Node, HandshakeTime string
		Rooms                                      []string
		QueuedBytes                                *int
	}
}

func testConnections(t *testing.T, n *node) {
	admin := n.as(t, "root", "admin")
	read := func(query string) (p socketPage) {
		t.Helper()
		if err := json.Unmarshal(admin.call("GET", "/debug/socket/connections"+query, nil).want(200).raw, &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	all := read("")
	for end := time.Now().Add(soon); all.Total < 2 && time.Now().Before(end); all = read("") {
		time.Sleep(50 * time.Millisecond) // the other node tells every few seconds
	}
	if all.Total != 2 || !all.Complete || all.ByTransport["websocket"] != 2 || len(all.Connections) != 2 {
		t.Fatalf("of two nodes: %+v", all)
	}
	nodes := map[string]string{}
	for _, c := range all.Connections {
		nodes[c.UserID] = c.Node
		if _, err := time.Parse(time.RFC3339, c.HandshakeTime); err != nil || c.ID == "" || c.QueuedBytes == nil {
			t.Errorf("%+v", c)
		}
	}
	if nodes["ann"] == "" || nodes["bob"] == "" || nodes["ann"] == nodes["bob"] {
		t.Errorf("who is where: %v", nodes)
	}
	for query, want := range map[string][]string{
		"?userId=bob": {"bob"}, "?userId=nobody": nil, "?node=" + nodes["ann"]: {"ann"}, "?transport=polling": nil,
	} {
		var users []string
		for _, c := range read(query).Connections {
			users = append(users, c.UserID)
		}
		equalLists(t, query, users, want)
	}
	first := read("?limit=1")
	second := read("?limit=1&cursor=" + first.NextCursor)
	if len(first.Connections) != 1 || len(second.Connections) != 1 || first.Connections[0].ID == second.Connections[0].ID || second.NextCursor != "" {
		t.Errorf("pages: %+v, %+v", first, second)
	}
	joined := read("?userId=bob").Connections[0].Rooms
	for end := time.Now().Add(soon); len(joined) == 0 && time.Now().Before(end); joined = read("?userId=bob").Connections[0].Rooms {
		time.Sleep(50 * time.Millisecond)
	}
	equal(t, "rooms of a socket of the other node", len(joined), 1)
}

func testNothingSaid(t *testing.T, nodes ...*node) {
	for _, n := range nodes {
		admin := n.as(t, "root", "admin")
		for _, path := range diagnostics() {
			c := admin
			if path == "/metrics" {
				c = n.bearing(t, metricsToken)
			}
			body := string(c.call("GET", path, nil).want(200).raw)
			for what, sign := range map[string]string{"what was said": said, "a token": "eyJhbGci", "a password": password, "a secret": jwtSecret} {
				if strings.Contains(body, sign) {
					t.Errorf("%s tells %s", path, what)
				}
			}
		}
	}
}

// traces is a collector.
type traces struct {
	*httptest.Server

	mu    sync.Mutex
	spans map[string][]string // of each trace, with the node
	raw   strings.Builder
}

func collectTraces(t *testing.T) *traces {
	t.Helper()
	c := &traces{spans: map[string][]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var export collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &export)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = c.raw.Write(body)
		for _, resource := range export.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					id := string(span.TraceId)
					c.spans[id] = append(c.spans[id], span.Name)
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// await waits for the whole way of each message.
func (c *traces) await(t *testing.T) {
	want := []string{"append", "decide", "project messages", "publish", "push", "push", "send-message"}
	complete := func() (n int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for spans := range maps.Values(c.spans) {
			if found := slices.Sorted(slices.Values(spans)); !slices.ContainsFunc(want, func(name string) bool {
				return countOf(found, name) < countOf(want, name)
			}) {
				n++
			}
		}
		return n
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for complete() < 5 {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%d of 5 traces are complete: %v", complete(), slices.Collect(maps.Values(c.spans)))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, sign := range map[string]string{"what was said": said, "a token": "eyJhbGci", "a password": password} {
		if strings.Contains(c.raw.String(), sign) {
			t.Errorf("traces tell %s", what)
		}
	}
}

func countOf(list []string, value string) (n int) {
	for _, v := range list {
		if v == value {
			n++
		}
	}
	return n
}
