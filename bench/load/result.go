package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run has found, as it is written as JSON. Durations are in microseconds unless their name says
// otherwise. What a scenario does not measure is left out.
type Result struct {
	Scenario    string    `json:"scenario"`
	Version     int       `json:"version"`
	StartedAt   time.Time `json:"startedAt"`
	Interrupted bool      `json:"interrupted"`
	Params      Params    `json:"params"`

	// Seconds are the measured stretch.
	Seconds             float64 `json:"seconds"`
	Deliveries          int64   `json:"deliveries"`
	DeliveriesPerSecond float64 `json:"deliveriesPerSecond"`
	Sent                int64   `json:"sent"`
	Acks                int64   `json:"acks"`
	AcksPerSecond       float64 `json:"acksPerSecond"`

	// Latency is from when a message was to be sent to each of its deliveries.
	Latency *Latency `json:"latency,omitempty"`
	// LatencyWithin and LatencyAcross are those within one server and from one to another.
	LatencyWithin *Latency `json:"latencyWithin,omitempty"`
	LatencyAcross *Latency `json:"latencyAcross,omitempty"`
	AckLatency    *Latency `json:"ackLatency,omitempty"`

	// Delivered, Lost, Repeated and Reordered count deliveries of the whole run. Disagreeing are the receivers that heard
	// their room in another order than most did.
	Delivered   int64 `json:"delivered"`
	Lost        int64 `json:"lost"`
	Repeated    int64 `json:"repeated"`
	Reordered   int64 `json:"reordered"`
	Disagreeing int64 `json:"disagreeing"`

	// Errors are refused commands by code, with DISCONNECTED and NO_ACK.
	Errors       map[string]int64 `json:"errors"`
	Disconnected int64            `json:"disconnected"`
	// Retries are connections that the server turned away as it was busy, and that were tried again.
	Retries int64 `json:"retries"`

	ServerCPUSeconds              float64   `json:"serverCPUSeconds"`
	GeneratorCPUSeconds           float64   `json:"generatorCPUSeconds"`
	ServerCPUMicrosPerDelivery    float64   `json:"serverCPUMicrosPerDelivery,omitempty"`
	ServerCPUMicrosPerAck         float64   `json:"serverCPUMicrosPerAck,omitempty"`
	GeneratorCPUMicrosPerDelivery float64   `json:"generatorCPUMicrosPerDelivery,omitempty"`
	ServerRSSBytes                *Resident `json:"serverRSSBytes,omitempty"`
	Processes                     []Process `json:"processes,omitempty"`

	Connections          int64    `json:"connections,omitempty"`
	ConnectionsPerSecond float64  `json:"connectionsPerSecond,omitempty"`
	ConnectLatency       *Latency `json:"connectLatency,omitempty"`
	Memory               []Memory `json:"memory,omitempty"`

	Recovered       int64    `json:"recovered,omitempty"`
	NotRecovered    int64    `json:"notRecovered,omitempty"`
	Missed          int64    `json:"missed,omitempty"`
	CaughtUp        int64    `json:"caughtUp,omitempty"`
	CaughtUpLatency *Latency `json:"caughtUpLatency,omitempty"`

	Commands map[string]*Latency `json:"commands,omitempty"`

	Requests          int64    `json:"requests,omitempty"`
	RequestsPerSecond float64  `json:"requestsPerSecond,omitempty"`
	RequestLatency    *Latency `json:"requestLatency,omitempty"`
}

// Params are what was asked for.
type Params struct {
	URLs            []string `json:"urls"`
	Door            string   `json:"door"`
	Name            string   `json:"name"`
	Clients         int      `json:"clients"`
	Rooms           int      `json:"rooms"`
	RoomSize        int      `json:"roomSize"`
	SendersPerRoom  int      `json:"sendersPerRoom"`
	Outstanding     int      `json:"outstanding"`
	Rate            float64  `json:"rate"`
	Size            int      `json:"size"`
	DurationSeconds float64  `json:"durationSeconds"`
	WarmupSeconds   float64  `json:"warmupSeconds"`
	Concurrency     int      `json:"concurrency"`
	Threads         int      `json:"threads"`
	Missed          int      `json:"missed,omitempty"`
	Messages        int      `json:"messages,omitempty"`
	Page            int      `json:"page,omitempty"`
}

// Latency sums up a histogram.
type Latency struct {
	Count int64   `json:"count"`
	Min   int64   `json:"min"`
	Mean  float64 `json:"mean"`
	P50   int64   `json:"p50"`
	P90   int64   `json:"p90"`
	P99   int64   `json:"p99"`
	P999  int64   `json:"p999"`
	Max   int64   `json:"max"`
}

// Process is one of those that were watched.
type Process struct {
	PID        int     `json:"pid"`
	Name       string  `json:"name"`
	CPUSeconds float64 `json:"cpuSeconds"`
	RSSBefore  int64   `json:"rssBefore"`
	RSSAfter   int64   `json:"rssAfter"`
	RSSMost    int64   `json:"rssMost"`
}

// Resident is the memory of all of them.
type Resident struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
	Most   int64 `json:"most"`
}

// Memory is that of the servers with so many idle connections.
type Memory struct {
	Connections int   `json:"connections"`
	RSSBytes    int64 `json:"rssBytes"`
	BytesEach   int64 `json:"bytesEach"`
}

// Flawless says whether every delivery came, once and in order, to everybody in the same one.
func (r *Result) Flawless() bool {
	return r.Lost == 0 && r.Repeated == 0 && r.Reordered == 0 && r.Disagreeing == 0
}

func (f *fleet) newResult() *Result {
	o := &f.options
	r := &Result{
		Scenario: o.Scenario, Version: 1, StartedAt: f.epoch.UTC().Truncate(time.Millisecond), Errors: map[string]int64{},
		Params: Params{
			URLs: o.URLs, Door: o.Door, Name: o.Name, Clients: o.Clients, Rooms: len(f.rooms), RoomSize: o.RoomSize,
			SendersPerRoom: o.Senders, Outstanding: o.Outstanding, Rate: o.Rate, Size: o.Size,
			DurationSeconds: o.Duration.Seconds(), WarmupSeconds: o.Warmup.Seconds(),
			Concurrency: o.Concurrency, Threads: o.Threads,
		},
	}
	switch o.Scenario {
	case Reconnect:
		r.Params.Missed = o.Missed
	case History:
		r.Params.Messages, r.Params.Page = o.Messages, o.Page
	}
	return r
}

// summarize is nil for an empty histogram.
func summarize(h *hdrhistogram.Histogram) *Latency {
	if h == nil || h.TotalCount() == 0 {
		return nil
	}
	return &Latency{
		Count: h.TotalCount(), Min: h.Min(), Mean: h.Mean(), Max: h.Max(),
		P50: h.ValueAtQuantile(50), P90: h.ValueAtQuantile(90), P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9),
	}
}

// count fills in what the loops have counted.
func (r *Result) count(t *tally, o *Options) {
	r.Deliveries, r.Sent, r.Acks = t.deliveries, t.sent, t.acks
	r.DeliveriesPerSecond, r.AcksPerSecond = perSecond(t.deliveries, r.Seconds), perSecond(t.acks, r.Seconds)
	r.Delivered, r.Repeated, r.Reordered = t.heard, t.repeated, t.late
	r.Disconnected, r.Errors = t.disconnected, t.errors
	if len(o.URLs) > 1 {
		r.LatencyWithin, r.LatencyAcross = summarize(t.within), summarize(t.across)
	}
	r.AckLatency = summarize(t.answers[sendMessage])
	t.within.Merge(t.across)
	r.Latency = summarize(t.within)
	if o.Scenario == Mixed {
		r.Commands = map[string]*Latency{}
		for name, h := range t.answers {
			r.Commands[name] = summarize(h)
		}
	}
}

// costs fills in what the run has cost.
func (r *Result) costs(m *meter) {
	r.GeneratorCPUSeconds = m.own.Seconds()
	for _, p := range m.processes {
		r.ServerCPUSeconds += p.CPUSeconds
	}
	if r.Processes = m.processes; len(m.processes) > 0 {
		r.ServerRSSBytes = &Resident{Most: m.most}
		for _, p := range m.processes {
			r.ServerRSSBytes.Before += p.RSSBefore
			r.ServerRSSBytes.After += p.RSSAfter
		}
	}
	r.ServerCPUMicrosPerAck = micros(r.ServerCPUSeconds, r.Acks)
	r.ServerCPUMicrosPerDelivery = micros(r.ServerCPUSeconds, r.Deliveries)
	r.GeneratorCPUMicrosPerDelivery = micros(r.GeneratorCPUSeconds, r.Deliveries)
}

func perSecond(count int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(count) / seconds
}

// micros are the microseconds for each of so many.
func micros(seconds float64, count int64) float64 {
	if count == 0 {
		return 0
	}
	return seconds * 1e6 / float64(count)
}
