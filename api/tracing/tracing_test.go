package tracing_test

import (
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"parley/api/tracing"
	"parley/domain"
	"parley/domain/event"
)

// Two nodes that know nothing of each other make one trace.
func TestNodesShareATrace(t *testing.T) {
	t.Parallel()
	here, there := tracetest.NewInMemoryExporter(), tracetest.NewInMemoryExporter()
	first := tracing.New(here, tracing.Config{Node: "n1", Ratio: 1})
	second := tracing.New(there, tracing.Config{Node: "n2", Ratio: 1})
	began := time.Unix(100, 0)
	batch := []event.Recorded{
		{Position: 7, Type: "MessageSent", Metadata: event.Metadata{CorrelationID: "c1", UserID: "ann"}.Encode()},
		{Position: 8, Type: "MessageSent"},
	}

	first.Part(tracing.PartDecide, "c1", began, time.Millisecond)
	first.Batch(tracing.PartAppend, batch, began.Add(time.Millisecond), 2*time.Millisecond, nil)
	first.Command("send-message", "c1", "", began, 4*time.Millisecond)
	second.Batch(tracing.PartPush, batch, began.Add(5*time.Millisecond), time.Millisecond, nil)
	for _, tracer := range []*tracing.Tracer{first, second} {
		if err := tracer.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	spans := append(here.GetSpans(), there.GetSpans()...)
	if len(spans) != 4 {
		t.Fatalf("%d spans: %v", len(spans), spans)
	}
	root := spans[2]
	if root.Name != "send-message" || root.Parent.IsValid() || root.EndTime.Sub(root.StartTime) != 4*time.Millisecond {
		t.Errorf("the root is %s from %v to %v", root.Name, root.StartTime, root.EndTime)
	}
	for i, name := range []string{"decide", "append", "send-message", "push"} {
		s := spans[i]
		if s.Name != name || s.SpanContext.TraceID() != root.SpanContext.TraceID() {
			t.Errorf("span %d is %s of trace %s", i, s.Name, s.SpanContext.TraceID())
		}
		if i != 2 && s.Parent.SpanID() != root.SpanContext.SpanID() {
			t.Errorf("%s is not of the command", name)
		}
		for _, a := range s.Attributes {
			if a.Value.AsString() == "ann" {
				t.Errorf("%s names a user", name)
			}
		}
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()
	for ratio, want := range map[float64][2]int{0: {0, 0}, 0.1: {60, 140}, 1: {1000, 1000}} {
		exporter := tracetest.NewInMemoryExporter()
		tracer := tracing.New(exporter, tracing.Config{Ratio: ratio})
		for i := range 1000 {
			tracer.Command("x", strconv.Itoa(i), domain.CodeUnavailable, time.Unix(1, 0), 0)
		}
		if err := tracer.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(exporter.GetSpans()); n < want[0] || n > want[1] {
			t.Errorf("of 1000 commands %d are traced with a ratio of %v", n, ratio)
		}
	}
}
