package main

import (
	"fmt"
	"slices"

	"parley/bench/load"
)

// measure is one run of the load: what a server did at some work in one round.
type measure struct {
	scenario, work, server string
	result                 *result
}

// journal keeps all runs, in their order.
type journal struct{ measures []measure }

func (j *journal) note(scenario, work, server string, r *result) {
	j.measures = append(j.measures, measure{scenario, work, server, r})
	progress("  %s, %s: %s", work, server, summary(r))
}

// rounds are the results of a server at some work, one for each round.
func (j *journal) rounds(scenario, work, server string) []*result {
	var all []*result
	for _, m := range j.measures {
		if m.scenario == scenario && m.work == work && m.server == server {
			all = append(all, m.result)
		}
	}
	return all
}

// figure is one number of a result.
type figure func(*result) float64

func deliveriesPerSecond(r *result) float64 { return r.DeliveriesPerSecond }
func cpuPerDelivery(r *result) float64      { return r.ServerCPUMicrosPerDelivery }
func acksPerSecond(r *result) float64       { return r.AcksPerSecond }
func cpuPerAck(r *result) float64           { return r.ServerCPUMicrosPerAck }

func deliveryP50(r *result) float64  { return of(r.Latency).p50 }
func deliveryP99(r *result) float64  { return of(r.Latency).p99 }
func deliveryMost(r *result) float64 { return of(r.Latency).most }
func ackP50(r *result) float64       { return of(r.AckLatency).p50 }
func ackP99(r *result) float64       { return of(r.AckLatency).p99 }
func ackMost(r *result) float64      { return of(r.AckLatency).most }

func deliveries(r *result) int64  { return r.Deliveries }
func lost(r *result) int64        { return r.Lost }
func repeated(r *result) int64    { return r.Repeated }
func reordered(r *result) int64   { return r.Reordered }
func disagreeing(r *result) int64 { return r.Disagreeing }

// amiss are the deliveries of a run that went wrong, with the sockets that were cut.
func amiss(r *result) int64 {
	return r.Lost + r.Repeated + r.Reordered + r.Disagreeing + r.Disconnected
}

// wait is a latency in microseconds; zeros of none.
type wait struct{ p50, p99, most float64 }

func of(l *load.Latency) wait {
	if l == nil {
		return wait{}
	}
	return wait{float64(l.P50), float64(l.P99), float64(l.Max)}
}

// middle is the median of a figure over rounds, 0 of none.
func middle(all []*result, f figure) float64 {
	if len(all) == 0 {
		return 0
	}
	return median(figures(all, f))
}

func figures(all []*result, f figure) []float64 {
	values := make([]float64, len(all))
	for i, r := range all {
		values[i] = f(r)
	}
	return values
}

// ratio is the median of a figure over another's, round by round: what slows a round slows both.
func ratio(over, under []*result, f figure) float64 {
	var ratios []float64
	for i := range min(len(over), len(under)) {
		if under := f(under[i]); under != 0 {
			ratios = append(ratios, f(over[i])/under)
		}
	}
	if len(ratios) == 0 {
		return 0
	}
	return median(ratios)
}

// sum is a count over all rounds.
func sum(all []*result, count func(*result) int64) (total int64) {
	for _, r := range all {
		total += count(r)
	}
	return total
}

// works of a scenario, in the order in which they came.
func (j *journal) works(scenario string) []string {
	return j.distinct(func(m measure) (string, bool) { return m.work, m.scenario == scenario })
}

// servers that did some work.
func (j *journal) servers(scenario, work string) []string {
	return j.distinct(func(m measure) (string, bool) { return m.server, m.scenario == scenario && m.work == work })
}

func (j *journal) distinct(of func(measure) (string, bool)) []string {
	var names []string
	for _, m := range j.measures {
		if name, ok := of(m); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// summary is a result in a line, for those who watch.
func summary(r *result) string {
	switch {
	case len(r.Memory) > 0:
		last := r.Memory[len(r.Memory)-1]
		return fmt.Sprintf("%.0f connections/s, %.1f KB each at %d", r.ConnectionsPerSecond, float64(last.BytesEach)/1024, last.Connections)
	case r.CaughtUp > 0:
		return fmt.Sprintf("%d caught up in %.2f s%s", r.CaughtUp, r.Seconds, faults(r))
	}
	line := fmt.Sprintf("%.0f deliveries/s, %.2f µs of CPU each, p99 %.2f ms; %.0f acks/s, p99 %.2f ms",
		r.DeliveriesPerSecond, r.ServerCPUMicrosPerDelivery, deliveryP99(r)/1000, r.AcksPerSecond, ackP99(r)/1000)
	return line + faults(r)
}

// faults are what went wrong in a run, if anything did.
func faults(r *result) (text string) {
	if amiss(r) > 0 {
		text = fmt.Sprintf("; lost %d, repeated %d, reordered %d, disagreeing %d, cut %d", r.Lost, r.Repeated, r.Reordered, r.Disagreeing, r.Disconnected)
	}
	if len(r.Errors) > 0 {
		text += fmt.Sprintf("; errors %v", r.Errors)
	}
	return text
}

// correctness is a row of what may happen in no run at all.
func (j *journal) correctness() []row {
	ours, node := j.all(parley), j.all(nodePeer)
	if len(ours) == 0 {
		return nil
	}
	return []row{none("deliveries lost, repeated or out of order, receivers that disagree, sockets cut: in any run", sum(ours, amiss),
		fmt.Sprintf("of %s deliveries; Node %s of %s", grouped(float64(sum(ours, deliveries))),
			grouped(float64(sum(node, amiss))), grouped(float64(sum(node, deliveries)))), "none")}
}

func (j *journal) all(server string) []*result {
	var all []*result
	for _, m := range j.measures {
		if m.server == server {
			all = append(all, m.result)
		}
	}
	return all
}
