package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteTable writes the result for people.
func (r *Result) WriteTable(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	p := &r.Params
	fmt.Fprintf(w, "%s\t%d clients in %d rooms of %d, %s, %s\n", r.Scenario, p.Clients, p.Rooms, p.RoomSize, p.Door, strings.Join(p.URLs, " "))
	if r.Interrupted {
		fmt.Fprintf(w, "interrupted\tafter %.1f s\n", r.Seconds)
	}
	r.writeWork(w)
	r.writeLatencies(w)
	r.writeFlaws(w)
	r.writeCosts(w)
	return w.Flush()
}

func (r *Result) writeWork(w io.Writer) {
	if r.Connections > 0 {
		fmt.Fprintf(w, "connections\t%d in %.2f s, %.0f/s\n", r.Connections, r.Seconds, r.ConnectionsPerSecond)
	}
	if r.Requests > 0 {
		fmt.Fprintf(w, "requests\t%d in %.2f s, %.0f/s\n", r.Requests, r.Seconds, r.RequestsPerSecond)
	}
	if r.Missed > 0 {
		fmt.Fprintf(w, "caught up\t%d clients with %d missed messages in %.2f s, %.0f deliveries/s\n", r.CaughtUp, r.Missed, r.Seconds, r.DeliveriesPerSecond)
		fmt.Fprintf(w, "recovered\t%d, not %d, connections tried again %d\n", r.Recovered, r.NotRecovered, r.Retries)
		return
	}
	if r.Deliveries > 0 {
		fmt.Fprintf(w, "deliveries\t%d in %.2f s, %.0f/s\n", r.Deliveries, r.Seconds, r.DeliveriesPerSecond)
	}
	if r.Acks > 0 {
		fmt.Fprintf(w, "acks\t%d in %.2f s, %.0f/s\n", r.Acks, r.Seconds, r.AcksPerSecond)
	}
}

func (r *Result) writeLatencies(w io.Writer) {
	write := func(what string, l *Latency) {
		if l != nil {
			fmt.Fprintf(w, "%s\tp50 %v, p90 %v, p99 %v, p99.9 %v, max %v\n", what,
				short(l.P50), short(l.P90), short(l.P99), short(l.P999), short(l.Max))
		}
	}
	write("connect latency", r.ConnectLatency)
	write("until caught up", r.CaughtUpLatency)
	write("request latency", r.RequestLatency)
	write("delivery latency", r.Latency)
	write("  within a server", r.LatencyWithin)
	write("  between servers", r.LatencyAcross)
	if r.Commands == nil {
		write("ack latency", r.AckLatency)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Commands)) {
		write("  "+name, r.Commands[name])
	}
}

// short rounds microseconds to what can be read.
func short(micros int64) time.Duration {
	d := time.Duration(micros) * time.Microsecond
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	default:
		return d.Round(10 * time.Microsecond)
	}
}

func (r *Result) writeFlaws(w io.Writer) {
	fmt.Fprintf(w, "lost, repeated, reordered\t%d, %d, %d of %d\n", r.Lost, r.Repeated, r.Reordered, r.Delivered+r.Lost)
	if r.Disagreeing > 0 {
		fmt.Fprintf(w, "receivers with an order of their own\t%d\n", r.Disagreeing)
	}
	for _, code := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(w, "%s\t%d\n", code, r.Errors[code])
	}
}

const mb = 1 << 20

func (r *Result) writeCosts(w io.Writer) {
	if len(r.Processes) > 0 {
		fmt.Fprintf(w, "servers' CPU\t%.2f s%s\n", r.ServerCPUSeconds, each(r.ServerCPUMicrosPerDelivery, r.ServerCPUMicrosPerAck))
	}
	fmt.Fprintf(w, "generator's CPU\t%.2f s%s\n", r.GeneratorCPUSeconds, each(r.GeneratorCPUMicrosPerDelivery, 0))
	if m := r.ServerRSSBytes; m != nil {
		fmt.Fprintf(w, "servers' memory\t%d MB before, %d MB after, %d MB at most\n", m.Before/mb, m.After/mb, m.Most/mb)
	}
	for _, m := range r.Memory {
		fmt.Fprintf(w, "memory at %d connections\t%d MB, %.1f KB for each\n", m.Connections, m.RSSBytes/mb, float64(m.BytesEach)/1024)
	}
}

// each says what a delivery and an ack have cost.
func each(delivery, ack float64) (text string) {
	if delivery > 0 {
		text += fmt.Sprintf(", %.2f µs for each delivery", delivery)
	}
	if ack > 0 {
		text += fmt.Sprintf(", %.1f µs for each ack", ack)
	}
	return text
}
