package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"parley/api"
	"parley/api/replay"
	"parley/domain"
	"parley/domain/event"
)

// library is a world with a log, and somebody who reads it.
type library struct {
	*world
	analyst person
	lines   []string // the log
	events  []event.Recorded
	room    string
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{world: newWorld(t)}
	l.analyst = l.person(t, "analyst", domain.RoleAnalyst)
	l.room = l.world.room(t, l.analyst, event.RoomPrivate).ID
	for i := range 20 {
		l.message(t, l.analyst, l.room, fmt.Sprint("line\nnumber ", i))
	}
	l.world.room(t, l.person(t, "other"), event.RoomPublic)
	all, err := l.store.All(t.Context(), 0, 0)
	must(t, err)
	for i := range all {
		l.lines = append(l.lines, string(event.AppendEnvelope(nil, &all[i])))
	}
	l.events = all
	return l
}

// get asks for a part of the log.
func (l *library) get(t *testing.T, query string, headers ...string) answer {
	t.Helper()
	return l.as(t, l.analyst, "GET", "/events?"+query, "", headers...)
}

// where is the log as lines, of the events that fit.
func (l *library) where(fits func(e event.Recorded) bool) []string {
	lines := []string{}
	for i, e := range l.events {
		if fits(e) {
			lines = append(lines, l.lines[i])
		}
	}
	return lines
}

func linesOf(body []byte) []string {
	lines := strings.Split(string(body), "\n")
	return lines[:len(lines)-1] // the last one ends, too
}

func TestReplay(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	last := l.events[len(l.events)-1]
	middle := l.events[len(l.events)/2]
	stamp := func(e event.Recorded) string { return e.RecordedAt.UTC().Format(time.RFC3339Nano) }
	for _, c := range []struct {
		query string
		fits  func(e event.Recorded) bool
	}{
		{"", func(event.Recorded) bool { return true }},
		{"from=0&format=ndjson&follow=false", func(event.Recorded) bool { return true }},
		{"from=3&to=7", func(e event.Recorded) bool { return e.Position >= 3 && e.Position <= 7 }},
		{"to=2&from=5", func(event.Recorded) bool { return false }},
		{"from=1000000", func(event.Recorded) bool { return false }},
		{"limit=4", func(e event.Recorded) bool { return e.Position <= 4 }},
		{"types=MessageSent", func(e event.Recorded) bool { return e.Type == "MessageSent" }},
		{"types=RoomCreated,UserRegistered&limit=2&from=2", func(e event.Recorded) bool {
			return e.Type != "MessageSent" && e.Position >= 2 && e.Position <= 23
		}},
		{"categories=room,user", func(e event.Recorded) bool { return e.Stream.Category() != "messages" }},
		{"streams=messages-" + l.room, func(e event.Recorded) bool { return e.Stream == event.MessagesStream(l.room) }},
		{"streams=messages-" + l.room + ",room-" + l.room + "&types=RoomCreated", func(e event.Recorded) bool {
			return e.Stream == event.RoomStream(l.room)
		}},
		{"since=" + stamp(middle), func(e event.Recorded) bool { return !e.RecordedAt.Before(middle.RecordedAt) }},
		{"until=" + stamp(middle), func(e event.Recorded) bool { return !e.RecordedAt.After(middle.RecordedAt) }},
		{"since=" + stamp(middle) + "&until=" + stamp(middle), func(e event.Recorded) bool { return e.RecordedAt.Equal(middle.RecordedAt) }},
		{"since=2020-01-01T00:00:00%2B02:00&until=2999-01-01T00:00:00Z", func(event.Recorded) bool { return true }},
		{"until=2020-01-01T00:00:00Z", func(event.Recorded) bool { return false }},
	} {
		got := l.get(t, c.query)
		got.want(t, c.query, 200, "")
		if diff := cmp.Diff(l.where(c.fits), linesOf(got.body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.query, diff)
		}
		if position := got.header.Get("Parley-Position"); position != last.Position.String() {
			t.Errorf("%s: at position %s", c.query, position)
		}
	}
}

func TestReplayFormats(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	var sse strings.Builder
	for i, line := range l.lines {
		fmt.Fprintf(&sse, "id: %d\ndata: %s\n\n", l.events[i].Position, line)
	}
	for _, ask := range [][]string{{"format=sse"}, {"", "Accept", "text/event-stream"}, {"", "Accept", "text/html, Text/Event-Stream;q=0.9"}} {
		got := l.get(t, ask[0], ask[1:]...)
		if diff := cmp.Diff(sse.String(), string(got.body)); diff != "" || got.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%v: %v (-want +got):\n%s", ask, got.header, diff)
		}
	}
	t.Run("an EventSource comes back", func(t *testing.T) {
		t.Parallel()
		got := l.get(t, "format=sse&from=3", "Last-Event-ID", l.events[9].Position.String())
		if _, rest, _ := strings.Cut(sse.String(), "\n\nid: 11\n"); "id: 11\n"+rest != string(got.body) {
			t.Errorf("got %.200s", got.body)
		}
		l.get(t, "format=sse", "Last-Event-ID", "999999").want(t, "at the end", 204, "")
		l.get(t, "format=sse", "Last-Event-ID", "0x1").want(t, "another id", 400, domain.CodeInvalidPayload)
	})
	t.Run("gzip", func(t *testing.T) {
		t.Parallel()
		for _, accept := range []string{"gzip", "br, gzip;q=0.5"} {
			got := l.get(t, "", "Accept-Encoding", accept)
			unzip, err := gzip.NewReader(bytes.NewReader(got.body))
			must(t, err)
			plain, err := io.ReadAll(unzip)
			must(t, err)
			if diff := cmp.Diff(l.lines, linesOf(plain)); diff != "" || got.header.Get("Content-Encoding") != "gzip" {
				t.Errorf("%s: %v %s", accept, got.header, diff)
			}
		}
		for _, accept := range []string{"br", "gzip;q=0", "identity, gzip; q=0.0"} {
			if got := l.get(t, "", "Accept-Encoding", accept); len(linesOf(got.body)) != len(l.lines) {
				t.Errorf("%s: %v", accept, got.header)
			}
		}
	})
	t.Run("parquet", func(t *testing.T) {
		t.Parallel()
		got := l.get(t, "format=parquet", "Accept-Encoding", "gzip")
		type row struct {
			Position      int64    `parquet:"position"`
			ID            [16]byte `parquet:"id,uuid"`
			Stream        string   `parquet:"stream"`
			Version       int64    `parquet:"version"`
			Type          string   `parquet:"type"`
			SchemaVersion int32    `parquet:"schemaVersion"`
			Data          string   `parquet:"data,json"`
			Metadata      string   `parquet:"metadata,json"`
			RecordedAt    int64    `parquet:"recordedAt,timestamp(microsecond)"`
		}
		rows, err := parquet.Read[row](bytes.NewReader(got.body), int64(len(got.body)))
		must(t, err)
		var lines []string
		for _, r := range rows {
			lines = append(lines, string(event.AppendEnvelope(nil, &event.Recorded{
				Position: event.Position(r.Position), ID: r.ID, Stream: event.Stream(r.Stream), Version: r.Version, Type: r.Type,
				SchemaVersion: int(r.SchemaVersion), Data: json.RawMessage(r.Data), Metadata: json.RawMessage(r.Metadata),
				RecordedAt: time.UnixMicro(r.RecordedAt),
			})))
		}
		if diff := cmp.Diff(l.lines, lines); diff != "" {
			t.Error(diff)
		}
	})
}

// What is wrong is said before the first byte, each parameter by its name.
func TestReplayRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	for query, fields := range map[string]string{
		"from=-1&to=x":                     "from to",
		"to=0":                             "to",
		"from=9223372036854775808":         "from",
		"since=yesterday&until=2026-01-01": "since until",
		"types=MessageSent,Unknown":        "types",
		"categories=message":               "categories",
		"streams=messages-,room-a/b":       "streams",
		"streams=nothing-a":                "streams",
		"limit=0":                          "limit",
		"limit=many&follow=maybe":          "follow limit",
		"format=csv":                       "format",
		"format=parquet&follow=true":       "follow",
		"type=MessageSent":                 "type",
		"streams=" + strings.Join(slices.Collect(func(yield func(string) bool) {
			for i := range 101 {
				if !yield(fmt.Sprint("room-", i)) {
					return
				}
			}
		}), ","): "streams",
	} {
		got := l.get(t, query)
		got.want(t, query, 400, domain.CodeInvalidPayload)
		var names []string
		for name := range got.problem(t).Fields {
			names = append(names, name)
		}
		slices.Sort(names)
		if strings.Join(names, " ") != fields {
			t.Errorf("%.60s: fields %v", query, names)
		}
	}
	l.get(t, "", "Parley-Min-Position", "1").want(t, "a position that is there", 200, "")
	l.get(t, "", "Parley-Min-Position", "100000").want(t, "a position to come", 503, domain.CodeStale)
}

func TestSingleEventsAndStreams(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	if got := l.as(t, l.analyst, "GET", "/events/5", ""); string(got.body) != l.lines[4] {
		t.Errorf("got %s", got.body)
	}
	l.as(t, l.analyst, "GET", "/events/0", "").want(t, "none", 400, domain.CodeInvalidPayload)
	l.as(t, l.analyst, "GET", "/events/1000000", "").want(t, "to come", 404, domain.CodeUnknownEvent)

	stream := event.MessagesStream(l.room)
	said := l.where(func(e event.Recorded) bool { return e.Stream == stream })
	page := l.as(t, l.analyst, "GET", "/streams/"+string(stream)+"?fromVersion=3&limit=5", "")
	want := fmt.Sprintf(`{"items":[%s],"stream":%q,"version":20,"nextVersion":8}`, strings.Join(said[2:7], ","), stream)
	if diff := cmp.Diff(want, string(page.body)); diff != "" {
		t.Error(diff)
	}
	for query, want := range map[string]string{
		"fromVersion=16&limit=5": strings.Join(said[15:], ","), "fromVersion=21": "", "": strings.Join(said, ","),
	} {
		page := l.as(t, l.analyst, "GET", "/streams/"+string(stream)+"?"+query, "")
		if got := string(page.body); got != fmt.Sprintf(`{"items":[%s],"stream":%q,"version":20}`, want, stream) {
			t.Errorf("%s: %s", query, got)
		}
	}
	lines := l.as(t, l.analyst, "GET", "/streams/"+string(stream)+"?fromVersion=3", "", "Accept", "application/x-ndjson")
	if diff := cmp.Diff(said[2:], linesOf(lines.body)); diff != "" {
		t.Error(diff)
	}
	if got := l.as(t, l.analyst, "GET", "/streams/"+string(stream)+"?fromVersion=21&format=ndjson", ""); len(got.body) != 0 {
		t.Errorf("behind the end: %s", got.body)
	}
	l.as(t, l.analyst, "GET", "/streams/room-nowhere", "").want(t, "none", 404, domain.CodeUnknownEvent)
	l.as(t, l.analyst, "GET", "/streams/nowhere", "").want(t, "no stream", 400, domain.CodeInvalidPayload)
	l.as(t, l.analyst, "GET", "/streams/"+string(stream)+"?format=csv", "").want(t, "no format", 400, domain.CodeInvalidPayload)
}

func TestStreamsAreListedByName(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	want := map[string]int64{}
	for _, e := range l.events {
		want[string(e.Stream)] = e.Version
	}
	got, names, cursor := map[string]int64{}, []string{}, ""
	for {
		var page struct {
			Items      []api.Stream
			NextCursor string
		}
		l.as(t, l.analyst, "GET", "/streams?limit=2&cursor="+cursor, "").into(t, &page)
		for _, s := range page.Items {
			got[string(s.Stream)] = s.Version
			names = append(names, string(s.Stream))
			if at := l.events[s.Position-1]; at.Stream != s.Stream || !at.RecordedAt.Equal(s.RecordedAt) || s.Category != s.Stream.Category() {
				t.Errorf("%+v", s)
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || !slices.IsSorted(names) || len(names) != len(got) {
		t.Errorf("%v %s", names, diff)
	}
	var rooms struct{ Items []api.Stream }
	l.as(t, l.analyst, "GET", "/streams?category=room", "").into(t, &rooms)
	if len(rooms.Items) != 2 {
		t.Errorf("rooms: %+v", rooms.Items)
	}
	l.as(t, l.analyst, "GET", "/streams?category=rooms&limit=0", "").want(t, "", 400, domain.CodeInvalidPayload)
	l.as(t, l.analyst, "GET", "/streams?cursor=x", "").want(t, "", 400, domain.CodeInvalidPayload)
}

// brokenLog fails for good after some events.
type brokenLog struct {
	api.LogQueries
	events int
}

func (b brokenLog) Head(context.Context) (event.Position, error) { return 1_000_000, nil }

func (b brokenLog) Select(_ context.Context, sel event.Selection, _ int, visit func(*event.Recorded) bool) (event.Position, error) {
	for p := sel.After + 1; int(p) <= b.events; p++ {
		visit(&event.Recorded{Position: p, Stream: "room-a", Type: "RoomUpdated"})
		sel.After = p
	}
	return sel.After, errors.New("the disk is gone")
}

// A replay that breaks in the middle is no whole answer, and one that cannot begin is an error.
func TestABrokenReplayIsSeen(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"ndjson", "sse", "parquet"} {
		f := newFake(t, api.Config{ReplayConfig: replay.Config{Patience: time.Nanosecond, BatchBytes: 100}}, func(d *api.Deps) {
			d.Log = brokenLog{events: 10}
		})
		server := httptest.NewServer(f)
		defer server.Close()
		body, err := fetch(t, server.URL+"/api/v1/events?format="+format, "admin")
		if format == "parquet" { // which has no row group yet: the answer is an error, if it is one at all
			if bytes.HasSuffix(body, []byte("PAR1")) {
				t.Error("a whole file")
			}
			continue
		}
		if lines := bytes.Count(body, []byte(`{"position":`)); !errors.Is(err, io.ErrUnexpectedEOF) || lines != 10 {
			t.Errorf("%s ended with %v after %q", format, err, body)
		}
	}
	f := newFake(t, api.Config{ReplayConfig: replay.Config{Patience: time.Millisecond}}, func(d *api.Deps) { d.Log = brokenLog{} })
	got := ask(t, f, request{method: "GET", path: "/api/v1/events", token: "admin", headers: []string{"Accept-Encoding", "gzip"}})
	got.want(t, "at once", 500, domain.CodeInternal)
	if got.header.Get("Content-Encoding") != "" {
		t.Errorf("the problem has header %v", got.header)
	}
}

func fetch(t *testing.T, at, token string) ([]byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, http.NoBody)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// Behind the limits the answer is 429 and says when to come again; a place that is left is free.
func TestReplaysAreLimited(t *testing.T) {
	t.Parallel()
	f := newFake(t, api.Config{Replays: api.ReplayLimits{OfUser: 2}}, func(d *api.Deps) { d.Log, d.Follower = quietLog{}, quietLog{} })
	server := httptest.NewServer(f)
	defer server.Close()
	defer f.Drain()
	first, stop := context.WithCancel(t.Context())
	defer stop()
	for _, ctx := range []context.Context{first, t.Context()} {
		answer := follow(t, ctx, server, "", "admin")
		defer answer.Body.Close()
		if answer.StatusCode != 200 {
			t.Fatalf("status %d", answer.StatusCode)
		}
	}
	got := ask(t, f, request{method: "GET", path: "/api/v1/events", token: "admin"})
	got.want(t, "the third", 429, domain.CodeRateLimited)
	if p := got.problem(t); p.RetryAfterMS < 1000 || got.header.Get("Retry-After") == "" {
		t.Errorf("come again after %d ms, header %v", p.RetryAfterMS, got.header)
	}
	stop()
	eventually(t, func() bool {
		return ask(t, f, request{method: "GET", path: "/api/v1/events", token: "admin"}).status == 200
	})
}

// quietLog is empty and stays so.
type quietLog struct{ api.LogQueries }

func (quietLog) Head(context.Context) (event.Position, error) { return 0, nil }

func (quietLog) Follow(ctx context.Context, _ event.Position, _ func(context.Context, []event.Recorded) error) error {
	<-ctx.Done()
	return nil
}

func follow(t *testing.T, ctx context.Context, server *httptest.Server, query, token string) *http.Response { //nolint:revive // t is first everywhere
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/events?follow=true&"+query, http.NoBody)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	return answer
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("it never came to hold")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
