package plot_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"parley/bench/plot"
)

func chart() plot.Chart {
	return plot.Chart{
		Title: "Deliveries & room size",
		X:     plot.Axis{Label: "members of a room", Log: true},
		Y:     plot.Axis{Label: "deliveries/s"},
		Lines: []plot.Line{
			{Name: "one <1>", Colour: plot.Blue, Points: []plot.Point{{X: 10, Y: 70_000}, {X: 1000, Y: 340_000}}},
			{Name: "two", Colour: plot.Orange, Dashed: true, Points: []plot.Point{{X: 10, Y: 20_000}, {X: 1000, Y: 80_000}}},
		},
	}
}

func TestSVGIsWellFormed(t *testing.T) {
	var out bytes.Buffer
	c := chart()
	if err := c.WriteSVG(&out); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(out.Bytes()))
	lines := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "polyline" {
			lines++
		}
	}
	if lines != len(c.Lines) {
		t.Errorf("%d lines are drawn, want %d", lines, len(c.Lines))
	}
}

func TestAxesAreLabelled(t *testing.T) {
	var out bytes.Buffer
	c := chart()
	if err := c.WriteSVG(&out); err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{">Deliveries &amp; room size<", ">members of a room<", ">deliveries/s<", ">10<", ">100<", ">1k<", ">400k<", ">one &lt;1&gt;<"} {
		if !strings.Contains(out.String(), label) {
			t.Errorf("no %q in the drawing", label)
		}
	}
	if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
		t.Error("a point has no place")
	}
}

func TestLinesOfOnePointAndOfNone(t *testing.T) {
	for _, lines := range [][]plot.Line{nil, {{Name: "one", Points: []plot.Point{{X: 100, Y: 0}}}}} {
		var out bytes.Buffer
		c := plot.Chart{X: plot.Axis{Log: true}, Lines: lines}
		if err := c.WriteSVG(&out); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
			t.Errorf("with %d lines a point has no place: %s", len(lines), out.String())
		}
	}
}
