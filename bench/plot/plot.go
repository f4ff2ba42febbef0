// Package plot draws lines on logarithmic axes as SVG: enough for the bench's figures. The drawings have no background and
// colours that read on light and dark pages.
package plot

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// Chart is some lines over one horizontal axis.
type Chart struct {
	Title string
	X, Y  Axis
	Lines []Line
}

// Axis says what is measured along it. A logarithmic one is for values above 0 alone.
type Axis struct {
	Label string
	Log   bool
}

// Line is a series of points, in the order of X. A dashed one is of lesser weight.
type Line struct {
	Name   string
	Points []Point
	Colour Colour
	Dashed bool
}

// Point is a measurement.
type Point struct{ X, Y float64 }

// Colour is one of those that lines have.
type Colour int

// The colours differ for the colour-blind too (Okabe and Ito's, without yellow).
const (
	Blue Colour = iota
	Orange
	Green
)

func (c Colour) hex() string { return [...]string{"#2f7ec0", "#d9760f", "#1f9e77"}[c] }

// The drawing's size, and the area in it where lines are.
const (
	width, height            = 840, 420
	left, right, top, bottom = 84, 170, 48, 64
)

const style = `text{font:13px system-ui,sans-serif;fill:#6b7280}.title{font-size:16px;font-weight:600}` +
	`.grid{stroke:#9ca3af;stroke-opacity:.3}.line{fill:none;stroke-width:2.5;stroke-linejoin:round}` +
	`@media(prefers-color-scheme:dark){text{fill:#b6bcc6}}`

// WriteSVG draws the chart.
func (c *Chart) WriteSVG(w io.Writer) error {
	x, y := c.scales()
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height, html.EscapeString(c.Title))
	fmt.Fprintf(&out, "\n<style>%s</style>\n", style)
	text(&out, (left+width-right)/2, 26, `class="title" text-anchor="middle"`, c.Title)
	c.drawX(&out, x)
	c.drawY(&out, y)
	for i, line := range c.Lines {
		line.draw(&out, x, y)
		line.legend(&out, i)
	}
	out.WriteString("</svg>\n")
	_, err := io.WriteString(w, out.String())
	return err
}

func (c *Chart) scales() (x, y scale) {
	var xs, ys []float64
	for _, line := range c.Lines {
		for _, p := range line.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	return newScale(c.X, xs, left, width-right), newScale(c.Y, ys, height-bottom, top)
}

func (c *Chart) drawX(out *strings.Builder, x scale) {
	for _, tick := range x.ticks() {
		at := x.at(tick)
		fmt.Fprintf(out, `<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", at, top, at, height-bottom)
		text(out, at, height-bottom+20, `text-anchor="middle"`, short(tick))
	}
	text(out, (left+width-right)/2, height-16, `text-anchor="middle"`, c.X.Label)
}

func (c *Chart) drawY(out *strings.Builder, y scale) {
	for _, tick := range y.ticks() {
		at := y.at(tick)
		fmt.Fprintf(out, `<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", left, at, width-right, at)
		text(out, left-8, at+4, `text-anchor="end"`, short(tick))
	}
	const middle = (top + height - bottom) / 2
	text(out, 20, middle, fmt.Sprintf(`text-anchor="middle" transform="rotate(-90 20 %d)"`, middle), c.Y.Label)
}

func (l *Line) draw(out *strings.Builder, x, y scale) {
	var points []string
	for _, p := range l.Points {
		points = append(points, fmt.Sprintf("%.1f,%.1f", x.at(p.X), y.at(p.Y)))
		fmt.Fprintf(out, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s: %s at %s</title></circle>`+"\n",
			x.at(p.X), y.at(p.Y), l.Colour.hex(), html.EscapeString(l.Name), short(p.Y), short(p.X))
	}
	fmt.Fprintf(out, `<polyline class="line" stroke="%s"%s points="%s"/>`+"\n", l.Colour.hex(), l.dashes(), strings.Join(points, " "))
}

func (l *Line) legend(out *strings.Builder, row int) {
	const x = width - right + 16
	y := top + 8 + 20*row
	fmt.Fprintf(out, `<line class="line" stroke="%s"%s x1="%d" y1="%d" x2="%d" y2="%d"/>`+"\n", l.Colour.hex(), l.dashes(), x, y, x+24, y)
	text(out, x+32, float64(y+4), `text-anchor="start"`, l.Name)
}

func (l *Line) dashes() string {
	if l.Dashed {
		return ` stroke-dasharray="6 5"`
	}
	return ""
}

func text[T int | float64](out *strings.Builder, x T, y float64, attributes, content string) {
	fmt.Fprintf(out, `<text x="%v" y="%.1f" %s>%s</text>`+"\n", x, y, attributes, html.EscapeString(content))
}

// short writes a number as people say it: 10k, 1.5M, 0.05.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.3gk", v/1e3)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}

// scale places values of an axis between two edges of the drawing.
type scale struct {
	log       bool
	low, high float64
	from, to  float64
}

// newScale has room for all values: whole decades, or from 0 to a round number.
func newScale(axis Axis, values []float64, from, to float64) scale {
	s := scale{log: axis.Log, from: from, to: to}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	switch {
	case len(values) == 0 && s.log:
		s.low, s.high = 1, 10
	case len(values) == 0 || high <= 0:
		s.high = 1
	case s.log:
		s.low, s.high = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
		if s.low == s.high {
			s.high *= 10
		}
	default:
		step := roundStep(high / 5)
		s.high = step * math.Ceil(high/step)
	}
	return s
}

// roundStep is the next of 1, 2 and 5 times a power of ten.
func roundStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	for _, factor := range []float64{1, 2, 5} {
		if v <= factor*decade {
			return factor * decade
		}
	}
	return 10 * decade
}

func (s scale) at(v float64) float64 {
	share := (v - s.low) / (s.high - s.low)
	if s.log {
		share = math.Log(v/s.low) / math.Log(s.high/s.low)
	}
	return s.from + share*(s.to-s.from)
}

func (s scale) ticks() []float64 {
	var all []float64
	if s.log {
		for v := s.low; v <= s.high*1.001; v *= 10 {
			all = append(all, v)
		}
		return all
	}
	step := roundStep(s.high / 5)
	for i := 0; float64(i)*step <= s.high*1.001; i++ {
		all = append(all, float64(i)*step)
	}
	return all
}
