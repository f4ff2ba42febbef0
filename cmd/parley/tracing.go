package main

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"

	"parley/api/tracing"
)

// wireMeasures makes what counts, and traces if there is somebody to tell.
func (n *node) wireMeasures(ctx context.Context) error {
	n.measures = newMeasures()
	if n.settings.TraceEndpoint == "" {
		return nil
	}
	// It reads the other variables of OpenTelemetry itself. Nothing is connected yet.
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	n.measures.spans = tracing.New(exporter, tracing.Config{
		Node: n.name, Version: version, Ratio: n.settings.TraceRatio, Logger: n.logger,
	})
	return nil
}

// traceLog puts what OpenTelemetry has to complain about into our log: its only way out, and it is one for the process.
func traceLog(logger *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.Warn("traces are not exported", slog.Any("error", err))
	}))
}

// runs are what the measures need to run.
func (m *measures) runs() []func(context.Context) error {
	list := []func(context.Context) error{m.commands.Run, m.events.Run, m.requests.Run}
	if m.spans != nil {
		list = append(list, m.spans.Run)
	}
	return list
}
