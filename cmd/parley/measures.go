package main

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"parley/api"
	"parley/api/metrics"
	"parley/api/tracing"
	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/postgres"
	"parley/projections"
	"parley/realtime/engineio"
	"parley/realtime/gateway"
)

// measures are what a node counts of its work. What the parts count themselves is read from them: see tell.
type measures struct {
	spans *tracing.Tracer // nil while nothing is traced

	commands *metrics.Table // by whatever door
	events   *metrics.Table // of sockets, with connect
	requests *metrics.Table // by route

	batchEvents, batchTime, publishTime, pushDelay metrics.Histogram

	views map[string]*metrics.Histogram
}

func newMeasures() *measures {
	return &measures{commands: metrics.NewTable(commands.Names()...), views: map[string]*metrics.Histogram{}}
}

// complete names what there is to count, once it is known. Nothing runs yet.
func (m *measures) complete(views []projections.Status, g *gateway.Gateway, routes []api.Route) {
	for _, v := range views {
		m.views[v.Name] = &metrics.Histogram{}
	}
	m.events = metrics.NewTable(g.Names()...)
	names := make([]string, len(routes))
	for i, r := range routes {
		names[i] = r.Method + " " + r.Path
	}
	m.requests = metrics.NewTable(names...)
}

// What follows is told by the parts, while they work.

// Observe implements gateway.Metrics.
func (m *measures) Observe(name string, code domain.Code, took time.Duration) {
	m.events.Observe(name, code, took)
}

func (m *measures) command(name, correlation string, code domain.Code, began time.Time, took time.Duration) {
	if m.spans != nil {
		m.spans.Command(name, correlation, code, began, took)
	}
}

func (m *measures) request(o api.Observed) {
	m.requests.Observe(o.Route, o.Code, o.Took)
	m.command(o.Route, o.RequestID, o.Code, o.Began, o.Took)
}

// decisions is who hears of them: nobody while nothing is traced.
func (m *measures) decisions() func(useCase, correlation string, began time.Time, took time.Duration) {
	if m.spans == nil {
		return nil
	}
	return func(_, correlation string, began time.Time, took time.Duration) {
		m.spans.Part(tracing.PartDecide, correlation, began, took)
	}
}

func (m *measures) stored(b postgres.Batch) {
	m.batchEvents.Add(int64(len(b.Events)))
	m.batchTime.Observe(b.Took)
	m.span(tracing.PartAppend, b.Events, b.Began, b.Took, nil)
}

func (m *measures) published(batch []event.Recorded, began time.Time, took time.Duration, err error) {
	m.publishTime.Observe(took)
	m.span(tracing.PartPublish, batch, began, took, err)
}

func (m *measures) applied(view string, batch []event.Recorded, began time.Time, took time.Duration) {
	if h := m.views[view]; h != nil {
		h.Observe(took)
	}
	m.span(tracing.PartProject+" "+view, batch, began, took, nil)
}

// told measures how long the first of a batch took from the commit, by the clocks of Postgres and of this node.
func (m *measures) told(batch []event.Recorded, began time.Time, took time.Duration) {
	m.pushDelay.Observe(began.Add(took).Sub(batch[0].RecordedAt))
	m.span(tracing.PartPush, batch, began, took, nil)
}

func (m *measures) span(part string, batch []event.Recorded, began time.Time, took time.Duration, err error) {
	if m.spans != nil {
		m.spans.Batch(part, batch, began, took, err)
	}
}

// registry is all that the node tells Prometheus.
func (n *node) registry() (*metrics.Registry, error) {
	return metrics.NewRegistry(metrics.Build{Version: version, Node: n.name}, n.logger,
		n.tellCommands, n.tellLog, n.tellViews, n.tellSockets, n.tellServers)
}

func (n *node) tellCommands(out *metrics.Out) {
	m := n.measures
	m.commands.Tell(out, "parley_commands", "command", "Commands that were decided, from sockets, REST and the node itself")
	m.events.Tell(out, "parley_socket_events", "event", "Events of sockets that were answered, with connect")
	m.requests.Tell(out, "parley_http_requests", "route", "HTTP requests that were answered")
}

func (n *node) tellLog(out *metrics.Out) {
	m, store, bus := n.measures, n.store.Stats(), n.bus.Stats()
	out.Sizes("parley_append_batch_events", "Events stored by one commit of this node.", m.batchEvents.Snapshot())
	out.Durations("parley_append_duration_seconds", "Time of one commit, with waiting for the lock of the log.", m.batchTime.Snapshot())
	out.Gauge("parley_append_queue_commands", "Commands that wait to be stored.", float64(store.Queued))
	out.Gauge("parley_append_queue_bytes", "Bytes of the commands that wait to be stored.", float64(store.QueuedBytes))
	out.Gauge("parley_append_queue_limit_commands", "How many commands may wait to be stored.", float64(store.MaxQueued))
	out.Count("parley_append_again_total", "Commands that others outran and that were decided again.", float64(store.Again))
	out.Count("parley_append_failures_total", "Commands that could not be stored.", float64(store.Failed))

	out.Durations("parley_publish_duration_seconds", "Time of publishing one commit, failed attempts included.", m.publishTime.Snapshot())
	out.Count("parley_publish_total", "Commits of this node by what became of their publication.", float64(bus.Published), "result", "published")
	out.Count("parley_publish_total", "Commits of this node by what became of their publication.", float64(bus.Dropped), "result", "dropped")
	out.Gauge("parley_publish_queue_commits", "Commits that wait to be published.", float64(bus.Outgoing))

	out.Gauge("parley_log_position", "Last position of the log that this node knows completely.", float64(bus.Head))
	out.Gauge("parley_log_behind_events", "Later events that are known to exist.", float64(bus.Behind))
	out.Gauge("parley_bus_redis_up", "1 while the subscription to Redis stands.", oneIf(bus.RedisUp))
	out.Gauge("parley_bus_postgres_up", "1 while the log can be read.", oneIf(bus.PostgresUp))
	out.Gauge("parley_bus_followers", "Who follows the log in this process.", float64(bus.Followers))
	out.Gauge("parley_bus_ring_events", "Events in memory.", float64(bus.RingEvents))
	out.Count("parley_bus_messages_total", "Messages from Redis, by whether they were news.", float64(bus.Received-bus.Known-bus.Junk), "kind", "new")
	out.Count("parley_bus_messages_total", "Messages from Redis, by whether they were news.", float64(bus.Known), "kind", "known")
	out.Count("parley_bus_messages_total", "Messages from Redis, by whether they were news.", float64(bus.Junk), "kind", "junk")
	out.Count("parley_bus_repairs_total", "Reads of events that Redis did not bring.", float64(bus.Repairs))
	out.Count("parley_bus_repaired_events_total", "Events that Redis did not bring and that were read from the log.", float64(bus.Repaired))
	out.Count("parley_bus_subscriptions_total", "Subscriptions to Redis that were made.", float64(bus.Subscriptions))
}

func (n *node) tellViews(out *metrics.Out) {
	for _, v := range (viewStatus{n.views, n.drift}).Status() {
		label := []string{"view", v.Name}
		out.Gauge("parley_view_position", "Last position that a view shows, as this node knows it.", float64(v.Position), label...)
		out.Gauge("parley_view_lag_events", "Events that a view does not show yet.", float64(v.Lag), label...)
		out.Gauge("parley_view_drift", "Known differences between a view and the log.", float64(v.Drift), label...)
		out.Gauge("parley_view_active", "1 while this node writes the view.", oneIf(v.State == projections.StateActive), label...)
		out.Gauge("parley_view_failed", "1 while the view stands below an event that it cannot apply.", oneIf(v.State == projections.StateFailed), label...)
		if h := n.measures.views[v.Name]; h != nil {
			out.Durations("parley_view_apply_duration_seconds", "Time of one transaction of a view on this node.", h.Snapshot(), label...)
		}
	}
	hooks := n.webhooks.Stats()
	out.Gauge("parley_webhooks", "Webhooks that this node delivers to.", float64(hooks.Webhooks))
	out.Gauge("parley_webhooks_sending", "Deliveries under way.", float64(hooks.Sending))
	out.Count("parley_webhook_deliveries_total", "Deliveries that were taken.", float64(hooks.Deliveries))
	out.Count("parley_webhook_events_total", "Events in deliveries that were taken.", float64(hooks.Events))
	out.Count("parley_webhook_failures_total", "Deliveries that failed, to be tried again.", float64(hooks.Failures))
	out.Count("parley_webhook_parked_total", "Webhooks that were parked after failing for too long.", float64(hooks.Parked))
}

func (n *node) tellSockets(out *metrics.Out) {
	rooms, door := n.hub.Stats(), n.gateway.Stats()
	out.Gauge("parley_sockets", "Sockets that are let in.", float64(rooms.Sockets))
	out.Gauge("parley_sockets_paused", "Sockets that are just coming in or joining.", float64(rooms.Paused))
	out.Gauge("parley_sockets_opening", "Clients that are being let in.", float64(door.Opening))
	out.Gauge("parley_rooms", "Rooms that at least one socket hears.", float64(rooms.Rooms))
	out.Gauge("parley_room_seats", "Rooms of all sockets, each counted for each socket.", float64(rooms.Seats))
	out.Gauge("parley_users_watched", "Users whose presence at least one socket watches.", float64(rooms.Watched))
	out.Gauge("parley_users_present", "Users who have, or lately had, sockets here.", float64(n.tracker.Users()))
	out.Gauge("parley_users_typing", "Users who are typing, anywhere, once for each room.", float64(n.typing.Count()))
	out.Count("parley_deliveries_total", "Pushes given to sockets, once for each socket.", float64(rooms.Delivered))
	out.Count("parley_overruns_total", "Pushes that were too many for a socket that was coming in.", float64(rooms.Overruns))
	out.Durations("parley_push_delay_seconds", "Time from the commit until the sockets of this node were given its pushes.", n.measures.pushDelay.Snapshot())
	out.Gauge("parley_push_lag_events", "Events that the sockets of this node have not been told.", float64(n.bus.Head()-n.projector.Position()))
	out.Count("parley_arrivals_total", "Clients that were let in: new, or back and told from memory, told from the log, or sent to read anew.", float64(door.Fresh), "kind", "new")
	for kind, count := range map[string]uint64{"ring": door.Ring, "log": door.Log, "resync": door.Resync} {
		out.Count("parley_arrivals_total", "Clients that were let in: new, or back and told from memory, told from the log, or sent to read anew.", float64(count), "kind", kind)
	}
	n.tellEngine(out, "socketio", n.sockets.Stats())
	n.tellEngine(out, "ws", n.plain.Stats())
}

func (n *node) tellEngine(out *metrics.Out, door string, s engineio.Stats) {
	out.Gauge("parley_connections", "Open connections, those that are not let in yet included.", float64(s.WebSocket), "door", door, "transport", "websocket")
	out.Gauge("parley_connections", "Open connections, those that are not let in yet included.", float64(s.Polling), "door", door, "transport", "polling")
	out.Count("parley_connections_opened_total", "Connections that were opened.", float64(s.Opened), "door", door)
	out.Count("parley_connections_refused_total", "Handshakes that were refused because too many came at once.", float64(s.Busy), "door", door)
	out.Count("parley_connections_upgraded_total", "Connections that moved from polling to a WebSocket.", float64(s.Upgraded), "door", door)
	for reason, count := range s.Closed {
		out.Count("parley_connections_closed_total", "Connections that ended, by why.", float64(count), "door", door, "reason", string(reason))
	}
	out.Gauge("parley_socket_queue_bytes", "Bytes that wait to be written to connections.", float64(s.QueuedBytes), "door", door)
	out.Gauge("parley_socket_queue_frames", "Frames that wait to be written to connections.", float64(s.QueuedFrames), "door", door)
	out.Gauge("parley_socket_queue_max_bytes", "Bytes that wait for the connection with most of them.", float64(s.MaxQueuedBytes), "door", door)
	out.Count("parley_socket_dropped_total", "Volatile pushes that were dropped because a queue was half full.", float64(s.Dropped), "door", door)
	out.Count("parley_socket_writes_total", "Writes to connections.", float64(s.Written), "door", door)
	out.Count("parley_socket_written_bytes_total", "Bytes of the writes to connections.", float64(s.WrittenBytes), "door", door)
}

func (n *node) tellServers(out *metrics.Out) {
	tellPool(out, "primary", n.pool)
	if n.readPool != n.pool {
		tellPool(out, "read", n.readPool)
	}
	s := n.redis.PoolStats()
	out.Gauge("parley_redis_connections", "Connections of the pool for commands, by whether they are idle.", float64(s.IdleConns), "state", "idle")
	out.Gauge("parley_redis_connections", "Connections of the pool for commands, by whether they are idle.", float64(s.TotalConns-s.IdleConns), "state", "used")
	out.Count("parley_redis_waits_total", "How often somebody waited in vain for a connection of the pool.", float64(s.Timeouts))
	out.Count("parley_redis_stale_total", "Connections that were found broken.", float64(s.StaleConns))
}

func tellPool(out *metrics.Out, name string, pool *pgxpool.Pool) {
	s := pool.Stat()
	const help = "Connections of the pools for reads and views, by whether they are idle."
	out.Gauge("parley_postgres_connections", help, float64(s.AcquiredConns()), "pool", name, "state", "used")
	out.Gauge("parley_postgres_connections", help, float64(s.IdleConns()), "pool", name, "state", "idle")
	out.Gauge("parley_postgres_connections_limit", "How many connections a pool may have.", float64(s.MaxConns()), "pool", name)
	out.Count("parley_postgres_waits_total", "How often somebody had to wait for a connection of the pool.", float64(s.EmptyAcquireCount()), "pool", name)
	out.Count("parley_postgres_wait_seconds_total", "How long they waited.", s.EmptyAcquireWaitTime().Seconds(), "pool", name)
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// diagnostics are what the API shows to administrators.
func (n *node) diagnostics() (api.Diagnostics, error) {
	registry, err := n.registry()
	if err != nil {
		return api.Diagnostics{}, err
	}
	return api.Diagnostics{
		Sockets: n.roster, SocketMetrics: n.socketMetrics, Queues: n.queues, Load: n.load,
		Metrics: registry.Handler(n.settings.MetricsToken), Observe: n.measures.request,
	}, nil
}

func (n *node) socketMetrics() api.SocketMetrics {
	count := wire.NewConnectionCount()
	for _, c := range n.gateway.Connections() {
		count.Total++
		count.ByTransport[c.Transport]++
	}
	return api.SocketMetrics{
		Node: n.name, Connections: count, Rooms: n.hub.Stats().Rooms,
		Latency: n.measures.events.Lately(), Errors: n.measures.events.Errors(),
	}
}

func (n *node) queues() api.Queues {
	store, bus, rooms := n.store.Stats(), n.bus.Stats(), n.hub.Stats()
	socketio, plain := n.sockets.Stats(), n.plain.Stats()
	return api.Queues{
		Append: api.AppendQueue{
			Commands: store.Queued, Bytes: store.QueuedBytes, MaxCommands: store.MaxQueued, MaxBytes: store.MaxQueuedBytes,
			Again: store.Again, Failed: store.Failed,
		},
		Publish: api.PublishQueue{Commits: bus.Outgoing, Bytes: bus.OutgoingBytes, Published: bus.Published, Dropped: bus.Dropped},
		Follow: api.FollowQueue{
			RedisUp: bus.RedisUp, PostgresUp: bus.PostgresUp, Head: int64(bus.Head), Behind: bus.Behind,
			Unpushed: int64(bus.Head - n.projector.Position()), Repairs: bus.Repairs, Repaired: bus.Repaired,
		},
		Push: api.PushQueue{
			Bytes: socketio.QueuedBytes + plain.QueuedBytes, Frames: socketio.QueuedFrames + plain.QueuedFrames,
			MaxBytes: max(socketio.MaxQueuedBytes, plain.MaxQueuedBytes), Paused: rooms.Paused, Held: rooms.Held,
			Dropped:       socketio.Dropped + plain.Dropped,
			SlowConsumers: socketio.Closed[engineio.SlowConsumer] + plain.Closed[engineio.SlowConsumer],
		},
	}
}
