package main

import (
	"fmt"
	"io"
	"strings"
)

// column is a figure in the tables of all figures.
type column struct {
	name string
	text func([]*result) string
}

// medians makes a column of the medians of a figure.
func medians(name string, f figure, write func(float64) string) column {
	return column{name, func(all []*result) string {
		value := middle(all, f)
		if value == 0 {
			return "–"
		}
		return write(value)
	}}
}

var wrongColumn = column{"lost, repeated, out of order, disagreeing", func(all []*result) string {
	return fmt.Sprintf("%d, %d, %d, %d", sum(all, lost), sum(all, repeated), sum(all, reordered), sum(all, disagreeing))
}}

func deliveryColumns() []column {
	return []column{
		medians("deliveries/s", deliveriesPerSecond, grouped), medians("server CPU each", cpuPerDelivery, micros),
		medians("generator CPU each", func(r *result) float64 { return r.GeneratorCPUMicrosPerDelivery }, micros),
		medians("p50", deliveryP50, ms), medians("p99", deliveryP99, ms), medians("most", deliveryMost, ms), wrongColumn,
	}
}

func ackColumns() []column {
	return []column{
		medians("acks/s", acksPerSecond, grouped), medians("server CPU each", cpuPerAck, micros), medians("ack p50", ackP50, ms), medians("p99", ackP99, ms),
		medians("most", ackMost, ms), medians("delivery p50", deliveryP50, ms), medians("p99", deliveryP99, ms), wrongColumn,
	}
}

func connectColumns() []column {
	return []column{
		medians("connections/s", connectionsPerSecond, grouped), medians("join p50", func(r *result) float64 { return of(r.ConnectLatency).p50 }, ms),
		medians("p99", func(r *result) float64 { return of(r.ConnectLatency).p99 }, ms),
		medians("memory each at 2,000", idleAt(0), kb), medians("at 5,000", idleAt(1), kb), medians("at 10,000", idleAt(2), kb),
	}
}

func comebackColumns() []column {
	return []column{
		medians("all caught up after", seconds, func(v float64) string { return fmt.Sprintf("%.2f s", v) }),
		medians("p50", func(r *result) float64 { return of(r.CaughtUpLatency).p50 }, ms),
		{"recovered, not recovered", func(all []*result) string {
			return fmt.Sprintf("%d, %d", sum(all, func(r *result) int64 { return r.Recovered }), sum(all, func(r *result) int64 { return r.NotRecovered }))
		}},
		{"missed messages", func(all []*result) string {
			return grouped(float64(sum(all, missedOf)))
		}},
		wrongColumn,
	}
}

// section is a table of figures.
type section struct {
	title, scenario string
	columns         []column
}

func sections() []section {
	return []section{
		{"Fan-out", fanout, deliveryColumns()},
		{"Durable sends", sending, ackColumns()},
		{"Connections", connecting, connectColumns()},
		{"Two nodes", nodes, deliveryColumns()},
		{"Order", ordering, deliveryColumns()},
		{"Reconnect storm", comeback, comebackColumns()},
		{"Length of the log, number of rooms", size, ackColumns()},
	}
}

// writeFigures writes a table for each scenario that was run.
func (j *journal) writeFigures(out io.Writer) {
	for _, s := range sections() {
		works := j.works(s.scenario)
		if len(works) == 0 {
			continue
		}
		names := []string{"work", "server"}
		for _, c := range s.columns {
			names = append(names, c.name)
		}
		fmt.Fprintf(out, "### %s\n\n| %s |\n|%s\n", s.title, strings.Join(names, " | "), strings.Repeat("---|", len(names)))
		for _, w := range works {
			for _, server := range j.servers(s.scenario, w) {
				cells := []string{w, server}
				for _, c := range s.columns {
					cells = append(cells, c.text(j.rounds(s.scenario, w, server)))
				}
				fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
			}
		}
		fmt.Fprintln(out)
	}
}
