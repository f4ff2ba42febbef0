package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"parley/bench/plot"
)

// writeResults writes the comparison as Markdown, ratios first, and the plots into a folder of the file's name.
func (b *bench) writeResults(path string, rows []row, facts []fact) error {
	plots := strings.TrimSuffix(path, filepath.Ext(path))
	if err := b.writePlots(plots); err != nil {
		return err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Results\n\n`make bench` wrote this on %s; [how to read it](README.md).\n\n## Against the budgets\n\n",
		time.Now().UTC().Format(time.DateOnly))
	if err := writeRows(&out, rows); err != nil {
		return err
	}
	writeNotes(&out, rows)
	fmt.Fprintf(&out, "\n## Plots\n\n")
	for _, p := range b.plots() {
		fmt.Fprintf(&out, "![%s](%s/%s.svg)\n\n", p.chart.Title, filepath.Base(plots), p.name)
	}
	fmt.Fprintf(&out, "## Figures\n\nMedians of %d rounds (rooms of 10 and of 10,000, idle connections, the storm: one); what went wrong is the sum.\n\n", b.rounds)
	b.journal.writeFigures(&out)
	fmt.Fprint(&out, "## Machine and versions\n\n| | |\n|---|---|\n")
	for _, f := range facts {
		fmt.Fprintf(&out, "| %s | %s |\n", f.name, f.value)
	}
	return os.WriteFile(path, out.Bytes(), 0o644) //nolint:gosec // a page of the repository
}

// writeNotes says of each budget that is not met why, and what was tried.
func writeNotes(out io.Writer, rows []row) {
	missed := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.met || r.budget == "" })
	if len(missed) == 0 {
		return
	}
	fmt.Fprint(out, "\n### Not met\n\n")
	for _, r := range missed {
		note := notes[r.work]
		if note == "" {
			note = "in this run; see the figures below."
		}
		fmt.Fprintf(out, "- **%s**: %s\n", r.work, note)
	}
}

func (b *bench) writePlots(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a folder of the repository
		return err
	}
	for _, p := range b.plots() {
		var out bytes.Buffer
		if err := p.chart.WriteSVG(&out); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, p.name+".svg"), out.Bytes(), 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return nil
}

// drawing is a chart and the name of its file.
type drawing struct {
	name  string
	chart plot.Chart
}

func (b *bench) plots() []drawing {
	members := plot.Axis{Label: "members of a room", Log: true}
	return []drawing{
		{"deliveries", plot.Chart{
			Title: "Deliveries per second, as much as goes", X: members, Y: plot.Axis{Label: "deliveries/s"},
			Lines: b.byRoomSize(ofRooms, []curve{{"", deliveriesPerSecond}}, 1, parley, nodePeer, barePeer),
		}},
		{"latency", plot.Chart{
			Title: "From send to delivery, at 30% of Node's most", X: members, Y: plot.Axis{Label: "ms", Log: true},
			Lines: b.byRoomSize(calmRooms, []curve{{" p99", deliveryP99}, {" p50", deliveryP50}}, 1000, parley, nodePeer),
		}},
		{"log", plot.Chart{
			Title: "A durable send, by the length of the log", X: plot.Axis{Label: "events in the log", Log: true}, Y: plot.Axis{Label: "µs"},
			Lines: []plot.Line{
				b.byLogSize("all acks", plot.Blue, func(r *result) float64 { return 1e6 / max(r.AcksPerSecond, 1) }),
				b.byLogSize("node's CPU", plot.Green, cpuPerAck),
			},
		}},
	}
}

var colours = map[string]plot.Colour{parley: plot.Blue, nodePeer: plot.Orange, barePeer: plot.Green}

// curve is a figure that each server has a line of.
type curve struct {
	suffix string
	figure figure
}

// byRoomSize are the lines of servers over room sizes; p50 is dashed.
func (b *bench) byRoomSize(name func(int) string, curves []curve, unit float64, servers ...string) []plot.Line {
	var lines []plot.Line
	for _, server := range servers {
		for _, c := range curves {
			line := plot.Line{Name: server + c.suffix, Colour: colours[server], Dashed: c.suffix == " p50"}
			for _, size := range roomSizes {
				if value := middle(b.journal.rounds(fanout, name(size), server), c.figure); value > 0 {
					line.Points = append(line.Points, plot.Point{X: float64(size), Y: value / unit})
				}
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func (b *bench) byLogSize(name string, colour plot.Colour, f figure) plot.Line {
	line := plot.Line{Name: name, Colour: colour}
	for _, events := range b.logSizes() {
		if value := middle(b.journal.rounds(size, withEvents(events), parley), f); value > 0 {
			line.Points = append(line.Points, plot.Point{X: float64(events), Y: value})
		}
	}
	return line
}
