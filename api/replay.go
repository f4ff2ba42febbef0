package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"parley/api/replay"
	"parley/domain"
	"parley/domain/event"
	"parley/projections"
)

// LogQueries reads the log itself, maybe on a replica: see eventstore.Reader and eventstore/postgres.Store.
type LogQueries interface {
	replay.Log

	All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error)
	Stream(ctx context.Context, s event.Stream, afterVersion int64, limit int) ([]event.Recorded, error)
	Last(ctx context.Context, s event.Stream, upTo event.Position) (event.Recorded, bool, error)
	StreamHeads(ctx context.Context, after, before event.Stream, limit int) ([]event.Recorded, error)
}

func (a *API) replayRoutes() []Route {
	if a.Log == nil {
		return nil
	}
	return []Route{
		{Method: http.MethodGet, Path: "/events", Access: Analyst, handle: a.replayEvents},
		{Method: http.MethodGet, Path: "/events/:position", Access: Analyst, handle: a.getEvent},
		{Method: http.MethodGet, Path: "/streams", Access: Analyst, handle: a.listStreams},
		{Method: http.MethodGet, Path: "/streams/:id", Access: Analyst, handle: a.getStream},
	}
}

// replayEvents plays the log.
func (a *API) replayEvents(c *call) error {
	values := c.QueryParams()
	if !values.Has("format") {
		if f := accepted(c.Request()); f != "" {
			values = maps.Clone(values)
			values.Set("format", string(f))
		}
	}
	request, fields := replay.Parse(values)
	if len(fields) > 0 {
		return domain.InvalidFields(fields)
	}
	return a.play(c, request)
}

func (a *API) getEvent(c *call) error {
	position, err := event.ParsePosition(c.param("position"))
	if err != nil || position == 0 {
		return domain.Invalid("position", "must be a position: a whole number, at least 1")
	}
	found, err := a.Log.All(c.ctx(), position-1, 1)
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Position != position {
		return domain.Errorf(domain.CodeUnknownEvent, "there is no event at position %d", position)
	}
	return c.JSONBlob(http.StatusOK, event.AppendEnvelope(nil, &found[0]))
}

// Stream is a stream as it is listed.
type Stream struct {
	Stream   event.Stream `json:"stream"`
	Category string       `json:"category"`
	// Version is that of the last event: the number of events.
	Version int64 `json:"version"`
	// Position and RecordedAt are those of the last event.
	Position   event.Position `json:"position"`
	RecordedAt time.Time      `json:"recordedAt"`
}

// listStreams lists streams by name.
func (a *API) listStreams(c *call) error {
	q := c.query()
	limit, cursor := projections.Limit(q.limit()), q.cursor()
	after, before := event.Stream(""), event.Stream(projections.PrefixEnd(""))
	if category := q.values.Get("category"); category != "" {
		if !slices.Contains(event.Categories(), category) {
			q.fields["category"] = "must be one of those that streams begin with, such as messages"
		}
		after, before = event.Stream(category+"-"), event.Stream(projections.PrefixEnd(category+"-"))
	}
	if err := q.err(); err != nil {
		return err
	}
	if cursor != "" {
		key, err := projections.DecodeCursor(cursor, 1)
		if err != nil {
			return err
		}
		after = max(after, event.Stream(key[0]))
	}
	head, err := a.Log.Head(c.ctx()) // first: the list shows all up to it
	if err != nil {
		return err
	}
	heads, err := a.Log.StreamHeads(c.ctx(), after, before, limit+1)
	if err != nil {
		return err
	}
	list := projections.List[Stream]{Items: []Stream{}, Position: head}
	if len(heads) > limit {
		heads = heads[:limit]
		list.NextCursor = projections.EncodeCursor(string(heads[limit-1].Stream))
	}
	for _, e := range heads {
		list.Items = append(list.Items, Stream{e.Stream, e.Stream.Category(), e.Version, e.Position, e.RecordedAt})
	}
	c.at(head)
	return c.ok(list)
}

// getStream is a page of one stream, or all of it in one of the formats of a replay.
func (a *API) getStream(c *call) error {
	q := c.query()
	from, given := q.seq("fromVersion", 0)
	if !given || from == 0 {
		from = 1
	}
	limit := projections.Limit(q.limit())
	stream := event.Stream(c.param("id"))
	format := q.values.Get("format")
	if format == "" {
		format = string(accepted(c.Request()))
	}
	if format != "" && !slices.Contains(replay.Formats(), replay.Format(format)) {
		q.fields["format"] = "must be ndjson, sse or parquet; without it the answer is a page"
	}
	if !replay.ValidStream(stream) {
		q.fields["id"] = "must be a stream, such as messages-<room id>"
	}
	if err := q.err(); err != nil {
		return err
	}
	last, found, err := a.Log.Last(c.ctx(), stream, 0)
	if err != nil {
		return err
	}
	if !found {
		return domain.Errorf(domain.CodeUnknownEvent, "there is no stream of that name")
	}
	if format != "" {
		return a.playStream(c, last, from, replay.Format(format))
	}
	events, err := a.Log.Stream(c.ctx(), stream, from-1, limit)
	if err != nil {
		return err
	}
	c.at(last.Position)
	return c.JSONBlob(http.StatusOK, streamPage(last, events))
}

// streamPage is {items, stream, version, nextVersion?}, with the stored bytes in its items.
func streamPage(last event.Recorded, events []event.Recorded) []byte {
	b := []byte(`{"items":[`)
	for i := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = event.AppendEnvelope(b, &events[i])
	}
	b = strconv.AppendQuote(append(b, `],"stream":`...), string(last.Stream)) // a valid one: nothing to escape
	b = strconv.AppendInt(append(b, `,"version":`...), last.Version, 10)
	if n := len(events); n > 0 && events[n-1].Version < last.Version {
		b = strconv.AppendInt(append(b, `,"nextVersion":`...), events[n-1].Version+1, 10)
	}
	return append(b, '}')
}

// playStream plays one stream up to its last event.
func (a *API) playStream(c *call, last event.Recorded, from int64, format replay.Format) error {
	first, err := a.Log.Stream(c.ctx(), last.Stream, from-1, 1)
	if err != nil {
		return err
	}
	r := replay.Request{Streams: []event.Stream{last.Stream}, From: last.Position + 1, To: last.Position, Format: format}
	if len(first) > 0 {
		r.From = first[0].Position
	}
	return a.play(c, r)
}
