package main

import (
	"math"
	"runtime/metrics"
	"time"

	"parley/api"
	apimetrics "parley/api/metrics"
	"parley/projections/upkeep"
	"parley/realtime/engineio"
)

// wireOperations makes what the page of operations needs beyond what is there for other reasons.
func (n *node) wireOperations() {
	n.history = apimetrics.NewHistory(apimetrics.HistoryConfig{}, n.look)
	n.upkeep = upkeep.New(upkeep.Config{
		Pool: n.pool, Log: n.store, Views: views(), Redis: n.redis, Prefix: n.keys + "upkeep:", Node: n.name, Logger: n.logger,
	})
}

// load is what the page draws.
func (n *node) load(after time.Time) api.Load {
	return api.Load{Node: n.name, Lines: n.history.Since(after)}
}

// look tells what there is at the moment. Its lines are listed in docs/operations.md.
func (n *node) look(l *apimetrics.Look) {
	n.lookAtWork(l)
	n.lookAtSockets(l)
	n.lookAtProcess(l)
}

func (n *node) lookAtWork(l *apimetrics.Look) {
	m := n.measures
	commands, refused, failed := m.commands.Sum()
	l.Rate("commandsPerSecond", float64(commands.Count))
	l.Rate("refusalsPerSecond", float64(refused))
	l.Rate("failuresPerSecond", float64(failed))
	requests, _, _ := m.requests.Sum()
	l.Rate("requestsPerSecond", float64(requests.Count))
	answers, _, _ := m.events.Sum()
	l.Took("socketEvent", answers)
	l.Took("commit", m.batchTime.Snapshot())
	l.Took("pushDelay", m.pushDelay.Snapshot())

	store, bus := n.store.Stats(), n.bus.Stats()
	head := float64(bus.Head)
	if head == 0 { // it has not been read yet
		head = math.NaN()
	}
	l.Rate("eventsPerSecond", head)
	l.Gauge("appendQueue", float64(store.Queued))
	l.Gauge("publishQueue", float64(bus.Outgoing))
	l.Gauge("unpushed", float64(bus.Head-n.projector.Position()))
	lag := int64(0)
	for _, v := range n.views.Status() {
		lag = max(lag, v.Lag)
	}
	l.Gauge("viewLag", float64(lag))
}

func (n *node) lookAtSockets(l *apimetrics.Look) {
	rooms := n.hub.Stats()
	l.Gauge("rooms", float64(rooms.Rooms))
	l.Gauge("users", float64(n.tracker.Users()))
	l.Rate("pushesPerSecond", float64(rooms.Delivered))
	a, b := n.sockets.Stats(), n.plain.Stats()
	l.Gauge("websocket", float64(a.WebSocket+b.WebSocket))
	l.Gauge("polling", float64(a.Polling+b.Polling))
	l.Gauge("pushQueue", float64(a.QueuedFrames+b.QueuedFrames))
	l.Rate("bytesPerSecond", float64(a.WrittenBytes+b.WrittenBytes))
	l.Rate("droppedPerSecond", float64(a.Dropped+b.Dropped))
	l.Rate("slowConsumersPerSecond", float64(a.Closed[engineio.SlowConsumer]+b.Closed[engineio.SlowConsumer]))
}

func (n *node) lookAtProcess(l *apimetrics.Look) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(samples)
	l.Gauge("heapBytes", float64(samples[0].Value.Uint64()))
	l.Gauge("goroutines", float64(samples[1].Value.Uint64()))
}
