package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sync/errgroup"
)

// history fills rooms with messages, and then reads pages of them by REST from so many kept connections, each of which
// asks again as soon as it was answered.
func (f *fleet) history(ctx context.Context) (*Result, error) {
	r := f.newResult()
	m, err := newMeter(&f.options)
	if err != nil {
		return nil, err
	}
	defer m.finish()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	if err := f.speak(ctx, "say what will be read", uint32(max(1, f.options.Messages/f.options.Senders))); err != nil {
		return nil, err
	}
	readers := &readers{fleet: f, latency: newHistogram(), http: &http.Transport{MaxIdleConnsPerHost: f.options.Concurrency}}
	defer readers.http.CloseIdleConnections()
	if err := readers.read(ctx, "warm up", f.options.Warmup); err != nil {
		return nil, err
	}
	readers.latency.Reset()
	if err := m.begin(); err != nil {
		return nil, err
	}
	began := time.Now()
	interrupted := readers.read(ctx, "read", f.options.Duration)
	r.Seconds = time.Since(began).Seconds()
	if interrupted != nil && ctx.Err() == nil {
		return nil, interrupted
	}
	if err := m.end(); err != nil {
		return nil, err
	}
	f.conclude(r, m)
	r.Requests = readers.latency.TotalCount()
	r.RequestsPerSecond = perSecond(r.Requests, r.Seconds)
	r.RequestLatency = summarize(readers.latency)
	r.Interrupted = interrupted != nil
	return r, interrupted
}

// readers read pages.
type readers struct {
	fleet   *fleet
	http    *http.Transport
	mu      sync.Mutex
	latency *hdrhistogram.Histogram
}

// read reads for so long.
func (rs *readers) read(ctx context.Context, phase string, span time.Duration) error {
	if span <= 0 {
		return nil
	}
	began := time.Now()
	stop := rs.fleet.report(func() Progress {
		return Progress{Phase: phase, Done: time.Since(began).Seconds(), Of: span.Seconds(), Unit: "s"}
	})
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	for range rs.fleet.options.Concurrency {
		group.Go(func() error {
			for time.Since(began) < span {
				if err := rs.page(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// maxPage bounds what is read of an answer.
const maxPage = 64 << 20

// page reads one, somewhere in some room.
func (rs *readers) page(ctx context.Context) error {
	o := &rs.fleet.options
	c := rs.fleet.clients[rand.IntN(len(rs.fleet.clients))] //nolint:gosec // it spreads, and protects nothing
	before := 1 + min(o.Page, o.Messages)
	before += rand.IntN(max(1, o.Messages-before+2)) //nolint:gosec // it spreads, and protects nothing
	url := fmt.Sprintf("%s/api/v1/rooms/%s/messages?limit=%d&before=%d", rs.fleet.servers[c.node].base, c.room.id, o.Page, before)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	began := time.Now()
	resp, err := rs.http.RoundTrip(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	took := time.Since(began)
	_ = resp.Body.Close()
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the server answers %s with %s: %.200s", url, resp.Status, body)
	case !bytes.Contains(body, markStart):
		return fmt.Errorf("the server answers %s without a message: %.200s", url, body)
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	record(rs.latency, int64(took))
	return nil
}
