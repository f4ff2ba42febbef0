// Package tracing makes spans of the way of a command: from the socket or the request to the pushes on every node.
//
//	command ─┬─ decide
//	         ├─ append         the commit that it was in
//	         ├─ publish        of that commit, to the other nodes
//	         ├─ project …      into each view, on the node that writes it
//	         └─ push           to the sockets of each node
//
// # Promises
//
// Context. Nothing is carried from part to part, and nothing is stored for it: the ids of trace and root span, and whether
// the trace is sampled, are made from the correlation id that is in every event's metadata anyway. So every node
// adds its part to the same trace. Spans are made afterwards, of times that were measured.
//
// Cost. Where there is no Tracer a part checks for nil and does no more. With one, each event costs a hash and
// the decoding of its metadata for each part; only sampled ones cost more. Nobody waits for the exporter: what does
// not fit into its queue is dropped.
//
// Secrets. Attributes are names, codes, numbers and correlation ids; nothing that was said, and no user.
package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"parley/domain"
	"parley/domain/event"
)

// The parts of the way.
const (
	PartDecide  = "decide"
	PartAppend  = "append"
	PartPublish = "publish"
	PartProject = "project"
	PartPush    = "push"
)

// Config of a Tracer.
type Config struct {
	// Node and Version name who tells.
	Node, Version string
	// Ratio is the share of commands that is traced, from 0 to 1.
	Ratio float64
	// Logger hears of what could not be exported in the end. Zero means nobody does.
	Logger *slog.Logger
}

// Tracer makes spans. Make one with New. It is safe for concurrent use.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	logger   *slog.Logger
	limit    uint64 // hashes below it are sampled
}

// New makes a tracer, which Run ends together with the exporter.
func New(exporter sdk.SpanExporter, cfg Config) *Tracer {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	about := resource.NewSchemaless(attribute.String("service.name", "parley"),
		attribute.String("service.version", cfg.Version), attribute.String("service.instance.id", cfg.Node))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about),
		sdk.WithSampler(sdk.AlwaysSample()), sdk.WithIDGenerator(generator{}))
	return &Tracer{
		provider: provider, tracer: provider.Tracer("parley"), logger: cfg.Logger, limit: limitOf(cfg.Ratio),
	}
}

func limitOf(ratio float64) uint64 {
	if ratio >= 1 {
		return math.MaxUint64
	}
	return uint64(max(ratio, 0) * math.MaxUint64)
}

// farewell bounds how long the last spans may take to leave.
const farewell = 2 * time.Second

// Run waits until ctx ends and then exports what is left. It returns nil.
func (t *Tracer) Run(ctx context.Context) error {
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := t.provider.Shutdown(last); err != nil {
		t.logger.WarnContext(last, "the last traces are lost", slog.Any("error", err))
	}
	return nil
}

// Flush exports what there is.
func (t *Tracer) Flush(ctx context.Context) error {
	if err := t.provider.ForceFlush(ctx); err != nil {
		return fmt.Errorf("export traces: %w", err)
	}
	return nil
}

// Command tells of a command or request that was answered: the root of its trace.
func (t *Tracer) Command(name, correlation string, code domain.Code, began time.Time, took time.Duration) {
	root, sampled := t.rootOf(correlation)
	if !sampled {
		return
	}
	ctx := context.WithValue(context.Background(), rootKey{}, root)
	_, span := t.tracer.Start(ctx, name, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(began),
		trace.WithAttributes(attribute.String("parley.correlation_id", correlation)))
	if code != "" {
		span.SetAttributes(attribute.String("parley.code", string(code)))
	}
	if code == domain.CodeInternal || code == domain.CodeUnavailable {
		span.SetStatus(codes.Error, string(code))
	}
	span.End(trace.WithTimestamp(began.Add(took)))
}

// Part tells of a part of a command's way.
func (t *Tracer) Part(name, correlation string, began time.Time, took time.Duration, about ...attribute.KeyValue) {
	root, sampled := t.rootOf(correlation)
	if !sampled {
		return
	}
	parent := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: root.trace, SpanID: root.span, TraceFlags: trace.FlagsSampled, Remote: true,
	})
	_, span := t.tracer.Start(trace.ContextWithSpanContext(context.Background(), parent), name,
		trace.WithTimestamp(began), trace.WithAttributes(about...))
	span.End(trace.WithTimestamp(began.Add(took)))
}

// Batch tells of a part of the way of several events, for each of those whose trace is sampled.
func (t *Tracer) Batch(name string, batch []event.Recorded, began time.Time, took time.Duration, err error) {
	for i := range batch {
		correlation := batch[i].Meta().CorrelationID
		if correlation == "" {
			continue
		}
		about := []attribute.KeyValue{
			attribute.String("parley.type", batch[i].Type), attribute.Int64("parley.position", int64(batch[i].Position)),
			attribute.Int("parley.batch", len(batch)),
		}
		if err != nil {
			about = append(about, attribute.Bool("parley.failed", true))
		}
		t.Part(name, correlation, began, took, about...)
	}
}

// root is what a correlation id says of its trace.
type root struct {
	trace trace.TraceID
	span  trace.SpanID
}

type rootKey struct{}

func (t *Tracer) rootOf(correlation string) (r root, sampled bool) {
	hash := sha256.Sum256([]byte(correlation))
	copy(r.trace[:], hash[:16])
	copy(r.span[:], hash[16:24])
	return r, binary.BigEndian.Uint64(hash[24:]) < t.limit
}
