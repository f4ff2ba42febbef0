package replay

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/domain"
	"parley/domain/event"
)

// Format is how events are written.
type Format string

// The formats.
const (
	NDJSON  Format = "ndjson"
	SSE     Format = "sse"
	Parquet Format = "parquet"
)

// Formats lists them.
func Formats() []Format { return []Format{NDJSON, SSE, Parquet} }

// MaxStreams is how many streams one request may name.
const MaxStreams = 100

// Request says what to play.
type Request struct {
	// From and To bound the positions, both included. Zero means no bound.
	From, To event.Position
	// Since and Until bound the time of recording, both included. Zero means no bound.
	Since, Until time.Time
	// Types, Streams and Categories name what is wanted. None means all.
	Types      []string
	Streams    []event.Stream
	Categories []string
	// Limit is the most events to play. Zero means no limit.
	Limit int64
	// Follow goes on live, until To, Until or Limit are reached.
	Follow bool
	// Format is how. Zero means NDJSON.
	Format Format
}

// Parameters are the names that Parse knows.
func Parameters() []string {
	return []string{"from", "to", "since", "until", "types", "streams", "categories", "limit", "follow", "format"}
}

// Parse reads a query string. Each of fields says what is wrong with one parameter; there are none when all is well. A
// parameter that does not exist is wrong, too: who asks for "type=MessageSent" does not want the whole log.
func Parse(values url.Values) (r Request, fields map[string]string) {
	p := parser{values: values, fields: map[string]string{}}
	for name := range values {
		if !slices.Contains(Parameters(), name) {
			p.fields[name] = "is not known here; there are " + strings.Join(Parameters(), ", ")
		}
	}
	r = Request{
		From: p.position("from"), To: p.position("to"), Since: p.time("since"), Until: p.time("until"),
		Types: p.names("types", event.Types()), Categories: p.names("categories", event.Categories()), Streams: p.streams(),
		Limit: p.limit(), Follow: p.flag("follow"), Format: p.format(),
	}
	if p.values.Get("to") != "" && r.To == 0 {
		p.fail("to", "must be at least 1")
	}
	if r.Follow && r.Format == Parquet {
		p.fail("follow", "does not go with parquet, which has an end")
	}
	return r, p.fields
}

type parser struct {
	values url.Values
	fields map[string]string
}

// fail keeps what was wrong first.
func (p *parser) fail(name, problem string) {
	if p.fields[name] == "" {
		p.fields[name] = problem
	}
}

func (p *parser) position(name string) event.Position {
	s := p.values.Get(name)
	if s == "" {
		return 0
	}
	n, err := event.ParsePosition(s)
	if err != nil {
		p.fail(name, "must be a position: a whole number, not negative")
	}
	return n
}

func (p *parser) time(name string) time.Time {
	s := p.values.Get(name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		p.fail(name, "must be a time as in RFC 3339, such as 2026-01-31T12:00:00Z")
		return time.Time{}
	}
	return t
}

// list is what stands between commas, and in repetitions of the parameter.
func (p *parser) list(name string) (list []string) {
	for _, value := range p.values[name] {
		for s := range strings.SplitSeq(value, ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, s)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (p *parser) names(name string, known []string) []string {
	list := p.list(name)
	for _, s := range list {
		if !slices.Contains(known, s) {
			p.fail(name, fmt.Sprintf("%.40q is none of %s", s, strings.Join(known, ", ")))
		}
	}
	return list
}

func (p *parser) streams() (streams []event.Stream) {
	list := p.list("streams")
	if len(list) > MaxStreams {
		p.fail("streams", "must be "+strconv.Itoa(MaxStreams)+" at most")
	}
	for _, s := range list {
		stream := event.Stream(s)
		if !ValidStream(stream) {
			p.fail("streams", fmt.Sprintf("%.40q is not a stream, such as messages-<room id>", s))
		}
		streams = append(streams, stream)
	}
	return streams
}

// ValidStream reports whether a stream may have that name.
func ValidStream(s event.Stream) bool {
	return slices.Contains(event.Categories(), s.Category()) && domain.ValidID(s.Key())
}

func (p *parser) limit() int64 {
	s := p.values.Get("limit")
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		p.fail("limit", "must be a whole number, at least 1")
	}
	return n
}

func (p *parser) flag(name string) bool {
	switch p.values.Get(name) {
	case "", "false", "0":
		return false
	case "true", "1":
		return true
	}
	p.fail(name, "must be true or false")
	return false
}

func (p *parser) format() Format {
	f := Format(p.values.Get("format"))
	if f == "" {
		return NDJSON
	}
	if !slices.Contains(Formats(), f) {
		p.fail("format", "must be ndjson, sse or parquet")
	}
	return f
}

// Plan is a Request on a log as it was at one moment.
type Plan struct {
	Request

	// Past is what is played before the replay is live.
	Past event.Selection
	// Head is where the log was.
	Head event.Position
}

// Plan finds the positions that a request is about. Errors are those of the log.
func (r Request) Plan(ctx context.Context, log Log) (Plan, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return Plan{}, err
	}
	past := event.Selection{
		After: max(r.From, 1) - 1, UpTo: head, Types: r.Types, Streams: r.Streams, Categories: r.Categories,
	}
	if r.To > 0 {
		past.UpTo = min(past.UpTo, r.To)
	}
	if !r.Since.IsZero() { // the log counts microseconds
		before, err := log.PositionAt(ctx, r.Since.Add(-time.Nanosecond).Truncate(time.Microsecond))
		if err != nil {
			return Plan{}, err
		}
		past.After = max(past.After, before)
	}
	if !r.Until.IsZero() {
		last, err := log.PositionAt(ctx, r.Until)
		if err != nil {
			return Plan{}, err
		}
		past.UpTo = min(past.UpTo, last)
	}
	return Plan{Request: r, Past: past, Head: head}, nil
}

// begun reports whether an event is not before the beginning of what was asked for. What follows it is not either.
func (p *Plan) begun(e *event.Recorded) bool {
	return e.Position > p.Past.After && (p.Since.IsZero() || !e.RecordedAt.Before(p.Since))
}

// behind reports whether an event is after the end of what was asked for.
func (p *Plan) behind(e *event.Recorded) bool {
	return p.To > 0 && e.Position > p.To || !p.Until.IsZero() && e.RecordedAt.After(p.Until)
}
