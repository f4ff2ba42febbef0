package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"

	"parley/api/replay"
	"parley/domain"
	"parley/domain/event"
)

// formatTypes are the media types of the formats.
var formatTypes = map[replay.Format]string{
	replay.NDJSON: "application/x-ndjson", replay.SSE: "text/event-stream", replay.Parquet: "application/vnd.apache.parquet",
}

const headerLastEventID = "Last-Event-ID"

// accepted is the format that the Accept header names, "" if it names none.
func accepted(r *http.Request) replay.Format {
	accept := strings.ToLower(strings.Join(r.Header.Values(echo.HeaderAccept), ","))
	for entry := range strings.SplitSeq(accept, ",") {
		media, _, _ := strings.Cut(entry, ";")
		for _, f := range replay.Formats() {
			if strings.TrimSpace(media) == formatTypes[f] {
				return f
			}
		}
	}
	return ""
}

// play answers with a replay. After the first byte an error breaks the connection off, without the end that HTTP puts to
// a whole answer: no client takes a part for the whole.
func (a *API) play(c *call, r replay.Request) error {
	resumed, err := resume(c, &r)
	if err != nil {
		return err
	}
	leave, err := a.places.take(c.actor.UserID, r.Format)
	if err != nil {
		return err
	}
	defer leave()
	if err := a.awaitLog(c); err != nil {
		return err
	}
	plan, err := r.Plan(c.ctx(), a.Log)
	if err != nil {
		return err
	}
	defer c.patient(0)()
	c.at(plan.Head)
	out := a.newPlayback(c, r)
	err = a.keep(c, out, plan.Follow, func(ctx context.Context) error {
		return a.player.Play(ctx, plan, out, replay.Options{})
	})
	switch {
	case err == nil:
		return out.finish(resumed && !r.Follow)
	case !c.Response().Committed && out.failed() == nil:
		return err
	}
	if out.failed() == nil && c.ctx().Err() == nil {
		_ = out.Flush() // what there is, it is of use
		c.failure = err
		status, e := translate(err)
		a.report(c, status, e)
	}
	panic(http.ErrAbortHandler)
}

// resume reads where an EventSource wants to go on.
func resume(c *call, r *replay.Request) (bool, error) {
	last := c.Request().Header.Get(headerLastEventID)
	if last == "" || r.Format != replay.SSE {
		return false, nil
	}
	position, err := event.ParsePosition(last)
	if err != nil {
		return false, domain.Invalid(headerLastEventID, "must be the id of an event: a position")
	}
	r.From = max(r.From, position+1)
	return true, nil
}

const (
	staleAfter = 2 * time.Second
	stalePoll  = 20 * time.Millisecond
)

// awaitLog waits until the log holds what the caller wants to be seen at least: a replica may be behind.
func (a *API) awaitLog(c *call) error {
	least, err := c.minPosition()
	if err != nil || least == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx(), staleAfter)
	defer cancel()
	for {
		head, err := a.Log.Head(ctx)
		if err == nil && head >= least {
			return nil
		}
		select {
		case <-ctx.Done():
			return domain.Errorf(domain.CodeStale, "the log has not got as far as position %d", least)
		case <-time.After(stalePoll):
		}
	}
}

// errDrained ends those who follow when the node stops.
var errDrained = errors.New("the node stops")

// Drain ends the replays that follow. It is called once.
func (a *API) Drain() { close(a.draining) }

// keep plays while the caller may listen, and shows a listener that the connection lives.
func (a *API) keep(c *call, out *playback, follows bool, play func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(c.ctx())
	var keeper sync.WaitGroup
	defer keeper.Wait()
	defer cancel(nil)
	keeper.Go(func() {
		ticker := time.NewTicker(a.cfg.Heartbeat)
		defer ticker.Stop()
		draining := a.draining
		if !follows {
			draining = nil // what has an end is played to it
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-draining:
				cancel(errDrained)
				return
			case <-ticker.C:
				if err := a.mayListen(ctx, c, follows); err != nil {
					cancel(err)
					return
				}
				out.beat(a.cfg.Heartbeat)
			}
		}
	})
	err := play(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && c.ctx().Err() == nil {
		return cause
	}
	return err
}

// mayListen asks again who the caller is. A login that has ended ends the replay, and so does a user that was
// deactivated. A token only has to last until the beginning of a replay that has an end.
func (a *API) mayListen(ctx context.Context, c *call, follows bool) error {
	token, err := bearer(c.Request())
	if err != nil {
		return err
	}
	_, _, err = a.Authenticator.Authenticate(ctx, token)
	switch code := domain.CodeOf(err); {
	case code == domain.CodeTokenExpired && !follows, code == domain.CodeUnavailable, code == domain.CodeInternal:
		return nil
	default:
		return err
	}
}

const (
	writeChunk = 64 << 10 // bytes that a client has to take
	writeTime  = 30 * time.Second
)

// playback is the body of a replay: whole events, between which there may be signs of life.
type playback struct {
	c      *call
	format replay.Format
	rc     *http.ResponseController

	mu  sync.Mutex
	zip *gzip.Writer // nil where the client takes none
	at  time.Time    // of the last write
	err error        // of the first write that failed
}

func (a *API) newPlayback(c *call, r replay.Request) *playback {
	out := &playback{c: c, format: r.Format, rc: http.NewResponseController(c.Response().Writer), at: time.Now()}
	if r.Format != replay.Parquet && takesGzip(c.Request()) {
		out.zip, _ = gzip.NewWriterLevel(raw{out}, gzip.BestSpeed) // the level exists
	}
	return out
}

// begin sends the header.
func (p *playback) begin() {
	if p.c.Response().Committed {
		return
	}
	h := p.c.Response().Header()
	h.Set(echo.HeaderContentType, formatTypes[p.format])
	h.Set("X-Accel-Buffering", "no") // nginx sends what it gets
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	if p.zip != nil {
		h.Set(echo.HeaderContentEncoding, "gzip")
	}
	if p.format == replay.Parquet {
		h.Set(echo.HeaderContentDisposition, `attachment; filename="parley-events.parquet"`)
	}
	p.c.Response().WriteHeader(http.StatusOK)
}

// takesGzip reads Accept-Encoding as far as it matters here.
func takesGzip(r *http.Request) bool {
	for entry := range strings.SplitSeq(strings.Join(r.Header.Values(echo.HeaderAcceptEncoding), ","), ",") {
		coding, weight, _ := strings.Cut(entry, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			_, q, found := strings.Cut(weight, "=")
			value, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return !found || err == nil && value > 0
		}
	}
	return false
}

// Write sends whole events.
func (p *playback) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = time.Now()
	if p.zip == nil {
		return p.send(b)
	}
	n, err := p.zip.Write(b)
	p.fail(err)
	return n, err
}

// raw is what gzip writes to.
type raw struct{ p *playback }

func (r raw) Write(b []byte) (int, error) { return r.p.send(b) }

// send writes to a client that must not stop taking.
func (p *playback) send(b []byte) (n int, err error) {
	p.begin()
	for len(b) > 0 && err == nil {
		_ = p.rc.SetWriteDeadline(time.Now().Add(writeTime)) // a writer without a connection has none
		var sent int
		sent, err = p.c.Response().Write(b[:min(len(b), writeChunk)])
		n += sent
		b = b[sent:]
	}
	p.fail(err)
	return n, err
}

// Flush sends what is in buffers, the header at least.
func (p *playback) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flush()
}

func (p *playback) flush() error {
	if p.zip != nil {
		if err := p.zip.Flush(); err != nil {
			return err
		}
	}
	p.begin()
	_ = p.rc.SetWriteDeadline(time.Now().Add(writeTime))
	err := p.rc.Flush()
	p.fail(err)
	return err
}

// beat is a sign of life, where the format has one and nothing else was sent for a while.
func (p *playback) beat(every time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.format != replay.SSE || time.Since(p.at) < every/2 || !p.c.Response().Committed {
		return
	}
	w := io.Writer(raw{p})
	if p.zip != nil {
		w = p.zip
	}
	if _, err := io.WriteString(w, ":\n\n"); err == nil {
		_ = p.flush() // fails for the next write, too
	}
}

func (p *playback) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *playback) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// finish ends the answer. An EventSource comes back after the end of a replay, and stays away when it is told that there
// is no more.
func (p *playback) finish(ended bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { _ = p.rc.SetWriteDeadline(time.Time{}) }() // the connection may serve other requests
	if ended && !p.c.Response().Committed {
		return p.c.NoContent(http.StatusNoContent)
	}
	p.begin()
	if p.zip == nil {
		return nil
	}
	return p.zip.Close()
}
