package main

import (
	"context"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/postgres"
	"parley/realtime/trace"
)

// tracer is what the API follows messages with.
type tracer struct {
	*trace.Trace
	log eventstore.Reader
}

// About is a message and what happened to it.
func (t tracer) About(ctx context.Context, messageID event.ID, limit int) ([]event.Recorded, error) {
	return t.log.About(ctx, messageID, limit)
}

// wireTrace makes what remembers the way of events.
func (n *node) wireTrace() {
	n.trace = trace.New(n.redis, trace.Config{Node: n.name, Prefix: n.keys + "trace:", Logger: n.logger})
}

// What the parts tell of their work, a batch at a time.

func (n *node) onBatch(b postgres.Batch) {
	n.measures.stored(b)
	n.trace.Stored(b.Events, b.Began.Add(b.Took))
}

func (n *node) onPublish(batch []event.Recorded, began time.Time, took time.Duration, err error) {
	n.measures.published(batch, began, took, err)
	if err == nil {
		n.trace.Published(batch, began.Add(took))
	}
}

func (n *node) onApplied(view string, batch []event.Recorded, began time.Time, took time.Duration) {
	n.measures.applied(view, batch, began, took)
	n.trace.Applied(view, batch, began.Add(took))
}

// onTold is called by one goroutine.
func (n *node) onTold(batch []event.Recorded, began time.Time, took time.Duration) {
	n.measures.told(batch, began, took)
	delivered := n.hub.Delivered()
	n.trace.Told(batch, delivered-n.delivered, began.Add(took))
	n.delivered = delivered
}

// onCommand is told of each command of a socket once it is answered.
func (n *node) onCommand(name, correlation string, code domain.Code, began time.Time, took time.Duration) {
	n.measures.command(name, correlation, code, began, took)
	if code == "" {
		n.trace.Arrived(correlation, began, took)
	}
}
